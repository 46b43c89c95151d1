"""The header of a video and its audio tracks: what stands before the packets (VIDEO.md, 2, 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from bitstream.constants import MAX_HEAD_BYTES, WEIGHTS_HASH_BYTES
from bitstream.errors import BadField, UnsupportedVersion
from bitstream.ranges import require_range
from bitstream.reader import ByteReader
from bitstream.video.constants import (
    KIND,
    MATRICES,
    MAX_CHANNELS,
    MAX_RATIONAL,
    MAX_REORDER,
    MAX_SIDE,
    MAX_TRACKS,
    SAMPLES,
    TILE_LOG2,
)
from bitstream.video.fields import (
    get_pair,
    get_string,
    put_pair,
    put_string,
    require_ratio,
    require_string,
)
from bitstream.writer import ByteWriter

_QUARTER_TURN = 90


class Chroma(IntEnum):
    """How many samples the planes U and V have."""

    YUV420 = 0
    """Half as many as Y in each direction, rounded up."""
    YUV444 = 1
    """As many as Y."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTrack:
    """An audio track: what its decoder must know before the first packet.

    Args:
        codec: FFmpeg's name, such as "aac"; 1 to 64 ASCII characters.
        sample_rate: samples a second, 1 to 2^31 - 1.
        channels: 1 to 65535.
        time_base: seconds in a tick of its packets, numerator and denominator.
        language: such as "eng"; empty if unknown.
        layout: FFmpeg's name of the channel layout, such as "stereo"; empty if unknown.
        extradata: parameters of the codec, opaque.
        extension: fields that later versions appended, as opaque bytes.

    Raises:
        BadField: a value is outside of its range.
    """

    codec: str
    sample_rate: int
    channels: int
    time_base: tuple[int, int]
    language: str = ""
    layout: str = ""
    extradata: bytes = b""
    extension: bytes = b""

    def __post_init__(self) -> None:
        require_string("codec", self.codec, 1)
        require_range("sample_rate", self.sample_rate, 1, MAX_RATIONAL)
        require_range("channels", self.channels, 1, MAX_CHANNELS)
        require_ratio("time_base", self.time_base)
        require_string("language", self.language, 0)
        require_string("layout", self.layout, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoHead:
    """Everything that a decoder must know before the first frame.

    Args:
        width: in luma samples, 1 to 16384.
        height: in luma samples, 1 to 16384.
        chroma: 4:2:0 or 4:4:4.
        time_base: seconds in a tick of the frames' times, numerator and denominator.
        matrix: from RGB to YUV, number of ITU-T H.273: 1 (BT.709), 5 or 6 (BT.601).
        primaries: number of H.273, 0 to 255, carried; 2 is unspecified.
        transfer: likewise.
        full_range: whether samples use 0 to 255; else 16 to 235 (chroma: 240).
        rotation: degrees clockwise that a player turns the picture: 0, 90, 180 or 270.
        aspect: width and height of a sample, as a ratio.
        frame_rate: nominal frames a second, numerator and denominator; (0, 1): variable or
            unknown.
        model_id: permanent id of the model of key frames, 16 bits.
        weights_hash: first four bytes of the SHA-256 of its weights file.
        inter_id: permanent id of the model of all other frames, 16 bits.
        inter_hash: first four bytes of the SHA-256 of its weights file.
        reorder: before no frame in the file stand more frames of its GOP that are shown later, 0 to
            16. 0: the order of the file is the order of display.
        tracks: the audio tracks, at most 32.
        extension: fields that later versions appended, as opaque bytes.

    Raises:
        BadField: a value is outside of its range.
        UnsupportedVersion: a value is reserved for later versions.
    """

    width: int
    height: int
    chroma: Chroma
    time_base: tuple[int, int]
    matrix: int = 1
    primaries: int = 2
    transfer: int = 2
    full_range: bool = False
    rotation: int = 0
    aspect: tuple[int, int] = (1, 1)
    frame_rate: tuple[int, int] = (0, 1)
    model_id: int = 0
    weights_hash: bytes = bytes(WEIGHTS_HASH_BYTES)
    inter_id: int = 0
    inter_hash: bytes = bytes(WEIGHTS_HASH_BYTES)
    reorder: int = MAX_REORDER
    tracks: tuple[AudioTrack, ...] = ()
    extension: bytes = b""

    def __post_init__(self) -> None:
        require_range("width", self.width, 1, MAX_SIDE)
        require_range("height", self.height, 1, MAX_SIDE)
        for name in ("matrix", "primaries", "transfer"):
            require_range(name, getattr(self, name), 0, 255)
        require_ratio("time_base", self.time_base)
        require_ratio("aspect", self.aspect)
        if self.frame_rate != (0, 1):
            require_ratio("frame_rate", self.frame_rate)
        if self.rotation not in (0, 90, 180, 270):
            raise BadField("rotation", found=self.rotation, expected="0, 90, 180 or 270")
        require_range("model_id", self.model_id, 0, 65535)
        require_range("inter_id", self.inter_id, 0, 65535)
        for name in ("weights_hash", "inter_hash"):
            size = len(getattr(self, name))
            if size != WEIGHTS_HASH_BYTES:
                expected = f"{WEIGHTS_HASH_BYTES} bytes"
                raise BadField(name, found=f"{size} bytes", expected=expected)
        require_range("reorder", self.reorder, 0, MAX_REORDER)
        require_range("number of tracks", len(self.tracks), 0, MAX_TRACKS)
        if self.chroma not in tuple(Chroma):
            raise _reserved("chroma", self.chroma, "0 or 1")
        if self.matrix not in MATRICES:
            raise _reserved("matrix", self.matrix, "1, 5 or 6")


def encode_head(head: VideoHead) -> bytes:
    """Returns the payload of HEAD.

    Raises:
        BadField: the extension makes it longer than 255 bytes.
    """
    writer = ByteWriter()
    writer.varint(head.width, "width")
    writer.varint(head.height, "height")
    writer.u8(SAMPLES, "samples")
    writer.u8(0, "color")
    writer.u16(head.model_id, "model_id")
    writer.put(head.weights_hash)
    writer.u8(0, "level")
    writer.u8(TILE_LOG2, "tile_log2")
    writer.u8(head.chroma, "chroma")
    writer.u8(head.matrix, "matrix")
    writer.u8(head.primaries, "primaries")
    writer.u8(head.transfer, "transfer")
    writer.u8(bool(head.full_range) | head.rotation // _QUARTER_TURN << 1, "picture")
    writer.u8(head.reorder, "reorder")
    put_pair(writer, head.aspect, "aspect")
    put_pair(writer, head.time_base, "time_base")
    put_pair(writer, head.frame_rate, "frame_rate")
    writer.u16(head.inter_id, "inter_id")
    writer.put(head.inter_hash)
    writer.u8(len(head.tracks), "number of tracks")
    writer.put(head.extension)
    payload = writer.getvalue()
    if len(payload) > MAX_HEAD_BYTES:
        raise BadField(
            "header is too long",
            found=f"{len(payload)} bytes",
            expected=f"at most {MAX_HEAD_BYTES}",
        )
    return payload


def decode_head(reader: ByteReader) -> tuple[VideoHead, int]:
    """Reads the payload of HEAD to its end.

    Returns:
        The header, still without tracks, and how many there will be.

    Raises:
        BadField: a value is outside of its range.
        UnsupportedVersion: a value is reserved for later versions, or this is no video.
        Truncated: the payload ends before its last field.
    """
    start = reader.offset
    try:
        return _decode_head(reader)
    except (BadField, UnsupportedVersion) as error:
        error.offset = start if error.offset is None else error.offset
        error.chunk = reader.chunk
        raise


def _decode_head(reader: ByteReader) -> tuple[VideoHead, int]:
    width, height = reader.varint("width"), reader.varint("height")
    samples = reader.u8("samples")
    if samples >> 6 == 0:
        raise UnsupportedVersion(
            "kind is that of a still image, not of a video", found=0, expected=KIND
        )
    _require_value("samples", samples, SAMPLES)
    _require_value("color", reader.u8("color"), 0)
    model_id = reader.u16("model_id")
    weights_hash = bytes(reader.take(WEIGHTS_HASH_BYTES, "weights_hash"))
    _require_value("level", reader.u8("level"), 0)
    _require_value("tile_log2", reader.u8("tile_log2"), TILE_LOG2)
    chroma = reader.u8("chroma")
    if chroma not in tuple(Chroma):
        raise _reserved("chroma", chroma, "0 or 1")
    matrix, primaries = reader.u8("matrix"), reader.u8("primaries")
    transfer, picture = reader.u8("transfer"), reader.u8("picture")
    if picture > 7:
        raise _reserved("picture", picture, "0 to 7")
    head = VideoHead(
        width=width,
        height=height,
        chroma=Chroma(chroma),
        matrix=matrix,
        primaries=primaries,
        transfer=transfer,
        full_range=bool(picture & 1),
        rotation=(picture >> 1) * _QUARTER_TURN,
        reorder=reader.u8("reorder"),
        aspect=get_pair(reader, "aspect"),
        time_base=get_pair(reader, "time_base"),
        frame_rate=get_pair(reader, "frame_rate"),
        model_id=model_id,
        weights_hash=weights_hash,
        inter_id=reader.u16("inter_id"),
        inter_hash=bytes(reader.take(WEIGHTS_HASH_BYTES, "inter_hash")),
    )
    tracks = reader.u8("number of tracks")
    require_range("number of tracks", tracks, 0, MAX_TRACKS)
    return replace(head, extension=bytes(reader.take(reader.remaining, "the extension"))), tracks


def encode_track(track: AudioTrack) -> bytes:
    """Returns the payload of TRAK."""
    writer = ByteWriter()
    put_string(writer, track.codec, "codec")
    writer.varint(track.sample_rate, "sample_rate")
    writer.varint(track.channels, "channels")
    put_pair(writer, track.time_base, "time_base")
    put_string(writer, track.language, "language")
    put_string(writer, track.layout, "layout")
    writer.varint(len(track.extradata), "the length of extradata")
    writer.put(track.extradata)
    writer.put(track.extension)
    return writer.getvalue()


def decode_track(reader: ByteReader) -> AudioTrack:
    """Reads the payload of TRAK to its end.

    Raises:
        BadField: a value is outside of its range.
        Truncated: the payload ends before its last field.
    """
    start = reader.offset
    try:
        return AudioTrack(
            codec=get_string(reader, "codec"),
            sample_rate=reader.varint("sample_rate"),
            channels=reader.varint("channels"),
            time_base=get_pair(reader, "time_base"),
            language=get_string(reader, "language"),
            layout=get_string(reader, "layout"),
            extradata=bytes(reader.take(reader.varint("the length of extradata"), "extradata")),
            extension=bytes(reader.take(reader.remaining, "the extension")),
        )
    except BadField as error:
        error.offset = start if error.offset is None else error.offset
        error.chunk = reader.chunk
        raise


def _reserved(name: str, value: int, expected: object) -> UnsupportedVersion:
    return UnsupportedVersion(
        f"{name} is reserved for later versions", found=value, expected=expected
    )


def _require_value(name: str, value: int, only: int) -> None:
    if value != only:
        raise _reserved(name, value, only)
