"""What payloads of tiles say of their modes, without decoding; Python alone (SPEC.md, Modes)."""

from __future__ import annotations

from collections import Counter

from entropy.errors import CorruptStream, StreamExhausted

__all__ = ["MODES", "pixels_by_mode"]

MODES = ("learned", "photo", "screen", "raw")
"""Names of what codes a pixel: the model, coder P, coder S, nothing."""

_CELL_PX = 64
_LEARNED, _WHOLE, _CELLS = range(3)
_SHARED, _OWN = 1, 2
_CODERS = {0: "raw", 1: "photo", 2: "screen"}


def pixels_by_mode(payload: bytes, width: int, height: int) -> Counter[str]:
    """Number of pixels by `MODES` of a tile of width x height.

    Raises:
        CorruptStream, StreamExhausted: the payload is damaged.
    """
    reader = _Reader(payload)
    kind = reader.u8()
    if kind == _LEARNED:
        return Counter(learned=width * height)
    if kind == _WHOLE:
        return Counter({_coder(reader.u8()): width * height})
    if kind != _CELLS:
        raise CorruptStream(f"a tile is of no known kind: {kind}")
    across, down = -(-width // _CELL_PX), -(-height // _CELL_PX)
    packed = reader.take(-(-across * down // 4))
    cells = [packed[n // 4] >> n % 4 * 2 & 3 for n in range(across * down)]
    if _SHARED in cells:
        reader.take(reader.varint())
    found: Counter[str] = Counter()
    for n, cell in enumerate(cells):
        row, column = divmod(n, across)
        size = min(_CELL_PX, width - column * _CELL_PX) * min(_CELL_PX, height - row * _CELL_PX)
        if cell == _OWN:
            found[_coder(reader.take(reader.varint())[0])] += size
        else:
            found["screen" if cell == _SHARED else "learned"] += size
    return found


def _coder(head: int) -> str:
    name = _CODERS.get(head & 3)
    if name is None:
        raise CorruptStream("a part is of no known coder")
    return name


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count or not count:
            raise StreamExhausted("a tile ends before its parts do")
        self._at += count
        return taken

    def u8(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 35, 7):
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise CorruptStream("a length of more than 32 bits")
