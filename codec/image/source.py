"""Reading a file of this codec into memory from whatever form it comes in; needs no numpy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

import bitstream
from codec.errors import translated

if TYPE_CHECKING:
    from codec.options import Limits

__all__ = ["DataSource", "read_data"]

DataSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the bytes of a file of this codec, or a binary file object."""


def read_data(source: DataSource, *, limits: Limits) -> bytes:
    """Reads a file of this codec into memory if its header is in order and within limits.

    A large file that is not ours is refused after its first bytes.

    Raises:
        CodecError: the header is not in order, or over a limit.
        OSError: the file cannot be opened or read.
    """
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return _read_stream(file, limits)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    return _read_stream(source, limits)


def _read_stream(file: BinaryIO, limits: Limits) -> bytes:
    head = file.read(bitstream.HEADER_PROBE_BYTES)
    with translated():
        bitstream.read_header(head, limits)
        if not limits.max_file_bytes:
            return head + file.read()
        # One byte over the limit is enough to know.
        data = head + file.read(max(0, limits.max_file_bytes - len(head)) + 1)
        limits.check_file(len(data))
        return data
