"""The compiled module refuses what its wrapper would never pass."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from entropy import InvalidTable
from entropy.coder import native
from tests.unit.entropy.coder.cases import gaussian_segment, gaussian_tables

_rans = pytest.importorskip("entropy.coder._rans", exc_type=ImportError)


def test_module_is_the_one_in_use() -> None:
    assert native.unavailable_reason() is None


def test_tables_are_parsed() -> None:
    tables = gaussian_tables()
    assert len(_rans.Tables(tables.to_bytes())) == len(tables)
    with pytest.raises(InvalidTable):
        _rans.Tables(b"")


@pytest.mark.parametrize(
    "segment",
    [
        (np.zeros(2, np.int32), np.zeros(2, np.uint8)),
        (np.zeros(4, np.int16)[::2], np.zeros(2, np.uint8)),
        (np.zeros((1, 2), np.int16), np.zeros(2, np.uint8)),
        (np.zeros(2, np.int16), np.zeros(3, np.uint8)),
        (np.zeros(2, np.int16),),
        None,
    ],
)
def test_wrong_segment_raises(segment) -> None:
    tables = _rans.Tables(gaussian_tables(8, 0).to_bytes())
    with pytest.raises((TypeError, ValueError, IndexError, RuntimeError)):
        _rans.encode([segment], tables, 0)


def test_wrong_lane_count_raises() -> None:
    tables = _rans.Tables(gaussian_tables(8, 0).to_bytes())
    for lanes in (3, 64):
        with pytest.raises(ValueError, match="lanes"):
            _rans.encode([], tables, lanes)


def test_wrong_output_array_raises() -> None:
    decoder = _rans.Decoder(b"\0", _rans.Tables(gaussian_tables(8, 8).to_bytes()))
    with pytest.raises(ValueError, match="sizes"):
        decoder.decode(np.zeros(2, np.uint8), np.zeros(3, np.int16))
    with pytest.raises(TypeError):
        decoder.decode(np.zeros(2, np.uint8), np.zeros(2, np.int32))


def test_decoder_keeps_payload_and_tables_alive() -> None:
    tables = gaussian_tables()
    symbols, indexes = gaussian_segment(np.random.default_rng(1), 4000, tables)
    data = _rans.encode([(symbols, indexes)], _rans.Tables(tables.to_bytes()), 0)
    decoder = _rans.Decoder(bytes(bytearray(data)), _rans.Tables(tables.to_bytes()))
    gc.collect()
    decoded = np.empty_like(symbols)
    decoder.decode(indexes, decoded)
    decoder.finish()
    assert np.array_equal(decoded, symbols)
