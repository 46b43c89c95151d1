"""PBM, PGM, PPM (binary) and PAM: pictures that tools write into pipes, one after another.

    P4  1 bit     P5  grey     P6  RGB     P7  grey or RGB, with or without alpha (PAM)

Samples of 8 or 16 bits, the high byte first. They go from 0 to a `maxval` of the file's own, here
from 0 to 255 or 65535: where maxval is one of these, samples are kept as they are; any other range
is spread to 255 (up to maxval 255) or to 65535 (above), value * 255 / maxval rounded to nearest,
half to even. Whoever knows maxval can undo that exactly, since two values never become one.

Read from any file object, without seeking and not a byte further than the picture, so that the next
one can follow. The plain kinds P1 to P3 hold one picture a file and are left to Pillow.

Source: the manual pages pbm(5), pgm(5), ppm(5) and pam(5) of Netpbm.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from codec.errors import DamagedImage, UnsupportedImage
from codec.image.picture import Picture, Samples
from codec.image.source import read_up_to

if TYPE_CHECKING:
    from codec.options import Limits

__all__ = [
    "MAGICS", "START_BYTES", "Rejoined", "holds_several", "pnm_bytes", "read_next", "starts_pnm",
]  # fmt: skip

MAGICS = (b"P4", b"P5", b"P6", b"P7")
START_BYTES = 3
"""What `starts_pnm` needs to see."""

_SPACE = b" \t\n\v\f\r"
_MAX_DIGITS = 10
_MAX_HEADER_BYTES = 1 << 16
_PIECE_BYTES = 1 << 24
"""Read at once, so that a header alone never makes the memory of a large picture."""

_PLANES = {b"P5": 1, b"P6": 3}
_TUPLES = {
    b"BLACKANDWHITE": 1,
    b"GRAYSCALE": 1,
    b"RGB": 3,
    b"BLACKANDWHITE_ALPHA": 2,
    b"GRAYSCALE_ALPHA": 2,
    b"RGB_ALPHA": 4,
}
_TUPLE_NAMES = {1: "GRAYSCALE", 2: "GRAYSCALE_ALPHA", 3: "RGB", 4: "RGB_ALPHA"}


class _Header(NamedTuple):
    """What stands before the samples: sizes in pixels, samples of a pixel, the largest value."""

    magic: bytes
    width: int
    height: int
    planes: int
    maxval: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of samples."""
        if self.magic == b"P4":
            return (self.width + 7) // 8
        return self.width * self.planes * (1 if self.maxval < 256 else 2)


class Rejoined:
    """A file object that cannot seek, the first bytes of which have been looked at.

    Args:
        file: from where it stands.
        size: how many bytes to look at; `head` has them, or fewer if the file ends.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self.head = file, read_up_to(file, size)
        self._left = self.head

    def read(self, size: int = -1) -> bytes:
        """The next bytes: as many as asked for or fewer, none at the end; all without a size."""
        if size < 0:
            found, self._left = self._left, b""
            return found + read_up_to(self._file)
        if not self._left:
            return self._file.read(size)
        found, self._left = self._left[:size], self._left[size:]
        return found


def holds_several(file: BinaryIO) -> bool:
    """Whether a file that can seek holds a picture and starts another one behind it."""
    try:
        magic = _magic(file)
        if magic is None:
            return False
        header = _header(file, magic)
    except (DamagedImage, UnsupportedImage):
        return False  # told when the picture is read
    file.seek(header.row_bytes * header.height, os.SEEK_CUR)
    return starts_pnm(file.read(64).lstrip(_SPACE))


def starts_pnm(head: bytes) -> bool:
    """Whether a file that starts so is read by `read_next`."""
    return head[:2] in MAGICS and head[2:3] != b"" and head[2:3] in _SPACE


def read_next(file: BinaryIO, limits: Limits) -> Picture | None:
    """Reads the next picture of a stream.

    Args:
        file: stands where the picture begins; white space before it is skipped, unless it is first.
        limits: compared with the size in the header before any sample is read.

    Returns:
        The picture, or None where the stream ends before one begins.

    Raises:
        DamagedImage: what comes is not a binary PNM or PAM picture, or it is cut short.
        UnsupportedImage: PAM with planes of another meaning.
        LimitExceeded: larger than the limits.
    """
    magic = _magic(file)
    if magic is None:
        return None
    header = _header(file, magic)
    limits.check_image(header.width, header.height)
    return Picture.from_numpy(_samples(file, header))


def pnm_bytes(picture: Picture, *, pam: bool = False) -> bytes:
    """The picture as PGM or PPM, which have no alpha, or as PAM; its alpha is kept there only."""
    planes = picture.to_numpy() if pam else picture.samples
    size, maxval = f"{picture.width} {picture.height}", (1 << picture.bits) - 1
    if pam:
        depth = planes.shape[2]
        head = (
            f"P7\nWIDTH {picture.width}\nHEIGHT {picture.height}\nDEPTH {depth}\nMAXVAL {maxval}\n"
            f"TUPLTYPE {_TUPLE_NAMES[depth]}\nENDHDR\n"
        )
    else:
        head = f"{'P5' if picture.channels == 1 else 'P6'}\n{size}\n{maxval}\n"
    return head.encode() + planes.astype(planes.dtype.newbyteorder(">"), copy=False).tobytes()


def _magic(file: BinaryIO) -> bytes | None:
    first = file.read(1)
    while first and first in _SPACE:
        first = file.read(1)
    if not first:
        return None
    magic = first + file.read(1)
    if magic not in MAGICS:
        raise _damaged(f"the next picture starts with {magic!r}, not with P4, P5, P6 or P7")
    return magic


def _header(file: BinaryIO, magic: bytes) -> _Header:
    header = _pam_header(file) if magic == b"P7" else _pnm_header(file, magic)
    if 0 in (header.width, header.height) or not 1 <= header.maxval <= 65535:
        raise _damaged(f"{header.width}x{header.height}, maxval {header.maxval} cannot be")
    return header


def _pnm_header(file: BinaryIO, magic: bytes) -> _Header:
    """Numbers apart by white space and comments; one white space stands before the samples."""
    width, height = _number(file), _number(file)
    if magic == b"P4":
        return _Header(magic, width, height, 1, 1)
    return _Header(magic, width, height, _PLANES[magic], _number(file))


def _number(file: BinaryIO) -> int:
    """The next number; the one white space after it is read, too."""
    digits, comment = b"", False
    for _ in range(_MAX_HEADER_BYTES):
        char = file.read(1)
        if not char:
            raise _damaged("it ends within the header")
        if comment:
            comment = char not in b"\r\n"
        elif char == b"#":
            comment = True
        elif char in _SPACE:
            if digits:
                return int(digits)
        elif char.isdigit() and len(digits) < _MAX_DIGITS:
            digits += char
        else:
            raise _damaged(f"the header has {char!r} where a number should be")
    raise _damaged("its header does not end")


def _pam_header(file: BinaryIO) -> _Header:
    """Lines of a word and a value up to ENDHDR."""
    fields: dict[bytes, bytes] = {}
    header = b""
    while not header.endswith(b"\nENDHDR\n"):
        char = file.read(1)
        if not char or len(header) > _MAX_HEADER_BYTES:
            raise _damaged("its header does not end with ENDHDR")
        header += char
    for line in header.split(b"\n"):
        word, _, value = line.strip().partition(b" ")
        if word and not word.startswith(b"#"):
            fields[word] = value.strip()
    numbers = [fields.get(name, b"") for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")]
    if not all(number.isdigit() and len(number) <= _MAX_DIGITS for number in numbers):
        raise _damaged("WIDTH, HEIGHT, DEPTH and MAXVAL are not all numbers")
    width, height, planes, maxval = map(int, numbers)
    kind = fields.get(b"TUPLTYPE", _TUPLE_NAMES.get(planes, "").encode())
    if _TUPLES.get(kind) != planes:
        raise UnsupportedImage(
            f"PAM of {planes} planes with TUPLTYPE {kind.decode(errors='replace')!r} is not "
            f"supported: convert to GRAYSCALE or RGB, with or without _ALPHA, first"
        )
    return _Header(b"P7", width, height, planes, maxval)


def _samples(file: BinaryIO, header: _Header) -> Samples:
    raster = _exactly(file, header.row_bytes * header.height)
    if header.magic == b"P4":
        rows = np.frombuffer(raster, np.uint8).reshape(header.height, header.row_bytes)
        bits = np.unpackbits(rows, axis=1, count=header.width)
        return np.where(bits == 0, np.uint8(255), np.uint8(0))  # 1 is black
    stored: Samples = np.frombuffer(raster, np.uint8 if header.maxval < 256 else np.dtype(">u2"))
    shape = (header.height, header.width, header.planes)
    peak = 255 if header.maxval < 256 else 65535
    if header.maxval == peak:
        return stored.reshape(shape).astype(np.uint8 if peak == 255 else np.uint16, copy=False)
    if int(stored.max()) > header.maxval:
        raise _damaged(f"a sample is {int(stored.max())}, maxval is {header.maxval}")
    spread = np.rint(np.arange(header.maxval + 1) * peak / header.maxval)
    values: Samples = spread.astype(np.uint8 if peak == 255 else np.uint16)
    return values[stored].reshape(shape)


def _exactly(file: BinaryIO, size: int) -> bytearray:
    raster = bytearray()
    while len(raster) < size:
        piece = file.read(min(size - len(raster), _PIECE_BYTES))
        if not piece:
            raise _damaged(f"{size} bytes of samples are announced, it ends after {len(raster)}")
        raster += piece
    return raster


def _damaged(what: str) -> DamagedImage:
    return DamagedImage(f"the PNM picture is damaged: {what}")
