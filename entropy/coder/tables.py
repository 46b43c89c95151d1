"""Integer CDF tables: construction, validation, serialisation, hash."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from entropy.errors import InvalidTable

__all__ = ["MAX_ENTRIES", "MAX_TABLES", "PRECISION_BITS", "TOTAL", "CdfTables", "pmf_to_cdf"]

PRECISION_BITS = 16
TOTAL = 1 << PRECISION_BITS
MAX_TABLES = 255  # an index is one byte
MAX_ENTRIES = 4096  # keeps every table's lookup within 8 KB
_VERSION = 1
_HEADER_BYTES = 4
_T = TypeVar("_T")
_INT16_MIN, _INT16_MAX = -(1 << 15), (1 << 15) - 1


class CdfTables:
    """A set of integer CDF tables, chosen per symbol by a one-byte index.

    Table t has `lengths[t]` entries. Entries 0 .. lengths[t]-2 stand for the symbols `offsets[t]`,
    `offsets[t] + 1`, ...; the last entry is the escape for every other int16 symbol.

        cdf      0 ------ c1 -- c2 ------------- c3 --- 65536
        entry       0        1          2           3
        symbol   offset  offset+1   offset+2     escape

    Args:
        cdfs: one row per table, each with `lengths[t] + 1` strictly increasing integers from 0 to
            65536; a sequence of 1-D integer arrays, or an array of shape (T, L) whose rows may be
            padded at the end.
        lengths: number of entries of each table, the escape included, 2 to 4096. May be None when
            `cdfs` is a sequence: then `len(row) - 1`.
        offsets: symbol of each table's first entry, int16. None means 0 for all.
        skip_below: an index below this number codes nothing; its symbol is always 0.

    Raises:
        InvalidTable: a rule above is broken; the message names the table.
    """

    __slots__ = ("_cdfs", "_compiled", "_lengths", "_offsets", "_serialized", "_skip_below")

    def __init__(
        self,
        cdfs: Sequence[npt.ArrayLike] | npt.NDArray[np.integer[Any]],
        lengths: npt.ArrayLike | None = None,
        offsets: npt.ArrayLike | None = None,
        skip_below: int = 0,
    ) -> None:
        count = len(cdfs)
        if not 1 <= count <= MAX_TABLES:
            raise InvalidTable(f"table set: found {count} tables, expected 1 to {MAX_TABLES}")
        rows = [_integers(row, f"table {t}: cdf") for t, row in enumerate(cdfs)]
        sizes = (
            np.array([row.size - 1 for row in rows], dtype=np.int64)
            if lengths is None
            else _integers(lengths, "lengths")
        )
        starts = (
            np.zeros(count, dtype=np.int64) if offsets is None else _integers(offsets, "offsets")
        )
        if sizes.size != count or starts.size != count:
            raise InvalidTable(
                f"table set: {count} tables but {sizes.size} lengths and {starts.size} offsets"
            )
        if not 0 <= skip_below <= count:
            raise InvalidTable(f"skip_below: found {skip_below}, expected 0 to {count}")
        self._cdfs = tuple(
            _checked_row(t, row, int(sizes[t]), int(starts[t])) for t, row in enumerate(rows)
        )
        self._lengths = tuple(int(size) for size in sizes)
        self._offsets = tuple(int(start) for start in starts)
        self._skip_below = int(skip_below)
        self._serialized = self._serialize()
        self._compiled: dict[object, object] = {}

    @property
    def cdfs(self) -> tuple[npt.NDArray[np.uint32], ...]:
        """One read-only uint32 array of `lengths[t] + 1` values per table."""
        return self._cdfs

    @property
    def lengths(self) -> tuple[int, ...]:
        """Number of entries of each table, the escape included."""
        return self._lengths

    @property
    def offsets(self) -> tuple[int, ...]:
        """Symbol of the first entry of each table."""
        return self._offsets

    @property
    def skip_below(self) -> int:
        """Indexes below this number code nothing."""
        return self._skip_below

    def compiled(self, compile_tables: Callable[[bytes], _T]) -> _T:
        """The form a compiled backend works with, made from `to_bytes()` once and then kept."""
        made = self._compiled.get(compile_tables)
        if made is None:
            made = self._compiled.setdefault(compile_tables, compile_tables(self._serialized))
        return cast(_T, made)

    @property
    def sha256(self) -> bytes:
        """SHA-256 of `to_bytes()`, 32 bytes."""
        return hashlib.sha256(self._serialized).digest()

    def to_bytes(self) -> bytes:
        """Serialise as SPEC.md says; equal tables give equal bytes."""
        return self._serialized

    @classmethod
    def from_bytes(cls, data: bytes) -> CdfTables:
        """Read what `to_bytes` wrote.

        Raises:
            InvalidTable: wrong version or length, or the tables break a rule.
        """
        if len(data) < _HEADER_BYTES:
            raise InvalidTable(f"serialised tables: {len(data)} bytes, expected at least 4")
        version, count, skip_below, reserved = data[:_HEADER_BYTES]
        if version != _VERSION or reserved != 0:
            raise InvalidTable(
                f"serialised tables: found version {version}, reserved byte {reserved}; "
                f"expected {_VERSION}, 0"
            )
        body = _HEADER_BYTES + 4 * count
        if len(data) < body:
            raise InvalidTable(f"serialised tables: {len(data)} bytes, expected at least {body}")
        directory = np.frombuffer(data, dtype="<u2", count=2 * count, offset=_HEADER_BYTES)
        lengths = directory[1::2].astype(np.int64)
        offsets = directory[0::2].view("<i2").astype(np.int64)
        if count and not ((lengths >= 2).all() and (lengths <= MAX_ENTRIES).all()):
            raise InvalidTable(f"serialised tables: a length is outside 2 to {MAX_ENTRIES} entries")
        expected = body + 2 * int((lengths - 1).sum())
        if len(data) != expected:
            raise InvalidTable(f"serialised tables: {len(data)} bytes, expected {expected}")
        rows, position = [], body
        for length in lengths:
            inner = np.frombuffer(data, dtype="<u2", count=int(length) - 1, offset=position)
            rows.append(np.concatenate(([0], inner.astype(np.int64), [TOTAL])))
            position += 2 * (int(length) - 1)
        return cls(rows, lengths, offsets, skip_below)

    def __len__(self) -> int:
        return len(self._cdfs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CdfTables):
            return NotImplemented
        return self._serialized == other._serialized

    def __hash__(self) -> int:
        return hash(self._serialized)

    def __repr__(self) -> str:
        return (
            f"CdfTables({len(self)} tables, {sum(self._lengths)} entries, "
            f"skip_below={self._skip_below}, sha256={self.sha256.hex()[:12]})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (CdfTables.from_bytes, (self._serialized,))

    def _serialize(self) -> bytes:
        parts = [bytes((_VERSION, len(self), self._skip_below, 0))]
        directory = np.empty((len(self), 2), dtype="<i2")
        directory[:, 0] = self._offsets
        directory[:, 1] = self._lengths
        parts.append(directory.tobytes())
        parts.extend(row[1:-1].astype("<u2").tobytes() for row in self._cdfs)
        return b"".join(parts)


def pmf_to_cdf(pmf: npt.ArrayLike) -> npt.NDArray[np.uint32]:
    """Turn probabilities into a table row whose every entry has a frequency of at least 1.

    Among all such rows this finds the one with the least expected code length: it starts from the
    rounded-down frequencies and then gives or takes single counts where that helps most or hurts
    least (ties: lowest entry). For exporting tables only; decoding never evaluates a float.

    Args:
        pmf: probabilities or weights of all entries, the escape last; float64, shape (n,),
            2 <= n <= 4096, finite, non-negative, sum > 0.

    Returns:
        cdf, uint32, shape (n + 1,), from 0 to 65536.

    Raises:
        InvalidTable: pmf is not such an array.
    """
    weights = np.asarray(pmf, dtype=np.float64)
    if weights.ndim != 1 or not 2 <= weights.size <= MAX_ENTRIES:
        raise InvalidTable(f"pmf: found shape {weights.shape}, expected (n,), 2 <= n <= 4096")
    if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise InvalidTable("pmf: entries must be finite and non-negative with a sum above 0")
    probabilities: list[float] = (weights / weights.sum()).tolist()
    frequencies = [max(1, math.floor(p * TOTAL)) for p in probabilities]
    missing = TOTAL - sum(frequencies)
    step = 1 if missing > 0 else -1

    def cost(entry: int) -> float:
        """Expected bits lost by one step on this entry (negative: won)."""
        before, after = frequencies[entry], frequencies[entry] + step
        if after < 1:
            return math.inf
        return probabilities[entry] * math.log(before / after)

    heap = [(cost(entry), entry) for entry in range(len(frequencies))]
    heapq.heapify(heap)
    for _ in range(abs(missing)):
        entry = heap[0][1]
        frequencies[entry] += step
        heapq.heapreplace(heap, (cost(entry), entry))
    return np.concatenate(([0], np.cumsum(frequencies))).astype(np.uint32)


def _integers(values: npt.ArrayLike, what: str) -> npt.NDArray[np.int64]:
    """A 1-D int64 copy of an integer array."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidTable(
            f"{what}: found {array.dtype} of shape {array.shape}, expected one row of integers"
        )
    return array.astype(np.int64)


def _checked_row(
    t: int, row: npt.NDArray[np.int64], length: int, offset: int
) -> npt.NDArray[np.uint32]:
    """Cut the padding off one row, check the rules of SPEC.md, and freeze it."""
    if not 2 <= length <= MAX_ENTRIES:
        raise InvalidTable(f"table {t}: found {length} entries, expected 2 to {MAX_ENTRIES}")
    if row.size < length + 1:
        raise InvalidTable(
            f"table {t}: found {row.size} cdf values, expected {length + 1} for {length} entries"
        )
    row = row[: length + 1]
    if row[0] != 0 or row[-1] != TOTAL:
        raise InvalidTable(f"table {t}: cdf runs from {row[0]} to {row[-1]}, expected 0 to {TOTAL}")
    if (np.diff(row) < 1).any():
        entry = int(np.argmax(np.diff(row) < 1))
        raise InvalidTable(f"table {t}: entry {entry} has a frequency below 1")
    if not _INT16_MIN <= offset <= offset + length - 2 <= _INT16_MAX:
        raise InvalidTable(
            f"table {t}: symbols {offset} to {offset + length - 2} are not all int16"
        )
    frozen = row.astype(np.uint32)
    frozen.flags.writeable = False
    return frozen
