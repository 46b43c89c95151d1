"""A source of pictures and sound to a file: the loop that all encoding goes through.

VideoSource ──pictures──► VideoEncoder ──packets──► VideoStreamWriter ──► file
           └──sound, packet by packet─────────────►
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, cast

from codec.errors import UnreadableVideo, translated
from codec.video.types import VideoFrame

if TYPE_CHECKING:
    from bitstream.video import AudioPacket, FramePacket, VideoHead
    from codec.video.encoder import VideoEncoder
    from codec.video.inputs import VideoSource
    from codec.video.options import VideoOptions

__all__ = ["Coded", "LevelChooser", "Recording", "encode_source", "new_encoder"]

_MOST_WAITING, _MOST_WAITING_BYTES = 4096, 1 << 24
"""Packets of sound that wait, and their bytes: of a file that has all its sound in front."""

Progress = Callable[[int], None]
"""Is told how many pictures were taken from the source."""


class LevelChooser:
    """Says before each picture at which level it is coded, and hears what came of it."""

    def level(self, frame: VideoFrame) -> int | None:
        """The base level from this picture on; None: as before."""
        return None

    def heard(self, packet: FramePacket) -> None:
        """Takes note of a picture that is coded."""


@dataclass(slots=True)
class Coded:
    """What was written.

    Attributes:
        head: of the file.
        frames: number of pictures.
        keys: number of key frames.
        bytes: of the file.
        frame_bytes: of the payloads of pictures.
        audio_bytes: of the payloads of sound.
        levels: pictures by their level.
        begin, end: of what is shown, in ticks.
    """

    head: VideoHead
    frames: int = 0
    keys: int = 0
    bytes: int = 0
    frame_bytes: int = 0
    audio_bytes: int = 0
    levels: dict[int, int] = field(default_factory=dict)
    begin: int | None = None
    end: int = 0

    def add(self, packet: FramePacket) -> None:
        """Counts a picture that is coded."""
        self.frames += 1
        self.keys += packet.key
        self.frame_bytes += len(packet.payload)
        self.levels[packet.level] = self.levels.get(packet.level, 0) + 1

    def shown(self, frame: VideoFrame) -> None:
        """Takes note of when a picture is shown."""
        self.begin = frame.pts if self.begin is None else min(self.begin, frame.pts)
        self.end = max(self.end, frame.pts + frame.duration)

    @property
    def seconds(self) -> float:
        """How long the video is."""
        return float((self.end - (self.begin or 0)) * Fraction(*self.head.time_base))

    @property
    def bit_rate(self) -> float:
        """Of the whole file but the payloads of sound, in bits a second; 0 if it has no length."""
        bits = 8 * (self.bytes - self.audio_bytes)
        return bits / self.seconds if self.seconds > 0 else 0.0


def new_encoder(head: VideoHead, options: VideoOptions) -> VideoEncoder:
    """An encoder for the pictures of a head."""
    from codec.video.encoder import VideoEncoder

    return VideoEncoder(head, options)


class Recording:
    """A file that is being written: pictures and packets of sound in, bytes out."""

    def __init__(
        self,
        head: VideoHead,
        target: BinaryIO,
        options: VideoOptions,
        chooser: LevelChooser | None = None,
    ) -> None:
        """Begins the file.

        Args:
            head: of the video, without ids and hashes of models.
            target: a binary file, of which nothing but `write` is used.
            options: of the encoder.
            chooser: decides levels; by default the options do.
        """
        from bitstream.video import VideoStreamWriter

        self._chooser = chooser or LevelChooser()
        self._file = _Counted(target)
        with translated():
            self._encoder = new_encoder(head, options)
            self._writer = VideoStreamWriter(cast("BinaryIO", self._file), self._encoder.head)
        self.coded = Coded(self._encoder.head)
        self._ticks = Fraction(*head.time_base)
        self._track_ticks = [Fraction(*track.time_base) for track in head.tracks]
        self._sound: deque[AudioPacket] = deque()
        self._sound_bytes = 0

    def push(self, frame: VideoFrame) -> None:
        """Takes the next picture in the order in which they are shown."""
        self.coded.shown(frame)
        with translated():
            self._write(self._encoder.push(frame, level=self._chooser.level(frame)))

    def add_audio(self, packet: AudioPacket) -> None:
        """Takes a packet of sound.

        It waits for the pictures that it is heard with, which are still in the encoder: so a
        reader that begins at a key frame finds its sound behind it.
        """
        self._sound.append(packet)
        self._sound_bytes += len(packet.payload)
        while len(self._sound) > _MOST_WAITING or self._sound_bytes > _MOST_WAITING_BYTES:
            self._write_sound()

    def finish(self) -> Coded:
        """Completes the file."""
        with translated():
            self._write(self._encoder.finish())
        while self._sound:
            self._write_sound()
        with translated():
            self._writer.finish()
        self.coded.bytes = self._file.count
        return self.coded

    def _write(self, packets: list[FramePacket]) -> None:
        for packet in packets:
            seconds = packet.pts * self._ticks
            while self._sound and self._heard(self._sound[0]) < seconds:
                self._write_sound()
            self._writer.write(packet)
            self.coded.add(packet)
            self._chooser.heard(packet)
        self.coded.bytes = self._file.count

    def _heard(self, packet: AudioPacket) -> Fraction:
        """When a packet of sound is heard, in seconds."""
        if packet.track >= len(self._track_ticks):
            return Fraction(0)  # the writer refuses it
        return packet.pts * self._track_ticks[packet.track]

    def _write_sound(self) -> None:
        packet = self._sound.popleft()
        self._sound_bytes -= len(packet.payload)
        with translated():
            self._writer.write(packet)
        self.coded.audio_bytes += len(packet.payload)
        self.coded.bytes = self._file.count


def encode_source(
    source: VideoSource,
    target: BinaryIO,
    options: VideoOptions,
    *,
    chooser: LevelChooser | None = None,
    progress: Progress | None = None,
) -> Coded:
    """Encodes what a source gives.

    Args:
        source: of the pictures and the sound; it is not closed.
        target: a binary file, of which nothing but `write` is used.
        options: of the encoder.
        chooser: decides levels; by default the options do.
        progress: is told how many pictures were taken.

    Raises:
        CodecError: the source is damaged, or holds no pictures.
        OSError: something cannot be read or written.
    """
    recording = Recording(source.head, target, options, chooser)
    number = 0
    for item in source:
        if not isinstance(item, VideoFrame):
            recording.add_audio(item)
            continue
        recording.push(item)
        number += 1
        if progress is not None:
            progress(number)
    if number == 0:
        raise UnreadableVideo("there are no pictures to encode")
    return recording.finish()


class _Counted:
    """A file that counts what is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def write(self, data: bytes) -> int:
        self.count += len(data)
        self._file.write(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()
