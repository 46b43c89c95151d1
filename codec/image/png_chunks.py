"""What a PNG file says beside its pixels: ICC, EXIF and XMP, wherever writers put them.

    metadata  where, the first that is there
    ICC       iCCP; text "Raw profile type icc" or "icm"
    EXIF      eXIf; text "Raw profile type exif", or "APP1" that begins like EXIF
    XMP       iTXt "XML:com.adobe.xmp"; text "Raw profile type xmp", or "APP1" that begins like XMP

Text is tEXt, zTXt or iTXt, before or after the pixels. A raw profile is how ImageMagick and others
wrote blocks of bytes: a line with a name, one with a length, then hexadecimal digits.

Pillow gets the file without these chunks: it has limits of its own on them, and does not read all.
What says how colours are meant and has no place in our files (cICP, gAMA, cHRM) is warned of.

Source: W3C, Portable Network Graphics, third edition, sections 5.3 (chunks) and 11.3 (these).
"""

from __future__ import annotations

import binascii
import io
import logging
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from codec.errors import DamagedImage, LimitExceeded
from codec.image.exif import EXIF_PREFIX, without_prefix
from codec.image.source import read_up_to

if TYPE_CHECKING:
    from codec.options import Limits

__all__ = ["PngMetadata", "raw_profiles", "split_png"]

_log = logging.getLogger(__name__)

_SIGNATURE_BYTES = 8
_HEADER_END = 29
"""Where the header ends, which is the first chunk, but for its check."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bits of a sample by colour type: grey, RGB, palette, grey and alpha, RGB and alpha."""
_FOR_PIXELS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
"""Chunks in small letters, which a reader may leave out, that pixels or frames depend on."""

_XMP_KEYWORD = b"XML:com.adobe.xmp"
_RAW_PROFILE = b"Raw profile type "
_XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
_KINDS = {b"icc": "icc", b"icm": "icc", b"exif": "exif", b"xmp": "xmp"}
_SRGB = bytes([1, 13, 0, 1])
_SRGB_GAMMA = 45455
_SRGB_CHROMATICITIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_GAMMA_TOLERANCE, _CHROMATICITY_TOLERANCE = 1000, 200
"""In 10^-5: what rounding and habit make of the same numbers."""
_PRIMARIES = {1: "BT.709", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
_TRANSFERS = {1: "BT.709", 8: "linear", 13: "sRGB", 14: "BT.2020", 16: "PQ", 18: "HLG"}


@dataclass(slots=True)
class PngMetadata:
    """ICC, EXIF (from its byte order mark on) and XMP of a PNG file, and its other chunks."""

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    colour: dict[bytes, bytes] = field(default_factory=dict)


class _Chunk(NamedTuple):
    kind: bytes
    whole: memoryview

    @property
    def data(self) -> bytes:
        """Between length and name, and the check."""
        return bytes(self.whole[8:-4])


def split_png(file: BinaryIO, limits: Limits) -> tuple[BinaryIO, PngMetadata]:
    """Takes a PNG file apart.

    Args:
        file: stands at its beginning.
        limits: of the size of the image, and of each of the metadata, unpacked.

    Returns:
        The file with nothing but what pixels depend on, and its metadata.

    Raises:
        DamagedImage: a chunk of metadata does not agree with its check, or does not unpack.
        LimitExceeded: the image, or one of the metadata, is over a limit.
    """
    head = file.read(_HEADER_END)
    if len(head) == _HEADER_END and head[12:16] == b"IHDR":
        _check_header(head, limits)
    data = head + read_up_to(file)
    metadata = PngMetadata()
    raw: dict[str, bytes] = {}
    view = memoryview(data)
    kept = [view[:_SIGNATURE_BYTES]]
    for chunk in _chunks(view):
        if chunk.kind[:1].isupper() or chunk.kind in _FOR_PIXELS:
            kept.append(chunk.whole)
        else:
            _check(chunk)
            _take(chunk, metadata, raw, limits.max_metadata_bytes)
    metadata.icc = metadata.icc or raw.get("icc")
    metadata.exif = metadata.exif or raw.get("exif")
    metadata.xmp = metadata.xmp or raw.get("xmp")
    _warn_of_colour(metadata)
    return io.BytesIO(b"".join(kept)), metadata


def _chunks(data: memoryview) -> Iterator[_Chunk]:
    """The chunks in order; where the framing breaks, the rest as one that Pillow will judge."""
    offset = _SIGNATURE_BYTES
    while offset < len(data):
        head = bytes(data[offset : offset + 8]).ljust(8, b"\0")
        length, kind = struct.unpack(">I4s", head)
        end = offset + 12 + length
        if end > len(data) or not kind.isalpha():
            yield _Chunk(b"REST", data[offset:])
            return
        yield _Chunk(kind, data[offset:end])
        if kind == b"IEND":
            return
        offset = end


def _check_header(head: bytes, limits: Limits) -> None:
    width, height, depth, colour, *methods = struct.unpack_from(">IIBBBBB", head, 16)
    if 0 in (width, height):
        raise _damaged(b"IHDR", f"a picture of {width}x{height} pixels")
    if depth not in _DEPTHS.get(colour, ()):
        raise _damaged(b"IHDR", f"there is no colour type {colour} of {depth} bits")
    if methods not in ([0, 0, 0], [0, 0, 1]):
        raise _damaged(b"IHDR", "an unknown way of compression, filtering or interlacing")
    limits.check_image(width, height)


def _check(chunk: _Chunk) -> None:
    if zlib.crc32(chunk.whole[4:-4]) != int.from_bytes(chunk.whole[-4:], "big"):
        raise _damaged(chunk.kind, "its check is wrong")


def _take(chunk: _Chunk, metadata: PngMetadata, raw: dict[str, bytes], limit: int) -> None:
    """Keeps what a chunk says, if it is of the metadata."""
    kind, data = chunk.kind, chunk.data
    if kind in (b"cICP", b"gAMA", b"cHRM", b"sRGB"):
        metadata.colour[kind] = data
    elif kind == b"eXIf":
        metadata.exif = metadata.exif or without_prefix(_within(data, limit)) or None
    elif kind == b"iCCP":
        packed = data.partition(b"\0")[2]
        metadata.icc = metadata.icc or _unpacked(kind, packed[1:], limit) or None
    elif kind in (b"tEXt", b"zTXt", b"iTXt"):
        keyword, _, rest = data.partition(b"\0")
        if keyword == _XMP_KEYWORD and kind == b"iTXt":
            metadata.xmp = metadata.xmp or _text(kind, rest, limit) or None
        elif keyword.startswith(_RAW_PROFILE):
            name = keyword.removeprefix(_RAW_PROFILE)
            _take_raw(name.lower(), _text(kind, rest, limit and 3 * limit + 100), raw, limit)


def _text(kind: bytes, rest: bytes, limit: int) -> bytes:
    """The text of a chunk, unpacked: what follows the keyword."""
    if kind == b"tEXt":
        return _within(rest, limit)
    if kind == b"zTXt":
        return _unpacked(kind, rest[1:], limit)
    packed, rest = rest[:1] == b"\1", rest[2:]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]  # behind language and translated keyword
    return _unpacked(kind, text, limit) if packed else _within(text, limit)


def _take_raw(name: bytes, text: bytes, raw: dict[str, bytes], limit: int) -> None:
    """Keeps a raw profile."""
    lines = text.strip().split(b"\n", 2)
    try:
        profile = binascii.unhexlify(b"".join(lines[2].split()))[: int(lines[1])]
    except (IndexError, ValueError):
        _log.warning("PNG: raw profile %s cannot be read: left out", name.decode("latin-1"))
        return
    kind = _KINDS.get(name)
    if name == b"app1":
        kind = "xmp" if profile.startswith(_XMP_PREFIX) else "exif"
    if kind == "exif" and not profile.startswith((EXIF_PREFIX, b"II", b"MM")):
        kind = None
    if kind is None:
        _log.info("PNG: raw profile %s has no place in our files: left out", name.decode("latin-1"))
        return
    profile = without_prefix(profile).removeprefix(_XMP_PREFIX)
    raw.setdefault(kind, _within(profile, limit))


def raw_profiles(info: Mapping[Any, Any]) -> dict[str, bytes]:
    """The raw profiles ("icc", "exif", "xmp") among the texts of a PNG image of PIL."""
    raw: dict[str, bytes] = {}
    for keyword, text in info.items():
        if isinstance(keyword, str) and isinstance(text, str):
            name = keyword.encode("latin-1", "replace")
            if name.startswith(_RAW_PROFILE):
                found = name.removeprefix(_RAW_PROFILE).lower()
                _take_raw(found, text.encode("latin-1", "replace"), raw, 0)
    return raw


def _unpacked(kind: bytes, data: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, limit + 1 if limit else 0)
    except zlib.error as error:
        raise _damaged(kind, str(error)) from error
    if not unpacker.eof and not (limit and len(found) > limit):
        raise _damaged(kind, "its compressed data end too early")
    return _within(found, limit)


def _within(data: bytes, limit: int) -> bytes:
    if limit and len(data) > limit:
        raise LimitExceeded(
            f"the PNG file has more than {limit} bytes of one kind of metadata (max_metadata_bytes)"
        )
    return data


def _warn_of_colour(metadata: PngMetadata) -> None:
    """Warns of colours that are neither sRGB nor as an ICC profile says."""
    colour = metadata.colour
    if b"cICP" in colour and colour[b"cICP"] != _SRGB:
        numbers = tuple(colour[b"cICP"])
        names = " ".join(
            table.get(number, str(number))
            for table, number in zip((_PRIMARIES, _TRANSFERS), numbers, strict=False)
        )
        instead = "the ICC profile beside it is kept" if metadata.icc else "it will look as sRGB"
        _log.warning(
            "PNG: its colours are %s (cICP %s), which files here cannot say: left out, %s",
            names, "/".join(map(str, numbers)), instead,
        )  # fmt: skip
    if metadata.icc or colour.keys() & {b"cICP", b"sRGB"}:
        return
    gamma, chromaticities = colour.get(b"gAMA", b""), colour.get(b"cHRM", b"")
    found = []
    if len(gamma) == 4:
        value = int.from_bytes(gamma, "big")
        if abs(value - _SRGB_GAMMA) > _GAMMA_TOLERANCE:
            found.append(f"gamma {value / 1e5:g}")
    if len(chromaticities) == 32:
        values = struct.unpack(">8I", chromaticities)
        pairs = zip(values, _SRGB_CHROMATICITIES, strict=True)
        if any(abs(value - usual) > _CHROMATICITY_TOLERANCE for value, usual in pairs):
            found.append("primaries of its own (cHRM)")
    if found:
        _log.warning(
            "PNG: %s, which files here cannot say: left out, it will look as sRGB; "
            "convert to an ICC profile first to keep its colours", " and ".join(found),
        )  # fmt: skip


def _damaged(kind: bytes, what: str) -> DamagedImage:
    return DamagedImage(f"the PNG file is damaged: chunk {kind.decode('latin-1')}: {what}")
