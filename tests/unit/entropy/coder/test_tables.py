"""CdfTables and pmf_to_cdf."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest

from entropy import InvalidTable
from entropy.coder import CdfTables, pmf_to_cdf
from tests.unit.entropy.coder.cases import gaussian_tables, random_tables

TOTAL = 65536


def test_list_and_padded_array_give_equal_tables() -> None:
    rows = [[0, 1, TOTAL], [0, 5, 9, TOTAL]]
    padded = np.array([[0, 1, TOTAL, 0], [0, 5, 9, TOTAL]], dtype=np.uint32)

    from_list = CdfTables(rows, None, [-1, 3], 1)
    from_array = CdfTables(padded, [2, 3], [-1, 3], 1)

    assert from_list == from_array
    assert hash(from_list) == hash(from_array)
    assert from_array.lengths == (2, 3)
    assert from_array.offsets == (-1, 3)
    assert from_array.skip_below == 1
    assert len(from_array) == 2
    assert [row.tolist() for row in from_array.cdfs] == rows


def test_rows_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        gaussian_tables().cdfs[0][1] = 7


def test_bytes_follow_the_specification() -> None:
    tables = CdfTables([[0, 0x0102, TOTAL], [0, 5, 9, TOTAL]], None, [-1, 3], 1)

    data = tables.to_bytes()

    assert data == bytes.fromhex("01020100 ffff0200 03000300 0201 05000900")
    assert tables.sha256 == hashlib.sha256(data).digest()


def test_serialisation_round_trips() -> None:
    rng = np.random.default_rng(1)
    for tables in (
        gaussian_tables(),
        random_tables(rng, 255, 17, 300),
        random_tables(rng, 1, 0, 2),
    ):
        assert CdfTables.from_bytes(tables.to_bytes()) == tables
        assert pickle.loads(pickle.dumps(tables)) == tables


def test_different_tables_differ() -> None:
    assert gaussian_tables(24, 3) != gaussian_tables(24, 2)
    assert gaussian_tables() != "tables"


def test_repr_names_the_content() -> None:
    assert "24 tables" in repr(gaussian_tables())


@pytest.mark.parametrize(
    ("rows", "lengths", "offsets", "skip_below", "message"),
    [
        ([], None, None, 0, "found 0 tables"),
        ([[0, 9, TOTAL]] * 256, None, None, 0, "found 256 tables"),
        ([[0, TOTAL]], None, None, 0, "1 entries"),
        ([[*range(4097), TOTAL]], None, None, 0, "4097 entries"),
        ([[1, 9, TOTAL]], None, None, 0, "runs from 1"),
        ([[0, 9, TOTAL - 1]], None, None, 0, "runs from 0 to 65535"),
        ([[0, 9, 9, TOTAL]], None, None, 0, "entry 1 has a frequency below 1"),
        ([[0, 9, 8, TOTAL]], None, None, 0, "entry 1 has a frequency below 1"),
        ([[0, 9, TOTAL]], None, [-32769], 0, "not all int16"),
        ([[0, 9, 10, TOTAL]], None, [32767], 0, "not all int16"),
        ([[0, 9, TOTAL]], [3], None, 0, "expected 4 for 3 entries"),
        ([[0, 9, TOTAL]], [2, 2], None, 0, "2 lengths"),
        ([[0, 9, TOTAL]], None, [0, 0], 0, "2 offsets"),
        ([[0, 9, TOTAL]], None, None, 2, "skip_below"),
        ([[0, 9, TOTAL]], None, None, -1, "skip_below"),
        ([[0.0, 9.0, 65536.0]], None, None, 0, "integers"),
        ([[[0, 9, TOTAL]]], None, None, 0, "integers"),
    ],
)
def test_broken_rule_raises_invalid_table(rows, lengths, offsets, skip_below, message) -> None:
    with pytest.raises(InvalidTable, match=message):
        CdfTables(rows, lengths, offsets, skip_below)


def test_extreme_offsets_are_accepted() -> None:
    tables = CdfTables([[0, 9, TOTAL], [0, 9, 10, TOTAL]], None, [-32768, 32766])
    assert CdfTables.from_bytes(tables.to_bytes()) == tables


def test_every_truncation_raises_invalid_table() -> None:
    data = random_tables(np.random.default_rng(2), 5, 1, 9).to_bytes()
    for size in range(len(data)):
        with pytest.raises(InvalidTable):
            CdfTables.from_bytes(data[:size])
    with pytest.raises(InvalidTable):
        CdfTables.from_bytes(data + b"\0")


@pytest.mark.parametrize(
    "data",
    ["00010000 00000200 0900", "01010001 00000200 0900", "01000000", "01010000 00000100"],
    ids=["version", "reserved", "no tables", "length"],
)
def test_foreign_bytes_raise_invalid_table(data: str) -> None:
    with pytest.raises(InvalidTable):
        CdfTables.from_bytes(bytes.fromhex(data))


@pytest.mark.parametrize("size", [2, 3, 50, 4096])
def test_pmf_to_cdf_keeps_every_entry_codable(size: int) -> None:
    rng = np.random.default_rng(size)
    for pmf in (rng.exponential(size=size) ** 8, np.eye(size)[0], np.ones(size)):
        cdf = pmf_to_cdf(pmf)
        assert cdf.dtype == np.uint32
        assert cdf[0] == 0
        assert cdf[-1] == TOTAL
        assert np.diff(cdf.astype(np.int64)).min() >= 1
        assert np.array_equal(cdf, pmf_to_cdf(pmf))


def test_pmf_to_cdf_is_exact_where_it_can_be() -> None:
    assert pmf_to_cdf([0.5, 0.25, 0.125, 0.125]).tolist() == [0, 32768, 49152, 57344, TOTAL]


def test_pmf_to_cdf_beats_every_single_exchange() -> None:
    rng = np.random.default_rng(3)
    pmf = rng.exponential(size=12) ** 6
    pmf /= pmf.sum()
    frequencies = np.diff(pmf_to_cdf(pmf).astype(np.int64))
    best = (pmf * np.log2(frequencies)).sum()
    for giver in np.flatnonzero(frequencies > 1):
        for taker in range(12):
            other = frequencies.copy()
            other[giver] -= 1
            other[taker] += 1
            assert (pmf * np.log2(other)).sum() <= best + 1e-12


@pytest.mark.parametrize(
    "pmf",
    [[1.0], [[0.5, 0.5]], [0.5, -0.1], [0.5, np.nan], [0.5, np.inf], [0.0, 0.0], np.ones(4097)],
)
def test_bad_pmf_raises_invalid_table(pmf) -> None:
    with pytest.raises(InvalidTable, match="pmf"):
        pmf_to_cdf(pmf)
