"""The header chunk: `Header` <-> bytes, each field's encoding beside its decoding (SPEC.md, 2)."""

from __future__ import annotations

from dataclasses import dataclass

from bitstream.constants import (
    BIT_DEPTHS,
    MAX_HEAD_BYTES,
    MAX_LEVEL,
    MAX_SIDE,
    MAX_TILE_LOG2,
    MIN_TILE_LOG2,
    WEIGHTS_HASH_BYTES,
)
from bitstream.errors import BadField, UnsupportedVersion
from bitstream.ranges import require_range
from bitstream.reader import ByteReader
from bitstream.writer import ByteWriter

_ALPHA_BIT = 5
_COLOUR_BIT = 4
_KIND_SHIFT = 6
_DEPTH_MASK = 0x0F


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Everything that a decoder must know before the first tile.

    Args:
        width: in pixels, 1 to 2^30.
        height: in pixels, 1 to 2^30.
        channels: colour planes, 1 (grey) or 3 (RGB); alpha does not count.
        alpha: whether the file has an alpha plane.
        model_id: permanent id of the model, 16 bits.
        weights_hash: first four bytes of the SHA-256 of the model's weights file.
        level: quality index, 0 to 63.
        tile_log2: side of a tile = 2^tile_log2 pixels, 6 to 15.
        bit_depth: bits per sample, 8 or 16; 16 only where the predictive coder codes everything.
        color: 0, sRGB or as the ICC profile says; no other value in this version.
        kind: 0, a still image; no other value in this version.
        extension: fields that later versions appended, as opaque bytes.

    Raises:
        BadField: a value is outside of its range.
        UnsupportedVersion: a value is reserved for later versions.
    """

    width: int
    height: int
    channels: int
    alpha: bool
    model_id: int
    weights_hash: bytes
    level: int
    tile_log2: int
    bit_depth: int = 8
    color: int = 0
    kind: int = 0
    extension: bytes = b""

    def __post_init__(self) -> None:
        require_range("width", self.width, 1, MAX_SIDE)
        require_range("height", self.height, 1, MAX_SIDE)
        if self.channels not in (1, 3):
            raise BadField("channels", found=self.channels, expected="1 or 3")
        require_range("bit_depth", self.bit_depth, 1, 16)
        require_range("color", self.color, 0, 255)
        require_range("kind", self.kind, 0, 3)
        require_range("model_id", self.model_id, 0, 65535)
        require_range("level", self.level, 0, MAX_LEVEL)
        require_range("tile_log2", self.tile_log2, MIN_TILE_LOG2, MAX_TILE_LOG2)
        if len(self.weights_hash) != WEIGHTS_HASH_BYTES:
            raise BadField(
                "weights_hash",
                found=f"{len(self.weights_hash)} bytes",
                expected=f"{WEIGHTS_HASH_BYTES} bytes",
            )
        if self.kind == 1:
            raise UnsupportedVersion(
                "kind is that of a video, which codec.open reads, not of a still image",
                found=1,
                expected=0,
            )
        _require_value("kind", self.kind, 0)
        if self.bit_depth not in BIT_DEPTHS:
            raise UnsupportedVersion(
                "bit_depth is reserved for later versions", found=self.bit_depth, expected="8 or 16"
            )
        _require_value("color", self.color, 0)


def encode_header(header: Header) -> bytes:
    """Returns the payload of the header chunk.

    Raises:
        BadField: the extension makes the payload longer than 255 bytes.
    """
    writer = ByteWriter()
    _put_size(writer, header)
    _put_samples(writer, header)
    _put_model(writer, header)
    writer.put(header.extension)
    payload = writer.getvalue()
    if len(payload) > MAX_HEAD_BYTES:
        raise BadField(
            "header is too long",
            found=f"{len(payload)} bytes",
            expected=f"at most {MAX_HEAD_BYTES}",
        )
    return payload


def decode_header(reader: ByteReader) -> Header:
    """Reads the payload of the header chunk to its end.

    Raises:
        BadField: a value is outside of its range.
        UnsupportedVersion: a value is reserved for later versions.
        Truncated: the payload ends before its last field.
    """
    start = reader.offset
    width, height = _get_size(reader)
    samples, color = _get_samples(reader)
    model_id, weights_hash, level, tile_log2 = _get_model(reader)
    extension = bytes(reader.take(reader.remaining, "the extension"))
    try:
        return Header(
            width=width,
            height=height,
            channels=3 if samples >> _COLOUR_BIT & 1 else 1,
            alpha=bool(samples >> _ALPHA_BIT & 1),
            bit_depth=(samples & _DEPTH_MASK) + 1,
            kind=samples >> _KIND_SHIFT,
            color=color,
            model_id=model_id,
            weights_hash=weights_hash,
            level=level,
            tile_log2=tile_log2,
            extension=extension,
        )
    except (BadField, UnsupportedVersion) as error:
        error.offset, error.chunk = start, reader.chunk
        raise


def _put_size(writer: ByteWriter, header: Header) -> None:
    writer.varint(header.width, "width")
    writer.varint(header.height, "height")


def _get_size(reader: ByteReader) -> tuple[int, int]:
    return reader.varint("width"), reader.varint("height")


#  samples    7   6   5       4        3   2   1   0
#           +-------+-------+--------+---------------+
#           | kind  | alpha | colour | bit depth - 1 |
#           +-------+-------+--------+---------------+
def _put_samples(writer: ByteWriter, header: Header) -> None:
    samples = (
        header.kind << _KIND_SHIFT
        | header.alpha << _ALPHA_BIT
        | (header.channels == 3) << _COLOUR_BIT
        | header.bit_depth - 1
    )
    writer.u8(samples, "samples")
    writer.u8(header.color, "color")


def _get_samples(reader: ByteReader) -> tuple[int, int]:
    return reader.u8("samples"), reader.u8("color")


def _put_model(writer: ByteWriter, header: Header) -> None:
    writer.u16(header.model_id, "model_id")
    writer.put(header.weights_hash)
    writer.u8(header.level, "level")
    writer.u8(header.tile_log2, "tile_log2")


def _get_model(reader: ByteReader) -> tuple[int, bytes, int, int]:
    model_id = reader.u16("model_id")
    weights_hash = bytes(reader.take(WEIGHTS_HASH_BYTES, "weights_hash"))
    return model_id, weights_hash, reader.u8("level"), reader.u8("tile_log2")


def _require_value(name: str, value: int, only: int) -> None:
    if value != only:
        raise UnsupportedVersion(
            f"{name} is reserved for later versions", found=value, expected=only
        )
