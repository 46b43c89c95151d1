"""Properties of the range coder on arbitrary tables, segments and bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from entropy import CorruptStream, EntropyCodingError, StreamExhausted
from entropy.coder import CdfTables, Decoder, encode, native, pmf_to_cdf

BACKENDS = ["reference"] + (["native"] if native.unavailable_reason() is None else [])
LANES = st.sampled_from([None, 1, 2, 4, 8, 16, 32])


@st.composite
def tables(draw) -> CdfTables:
    weights = st.lists(st.integers(0, 1 << 20), min_size=2, max_size=12)
    rows = draw(st.lists(weights, min_size=1, max_size=6))
    offsets = [draw(st.integers(-(1 << 15), (1 << 15) + 1 - len(row))) for row in rows]
    skip_below = draw(st.integers(0, len(rows)))
    return CdfTables([pmf_to_cdf(np.array(row) + 1e-9) for row in rows], None, offsets, skip_below)


@st.composite
def tables_and_segments(draw):
    drawn = draw(tables())
    segments = []
    for size in draw(st.lists(st.integers(0, 70), max_size=4)):
        indexes = draw(npst.arrays(np.uint8, size, elements=st.integers(0, len(drawn) - 1)))
        symbols = draw(npst.arrays(np.int16, size, elements=st.integers(-(1 << 15), (1 << 15) - 1)))
        near = draw(npst.arrays(np.int16, size, elements=st.integers(-2, 13)))
        offsets = np.array(drawn.offsets, dtype=np.int64)[indexes] + near
        symbols = np.where(near == -2, symbols, np.clip(offsets, -(1 << 15), (1 << 15) - 1))
        symbols[indexes < drawn.skip_below] = 0
        segments.append((symbols.astype(np.int16), indexes))
    return drawn, segments


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables_and_segments(), LANES)
def test_decoding_inverts_encoding_and_backends_agree(case, lanes) -> None:
    drawn, segments = case
    payloads = {encode(segments, drawn, lanes=lanes, backend=name) for name in BACKENDS}
    assert len(payloads) == 1
    data = payloads.pop()
    for name in BACKENDS:
        decoder = Decoder(data, drawn, backend=name)
        for symbols, indexes in segments:
            assert np.array_equal(decoder.decode(indexes), symbols)
        decoder.finish()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables_and_segments(), LANES, st.data())
def test_damaged_payload_never_passes_a_cut_and_backends_agree(case, lanes, data) -> None:
    drawn, segments = case
    payload = bytearray(encode(segments, drawn, lanes=lanes))
    if data.draw(st.booleans()):
        payload = payload[: data.draw(st.integers(0, len(payload) - 1))]
        cut = True
    else:
        payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
        cut = False
    outcomes = [outcome(bytes(payload), segments, drawn, name) for name in BACKENDS]
    assert all(found == outcomes[0] for found in outcomes)
    if cut:
        assert outcomes[0][0] != "ok"


@settings(max_examples=200, deadline=None)
@given(tables(), st.binary(max_size=120), st.integers(0, 90))
def test_arbitrary_bytes_give_a_named_error_and_backends_agree(drawn, payload, size) -> None:
    segments = [(np.zeros(size, np.int16), (np.arange(size) % len(drawn)).astype(np.uint8))]
    outcomes = [outcome(payload, segments, drawn, name) for name in BACKENDS]
    assert all(found == outcomes[0] for found in outcomes)


@settings(max_examples=200, deadline=None)
@given(tables(), st.data())
def test_arbitrary_table_bytes_are_judged_alike(drawn, data) -> None:
    if "native" not in BACKENDS:
        pytest.skip(f"compiled coder: {native.unavailable_reason()}")
    from entropy.coder import _rans

    serialized = bytearray(drawn.to_bytes())
    serialized[data.draw(st.integers(0, len(serialized) - 1))] = data.draw(st.integers(0, 255))

    def accepts(read) -> bool:
        try:
            read(bytes(serialized))
        except EntropyCodingError:
            return False
        return True

    assert accepts(CdfTables.from_bytes) == accepts(_rans.Tables)


def outcome(payload: bytes, segments, drawn: CdfTables, name: str) -> tuple[str, list[list[int]]]:
    """What decoding comes to: the symbols so far, and "ok" or "refused".

    A payload can be wrong in two ways at once; which is noticed first is not specified (SPEC.md).
    """
    symbols: list[list[int]] = []
    try:
        decoder = Decoder(payload, drawn, backend=name)
        for _, indexes in segments:
            symbols.append(decoder.decode(indexes).tolist())
        decoder.finish()
    except (StreamExhausted, CorruptStream):
        return "refused", symbols
    return "ok", symbols
