"""The trellis: both backends agree, the choice is the best one, and it is worth its while."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from entropy import CorruptStream, EntropyCodingError, InvalidTable, StreamExhausted
from entropy.coder import CdfTables, Decoder, encode, native, pmf_to_cdf, trellis
from entropy.coder.states import CHAINS, EDGES, FEW_STATES, MANY_STATES, NEXT_STATE
from tests.unit.entropy.coder.cases import (
    BACKENDS,
    gaussian_segment,
    gaussian_tables,
    ideal_bits,
    quantisers_of,
)

STRIDE = 12
SPEC = Path(__file__).parents[4] / "entropy" / "SPEC.md"


def costs(
    step: int = 20, weight: int = 8, skip_below: int = 3, states: int = FEW_STATES
) -> trellis.TrellisCosts:
    """Prices of 24 tables: 12 of either quantiser, as different as those of other scales."""
    tables = gaussian_tables(2 * STRIDE, skip_below)
    return trellis.costs_of(tables, STRIDE, step, weight, states)


def residuals(size: int, seed: int = 0) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """In 2^-8 symbols."""
    random = np.random.default_rng(seed)
    indexes = random.integers(0, STRIDE, size).astype(np.uint8)
    return np.rint(random.laplace(0, 1.5 * 256, size)).astype(np.int32), indexes


def payload_of(
    size: int, tables: CdfTables, states: int
) -> tuple[bytes, npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """One segment along the trellis: its payload, symbols and indexes."""
    values, indexes = residuals(size)
    prices = costs(states=states)
    symbols, sets = trellis.quantise(values, indexes, prices, backend="reference")
    return encode([(symbols, indexes + STRIDE * sets)], tables), symbols, indexes


def test_the_states_are_those_of_the_specification() -> None:
    row = re.search(r"NEXT += (.*)", SPEC.read_text())

    assert row is not None
    pairs = re.findall(r"\((\d) (\d)\)", row.group(1))
    assert tuple((int(a), int(b)) for a, b in pairs) == NEXT_STATE[FEW_STATES]


def test_the_many_states_are_those_of_the_specification() -> None:
    row = re.search(r"xor (\d+) \* \(state mod 2\) xor (\d+) \* \(symbol mod 2\)", SPEC.read_text())

    assert row is not None
    by_state, by_symbol = map(int, row.groups())
    for state in range(MANY_STATES):
        for parity in (0, 1):
            following = state // 2 ^ by_state * (state % 2) ^ by_symbol * parity
            assert NEXT_STATE[MANY_STATES][state][parity] == following
    assert (by_state * 2 | 1, by_symbol * 2) == (0o515, 0o362)


@pytest.mark.parametrize("states", NEXT_STATE)
def test_two_edges_lead_into_every_state(states: int) -> None:
    assert {len(edges) for edges in EDGES[states]} == {2}
    assert len({edge for edges in EDGES[states] for edge in edges}) == 2 * states
    reached = {0}
    for _ in range(states.bit_length() - 1):
        reached = {following for state in reached for following in NEXT_STATE[states][state]}
    assert len(reached) == states


def test_points_of_the_two_quantisers() -> None:
    symbols = np.arange(-2, 3)

    assert trellis.points(symbols, 0).tolist() == [-4, -2, 0, 2, 4]
    assert trellis.points(symbols, 1).tolist() == [-3, -1, 0, 1, 3]


@pytest.mark.parametrize("states", NEXT_STATE)
@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 64, 1000, 4000])
@pytest.mark.parametrize(("step", "weight"), [(1, 8), (20, 8), (64, 64), (20, 0)])
def test_backends_choose_the_same(size: int, step: int, weight: int, states: int) -> None:
    values, indexes = residuals(size, seed=size)
    if size > 40:
        values[:6] = [2**31 - 1, -(2**31), 1 - 2**31, 1 << 24, 0, -1]
    if size > 2000:  # as dear as it gets, from the first symbols of the chains on
        values[: 9 * CHAINS], indexes[: 9 * CHAINS] = 1 << 30, STRIDE - 1
    prices = costs(step, weight, states=states)

    reference = trellis.quantise(values, indexes, prices, backend="reference")

    assert np.array_equal(
        reference[1], quantisers_of(reference[0], indexes, prices.skip_below, states)
    )
    if native.unavailable_reason() is None:
        symbols, sets = trellis.quantise(values, indexes, prices, backend="native")
        assert np.array_equal(symbols, reference[0])
        assert np.array_equal(sets, reference[1])


def test_symbols_become_units_to_the_nearest() -> None:
    values = np.array([0, 1, -1, 0.5, 1.5, -1.5, 2.49, 2.51], np.float32) / 256

    found = trellis.in_units(values)

    assert found.dtype == np.int32
    assert found.tolist() == [0, 1, -1, 1, 2, -2, 2, 3]
    assert trellis.in_units(np.array([3.0, -2.5], np.float32)).tolist() == [768, -640]


def test_what_is_no_number_counts_as_nothing_and_what_is_large_as_large() -> None:
    values = np.array([np.nan, np.inf, -np.inf, 1e38, -1e38, -0.0], np.float32)

    assert trellis.in_units(values).tolist() == [0, 1 << 30, -(1 << 30), 1 << 30, -(1 << 30), 0]


def test_prices_are_those_of_the_dearer_sign_in_whole_units() -> None:
    rows = [
        pmf_to_cdf(np.array([0.1, 0.5, 0.35, 0.05])),
        pmf_to_cdf(np.array([0.2, 0.6, 0.1, 0.1])),
    ]
    tables = CdfTables(rows, offsets=[-1, -1])

    bits = trellis.costs_of(tables, 1, 20, 8).bits

    assert bits.dtype == np.int32
    assert bits.shape == (2, 1, 2)
    frequencies = [np.diff(row.astype(int)) for row in tables.cdfs]
    for quantiser, counts in enumerate(frequencies):
        wanted = [-math.log2(counts[1] / 65536), -math.log2(min(counts[0], counts[2]) / 65536)]
        assert bits[quantiser, 0].tolist() == pytest.approx([2048 * w for w in wanted], abs=2)


def test_skipped_symbols_are_zero_and_do_not_move_a_chain() -> None:
    values, indexes = residuals(2000)
    prices = costs()
    coded = indexes >= prices.skip_below

    symbols, sets = trellis.quantise(values, indexes, prices, backend="reference")
    alone = trellis.quantise(values[coded], indexes[coded], prices, backend="reference")

    assert not symbols[~coded].any()
    assert not sets[~coded].any()
    assert np.array_equal(symbols[coded], alone[0])
    assert np.array_equal(sets[coded], alone[1])


@pytest.mark.parametrize("states", NEXT_STATE)
@pytest.mark.parametrize("seed", range(4))
def test_no_other_candidates_are_cheaper(seed: int, states: int) -> None:
    """All paths of a chain of four symbols: zero and the points on both sides of the residual."""
    prices = costs(weight=8, states=states)
    values, indexes = residuals(4 * CHAINS, seed)
    values = values.clip(-768, 768)
    indexes = np.maximum(indexes, prices.skip_below)
    symbols, sets = trellis.quantise(values, indexes, prices, backend="reference")

    def cost(symbol: int, quantiser: int, i: int) -> float:
        point = abs(trellis.points(np.int64(symbol), quantiser)) * prices.step / 32
        bits = prices.bits[quantiser, indexes[i], symbol] / 2048
        return float(bits + prices.weight * (abs(values[i]) / 256 - point) ** 2)

    for chain in range(CHAINS):
        places = range(chain, values.size, CHAINS)
        found = sum(cost(abs(int(symbols[i])), int(sets[i]), i) for i in places)
        least = math.inf
        for path in itertools.product(range(7), repeat=4):
            state, total = 0, 0.0
            for i, symbol in zip(places, path, strict=True):
                below = int(abs(values[i]) / 8 / prices.step + state % 2) // 2
                total += cost(symbol, state % 2, i) if symbol in (0, below, below + 1) else math.inf
                state = NEXT_STATE[states][state][symbol % 2]
            least = min(least, total)
        assert found == pytest.approx(least, abs=4 / 2048)  # the search drops bits below 1/2048


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("lanes", [None, 1, 8, 32])
@pytest.mark.parametrize("size", [0, 1, 40, 3000])
@pytest.mark.parametrize("states", NEXT_STATE)
def test_round_trip(name, lanes, size, states) -> None:
    """Segments along the trellis and plain ones in one payload; escapes among them."""
    tables = gaussian_tables(2 * STRIDE)
    values, indexes = residuals(size)
    values[: size // 9] *= 400
    prices = costs(states=states)
    symbols, sets = trellis.quantise(values, indexes, prices, backend="reference")
    chosen = indexes + STRIDE * sets
    plain = gaussian_segment(np.random.default_rng(1), size, tables)
    data = encode([plain, (symbols, chosen), (symbols, chosen)], tables, lanes=lanes, backend=name)

    decoder = Decoder(data, tables, backend=name)

    assert np.array_equal(decoder.decode(plain[1]), plain[0])
    for _ in range(2):
        found = decoder.decode_trellis(indexes, STRIDE, states)
        assert found[0].dtype == np.int16
        assert np.array_equal(found[0], symbols)
        assert np.array_equal(found[1], chosen)
    decoder.finish()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_table_must_exist_for_both_quantisers(name) -> None:
    tables = gaussian_tables(2 * STRIDE)
    data = encode([gaussian_segment(np.random.default_rng(1), 50, tables)], tables)
    indexes = np.full(50, STRIDE, dtype=np.uint8)

    with pytest.raises(InvalidTable, match="24"):
        Decoder(data, tables, backend=name).decode_trellis(indexes, STRIDE)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("states", NEXT_STATE)
def test_damage_is_noticed(name, states) -> None:
    tables = gaussian_tables(2 * STRIDE)
    data, symbols, indexes = payload_of(2000, tables, states)

    def decode(payload: bytes) -> npt.NDArray[np.int16]:
        decoder = Decoder(payload, tables, backend=name)
        found, _ = decoder.decode_trellis(indexes, STRIDE, states)
        decoder.finish()
        return found

    assert np.array_equal(decode(data), symbols)
    with pytest.raises(StreamExhausted):
        decode(b"\x00")
    for cut in (2, 40, len(data) // 2 * 2 - 2):
        with pytest.raises(EntropyCodingError):
            decode(data[: len(data) - cut])
    with pytest.raises(EntropyCodingError):
        decode(data + b"ab")


@pytest.mark.parametrize("name", BACKENDS)
def test_a_decoder_that_failed_stays_so(name) -> None:
    tables = gaussian_tables(2 * STRIDE)
    data, _, indexes = payload_of(500, tables, FEW_STATES)
    decoder = Decoder(data[:-20], tables, backend=name)

    with pytest.raises(EntropyCodingError):
        decoder.decode_trellis(indexes, STRIDE)
    with pytest.raises(CorruptStream, match="earlier"):
        decoder.decode_trellis(indexes, STRIDE)


@pytest.mark.parametrize(("states", "share"), [(FEW_STATES, 0.952), (MANY_STATES, 0.937)])
def test_less_error_and_rate_than_rounding(states: int, share: float) -> None:
    """A Gaussian of 1.5 symbols: rate + 6 / ln 2 * error is some per cent below that of rounding,
    and more of them with more states.
    """
    random = np.random.default_rng(5)
    values = np.rint(1.5 * 256 * random.standard_normal(60_000)) / 256
    indexes = np.zeros(values.size, dtype=np.uint8)
    slope = 6 / math.log(2)
    rounded = np.rint(values).astype(np.int64)
    frequencies = np.bincount(rounded + 20) / values.size
    entropy = -(frequencies[frequencies > 0] * np.log2(frequencies[frequencies > 0])).sum()
    plain = entropy + slope * float(((values - rounded) ** 2).mean())

    rows = [pmf_to_cdf(np.append(np.exp(-0.5 * (np.arange(-12, 13) / 1.2) ** 2), 1e-5))] * 2
    for _ in range(4):  # the prices of what is chosen
        tables = CdfTables(rows, offsets=[-12, -12])
        prices = trellis.costs_of(tables, 1, 20, 8, states)
        units = (values * 256).astype(np.int32)
        symbols, sets = trellis.quantise(units, indexes, prices, backend="reference")
        rows = []
        for quantiser in (0, 1):
            counts = np.bincount(symbols[sets == quantiser].clip(-12, 12) + 12, minlength=25)
            rows.append(pmf_to_cdf(np.append(counts + 0.5, 0.5)))
    bits = ideal_bits([(symbols, sets)], tables) / values.size
    points = trellis.points(symbols.astype(np.int64), sets) * 20 / 32
    along = bits + slope * float(((values - points) ** 2).mean())

    assert share - 0.01 < along / plain < share


@pytest.mark.parametrize(("step", "weight"), [(0, 8), (65, 8), (20, -1), (20, 65)])
def test_a_step_or_weight_that_costs_cannot_hold_is_refused(step: int, weight: int) -> None:
    with pytest.raises(ValueError, match=f"step {step}, weight {weight}"):
        costs(step, weight)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_trellis_of_other_states_is_refused(name) -> None:
    with pytest.raises(ValueError, match="16 states"):
        costs(states=16)
    tables = gaussian_tables(2 * STRIDE)
    data, _, indexes = payload_of(40, tables, FEW_STATES)
    with pytest.raises(ValueError, match="found 16"):
        Decoder(data, tables, backend=name).decode_trellis(indexes, STRIDE, 16)


def test_wrong_arrays_are_refused() -> None:
    if native.unavailable_reason() is not None:
        pytest.skip(f"compiled coder: {native.unavailable_reason()}")
    values, indexes = residuals(10)

    with pytest.raises(ValueError, match="sizes"):
        native.quantise_trellis(values, indexes[:9], costs())
    with pytest.raises(ValueError, match="no such table"):
        native.quantise_trellis(values, indexes + np.uint8(STRIDE), costs())
    for wrong in (values.astype(np.float32), values.astype(np.int64), values[::2]):
        with pytest.raises(TypeError):
            native.quantise_trellis(wrong, indexes[: len(wrong)], costs())  # type: ignore[arg-type]
