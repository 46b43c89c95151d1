"""A second decoder of code vectors, written from entropy/SPEC.md alone: slow, in plain Python."""

from __future__ import annotations

import struct
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import bitstream
from codec.frame.geometry import latent_size, tile_area
from networks import weights_file
from networks.definition import run
from networks.program import Program

__all__ = ["VectorReference", "crc16", "packets_of"]

POWERS = [round(2**15 * 2 ** (-i / 64)) for i in range(64)]


def frequencies(logits: NDArray[np.int16]) -> NDArray[np.int64]:
    """Of categories: at least 1 each, 65536 in all."""
    below = int(logits.max()) - logits.astype(np.int64)
    weights = np.where(below < 1024, np.take(POWERS, below % 64) >> np.minimum(below // 64, 62), 0)
    found = 1 + weights * (65536 - len(logits)) // weights.sum()
    found[int(np.argmax(logits))] += 65536 - found.sum()
    return cast(NDArray[np.int64], found)


class Categories:
    """Symbols of one payload."""

    def __init__(self, data: bytes) -> None:
        self.state = int.from_bytes(data[:5], "little")
        self.words = list(struct.unpack(f"<{(len(data) - 5) // 2}H", data[5:]))

    def next(self, logits: NDArray[np.int16]) -> int:
        """The next symbol."""
        counts = frequencies(logits)
        ends = np.cumsum(counts)
        slot = self.state % 65536
        symbol = int(np.searchsorted(ends, slot, side="right"))
        start = int(ends[symbol] - counts[symbol])
        self.state = int(counts[symbol]) * (self.state // 65536) + slot - start
        if self.state < 1 << 24:
            self.state = self.state * 65536 + self.words.pop(0)
        return symbol


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740, bit by bit."""
    crc = 0xFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            top = crc >> 15 ^ byte >> bit & 1
            crc = (crc << 1 & 0xFFFF) ^ (0x1021 if top else 0)
    return crc


def packets_of(payload: bytes) -> list[bytes]:
    """The four packets of a tile; their checks are compared."""
    sizes, checks, at = [], [], 0
    for _ in range(4):
        size = shift = 0
        while True:
            size |= (payload[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if payload[at - 1] < 128:
                break
        sizes.append(size)
        checks.append(payload[at] + 256 * payload[at + 1])
        at += 2
    found = []
    for size, check in zip(sizes, checks, strict=True):
        found.append(payload[at : at + size])
        assert crc16(found[-1]) == check
        at += size
    assert at == len(payload)
    return found


class VectorReference:
    """A weights file with code vectors."""

    def __init__(self, data: bytes) -> None:
        self.entries = weights_file.read(data)

    def decode(self, container: bitstream.Container) -> NDArray[np.uint8]:
        """Pixels (H, W, 3) of a file without modes."""
        header = container.header
        height, width = latent_size(header.height), latent_size(header.width)
        whole = np.zeros((height, width, int(self._table("codes")[0])), np.int32)
        for n in range(container.grid.count):
            area = tile_area(container.grid.rectangle(n))
            whole[area.y : area.bottom, area.x : area.right] = self.decompress(
                container.tile(n), area.height, area.width, header.level
            )
        pixels = self._run("synthesis", [whole], header.level)
        return pixels[: header.height, : header.width]

    def _run(self, name: str, inputs: list[NDArray[Any]], level: int) -> NDArray[Any]:
        program = self.entries[name]
        assert isinstance(program, Program)
        return cast(NDArray[Any], run(program, inputs, level)[0])

    def _table(self, name: str) -> NDArray[Any]:
        return cast(NDArray[Any], self.entries[name])

    def decompress(self, payload: bytes, height: int, width: int, level: int) -> NDArray[Any]:
        """y_hat (height, width, M) of a tile."""
        coarse, fine = self._table("coarse"), self._table("fine")
        channels = coarse.shape[1]
        first = np.zeros((height // 2, width // 2, channels), np.int16)
        second = np.zeros((height, width, channels), np.int16)
        rows, columns = height // 4, width // 4
        for p, data in enumerate(packets_of(payload)):
            symbols = Categories(data)
            own = np.zeros((rows, columns, channels), np.int16)
            for i, j in np.ndindex(rows, columns):
                own[i, j] = coarse[symbols.next(self._table("coarse_logits")[level])]
            first[p // 2 :: 2, p % 2 :: 2] = own
            known = np.zeros((rows, columns, 4 * channels), np.int16)
            for s in range(4):
                logits = self._run("index", [own, known], 4 * level + s)
                for i, j in np.ndindex(rows, columns):
                    vector = fine[symbols.next(logits[i, j])]
                    known[i, j, s * channels : (s + 1) * channels] = vector
                    second[4 * i + 2 * (p // 2) + s // 2, 4 * j + 2 * (p % 2) + s % 2] = vector
            assert symbols.state == 1 << 24
            assert not symbols.words
        said = self._run("expand", [first], level).astype(np.int32)
        sums = (said + second).clip(-32768, 32767).astype(np.int16)
        return self._run("leave", [sums], level)
