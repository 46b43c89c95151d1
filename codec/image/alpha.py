"""The alpha plane, lossless: most are constant or large flat areas, so prediction and zlib do.

    byte 0      method
    method 0    8 bits: byte 1 = the value of every pixel; nothing follows
    method 1    8 bits: zlib stream (level 9) of, for each row: filter byte, then W residual bytes
    method 2    16 bits: zlib stream (level 9) of, for each row: filter byte, then the high bytes of
                W residuals, then the low bytes of the same W residuals
    method 3    16 bits: bytes 1 and 2 = the value of every pixel, high byte first; nothing follows

    filter      prediction of x          neighbours      c b
      0 none    0                                        a x
      1 left    a                        (0 outside the plane), residual = x - prediction mod 256,
      2 up      b                        of 16 bits mod 65536
      3 plane   a + b - c

The methods of a plane are those of the bit depth in the header of the file; another is an error.
For each row the encoder takes the filter whose residuals, read as signed numbers, have the least
sum of magnitudes; of equals the first. All four undo with whole-row sums, unlike PNG's average and
Paeth, which go pixel by pixel. Which bytes zlib makes may depend on its build; any build reads
them.

Source: the heuristic is that of the PNG specification (W3C, third edition), section 12.7.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.errors import DamagedFile

__all__ = ["decode_alpha", "encode_alpha"]

METHOD_CONSTANT = 0
METHOD_FILTERED = 1
METHOD_FILTERED_16 = 2
METHOD_CONSTANT_16 = 3

FILTER_NONE, FILTER_LEFT, FILTER_UP, FILTER_PLANE = range(4)

Plane = NDArray[Any]
"""Of dtype uint8 or uint16."""


def encode_alpha(alpha: Plane) -> bytes:
    """Codes an alpha plane.

    Args:
        alpha: shape (H, W), dtype uint8 or uint16, not empty.

    Returns:
        2 or 3 bytes for a constant plane, otherwise about what PNG would take.
    """
    deep = alpha.dtype == np.uint16
    first = int(alpha[0, 0])
    if (alpha == first).all():
        method = METHOD_CONSTANT_16 if deep else METHOD_CONSTANT
        return bytes([method]) + first.to_bytes(alpha.dtype.itemsize, "big")
    packer = zlib.compressobj(9)
    parts = [bytes([METHOD_FILTERED_16 if deep else METHOD_FILTERED])]
    above = np.zeros(alpha.shape[1], dtype=alpha.dtype)
    signed = np.int16 if deep else np.int8
    for row in alpha:
        left, up = _left_difference(row), row - above
        residuals = (row, left, up, _left_difference(up))
        costs = [int(np.abs(r.view(signed).astype(np.int32)).sum()) for r in residuals]
        best = costs.index(min(costs))
        parts.append(packer.compress(bytes([best]) + _to_bytes(residuals[best])))
        above = row
    parts.append(packer.flush())
    return b"".join(parts)


def decode_alpha(data: bytes, height: int, width: int, bits: int = 8) -> Plane:
    """Undoes `encode_alpha`; never unpacks more than one byte beyond H rows of the plane's size.

    Args:
        data: the coded plane.
        height, width: its size, from the header of the file.
        bits: of a sample, 8 or 16, likewise.

    Returns:
        Shape (H, W), dtype uint8 or uint16.

    Raises:
        DamagedFile: the data is not what the encoder makes for this size and depth.
    """
    if not data:
        raise _damaged("it is empty")
    dtype: np.dtype[Any] = np.dtype(np.uint8 if bits == 8 else np.uint16)
    constant, filtered = (
        (METHOD_CONSTANT, METHOD_FILTERED)
        if bits == 8
        else (METHOD_CONSTANT_16, METHOD_FILTERED_16)
    )
    if data[0] == constant:
        if len(data) != 1 + dtype.itemsize:
            raise _damaged(f"a constant plane has {1 + dtype.itemsize} bytes, found {len(data)}")
        return np.full((height, width), int.from_bytes(data[1:], "big"), dtype=dtype)
    if data[0] != filtered:
        raise _damaged(f"method {data[0]} is not known for {bits} bits")
    row_bytes = 1 + width * dtype.itemsize
    rows = np.frombuffer(_unpack(data, height * row_bytes), dtype=np.uint8)
    rows = rows.reshape(height, row_bytes)
    alpha = np.empty((height, width), dtype=dtype)
    above = np.zeros(width, dtype=dtype)
    for y in range(height):
        kind, row = int(rows[y, 0]), _from_bytes(rows[y, 1:], dtype)
        if kind > FILTER_PLANE:
            raise _damaged(f"filter {kind} in row {y} is not known")
        if kind in (FILTER_LEFT, FILTER_PLANE):
            row = np.cumsum(row, dtype=dtype)
        if kind in (FILTER_UP, FILTER_PLANE):
            row = row + above
        alpha[y] = row
        above = alpha[y]
    return alpha


def _left_difference(row: Plane) -> Plane:
    """Each value less its left neighbour, modulo its range; undone by a running sum."""
    return np.diff(row, prepend=row.dtype.type(0))


def _to_bytes(row: Plane) -> bytes:
    """Of 16 bits all the high bytes, then all the low ones: likes stand together."""
    if row.dtype == np.uint8:
        return row.tobytes()
    return (row >> 8).astype(np.uint8).tobytes() + row.astype(np.uint8).tobytes()


def _from_bytes(row: NDArray[np.uint8], dtype: np.dtype[Any]) -> Plane:
    if dtype == np.uint8:
        return row
    width = len(row) // 2
    high: Plane = row[:width].astype(np.uint16) << 8
    return high | row[width:]


def _unpack(data: bytes, expected: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        # One byte of room more: a longer stream shows, and the end of a right one is reached.
        rows = unpacker.decompress(memoryview(data)[1:], expected + 1)
    except zlib.error as error:
        raise _damaged(str(error)) from error
    if len(rows) != expected or not unpacker.eof or unpacker.unused_data:
        raise _damaged(f"it does not unpack to exactly {expected} bytes")
    return rows


def _damaged(what: str) -> DamagedFile:
    return DamagedFile(f"alpha plane: {what}", chunk="ALPH")
