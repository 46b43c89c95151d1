"""The order in which y is coded."""

from __future__ import annotations

import torch

from entropy.models.partition import joined, split


def test_split_takes_every_latent_once_and_joined_puts_it_back() -> None:
    y = torch.arange(2 * 4 * 6 * 8).float().view(2, 4, 6, 8)

    parts = split(y)

    assert [tuple(part.shape) for part in parts] == [(2, 4, 2, 3, 2)] * 4
    # Group 3 of cell 0 is coded at the second step, of cell 3 at the first.
    torch.testing.assert_close(parts[1][:, 0], y[:, 0::2, 0::2, 6:])
    torch.testing.assert_close(parts[0][:, 3], y[:, 1::2, 1::2, 6:])
    torch.testing.assert_close(joined([part.unbind(1) for part in parts]), y)
