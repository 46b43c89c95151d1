"""LatentCodec of a model with a trellis: what differs from rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.models.weights import ModelWeights, read_weights, write_weights
from entropy.coder import encode, trellis
from entropy.errors import EntropyCodingError
from networks.train.spec import MEAN_BITS
from entropy.models import gaussian, latent_codec
from entropy.models.latent_codec import TRELLIS_TABLES, LatentCodec

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def codec(trellis_weights: ModelWeights) -> LatentCodec:
    """The latent codec of the small model with a trellis, from its weights file."""
    weights = read_weights(write_weights(trellis_weights))
    return LatentCodec(weights.config.entropy, weights.network, weights.tables, CPU)


def latents(height: int, width: int, spread: float = 3.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(seed)
    y = random.laplace(0, spread, (height, width, 32)).astype(np.float32)
    z = random.integers(-6, 7, (height // 4, width // 4, 8))
    return torch.from_numpy(y), torch.from_numpy(z).float()


NONE = torch.zeros(3 * gaussian.SCALE_LEVELS)


@pytest.mark.parametrize("size", [(4, 4), (4, 12), (20, 8), (28, 4)])
@pytest.mark.parametrize("level", [0, 31, 63])
@pytest.mark.parametrize("spread", [0.0, 0.3, 3.0, 20_000.0])
def test_decompress_returns_the_y_hat_of_compress(
    codec: LatentCodec, size: tuple[int, int], level: int, spread: float
) -> None:
    y, z = latents(*size, spread, seed=level)

    payload, y_hat = codec.compress(y, z, level, NONE)
    again = codec.decompress(payload, *size, level)

    assert again.dtype == torch.float32
    assert torch.equal(again, y_hat)
    units = y_hat * 2**MEAN_BITS
    assert torch.equal(units, units.round())


def test_steps_and_means_count_in_one_unit() -> None:
    assert trellis.STEP_BITS == MEAN_BITS


def test_tables_of_the_quantisers_and_of_z_lie_apart(codec: LatentCodec) -> None:
    segments, _ = codec.segments(*latents(16, 16), 40, NONE)

    assert segments[0][1].min() >= TRELLIS_TABLES
    for symbols, tables in segments[1:]:
        assert symbols.dtype == np.int16
        assert tables.dtype == np.uint8
        assert tables.max() < TRELLIS_TABLES
        share = float((tables[tables >= gaussian.SKIP_BELOW] >= gaussian.SCALE_LEVELS).mean())
        assert 0.3 < share < 0.7  # both quantisers are in use


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_both_backends_give_the_same_bytes(
    codec: LatentCodec,
    trellis_weights: ModelWeights,
    backend: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    y, z = latents(8, 8)
    payload, y_hat = codec.compress(y, z, 40, NONE)
    monkeypatch.setattr(latent_codec, "backend", lambda: backend)

    segments, decoded = codec.segments(y, z, 40, NONE)

    assert torch.equal(decoded, y_hat)
    assert encode(segments, trellis_weights.tables.cdf, backend=backend) == payload  # type: ignore[arg-type]


def test_error_is_weighed_against_bits(
    codec: LatentCodec, trellis_weights: ModelWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, z = latents(16, 16)
    payload, y_hat = codec.compress(y, z, 40, NONE)
    monkeypatch.setattr(latent_codec, "TRELLIS_WEIGHT", 1)
    careless = LatentCodec(codec.config, trellis_weights.network, trellis_weights.tables, CPU)

    shorter, worse = careless.compress(y, z, 40, NONE)

    assert len(shorter) < len(payload)
    assert (worse - y).square().mean() > (y_hat - y).square().mean()


def test_damage_is_noticed(codec: LatentCodec) -> None:
    payload, _ = codec.compress(*latents(4, 8), 20, NONE)

    for size in range(0, len(payload), 7):
        with pytest.raises(EntropyCodingError):
            codec.decompress(payload[:size], 4, 8, 20)
    random = np.random.default_rng(0)
    for size in (1, 30, 400):
        with pytest.raises(EntropyCodingError):
            codec.decompress(random.bytes(size), 4, 8, 20)
