"""The errors of the container, one name per way of being wrong.

BitstreamError
├── Truncated              the data end before something that they promise
├── BadMagic               not a file of this format
├── UnsupportedVersion     a version, or a reserved value, that needs a newer reader
├── BadChecksum            the bytes are not those that were written
├── BadField               a value that no file may contain
├── LimitExceeded          legal, but more than the caller's `Limits` allow
├── TrailingData           bytes after the end of the file
├── MissingChunk           a required chunk is not there
├── DuplicateChunk         a chunk stands there twice
├── ChunkOrder             chunks stand in the wrong order
├── UnknownCriticalChunk   a chunk that must be understood and is not
└── OutOfRange             the caller asks for a tile or a rectangle outside the picture
"""

from __future__ import annotations


class BitstreamError(Exception):
    """Something is wrong with a file, or with what is to be written into one.

    The text says what is wrong, where, what was found and what was expected.

    Attributes:
        offset: byte offset in the file, or None where there is none (while writing).
        chunk: four-letter name of the chunk, or None outside of chunks.
    """

    def __init__(
        self,
        what: str,
        *,
        found: object = None,
        expected: object = None,
        offset: int | None = None,
        chunk: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.found = found
        self.expected = expected
        self.offset = offset
        self.chunk = chunk

    def __str__(self) -> str:
        where = []
        if self.chunk is not None:
            where.append(f"in chunk {self.chunk.strip()}")
        if self.offset is not None:
            where.append(f"at byte {self.offset}")
        details = []
        if self.found is not None:
            details.append(f"found {self.found}")
        if self.expected is not None:
            details.append(f"expected {self.expected}")
        text = " ".join([self.what, *where])
        return f"{text}: {', '.join(details)}" if details else text


class Truncated(BitstreamError):
    """The data end before something that they promise."""


class BadMagic(BitstreamError):
    """The data are not a file of this format."""


class UnsupportedVersion(BitstreamError):
    """The file uses a version, or a reserved value, that needs a newer reader."""


class BadChecksum(BitstreamError):
    """A CRC does not match: the bytes are not those that were written."""


class BadField(BitstreamError):
    """A value is one that no file may contain."""


class LimitExceeded(BitstreamError):
    """The file is legal so far, but asks for more than the caller's `Limits` allow."""


class TrailingData(BitstreamError):
    """There are bytes after the end of the file."""


class MissingChunk(BitstreamError):
    """A required chunk is not there."""


class DuplicateChunk(BitstreamError):
    """A chunk that may stand there once stands there twice."""


class ChunkOrder(BitstreamError):
    """Chunks stand in the wrong order."""


class UnknownCriticalChunk(BitstreamError):
    """A chunk that must be understood is of an unknown type: a newer reader is needed."""


class OutOfRange(BitstreamError):
    """The caller asks for a tile or a rectangle that is not inside the picture."""
