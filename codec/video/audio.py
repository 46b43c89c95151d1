"""Tracks of sound that travel packet by packet: what describes them, and a stream to mux them.

    source ──► track_of(stream) ──► AudioTrack ──► add_track(container, track) ──► output

The parameters of a codec (ffmpeg's extradata) and the packets are carried as they are; nothing is
decoded. PyAV makes a stream for packets from another stream only, so `add_track` opens a
Matroska file of a few hundred bytes that says no more than which codec it is.

Sources: Matroska and WebM, codec mappings; RFC 8794 (EBML); RFC 9559 (Matroska).
"""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import Any

from bitstream.video import AudioTrack
from codec.errors import UnsupportedVideo

__all__ = ["CARRIED", "add_track", "track_of"]

CARRIED: dict[str, str] = {
    "aac": "A_AAC",
    "ac3": "A_AC3",
    "alac": "A_ALAC",
    "dts": "A_DTS",
    "eac3": "A_EAC3",
    "flac": "A_FLAC",
    "mlp": "A_MLP",
    "mp1": "A_MPEG/L1",
    "mp2": "A_MPEG/L2",
    "mp3": "A_MPEG/L3",
    "opus": "A_OPUS",
    "pcm_f32le": "A_PCM/FLOAT/IEEE",
    "pcm_f64le": "A_PCM/FLOAT/IEEE",
    "pcm_s16be": "A_PCM/INT/BIG",
    "pcm_s16le": "A_PCM/INT/LIT",
    "pcm_s24be": "A_PCM/INT/BIG",
    "pcm_s24le": "A_PCM/INT/LIT",
    "pcm_s32be": "A_PCM/INT/BIG",
    "pcm_s32le": "A_PCM/INT/LIT",
    "pcm_u8": "A_PCM/INT/LIT",
    "truehd": "A_TRUEHD",
    "tta": "A_TTA1",
    "vorbis": "A_VORBIS",
    "wavpack": "A_WAVPACK4",
}
"""ffmpeg's names of the codecs whose packets are carried, and Matroska's names of them."""

_EBML, _SEGMENT, _CLUSTER = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_INFO, _TRACKS, _ENTRY = b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b", b"\xae"
_LANGUAGE_UNKNOWN = ("und", "")


def track_of(stream: Any, number: int) -> AudioTrack:
    """Describes a stream of sound of a source.

    Args:
        stream: av.AudioStream of an opened file.
        number: of the track, from 1, for messages.

    Raises:
        UnsupportedVideo: its codec is not carried.
    """
    context = stream.codec_context
    name = "unknown" if context is None else context.codec.canonical_name
    if name not in CARRIED:
        raise UnsupportedVideo(
            f"track {number} of the sound is {name}, whose packets cannot be carried: leave the "
            f"sound out (--no-audio), or turn it into another first: "
            f"ffmpeg -i IN -map 0 -c copy -c:a libopus OUT.mkv"
        )
    language = stream.language or ""
    base = stream.time_base
    return AudioTrack(
        codec=name,
        sample_rate=context.sample_rate,
        channels=context.channels,
        time_base=(base.numerator, base.denominator),
        language="" if language in _LANGUAGE_UNKNOWN else language,
        layout=context.layout.name,
        extradata=context.extradata or b"",
    )


def add_track(container: Any, track: AudioTrack) -> Any:
    """Adds a stream for the packets of a track to an output.

    Args:
        container: av.container.OutputContainer whose header is not written yet.
        track: what it holds.

    Returns:
        The av.AudioStream.

    Raises:
        UnsupportedVideo: the file type cannot hold this codec, or the codec is not known here.
    """
    import av

    try:
        if track.codec not in CARRIED:
            raise ValueError("unknown codec")
        with av.open(io.BytesIO(_header(track)), "r", format="matroska") as template:
            stream = container.add_stream_from_template(template.streams.audio[0])
    except (ValueError, IndexError, av.FFmpegError) as error:
        raise UnsupportedVideo(
            f"{container.format.name} files cannot hold sound of codec {track.codec}: write mkv, "
            f"or leave the sound out (--no-audio)"
        ) from error
    context = stream.codec_context
    context.extradata = track.extradata or None
    context.sample_rate = track.sample_rate
    if track.layout:
        context.layout = track.layout
    base = Fraction(*track.time_base)
    stream.time_base = base
    if track.language:
        stream.metadata["language"] = track.language
    return stream


def _header(track: AudioTrack) -> bytes:
    """A Matroska file of one track and one empty packet."""
    bits = next((n for n in (16, 24, 32, 64, 8) if track.codec.removesuffix("le").endswith(str(n))
                 or track.codec.removesuffix("be").endswith(str(n))), 0)  # fmt: skip
    private = track.extradata
    if track.codec == "flac" and private and not private.startswith(b"fLaC"):
        private = b"fLaC" + struct.pack(">I", 0x80000000 | len(private)) + private
    if track.codec == "alac":
        private = private[12:]
    sound = _element(b"\xb5", struct.pack(">d", float(track.sample_rate)))
    sound += _element(b"\x9f", bytes([min(max(track.channels, 1), 255)]))
    if bits:
        sound += _element(b"\x62\x64", bytes([bits]))
    entry = _element(b"\xd7", b"\1") + _element(b"\x73\xc5", b"\1") + _element(b"\x83", b"\2")
    entry += _element(b"\x86", CARRIED[track.codec].encode()) + _element(b"\xe1", sound)
    if private:
        entry += _element(b"\x63\xa2", private)
    packet = _element(b"\xa3", b"\x81\0\0\x80" + bytes(8))
    body = _element(_INFO, _element(b"\x2a\xd7\xb1", struct.pack(">I", 1_000_000)))
    body += _element(_TRACKS, _element(_ENTRY, entry))
    body += _element(_CLUSTER, _element(b"\xe7", b"\0") + packet)
    return _element(_EBML, _element(b"\x42\x82", b"matroska")) + _element(_SEGMENT, body)


def _element(name: bytes, content: bytes) -> bytes:
    """An EBML element with a size of eight bytes."""
    return name + struct.pack(">Q", 1 << 56 | len(content)) + content
