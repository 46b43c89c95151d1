"""A file to pictures and sound: as a stream in the order of the file, or one GOP at a time.

    file ──► VideoStreamReader ──packets──► VideoDecoder ──► VideoFrame, in the order of display
                     └──────────sound, packet by packet──► AudioPacket

GOPs are closed: every picture of one is shown before those of the next, so the decoder is emptied
at each key frame and begins there anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from codec.errors import translated
from codec.video.trim import trimmed
from codec.video.types import VideoFrame

if TYPE_CHECKING:
    from bitstream.video import (
        AudioPacket,
        IndexEntry,
        Packet,
        VideoHead,
        VideoStreamReader,
    )
    from codec.video.decoder import VideoDecoder

__all__ = ["decoded", "new_decoder", "played"]

_SOUND_BEFORE = Fraction(1)
"""Seconds before a part in which its first sound may stand in the file."""


def new_decoder(head: VideoHead, threads: int = 0) -> VideoDecoder:
    """A decoder for the packets of a head."""
    from codec.video.decoder import VideoDecoder

    with translated():
        return VideoDecoder(head, threads=threads)


def decoded(
    packets: Iterable[Packet], decoder: VideoDecoder, *, skip_before: int | None = None
) -> Iterator[VideoFrame | AudioPacket]:
    """Decodes packets that begin with a key frame, or with sound.

    Args:
        packets: in the order of the file.
        decoder: without pictures.
        skip_before: GOPs whose key frame is shown before this time are not decoded, in ticks.

    Raises:
        CodecError: the file is damaged.
    """
    from bitstream.video import AudioPacket

    skipped = False
    waiting = iter(packets)
    while True:
        with translated():
            packet = next(waiting, None)
        if packet is None:
            break
        if isinstance(packet, AudioPacket):
            yield packet
            continue
        frames: list[VideoFrame] = []
        with translated():
            if packet.key:
                frames += decoder.flush()
                decoder.reset()
                skipped = skip_before is not None and packet.pts < skip_before
            if not skipped:
                frames += decoder.decode(packet)
        yield from frames
    with translated():
        last = decoder.flush()
    yield from last


def played(
    reader: VideoStreamReader,
    *,
    threads: int = 0,
    start: Fraction | None = None,
    duration: Fraction | None = None,
    seekable: bool = False,
) -> Iterator[VideoFrame | AudioPacket]:
    """Decodes a file, or a part of it, in the order of the file.

    Args:
        reader: of the file.
        threads: see `VideoDecoder`.
        start, duration: seconds; see `trimmed`.
        seekable: whether the file can seek, so that what is before the part is not read.

    Raises:
        CodecError: the file is damaged.
    """
    decoder = new_decoder(reader.head, threads)
    packets: Iterable[Packet] = reader
    skip_before = None
    if start and seekable:
        base = Fraction(*reader.head.time_base)
        with translated():
            index = reader.index()
            if index.entries:
                first: IndexEntry = index.before_time(int(start / base))
                sound = int(max(start - _SOUND_BEFORE, Fraction(0)) / base)
                packets = reader.read_at(index.before_time(sound))
                skip_before = first.pts
    yield from trimmed(
        decoded(packets, decoder, skip_before=skip_before), reader.head, start, duration
    )
