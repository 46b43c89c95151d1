"""The one checksum of the format: CRC-32 as in zlib, PNG and Ethernet (SPEC.md, section 1)."""

from __future__ import annotations

import zlib

Buffer = bytes | bytearray | memoryview


def crc32(data: Buffer, start: int = 0) -> int:
    """Returns the CRC-32 of `data`; `start` is the CRC of the bytes before them, if any."""
    return zlib.crc32(data, start)
