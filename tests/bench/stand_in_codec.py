"""A codec of two lines that stands in for ours, so that the benchmarks of the lossless mode are
tested whether or not this version has one.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import codec

__all__ = ["stand_in_codec"]


def stand_in_codec(monkeypatch: pytest.MonkeyPatch, fault: int = 0) -> None:
    """Replaces `codec.encode` and `codec.decode`.

    Args:
        fault: what is added to the first sample of every picture of more than 100 pixels.
    """

    def encode(
        image: NDArray[Any], *, lossless: bool = False, near_lossless: int = 0, effort: int = 7,
        tile: int = 1024, threads: int = 0,
    ) -> bytes:  # fmt: skip
        assert lossless != bool(near_lossless)
        file = io.BytesIO()
        samples = image[..., None].copy() if image.ndim == 2 else image.copy()
        if samples.size > 100:
            samples[0, 0, 0] ^= fault
        samples.ravel()[samples.size // 2] ^= near_lossless & 1
        np.save(file, samples)
        return file.getvalue()

    def decode(data: bytes, *, threads: int = 0) -> NDArray[Any]:
        return np.asarray(np.load(io.BytesIO(data)))

    monkeypatch.setattr(codec, "encode", encode)
    monkeypatch.setattr(codec, "decode", decode)
