"""LatentCodec: what is decompressed is what was compressed, bit for bit; damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from codec.models.weights import ModelWeights
from entropy.coder import CdfTables
from entropy.errors import EntropyCodingError, InexactBackend
from networks.train.spec import MEAN_BITS
from entropy.models import gaussian
from entropy.models.latent_codec import HYPER_STRIDE, SYMBOL_LIMIT, LatentCodec
from entropy.models.quadtree import STEPS

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def codec(tiny_weights: ModelWeights) -> LatentCodec:
    """The latent codec of the small model."""
    config = tiny_weights.config.entropy
    return LatentCodec(config, tiny_weights.network, tiny_weights.tables, CPU)


@pytest.fixture(scope="session")
def tables(tiny_weights: ModelWeights) -> CdfTables:
    """Its tables."""
    return tiny_weights.tables.cdf


def latents(height: int, width: int, spread: float = 3.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """y and z of some tile: Laplacian, so that some symbols are large."""
    random = np.random.default_rng(seed)
    y = random.laplace(0, spread, (height, width, 32)).astype(np.float32)
    z = random.integers(-6, 7, (height // HYPER_STRIDE, width // HYPER_STRIDE, 8))
    return torch.from_numpy(y), torch.from_numpy(z).float()


@pytest.mark.parametrize("size", [(4, 4), (4, 12), (20, 8), (12, 12), (4, 32), (28, 4)])
@pytest.mark.parametrize("level", [0, 31, 63])
def test_decompress_returns_the_y_hat_of_compress(
    codec: LatentCodec, tiny_weights: ModelWeights, size: tuple[int, int], level: int
) -> None:
    y, z = latents(*size, seed=level)

    payload, y_hat = codec.compress(y, z, level, tiny_weights.dead_zone)
    again = codec.decompress(payload, *size, level)

    assert y_hat.shape == (*size, 32)
    assert again.dtype == torch.float32
    assert torch.equal(again, y_hat)


@pytest.mark.parametrize("spread", [0.0, 0.05, 100.0, 20_000.0])
def test_extreme_latents_come_back(codec: LatentCodec, spread: float) -> None:
    y, z = latents(8, 8, spread)
    z = (z * (spread * 10)).round()

    payload, y_hat = codec.compress(y, z, 40, torch.zeros(64))

    assert torch.equal(codec.decompress(payload, 8, 8, 40), y_hat)


def test_symbols_are_clamped_to_16_bits(codec: LatentCodec) -> None:
    y = torch.full((4, 4, 32), 1e9)
    z = torch.full((1, 1, 8), -1e9)

    segments, y_hat = codec.segments(y, z, 0, torch.zeros(64))

    assert int(segments[0][0].min()) == -SYMBOL_LIMIT
    assert max(int(s.max()) for s, _ in segments[1:]) == SYMBOL_LIMIT
    payload, _ = codec.compress(y, z, 0, torch.zeros(64))
    assert torch.equal(codec.decompress(payload, 4, 4, 0), y_hat)


def test_y_hat_is_within_half_a_step_of_y_where_nothing_is_skipped(codec: LatentCodec) -> None:
    y, z = latents(8, 8)

    segments, y_hat = codec.segments(y, z, 40, torch.zeros(64))

    skipped = sum(int((i < 3).sum()) for _, i in segments[1:])
    off = int(((y - y_hat).abs() > 0.5 + 1e-5).sum())
    assert off <= skipped


def test_y_hat_has_five_fractional_bits(codec: LatentCodec) -> None:
    y, z = latents(8, 8)

    _, y_hat = codec.segments(y, z, 40, torch.zeros(64))

    units = y_hat * 2**MEAN_BITS
    assert torch.equal(units, units.round())


def test_segments_are_z_and_four_steps(codec: LatentCodec, tiny_weights: ModelWeights) -> None:
    y, z = latents(8, 12)

    segments, _ = codec.segments(y, z, 7, tiny_weights.dead_zone)

    assert len(segments) == 1 + STEPS
    assert segments[0][0].tolist() == z.flatten().int().tolist()
    assert segments[0][1].reshape(2, 3, 8)[1, 2].tolist() == tiny_weights.tables.z_index[7].tolist()
    assert [len(s) for s, _ in segments[1:]] == [8 * 12 * 32 // 4] * 4
    for symbols, indexes in segments:
        assert symbols.dtype == np.int16
        assert indexes.dtype == np.uint8
        assert symbols.flags.c_contiguous
        assert indexes.flags.c_contiguous
        assert int(indexes.max()) < gaussian.SCALE_LEVELS


def test_skipped_symbols_are_zero_and_cost_nothing(
    codec: LatentCodec, tables: CdfTables, tiny_weights: ModelWeights
) -> None:
    """The rule applies: a network whose indexes are all under `skip_below` codes only z."""
    layers = {
        name: layer
        if ".index." not in name
        else type(layer)(layer.spec, layer.weight * 0, layer.bias * 0, layer.shift)
        for name, layer in tiny_weights.network.layers.items()
    }
    network = type(tiny_weights.network)(
        {n: v.spec for n, v in layers.items()},
        layers,
        tiny_weights.network.input_shifts,
        tiny_weights.network.compand,
        64,
    )
    assert tables.skip_below == 3
    sure = LatentCodec(tiny_weights.config.entropy, network, tiny_weights.tables, CPU)
    y, z = latents(16, 16, spread=50.0)

    segments, y_hat = sure.segments(y, z * 0, 9, torch.zeros(64))
    payload, _ = sure.compress(y, z * 0, 9, torch.zeros(64))

    assert all(not s.any() and (i < 3).all() for s, i in segments[1:])
    assert len(payload) < 80  # 128 zeros of z; 8192 symbols of y for nothing
    assert torch.equal(sure.decompress(payload, 16, 16, 9), y_hat)


def test_rounding_towards_zero_grows_with_the_dead_zone(codec: LatentCodec) -> None:
    y, z = latents(16, 16, spread=1.0)

    counts = []
    for zone in (0.0, 0.1, 0.3):
        segments, _ = codec.segments(y, z, 30, torch.full((64,), zone))
        counts.append(sum(int(np.abs(s.astype(np.int64)).sum()) for s, _ in segments[1:]))

    assert counts[0] > counts[1] > counts[2]


def test_size_is_near_the_ideal_code_length(codec: LatentCodec, tables: CdfTables) -> None:
    y, z = latents(16, 16)

    segments, _ = codec.segments(y, z, 30, torch.zeros(64))
    payload, _ = codec.compress(y, z, 30, torch.zeros(64))

    bits = 0.0
    for symbols, indexes in segments:
        for symbol, index in zip(symbols.tolist(), indexes.tolist(), strict=True):
            if index < tables.skip_below:
                continue
            cdf, place = tables.cdfs[index].astype(np.int64), symbol - tables.offsets[index]
            escape = tables.lengths[index] - 1
            inside = 0 <= place < escape
            at = place if inside else escape
            bits += 16 - np.log2(cdf[at + 1] - cdf[at]) + (0 if inside else 20)
    assert len(payload) <= bits / 8 * 1.005 + 24


def test_wrong_level_does_not_decode_to_the_same(
    codec: LatentCodec, tiny_weights: ModelWeights
) -> None:
    y, z = latents(8, 8)
    payload, y_hat = codec.compress(y, z, 20, tiny_weights.dead_zone)

    try:
        other = codec.decompress(payload, 8, 8, 50)
    except EntropyCodingError:
        return
    assert not torch.equal(other, y_hat)


def test_truncated_payload_raises(codec: LatentCodec, tiny_weights: ModelWeights) -> None:
    payload, _ = codec.compress(*latents(4, 8), 20, tiny_weights.dead_zone)

    for size in range(0, len(payload), max(1, len(payload) // 40)):
        with pytest.raises(EntropyCodingError):
            codec.decompress(payload[:size], 4, 8, 20)


def test_longer_payload_raises(codec: LatentCodec, tiny_weights: ModelWeights) -> None:
    payload, _ = codec.compress(*latents(4, 8), 20, tiny_weights.dead_zone)

    for rest in (b"\0", b"\xff\xff", payload):
        with pytest.raises(EntropyCodingError):
            codec.decompress(payload + rest, 4, 8, 20)


@pytest.mark.parametrize("size", [(4, 4), (8, 8), (4, 12)])
def test_payload_of_another_size_raises(
    codec: LatentCodec, tiny_weights: ModelWeights, size: tuple[int, int]
) -> None:
    payload, _ = codec.compress(*latents(4, 8), 20, tiny_weights.dead_zone)

    with pytest.raises(EntropyCodingError):
        codec.decompress(payload, *size, 20)


def test_random_payload_gives_a_named_error_or_latents(codec: LatentCodec) -> None:
    random = np.random.default_rng(1)
    for size in [0, 1, 2, 3, 5, 8, 13, 40, 200, 2000] * 3:
        try:
            y_hat = codec.decompress(random.bytes(size), 4, 8, 20)
        except EntropyCodingError:
            continue
        assert bool(torch.isfinite(y_hat).all())


def test_reduced_precision_switched_on_later_is_refused(codec: LatentCodec) -> None:
    y, z = latents(4, 4)
    payload, _ = codec.compress(y, z, 20, torch.zeros(64))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with pytest.raises(InexactBackend):
            codec.segments(y, z, 20, torch.zeros(64))
        with pytest.raises(InexactBackend):
            codec.decompress(payload, 4, 4, 20)
    finally:
        torch.set_float32_matmul_precision(before)


def test_autocast_of_the_caller_does_not_reach_the_exact_networks(
    codec: LatentCodec, tiny_weights: ModelWeights
) -> None:
    y, z = latents(8, 8)
    payload, y_hat = codec.compress(y, z, 20, tiny_weights.dead_zone)

    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(codec.decompress(payload, 8, 8, 20), y_hat)
