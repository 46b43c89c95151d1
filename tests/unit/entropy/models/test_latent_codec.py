"""LatentCodec: what is decompressed is what was compressed, bit for bit; damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.trainable.weights import TrainedWeights
from entropy.coder import CdfTables, trellis
from entropy.errors import EntropyCodingError
from entropy.models import gaussian, latent_codec
from entropy.models.latent_codec import (
    MEAN_BITS,
    SYMBOL_LIMIT,
    TABLES,
    TRELLIS_TABLES,
    UNIT_BITS,
    LatentCodec,
    Recipe,
    join_steps,
    split_steps,
)
from entropy.models.quadtree import ORDER, STEPS
from entropy.models.record import Y_HAT_RANGE, programs
from networks.export.integer_layers import IntegerLayer, IntegerNetwork
from networks.native import NativeProgram
from networks.train import spec
from tests.unit.entropy.models.cases import HYPER, LATENT, codec_of, latents

Ints = NDArray[np.int32]


@pytest.fixture(scope="module")
def codec(tiny_weights: TrainedWeights) -> LatentCodec:
    """The latent codec of the small model."""
    return codec_of(tiny_weights)


@pytest.fixture(scope="module")
def tables(tiny_weights: TrainedWeights) -> CdfTables:
    """Its tables."""
    return tiny_weights.tables.cdf


@pytest.mark.parametrize("size", [(4, 4), (4, 12), (20, 8), (28, 4)])
@pytest.mark.parametrize("level", [0, 31, 63])
def test_decompress_returns_the_y_hat_of_compress(
    codec: LatentCodec, size: tuple[int, int], level: int
) -> None:
    payload, y_hat, _ = codec.compress(*latents(*size, seed=level), level)

    again = codec.decompress(payload, *size, level)

    assert again.shape == (*size, LATENT)
    assert again.dtype == np.int32
    assert np.array_equal(again, y_hat)


@pytest.mark.parametrize("spread", [0.0, 0.05, 100.0, 20_000.0])
def test_extreme_latents_come_back(codec: LatentCodec, spread: float) -> None:
    y, z = latents(8, 8, spread)
    z = (z * (spread * 10)).astype(np.int32)

    payload, y_hat, _ = codec.compress(y, z, 40)

    assert np.array_equal(codec.decompress(payload, 8, 8, 40), y_hat)
    assert np.abs(y_hat).max() <= Y_HAT_RANGE


def test_z_is_clamped_to_16_bits(codec: LatentCodec) -> None:
    y, z = latents(4, 4)
    z[...] = -(10**9)

    payload, y_hat, segments = codec.compress(y, z, 0)

    assert segments[0][0].tolist() == [-SYMBOL_LIMIT] * HYPER
    assert np.array_equal(codec.decompress(payload, 4, 4, 0), y_hat)


def test_units_are_those_of_the_networks_and_of_the_trellis() -> None:
    assert MEAN_BITS == spec.MEAN_BITS == trellis.STEP_BITS
    assert UNIT_BITS == trellis.UNIT_BITS
    assert TABLES == gaussian.SCALE_LEVELS == spec.INDEX_MAX + 1


def test_y_hat_is_near_y_where_nothing_is_skipped(codec: LatentCodec) -> None:
    y, z = latents(8, 8)

    _, y_hat, segments = codec.compress(y, z, 40)

    off = np.abs(y / 2**UNIT_BITS - y_hat / 2**MEAN_BITS)
    coded = [(s[1] % TABLES >= gaussian.SKIP_BELOW).reshape(4, 4, 4, -1) for s in segments[1:]]
    unit = 20 / 2**MEAN_BITS
    assert off[join_steps(coded)].max() < 2 * unit
    assert off[join_steps(coded)].mean() < 0.5 * unit


def test_segments_are_z_and_four_steps(codec: LatentCodec, tiny_weights: TrainedWeights) -> None:
    y, z = latents(8, 12)

    _, _, segments = codec.compress(y, z, 7)

    assert len(segments) == 1 + STEPS
    assert segments[0][0].tolist() == z.reshape(-1).tolist()
    assert segments[0][1].reshape(2, 3, 8)[1, 2].tolist() == tiny_weights.tables.z_index[7].tolist()
    assert [len(s) for s, _ in segments[1:]] == [8 * 12 * LATENT // 4] * 4
    for symbols, indexes in segments:
        assert symbols.dtype == np.int16
        assert indexes.dtype == np.uint8
        assert symbols.flags.c_contiguous
        assert indexes.flags.c_contiguous


def test_tables_of_the_quantisers_and_of_z_lie_apart(codec: LatentCodec) -> None:
    _, _, segments = codec.compress(*latents(16, 16), 40)

    assert segments[0][1].min() >= TRELLIS_TABLES
    for _, tables in segments[1:]:
        assert tables.max() < TRELLIS_TABLES
        coded = tables % TABLES >= gaussian.SKIP_BELOW
        assert 0.3 < float((tables[coded] >= TABLES).mean()) < 0.7  # both quantisers are in use


def test_splitting_takes_every_latent_once_and_joining_puts_it_back() -> None:
    y = np.arange(4 * 6 * 8).reshape(4, 6, 8)

    parts = split_steps(y)

    assert [part.shape for part in parts] == [(4, 2, 3, 2)] * STEPS
    for step, order in enumerate(ORDER):
        for c, group in enumerate(order):
            wanted = y[c // 2 :: 2, c % 2 :: 2, 2 * group : 2 * group + 2]
            assert np.array_equal(parts[step][c], wanted)
    assert np.array_equal(join_steps(parts), y)


def sure(network: IntegerNetwork) -> IntegerNetwork:
    """The network with indexes that are all 0."""
    layers = {
        name: IntegerLayer(layer.spec, layer.weight * 0, layer.bias * 0, layer.shift)
        if ".index." in name
        else layer
        for name, layer in network.layers.items()
    }
    specs = {name: layer.spec for name, layer in layers.items()}
    return IntegerNetwork(specs, layers, network.input_shifts, network.compand, network.levels)


def test_skipped_symbols_are_zero_and_cost_nothing(
    tables: CdfTables, tiny_weights: TrainedWeights
) -> None:
    """The rule applies: a network whose indexes are all under `skip_below` codes only z."""
    assert tables.skip_below == gaussian.SKIP_BELOW == 3
    codec = codec_of(tiny_weights, sure(tiny_weights.network))
    y, z = latents(16, 16, spread=50.0)

    payload, y_hat, segments = codec.compress(y, z * 0, 9)

    assert all(not s.any() and (i < 3).all() for s, i in segments[1:])
    assert len(payload) < 80  # 128 zeros of z; 8192 symbols of y for nothing
    assert np.array_equal(codec.decompress(payload, 16, 16, 9), y_hat)


def test_size_is_near_the_ideal_code_length(codec: LatentCodec, tables: CdfTables) -> None:
    payload, _, segments = codec.compress(*latents(16, 16), 30)

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


def test_both_backends_of_the_coder_give_the_same_bytes(tiny_weights: TrainedWeights) -> None:
    y, z = latents(8, 8)
    found = [codec_of(tiny_weights, backend=name) for name in ("native", "reference")]

    (payload, y_hat, _), (other, decoded, _) = (c.compress(y, z, 40) for c in found)

    assert other == payload
    assert np.array_equal(decoded, y_hat)
    assert np.array_equal(found[1].decompress(payload, 8, 8, 40), y_hat)


def test_error_is_weighed_against_bits(
    codec: LatentCodec, tiny_weights: TrainedWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, z = latents(16, 16)
    payload, y_hat, _ = codec.compress(y, z, 40)
    monkeypatch.setattr(latent_codec, "TRELLIS_WEIGHT", 1)

    shorter, worse, _ = codec_of(tiny_weights).compress(y, z, 40)

    def error(found: Ints) -> float:
        return float(np.square(found * 2.0 ** (UNIT_BITS - MEAN_BITS) - y).mean())

    assert len(shorter) < len(payload)
    assert error(worse) > error(y_hat)


@pytest.mark.parametrize("level", [0, 40])
def test_compiled_networks_give_the_same_bytes(
    codec: LatentCodec, tiny_weights: TrainedWeights, level: int
) -> None:
    config = tiny_weights.config.entropy
    compiled = {
        name: NativeProgram(p) for name, p in programs(config, tiny_weights.network).items()
    }
    y, z = latents(12, 8)
    payload, y_hat, _ = codec.compress(y, z, level)
    recipe = Recipe(config.latent, config.hyper, config.trellis_step, config.trellis_states)
    other = LatentCodec(
        recipe, tiny_weights.tables.cdf, tiny_weights.tables.z_index,
        lambda name, inputs, at: compiled[name](inputs, at),
    )  # fmt: skip

    assert other.compress(y, z, level)[0] == payload
    assert np.array_equal(other.decompress(payload, 12, 8, level), y_hat)


def test_wrong_level_does_not_decode_to_the_same(codec: LatentCodec) -> None:
    payload, y_hat, _ = codec.compress(*latents(8, 8), 20)

    try:
        other = codec.decompress(payload, 8, 8, 50)
    except EntropyCodingError:
        return
    assert not np.array_equal(other, y_hat)


def test_truncated_payload_raises(codec: LatentCodec) -> None:
    payload, _, _ = codec.compress(*latents(4, 8), 20)

    for size in range(0, len(payload), max(1, len(payload) // 40)):
        with pytest.raises(EntropyCodingError):
            codec.decompress(payload[:size], 4, 8, 20)


def test_longer_payload_raises(codec: LatentCodec) -> None:
    payload, _, _ = codec.compress(*latents(4, 8), 20)

    for rest in (b"\0", b"\xff\xff", payload):
        with pytest.raises(EntropyCodingError):
            codec.decompress(payload + rest, 4, 8, 20)


@pytest.mark.parametrize("size", [(4, 4), (8, 8), (4, 12)])
def test_payload_of_another_size_raises(codec: LatentCodec, size: tuple[int, int]) -> None:
    payload, _, _ = codec.compress(*latents(4, 8), 20)

    with pytest.raises(EntropyCodingError):
        codec.decompress(payload, *size, 20)


def test_damaged_payload_gives_a_named_error_or_latents(codec: LatentCodec) -> None:
    payload, y_hat, _ = codec.compress(*latents(4, 8), 20)
    random = np.random.default_rng(1)
    damaged = [random.bytes(size) for size in [0, 1, 2, 3, 5, 8, 13, 40, 200, 2000] * 3]
    for at in random.integers(0, len(payload), 40).tolist():
        flipped = bytearray(payload)
        flipped[at] ^= 1 << at % 8
        damaged.append(bytes(flipped))

    for data in damaged:
        try:
            found = codec.decompress(data, 4, 8, 20)
        except EntropyCodingError:
            continue
        assert np.abs(found).max() <= Y_HAT_RANGE
        assert not np.array_equal(found, y_hat)
