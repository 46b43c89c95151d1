"""Bytes from whatever form a file comes in; needs no numpy.

A file object is read from where it stands to its end, however little each call of `read` gives.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

import bitstream
from codec.errors import OptionError, translated

if TYPE_CHECKING:
    from codec.options import Limits

__all__ = ["DataSource", "as_bytes", "open_path", "read_data", "read_up_to"]

DataSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the bytes of a file of this codec, or a binary file object."""

_PIECE_BYTES = 1 << 20
"""What is asked for at once: a buffered file takes memory for all of it, be the file ever so small.
"""


def read_data(source: DataSource, *, limits: Limits) -> bytes:
    """Reads a file of this codec into memory if its header is in order and within limits.

    A large file that is not ours is refused after its first bytes.

    Raises:
        OptionError: the source is none of the forms of `DataSource`.
        CodecError: the header is not in order, or over a limit.
        OSError: the file cannot be opened or read.
    """
    if isinstance(source, (str, os.PathLike)):
        with open_path(source) as file:
            return _read_stream(file, limits)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return as_bytes(source)
    if not hasattr(source, "read"):
        raise OptionError(
            f"a file is a path, its bytes or a binary file object, not {type(source).__name__}"
        )
    return _read_stream(source, limits)


def open_path(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a file for reading.

    Raises:
        OptionError: the path is one that no file can have.
        OSError: it cannot be opened.
    """
    try:
        return open(path, "rb")
    except (ValueError, TypeError) as error:  # a zero byte in it, or a path object of another kind
        raise OptionError(f"{path!r} is no path: {error}") from error


def as_bytes(data: object) -> bytes:
    """The bytes of a bytes-like object.

    Raises:
        OptionError: it is something else.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        try:
            return bytes(data)
        except ValueError as error:  # a view that was released
            raise OptionError(f"the bytes of a file: {error}") from error
    raise OptionError(f"the bytes of a file are bytes, not {type(data).__name__}")


def read_up_to(file: BinaryIO, most: int | None = None) -> bytes:
    """Reads from where the file stands to its end, or `most` bytes if there are so many.

    Raises:
        OptionError: it was opened as text, or gives no bytes.
        OSError: it cannot be read.
    """
    pieces: list[bytes] = []
    size = 0
    while most is None or size < most:
        try:
            piece = file.read(_PIECE_BYTES if most is None else min(_PIECE_BYTES, most - size))
        except ValueError as error:  # closed, or its bytes are no text
            raise OptionError(f"the file object cannot be read: {error}") from error
        if piece is None:
            raise BlockingIOError("the file object has no bytes yet and does not wait for them")
        if isinstance(piece, str):
            raise OptionError("the file object was opened as text: open it with mode 'rb'")
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise OptionError(f"read() of the file object gave a {type(piece).__name__}, no bytes")
        if not piece:
            break
        pieces.append(bytes(piece))
        size += len(piece)
    return b"".join(pieces)


def _read_stream(file: BinaryIO, limits: Limits) -> bytes:
    head = read_up_to(file, bitstream.HEADER_PROBE_BYTES)
    with translated():
        bitstream.read_header(head, limits)
        if not limits.max_file_bytes:
            return head + read_up_to(file)
        # One byte over the limit is enough to know.
        data = head + read_up_to(file, max(0, limits.max_file_bytes - len(head)) + 1)
        limits.check_file(len(data))
        return data
