"""The alpha plane, lossless: most are constant or large flat areas, so prediction and zlib do.

    byte 0      method
    method 0    byte 1 = the value of every pixel; nothing follows
    method 1    zlib stream (level 9) of, for each row: filter byte, then W residual bytes

    filter      prediction of x          neighbours      c b
      0 none    0                                        a x
      1 left    a                        (0 outside the plane), residual = x - prediction mod 256
      2 up      b
      3 plane   a + b - c

For each row the encoder takes the filter whose residuals, read as signed bytes, have the least sum
of magnitudes; of equals the first. All four undo with whole-row sums, unlike PNG's average and
Paeth, which go pixel by pixel. Which bytes zlib makes may depend on its build; any build reads
them.

Source: the heuristic is that of the PNG specification (W3C, third edition), section 12.7.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from codec.errors import DamagedFile

__all__ = ["decode_alpha", "encode_alpha"]

METHOD_CONSTANT = 0
METHOD_FILTERED = 1

FILTER_NONE, FILTER_LEFT, FILTER_UP, FILTER_PLANE = range(4)


def encode_alpha(alpha: NDArray[np.uint8]) -> bytes:
    """Codes an alpha plane.

    Args:
        alpha: shape (H, W), dtype uint8, not empty.

    Returns:
        2 bytes for a constant plane, otherwise about what PNG would take.
    """
    first = int(alpha[0, 0])
    if (alpha == first).all():
        return bytes([METHOD_CONSTANT, first])
    packer = zlib.compressobj(9)
    parts = [bytes([METHOD_FILTERED])]
    above = np.zeros(alpha.shape[1], dtype=np.uint8)
    for row in alpha:
        left, up = _left_difference(row), row - above
        residuals = (row, left, up, _left_difference(up))
        costs = [int(np.abs(r.view(np.int8).astype(np.int16)).sum()) for r in residuals]
        best = costs.index(min(costs))
        parts.append(packer.compress(bytes([best]) + residuals[best].tobytes()))
        above = row
    parts.append(packer.flush())
    return b"".join(parts)


def decode_alpha(data: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """Undoes `encode_alpha`; never unpacks more than one byte beyond H * (W + 1).

    Args:
        data: the coded plane.
        height, width: its size, from the header of the file.

    Returns:
        Shape (H, W), dtype uint8.

    Raises:
        DamagedFile: the data is not what the encoder makes for this size.
    """
    if not data:
        raise _damaged("it is empty")
    if data[0] == METHOD_CONSTANT:
        if len(data) != 2:
            raise _damaged(f"a constant plane has 2 bytes, found {len(data)}")
        return np.full((height, width), data[1], dtype=np.uint8)
    if data[0] != METHOD_FILTERED:
        raise _damaged(f"method {data[0]} is not known")
    rows = np.frombuffer(_unpack(data, height * (width + 1)), dtype=np.uint8)
    rows = rows.reshape(height, width + 1)
    alpha = np.empty((height, width), dtype=np.uint8)
    above = np.zeros(width, dtype=np.uint8)
    for y in range(height):
        kind, row = int(rows[y, 0]), rows[y, 1:]
        if kind > FILTER_PLANE:
            raise _damaged(f"filter {kind} in row {y} is not known")
        if kind in (FILTER_LEFT, FILTER_PLANE):
            row = np.cumsum(row, dtype=np.uint8)
        if kind in (FILTER_UP, FILTER_PLANE):
            row = row + above
        alpha[y] = row
        above = alpha[y]
    return alpha


def _left_difference(row: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each value less its left neighbour, modulo 256; undone by a running sum."""
    return np.diff(row, prepend=np.uint8(0))


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
