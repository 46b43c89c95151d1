"""encode, Decoder and backend: what every backend must do."""

from __future__ import annotations

import logging
import subprocess
import sys

import numpy as np
import pytest

from entropy import (
    CorruptStream,
    EntropyCodingError,
    InvalidTable,
    NativeUnavailable,
    StreamExhausted,
    SymbolOutOfRange,
)
from entropy.coder import CdfTables, Decoder, backend, backends, encode, native
from tests.unit.entropy.coder.cases import (
    BACKENDS,
    Segment,
    gaussian_segment,
    gaussian_tables,
    ideal_bits,
    random_tables,
    uniform_segment,
)

LANES = (None, 1, 2, 4, 8, 16, 32)


@pytest.fixture(params=BACKENDS)
def name(request) -> str:
    return request.param


def check_round_trip(segments: list[Segment], tables: CdfTables, name, lanes=None) -> bytes:
    data = encode(segments, tables, backend=name, lanes=lanes)
    decoder = Decoder(data, tables, backend=name)
    for symbols, indexes in segments:
        decoded = decoder.decode(indexes)
        assert decoded.dtype == np.int16
        assert np.array_equal(decoded, symbols)
    decoder.finish()
    return data


def as_segment(symbols: list[int], indexes: list[int]) -> Segment:
    return np.array(symbols, dtype=np.int16), np.array(indexes, dtype=np.uint8)


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 500])
def test_round_trip(name, lanes, size) -> None:
    rng = np.random.default_rng(size)
    tables = gaussian_tables()
    check_round_trip([gaussian_segment(rng, size, tables)], tables, name, lanes)


@pytest.mark.parametrize("lanes", LANES)
def test_round_trip_of_thousands(name, lanes) -> None:
    rng = np.random.default_rng(4)
    tables = gaussian_tables()
    check_round_trip([gaussian_segment(rng, 6000, tables)], tables, name, lanes)


@pytest.mark.parametrize("entries", [2, 3, 40, 4096])
@pytest.mark.parametrize("skip_below", [0, 5, 60])
def test_round_trip_over_tables(name, entries, skip_below) -> None:
    rng = np.random.default_rng(entries)
    tables = random_tables(rng, 60, skip_below, entries)
    segments = [gaussian_segment(rng, 900, tables), uniform_segment(rng, 50, tables)]
    check_round_trip(segments, tables, name)


def test_255_tables(name) -> None:
    rng = np.random.default_rng(5)
    tables = random_tables(rng, 255, 1, 9)
    check_round_trip([uniform_segment(rng, 1000, tables)], tables, name)


@pytest.mark.parametrize("offset", [-32768, -5, 0, 32767])
def test_int16_extremes_are_escaped(name, offset) -> None:
    tables = CdfTables([[0, 60000, 65536]], None, [offset])
    symbols = [offset, -32768, 32767, -32767, 0, -1, 1, 32766]
    check_round_trip([as_segment(symbols, [0] * len(symbols))], tables, name)


def test_escape_of_the_neighbour_costs_one_byte(name) -> None:
    tables = CdfTables([[0, 32768, 65536]], None, [0])
    inside = encode([as_segment([0] * 8, [0] * 8)], tables, backend=name)
    outside = encode([as_segment([0] * 7 + [1], [0] * 8)], tables, backend=name)
    assert len(outside) == len(inside) + 2  # one byte of escape, one for their number


def test_segments_keep_their_order_and_restart_at_lane_0(name) -> None:
    rng = np.random.default_rng(6)
    tables = gaussian_tables()
    segments = [gaussian_segment(rng, size, tables) for size in (7, 0, 100, 1, 33, 5)]
    data = check_round_trip(segments, tables, name, lanes=8)
    joined = [tuple(np.concatenate(arrays) for arrays in zip(*segments, strict=True))]
    assert encode(joined, tables, backend=name, lanes=8) != data


def test_one_lane_does_not_see_segments(name) -> None:
    rng = np.random.default_rng(7)
    tables = gaussian_tables()
    segments = [gaussian_segment(rng, size, tables) for size in (7, 0, 100)]
    joined = [tuple(np.concatenate(arrays) for arrays in zip(*segments, strict=True))]
    assert encode(joined, tables, backend=name) == encode(segments, tables, backend=name)


def test_skipped_symbols_cost_nothing(name) -> None:
    rng = np.random.default_rng(8)
    tables = gaussian_tables(24, 3)
    symbols, indexes = gaussian_segment(rng, 600, tables)
    coded = indexes >= 3
    assert 0 < coded.sum() < 600
    everything = check_round_trip([(symbols, indexes)], tables, name)
    assert everything == check_round_trip([(symbols[coded], indexes[coded])], tables, name)


@pytest.mark.parametrize("segments", [[], [as_segment([], [])], [as_segment([0, 0], [0, 2])]])
def test_nothing_coded_takes_one_byte(name, segments) -> None:
    assert check_round_trip(segments, gaussian_tables(24, 3), name) == b"\0"


def test_all_tables_skipped(name) -> None:
    tables = gaussian_tables(4, 4)
    assert check_round_trip([as_segment([0, 0], [0, 3])], tables, name) == b"\0"


@pytest.mark.parametrize("size", [1, 10, 100, 1000, 10_000, 30_000])
def test_size_stays_near_the_ideal_code_length(name, size) -> None:
    rng = np.random.default_rng(size)
    tables = gaussian_tables(24, 0)
    indexes = rng.integers(8, 24, size).astype(np.uint8)
    symbols = np.rint(rng.normal(size=size) * np.geomspace(0.11, 40, 24)[indexes])
    segment = (np.clip(symbols, -30, 30).astype(np.int16), indexes)
    data = encode([segment], tables, backend=name)
    payload = backends.ReferenceDecoder(data, tables)
    ideal = ideal_bits([segment], tables) / 8 + len(payload._escapes)
    assert ideal - 3 <= len(data) <= ideal + max(9, 0.001 * ideal)


def test_bytes_are_deterministic(name) -> None:
    tables = gaussian_tables()
    segment = gaussian_segment(np.random.default_rng(9), 3000, tables)
    first = encode([segment], tables, backend=name)
    assert encode([segment], CdfTables.from_bytes(tables.to_bytes()), backend=name) == first


def test_known_answer(name) -> None:
    tables = CdfTables([[0, 4096, 61440, 65536], [0, 1, 2, 65535, 65536]], None, [0, -2])
    segments = [as_segment([0, 1, 1, 9, -7], [0, 0, 0, 0, 1]), as_segment([-2, 0], [1, 1])]
    assert encode(segments, tables, backend=name, lanes=2).hex() == KNOWN_ANSWER


KNOWN_ANSWER = "8102ff0f5a120002434a1200000000000e09"


def test_skipped_symbol_other_than_zero_raises_out_of_range(name) -> None:
    with pytest.raises(SymbolOutOfRange, match="skipped index 2"):
        encode([as_segment([0, 1], [9, 2])], gaussian_tables(24, 3), backend=name)


def test_index_without_a_table_raises_invalid_table(name) -> None:
    tables = gaussian_tables(24, 3)
    with pytest.raises(InvalidTable, match="index 24 names no table"):
        encode([as_segment([0, 0], [9, 24])], tables, backend=name)
    decoder = Decoder(encode([as_segment([1], [9])], tables), tables, backend=name)
    with pytest.raises(InvalidTable, match="index 255 names no table"):
        decoder.decode(np.array([9, 255], dtype=np.uint8))
    assert decoder.decode(np.array([9], dtype=np.uint8)).tolist() == [1]


def test_decoding_past_the_end_raises_exhausted(name) -> None:
    rng = np.random.default_rng(10)
    tables = gaussian_tables()
    symbols, indexes = gaussian_segment(rng, 400, tables)
    decoder = Decoder(encode([(symbols, indexes)], tables), tables, backend=name)
    decoder.decode(indexes)
    with pytest.raises(StreamExhausted, match="words are consumed"):
        decoder.decode(np.full(400, 23, dtype=np.uint8))
    with pytest.raises(CorruptStream, match="earlier segment failed"):
        decoder.decode(indexes)
    with pytest.raises(CorruptStream, match="earlier segment failed"):
        decoder.finish()


def test_empty_payload_has_no_symbols(name) -> None:
    decoder = Decoder(b"\0", gaussian_tables(), backend=name)
    with pytest.raises(StreamExhausted, match="empty"):
        decoder.decode(np.array([9], dtype=np.uint8))


def test_finish_notices_what_is_left_over(name) -> None:
    tables = gaussian_tables()
    symbols, indexes = gaussian_segment(np.random.default_rng(11), 400, tables)
    data = encode([(symbols, indexes)], tables)
    decoder = Decoder(data, tables, backend=name)
    decoder.decode(indexes[:200])
    with pytest.raises(CorruptStream, match="words left over"):
        decoder.finish()
    decoder = Decoder(data + b"\0\0", tables, backend=name)
    decoder.decode(indexes)
    with pytest.raises(CorruptStream, match="1 words left over"):
        decoder.finish()


def test_finish_notices_escapes_left_over(name) -> None:
    tables = CdfTables([[0, 32768, 65536]])
    data = bytearray(encode([as_segment([9], [0])], tables))
    data[1] += 1
    decoder = Decoder(bytes(data) + b"\0", tables, backend=name)
    decoder.decode(np.array([0], dtype=np.uint8))
    with pytest.raises(CorruptStream, match="1 escape bytes left over"):
        decoder.finish()


def test_finish_notices_a_wrong_final_state(name) -> None:
    tables = CdfTables([[0, 32768, 65536]])
    data = bytearray(encode([as_segment([0], [0])], tables))
    data[3] ^= 1
    decoder = Decoder(bytes(data), tables, backend=name)
    decoder.decode(np.array([0], dtype=np.uint8))
    with pytest.raises(CorruptStream, match="differs from the initial one"):
        decoder.finish()


def test_finish_notices_states_without_symbols(name) -> None:
    decoder = Decoder(bytes.fromhex("00 0000000100"), gaussian_tables(), backend=name)
    with pytest.raises(CorruptStream, match="no coded symbol"):
        decoder.finish()


def test_missing_escape_raises_exhausted(name) -> None:
    tables = CdfTables([[0, 32768, 65536]])
    data = encode([as_segment([9, 9], [0, 0])], tables)
    cut = data[:1] + bytes([1]) + data[2:-1]
    decoder = Decoder(cut, tables, backend=name)
    with pytest.raises(StreamExhausted):
        decoder.decode(np.zeros(2, dtype=np.uint8))


def test_escape_beyond_int16_raises_corrupt(name) -> None:
    tables = CdfTables([[0, 32768, 65536]])
    data = bytearray(encode([as_segment([32767], [0])], tables))
    assert data[-3:] == bytes.fromhex("fcff03")
    data[-3] = 0xFE
    decoder = Decoder(bytes(data), tables, backend=name)
    with pytest.raises(CorruptStream, match="not int16"):
        decoder.decode(np.zeros(1, dtype=np.uint8))


def test_truncation_at_every_byte_raises(name) -> None:
    rng = np.random.default_rng(12)
    tables = gaussian_tables()
    segments = [gaussian_segment(rng, 60, tables), uniform_segment(rng, 9, tables)]
    for lanes in (1, 4):
        data = encode(segments, tables, lanes=lanes)
        for size in range(len(data)):
            with pytest.raises(EntropyCodingError):
                decode_all(data[:size], segments, tables, name)


def test_flipped_bits_raise_or_give_some_symbols(name) -> None:
    rng = np.random.default_rng(13)
    tables = gaussian_tables()
    segments = [gaussian_segment(rng, 60, tables), uniform_segment(rng, 9, tables)]
    data = encode(segments, tables, lanes=2)
    silent = 0
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            decode_all(bytes(damaged), segments, tables, name)
        except EntropyCodingError:
            continue
        silent += 1
    assert silent < 8 * 3 * 18  # only bits of escape values can pass: the CRC is the container's


def decode_all(data: bytes, segments: list[Segment], tables: CdfTables, name) -> None:
    decoder = Decoder(data, tables, backend=name)
    for _, indexes in segments:
        decoder.decode(indexes)
    decoder.finish()


@pytest.mark.parametrize("data", [bytearray(b"\0"), memoryview(b"\0")])
def test_payload_may_be_any_buffer(name, data) -> None:
    Decoder(data, gaussian_tables(), backend=name).finish()


@pytest.mark.parametrize(
    ("symbols", "indexes", "error"),
    [
        (np.zeros(2, np.int32), np.zeros(2, np.uint8), TypeError),
        (np.zeros(2, np.int16), np.zeros(2, np.int16), TypeError),
        ([0, 0], np.zeros(2, np.uint8), TypeError),
        (np.zeros(2, np.int16), np.zeros(3, np.uint8), ValueError),
        (np.zeros((2, 2), np.int16), np.zeros((2, 2), np.uint8), ValueError),
        (np.zeros(4, np.int16)[::2], np.zeros(2, np.uint8), ValueError),
    ],
)
def test_wrong_arrays_raise_type_or_value_error(name, symbols, indexes, error) -> None:
    with pytest.raises(error):
        encode([(symbols, indexes)], gaussian_tables(24, 0), backend=name)


def test_wrong_index_array_raises(name) -> None:
    decoder = Decoder(b"\0", gaussian_tables(), backend=name)
    with pytest.raises(TypeError):
        decoder.decode(np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="contiguous"):
        decoder.decode(np.zeros(4, np.uint8)[::2])


def test_read_only_arrays_are_accepted(name) -> None:
    symbols, indexes = gaussian_segment(np.random.default_rng(14), 50, gaussian_tables())
    symbols.flags.writeable = indexes.flags.writeable = False
    check_round_trip([(symbols, indexes)], gaussian_tables(), name)


@pytest.mark.parametrize("lanes", [0, 3, 64, -1])
def test_wrong_lane_count_raises_value_error(name, lanes) -> None:
    with pytest.raises(ValueError, match="lanes"):
        encode([], gaussian_tables(), lanes=lanes, backend=name)


def test_unknown_backend_raises_value_error() -> None:
    with pytest.raises(ValueError, match="backend"):
        encode([], gaussian_tables(), backend="abacus")  # type: ignore[arg-type]


def test_missing_module_falls_back_with_one_warning(monkeypatch, caplog) -> None:
    monkeypatch.setattr(backends, "unavailable_reason", lambda: "not built")
    monkeypatch.setattr(native, "_reason", "not built")
    backend.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert backend() == "reference"
            tables = gaussian_tables()
            segment = gaussian_segment(np.random.default_rng(15), 50, tables)
            data = encode([segment], tables)
            assert np.array_equal(Decoder(data, tables).decode(segment[1]), segment[0])
        assert [record.message for record in caplog.records].count(
            "compiled range coder not available (not built): using the slow reference"
        ) == 1
        with pytest.raises(NativeUnavailable, match="not built"):
            encode([segment], tables, backend="native")
        with pytest.raises(NativeUnavailable, match="not built"):
            Decoder(data, tables, backend="native")
        with pytest.raises(NativeUnavailable, match="not built"):
            native.encode_native([segment], tables, None)
    finally:
        backend.cache_clear()


def test_import_brings_no_torch() -> None:
    code = "import entropy, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
