"""Weights files that share tensors with another one, stored as what they add to it.

    make(base, data)      ──► difference        parts of the base, and bytes of its own
    apply(base, difference) ──► data            the same bytes again

SPEC.md, section Weights file as a difference, is normative.
"""

from __future__ import annotations

import struct

from networks import weights_file
from networks.errors import InvalidWeightsFile

__all__ = ["MAGIC", "apply", "make"]

MAGIC = b"LICDIFF\x01"
OWN = (1 << 64) - 1
"""Instead of an offset in the base: the bytes are the difference's own."""
LARGEST = 1 << 28
"""Bytes that a weights file may have."""


def make(base: bytes, data: bytes) -> bytes:
    """What `data` adds to `base`, both weights files; entries of equal bytes are taken from it.

    Raises:
        InvalidWeightsFile: one of them is no weights file.
    """
    known: dict[bytes, int] = {}
    for begin, size in weights_file.places(base):
        known.setdefault(base[begin : begin + size], begin)
    parts: list[tuple[int, int]] = []
    own: list[bytes] = []

    def literal(first: int, last: int) -> None:
        if first < last:
            parts.append((OWN, last - first))
            own.append(data[first:last])

    done = 0
    for begin, size in weights_file.places(data):
        found = known.get(data[begin : begin + size])
        if size and found is not None:
            literal(done, begin)
            parts.append((found, size))
            done = begin + size
    literal(done, len(data))
    head = MAGIC + struct.pack("<I", len(parts))
    return head + b"".join(struct.pack("<2Q", *part) for part in parts) + b"".join(own)


def apply(base: bytes, difference: bytes) -> bytes:
    """The file that a difference was made of.

    Raises:
        InvalidWeightsFile: the difference breaks a rule, or is one to another base.
    """
    try:
        if difference[: len(MAGIC)] != MAGIC:
            raise InvalidWeightsFile("the first bytes are not those of a difference")
        (count,) = struct.unpack_from("<I", difference, len(MAGIC))
        at = len(MAGIC) + 4
        own = at + 16 * count
        parts, size = [], 0
        for offset, length in struct.iter_unpack("<2Q", difference[at:own]):
            source, begin = (difference, own) if offset == OWN else (base, offset)
            size += length
            if begin + length > len(source) or size > LARGEST:
                raise InvalidWeightsFile("a part lies outside the base or the difference")
            parts.append(source[begin : begin + length])
            own += length if offset == OWN else 0
        if own != len(difference):
            raise InvalidWeightsFile("bytes are missing from a difference, or follow it")
    except struct.error as error:
        raise InvalidWeightsFile(f"not a difference: {error}") from error
    return b"".join(parts)
