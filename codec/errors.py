"""Every error a user of the codec can meet, and the exit code each one gives the command line.

    CodecError                      1   base of all: bad input gives nothing else
    ├── OptionError                 2   an option is out of range or contradicts another
    ├── UnsupportedImage            2   an image of a kind that is not taken
    │   └── UnsupportedVideo        2   a video of a kind that is not taken
    ├── UnreadableImage             3   the input image cannot be read
    │   ├── NotAnImage              3   no known image type starts like this
    │   ├── DamagedImage            3   a known type, but truncated or inconsistent
    │   └── UnreadableVideo         3   no video, or a damaged one
    ├── DamagedFile                 3   our file, damaged; has `offset` and `chunk`
    │   ├── NotOurFile              3   it does not begin with our signature
    │   ├── TruncatedFile           3   it ends too early
    │   ├── ChecksumMismatch        3   a checksum does not agree with the bytes
    │   ├── InvalidField            3   a field has a value that no encoder writes
    │   ├── InvalidStructure        3   a part is missing, doubled or out of order
    │   └── TrailingData            3   bytes follow the end of the file
    ├── UnsupportedVersion          4   version or critical chunk of a newer program
    ├── UnknownModel                4   the model named by the file or the user is not known here
    ├── WeightsMismatch             4   the weights are missing, or not those the file was made with
    ├── LimitExceeded               5   a size or count is over a limit
    ├── TargetUnreachable           1   no quality reaches it; states the nearest
    ├── OutputExists                1   the output is there already and may not be replaced
    ├── OutputError                 1   the output cannot be written there
    └── InternalError               1   a fault of this program, worth a report

`UnsupportedImage` counts as wrong usage (2): the file is in order, the user chose one that this
codec does not take, and the message says how to turn it into one that it does. `TargetUnreachable`
is a well-formed request that could not be met, hence the plain failure code 1.

Errors of the packages below (`bitstream`, `entropy`, `networks`) are translated with the original
as `__cause__`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

__all__ = [
    "ChecksumMismatch",
    "CodecError",
    "DamagedFile",
    "DamagedImage",
    "InternalError",
    "InvalidField",
    "InvalidStructure",
    "LimitExceeded",
    "NotAnImage",
    "NotOurFile",
    "OptionError",
    "OutputError",
    "OutputExists",
    "TargetUnreachable",
    "TrailingData",
    "TruncatedFile",
    "UnknownModel",
    "UnreadableImage",
    "UnreadableVideo",
    "UnsupportedImage",
    "UnsupportedVersion",
    "UnsupportedVideo",
    "WeightsMismatch",
    "convert",
    "translated",
]


class CodecError(Exception):
    """Something a user can meet and act on; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class OptionError(CodecError, ValueError):
    """An option is out of its range, or two options contradict each other."""

    exit_code = 2


class UnsupportedImage(CodecError):
    """The input is an image of a kind this codec does not take (CMYK, animated, ...)."""

    exit_code = 2


class UnsupportedVideo(UnsupportedImage):
    """The input is a video of a kind this codec does not take (10 bits, HDR, interlaced, ...)."""


class UnreadableImage(CodecError):
    """The input image cannot be read."""

    exit_code = 3


class NotAnImage(UnreadableImage):
    """The input does not start like any image type that is read here."""


class DamagedImage(UnreadableImage):
    """The input image is truncated or contradicts itself."""


class UnreadableVideo(UnreadableImage):
    """The input holds no video, or it is truncated or contradicts itself."""


class DamagedFile(CodecError):
    """A file of this codec is not as it was written.

    Args:
        message: what is wrong, where, what was found and what was expected.
        offset: byte offset in the file where it was noticed, or None.
        chunk: four-letter code of the chunk it is in, or None.
    """

    exit_code = 3

    def __init__(
        self, message: str, *, offset: int | None = None, chunk: str | None = None
    ) -> None:
        super().__init__(message)
        self.offset = offset
        self.chunk = chunk


class NotOurFile(DamagedFile):
    """The file does not begin with the signature of this codec."""


class TruncatedFile(DamagedFile):
    """The file ends before everything announced in it was read."""


class ChecksumMismatch(DamagedFile):
    """A checksum in the file does not agree with the bytes it covers."""


class InvalidField(DamagedFile):
    """A field of the file has a value that no encoder writes."""


class InvalidStructure(DamagedFile):
    """A part of the file is missing, stands there twice, or stands in the wrong place."""


class TrailingData(DamagedFile):
    """Bytes follow the end of the file."""


class UnsupportedVersion(CodecError):
    """The file was written for a newer version of this program."""

    exit_code = 4


class UnknownModel(CodecError):
    """A model id or name that this program does not know."""

    exit_code = 4


class WeightsMismatch(CodecError):
    """The weights at hand are missing, or are not those the file was made with."""

    exit_code = 4


class LimitExceeded(CodecError):
    """A size or a count is over its limit; nothing was allocated for it."""

    exit_code = 5


class TargetUnreachable(CodecError):
    """No quality of the model reaches the target; the message states the nearest possible.

    Args:
        message: the target and the nearest value that can be had.
        nearest: that value, in the unit of the target (bytes, bits per pixel or dB).
    """

    def __init__(self, message: str, *, nearest: float | None = None) -> None:
        super().__init__(message)
        self.nearest = nearest


class OutputExists(CodecError):
    """The output exists and was not allowed to be replaced."""


class OutputError(CodecError):
    """The output cannot be written at the place that was given."""


class InternalError(CodecError):
    """A fault of this program, not of its input."""


# One row per class of the packages below: the nearest class in its method resolution order decides.
_TRANSLATIONS: dict[str, type[CodecError]] = {
    # bitstream.errors
    "BitstreamError": DamagedFile,
    "Truncated": TruncatedFile,
    "BadMagic": NotOurFile,
    "UnsupportedVersion": UnsupportedVersion,
    "UnknownCriticalChunk": UnsupportedVersion,
    "BadChecksum": ChecksumMismatch,
    "BadField": InvalidField,
    "LimitExceeded": LimitExceeded,
    "TrailingData": TrailingData,
    "MissingChunk": InvalidStructure,
    "DuplicateChunk": InvalidStructure,
    "ChunkOrder": InvalidStructure,
    "OutOfRange": OptionError,
    # entropy.errors: a stream that does not decode is a damaged file, the rest are our own mistakes
    "EntropyCodingError": DamagedFile,
    "StreamExhausted": TruncatedFile,
    "InvalidTable": InternalError,
    "SymbolOutOfRange": InternalError,
    "NativeUnavailable": InternalError,
    # networks.errors
    "NetworkError": InternalError,
    "InvalidNetwork": WeightsMismatch,
    "InvalidWeightsFile": WeightsMismatch,
    "UnknownInstructionSet": OptionError,
}

_FOREIGN_TREES = (
    ("bitstream.errors", "BitstreamError"),
    ("entropy.errors", "EntropyCodingError"),
    ("networks.errors", "NetworkError"),
)


def _foreign_errors() -> tuple[type[Exception], ...]:
    """The error trees of the packages below, as far as loaded: others raised nothing."""
    return tuple(
        getattr(sys.modules[module], name)
        for module, name in _FOREIGN_TREES
        if module in sys.modules
    )


def convert(error: Exception) -> CodecError:
    """Turns an error of `bitstream`, `entropy` or `networks` into the `CodecError` of its meaning.

    Args:
        error: the original; a `CodecError` is returned as it is.

    Returns:
        The translated error, to be raised `from` the original. `offset` and `chunk` are kept where
        the original has them. What belongs to none of the trees is an `InternalError`.
    """
    if isinstance(error, CodecError):
        return error
    if not isinstance(error, _foreign_errors()):
        return InternalError(f"{type(error).__name__}: {error}")
    target: type[CodecError] = next(
        _TRANSLATIONS[base.__name__]
        for base in type(error).__mro__
        if base.__name__ in _TRANSLATIONS
    )
    if issubclass(target, DamagedFile):
        offset, chunk = getattr(error, "offset", None), getattr(error, "chunk", None)
        return target(str(error), offset=offset, chunk=chunk)
    return target(str(error))


@contextmanager
def translated() -> Iterator[None]:
    """Lets errors of `bitstream`, `entropy` and `networks` leave the block as `CodecError`."""
    try:
        yield
    except CodecError:
        raise
    # The tuple is evaluated only when something was raised, thus after the packages were loaded.
    except _foreign_errors() as error:
        raise convert(error) from error
