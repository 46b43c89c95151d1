"""Native, threaded and CUDA coders give the bytes of the reference."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from entropy import (
    CorruptStream,
    InvalidTable,
    NativeUnavailable,
    StreamExhausted,
    SymbolOutOfRange,
)
from entropy.coder import CdfTables, Decoder, cuda, encode, native
from entropy.coder.states import NEXT_STATE
from tests.unit.entropy.coder.cases import (
    along_trellis,
    gaussian_segment,
    gaussian_tables,
    random_tables,
    uniform_segment,
)

needs_native = pytest.mark.skipif(
    native.unavailable_reason() is not None,
    reason=f"compiled coder: {native.unavailable_reason()}",
)
needs_cuda = pytest.mark.skipif(
    cuda.unavailable_reason() is not None, reason=f"CUDA coder: {cuda.unavailable_reason()}"
)


@needs_native
@pytest.mark.parametrize("size", [0, 1, 7, 2047, 2048, 2049, 9000])
@pytest.mark.parametrize("skip_below", [0, 4])
def test_native_bytes_equal_reference(size, skip_below) -> None:
    rng = np.random.default_rng(size)
    for tables in (gaussian_tables(30, skip_below), random_tables(rng, 30, skip_below, 900)):
        segments = [
            gaussian_segment(rng, size, tables),
            uniform_segment(rng, size // 20, tables),
            gaussian_segment(rng, size // 3, tables),
        ]
        data = encode(segments, tables, backend="native")
        assert data == encode(segments, tables, backend="reference")
        for name in ("native", "reference"):
            decoder = Decoder(data, tables, backend=name)
            for symbols, indexes in segments:
                assert np.array_equal(decoder.decode(indexes), symbols)
            decoder.finish()


@needs_native
def test_all_lane_counts_occur_and_agree() -> None:
    rng = np.random.default_rng(1)
    tables = random_tables(rng, 20, 0, 4000)
    found = set()
    for size in (10, 10_000, 20_000, 40_000, 80_000, 160_000):
        segments = [gaussian_segment(rng, size, tables)]
        segments[0][0][:] = rng.integers(-1000, 1000, size)
        data = encode(segments, tables, backend="native")
        assert data == encode(segments, tables, backend="reference")
        found.add(data[0] & 7)
    assert found == set(range(6))


@needs_native
def test_threads_give_the_same_bytes() -> None:
    rng = np.random.default_rng(2)
    tables = gaussian_tables(40, 3)
    jobs = [[gaussian_segment(rng, 40_000, tables)] for _ in range(8)]
    expected = [encode(segments, tables) for segments in jobs]

    def work(number: int) -> bool:
        data = encode(jobs[number], tables)
        decoder = Decoder(data, tables)
        (symbols, indexes) = jobs[number][0]
        same = np.array_equal(decoder.decode(indexes), symbols)
        decoder.finish()
        return same and data == expected[number]

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(work, list(range(8)) * 4))


@needs_native
def test_fresh_process_decodes() -> None:
    tables = gaussian_tables(12, 2)
    symbols, indexes = gaussian_segment(np.random.default_rng(3), 3000, tables)
    data = encode([(symbols, indexes)], tables)
    code = (
        "import sys, numpy as np\n"
        "from entropy.coder import CdfTables, Decoder\n"
        "tables, data, indexes = (bytes.fromhex(arg) for arg in sys.stdin.read().split())\n"
        "decoder = Decoder(data, CdfTables.from_bytes(tables))\n"
        "symbols = decoder.decode(np.frombuffer(indexes, np.uint8))\n"
        "decoder.finish()\n"
        "sys.stdout.write(symbols.astype('<i2').tobytes().hex())\n"
    )
    sent = "\n".join(part.hex() for part in (tables.to_bytes(), data, indexes.tobytes()))
    done = subprocess.run(
        [sys.executable, "-c", code], input=sent, capture_output=True, text=True, check=True
    )
    assert bytes.fromhex(done.stdout) == symbols.astype("<i2").tobytes()


def test_cuda_says_why_it_is_missing() -> None:
    reason = cuda.unavailable_reason()
    if reason is None:
        pytest.skip("the CUDA coder is available")
    with pytest.raises(NativeUnavailable):
        cuda.encode_batch([[]], gaussian_tables())
    with pytest.raises(NativeUnavailable):
        cuda.BatchDecoder([b"\0"], gaussian_tables())


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("lanes", [None, 1, 4, 32])
@pytest.mark.parametrize("count", [1, 5, 64])
def test_cuda_bytes_equal_reference(lanes, count) -> None:
    rng = np.random.default_rng(count)
    tables = gaussian_tables(30, 3)
    payloads = [
        [gaussian_segment(rng, 40 * p, tables), uniform_segment(rng, p, tables)]
        for p in range(count)
    ]
    encoded = cuda.encode_batch(payloads, tables, lanes=lanes)
    assert encoded == [encode(segments, tables, lanes=lanes) for segments in payloads]
    decoder = cuda.BatchDecoder(encoded, tables)
    for segment in range(2):
        decoded = decoder.decode([payload[segment][1] for payload in payloads])
        for symbols, payload in zip(decoded, payloads, strict=True):
            assert np.array_equal(symbols, payload[segment][0])
    decoder.finish()


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("states", NEXT_STATE)
@pytest.mark.parametrize("lanes", [None, 1, 2, 4, 8, 16, 32])
def test_cuda_follows_the_trellis_as_the_reference_does(lanes, states) -> None:
    """Payloads of many sizes, each a plain segment and two along the trellis, with escapes."""
    rng = np.random.default_rng(4)
    tables, half = gaussian_tables(30, 3), gaussian_tables(15, 3)
    plain = [gaussian_segment(rng, 20 * p, tables) for p in range(40)]
    base = [gaussian_segment(rng, 50 * p, half) for p in range(40)]
    base[3] = uniform_segment(rng, 150, half)
    along = [along_trellis(segment, 3, 15, states) for segment in base]
    payloads = [[plain[p], along[p], along[p]] for p in range(40)]

    encoded = cuda.encode_batch(payloads, tables, lanes=lanes)
    decoder = cuda.BatchDecoder(encoded, tables)

    assert encoded == [
        encode(segments, tables, lanes=lanes, backend="reference") for segments in payloads
    ]
    for (symbols, _), found in zip(plain, decoder.decode([s[1] for s in plain]), strict=True):
        assert np.array_equal(found, symbols)
    for _ in range(2):
        decoded = decoder.decode_trellis([indexes for _, indexes in base], 15, states)
        for (symbols, chosen), found in zip(along, decoded, strict=True):
            assert found[0].dtype == np.int16
            assert np.array_equal(found[0], symbols)
            assert np.array_equal(found[1], chosen)
    decoder.finish()


@pytest.mark.gpu
@needs_cuda
@pytest.mark.parametrize("states", NEXT_STATE)
@pytest.mark.parametrize("lanes", [1, 32])
def test_cuda_notices_damage_along_the_trellis(lanes, states) -> None:
    tables, half = gaussian_tables(30, 3), gaussian_tables(15, 3)
    symbols, indexes = gaussian_segment(np.random.default_rng(5), 2000, half)
    base = symbols.clip(-1, 1), indexes  # no escapes: what is cut off are words
    data = encode([along_trellis(base, 3, 15, states)], tables, lanes=lanes)

    def decode(payload: bytes) -> None:
        decoder = cuda.BatchDecoder([data, payload], tables)
        decoder.decode_trellis([indexes] * 2, 15, states)
        decoder.finish()

    decode(data)
    with pytest.raises(StreamExhausted, match="payload 1"):
        decode(b"\0")
    with pytest.raises(StreamExhausted, match="payload 1"):
        decode(data[:-40])
    with pytest.raises(CorruptStream, match="payload 1"):
        decode(data + b"\0\0")


@pytest.mark.gpu
@needs_cuda
def test_cuda_refuses_a_trellis_that_is_not_there() -> None:
    tables = gaussian_tables(30, 3)
    (data,) = cuda.encode_batch([[gaussian_segment(np.random.default_rng(6), 90, tables)]], tables)
    decoder = cuda.BatchDecoder([data], tables)

    with pytest.raises(ValueError, match="found 16"):
        decoder.decode_trellis([np.full(90, 5, np.uint8)], 15, 16)
    with pytest.raises(ValueError, match="one array for every payload"):
        decoder.decode_trellis([np.full(90, 5, np.uint8)] * 2, 15)
    with pytest.raises(InvalidTable, match="payload 0"):
        decoder.decode_trellis([np.full(90, 15, np.uint8)], 15)
    with pytest.raises(CorruptStream, match="earlier"):
        decoder.decode_trellis([np.full(90, 5, np.uint8)], 15)


@pytest.mark.gpu
@needs_cuda
def test_cuda_errors_are_those_of_native() -> None:
    tables = CdfTables([[0, 32768, 65536]] * 2, None, None, 1)
    good = [(np.array([5, 0], np.int16), np.array([1, 1], np.uint8))]
    with pytest.raises(InvalidTable, match="payload 1"):
        cuda.encode_batch([good, [(np.zeros(1, np.int16), np.full(1, 2, np.uint8))]], tables)
    with pytest.raises(SymbolOutOfRange, match="payload 0"):
        cuda.encode_batch([[(np.ones(1, np.int16), np.zeros(1, np.uint8))]], tables)
    (data,) = cuda.encode_batch([good], tables)
    with pytest.raises(StreamExhausted):
        cuda.BatchDecoder([data], tables).decode([np.ones(400, np.uint8)])
    with pytest.raises(CorruptStream):
        cuda.BatchDecoder([data + b"\0\0"], tables).finish()
    with pytest.raises(StreamExhausted):
        cuda.BatchDecoder([data, b""], tables)
