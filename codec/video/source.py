"""Video files that PyAV reads, as pictures and packets of sound; PyAV is loaded here.

Pictures are decoded and leave as planes of 8 bits with their exact times; packets of sound leave as
they lie in the file. Times begin at 0 where the file begins later (transport streams do): all
tracks move by one amount, which is a whole number of ticks of the video.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

from codec.errors import UnreadableVideo, UnsupportedVideo
from codec.video.audio import track_of
from codec.video.facts import Facts, check_kind, facts_of, planes_of_frame
from codec.video.heads import new_head
from codec.video.inputs import SourceOptions, VideoSource
from codec.video.types import Planes, VideoFrame

if TYPE_CHECKING:
    from bitstream.video import AudioPacket

__all__ = ["AvSource"]

_PROTOCOLS = "file,pipe,crypto,data"
"""What a file may refer to: nothing in a network."""
_STATING_LENGTHS = ("matroska,webm", "flv")
"""Types of files that state how long they are as a whole, but not their tracks."""
_SHORT = Fraction(1, 10)
"""A file that ends so much before the time that it announces is cut off: share, and seconds."""


class AvSource(VideoSource):
    """A file that PyAV reads; see `VideoSource`."""

    def __init__(self, file: str | BinaryIO, options: SourceOptions, *, name: str) -> None:
        """Opens a file and decodes its first picture.

        Args:
            file: a path, or a binary file object.
            options: how it is read.
            name: of the input, for messages.

        Raises:
            UnreadableVideo: no video, or a damaged one.
            UnsupportedVideo: of a kind that is not taken; the message says what to do.
            LimitExceeded: its pictures are too large.
        """
        self._options, self._name = options, name
        self._container = _open(file, name)
        self._piped = not isinstance(file, str)  # read from front to back
        try:
            self._begin()
        except BaseException:
            self._container.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def _begin(self) -> None:
        """Finds the streams and the first picture, and makes the head."""
        options = self._options
        notes: list[str] = []
        video = self._choose(notes)
        context = video.codec_context
        if context.width and context.height:
            self._options.limits.check_image(context.width, context.height)
        context.thread_type = "SLICE"
        if not self._options.recover:
            context.options = {"err_detect": "explode"}
        sounds = list(self._container.streams.audio) if self._options.audio else []
        tracks = tuple(track_of(stream, n) for n, stream in enumerate(sounds, 1))
        self._numbers = {stream.index: n for n, stream in enumerate(sounds)}
        self._video, self._tracks = video, sounds
        self._waiting: deque[Any] = deque()
        self._items = self._decoded()
        first = self._first()
        self._facts = facts_of(first, video, self._name)
        check_kind(self._facts, first, self._name)
        self._options.limits.check_image(self._facts.width, self._facts.height)
        self._ticks = Fraction(video.time_base)
        self._origin = self._begins(first)
        facts = self._facts
        self._subsampled = self._options.subsampled if facts.rgb else facts.subsampled
        super().__init__(
            new_head(
                facts.width,
                facts.height,
                subsampled=self._subsampled,
                matrix=facts.matrix,
                full_range=not self._subsampled if facts.rgb else facts.full_range,
                rotation=facts.rotation,
                aspect=facts.aspect,
                time_base=self._ticks,
                frame_rate=self._rate(),
                primaries=facts.primaries,
                transfer=facts.transfer,
                tracks=tracks,
            ),
            self._count(),
        )
        self.notes.extend(notes)
        if options.start is not None and options.start > 1:
            self._seek(options.start)  # what is shown before may be given, but need not

    def _choose(self, notes: list[str]) -> Any:
        """The video stream that is taken; tells what is left out."""
        from av.stream import Disposition

        streams = self._container.streams
        videos = [s for s in streams.video if not s.disposition & Disposition.attached_pic]
        videos = [s for s in videos if s.codec_context is not None] or videos
        if not videos:
            what = "pictures only as a cover" if len(streams.video) else "no video"
            raise UnreadableVideo(f"{self._name} holds {what}")
        if videos[0].codec_context is None:
            raise UnsupportedVideo(f"{self._name}: there is no decoder for its video")
        if len(videos) > 1:
            notes.append(f"it holds {len(videos)} videos: the first is taken")
        if len(streams.subtitles):
            notes.append(f"tracks of subtitles are left out: {len(streams.subtitles)}")
        if len(streams.audio) and not self._options.audio:
            notes.append(f"tracks of sound are left out: {len(streams.audio)}")
        return videos[0]

    def _first(self) -> Any:
        """Decodes up to the first picture; what comes before it waits."""
        for item in self._items:
            self._waiting.append(item)
            if not _is_sound(item):
                return item
        raise UnreadableVideo(f"{self._name} holds no pictures")

    def _begins(self, first: Any) -> Fraction:
        """What is taken from all times, in seconds: whole ticks of the video."""
        begin = self._ticks * (first.pts or 0)
        others = [s.start_time * Fraction(s.time_base) for s in self._tracks
                  if s.start_time is not None]  # fmt: skip
        if begin >= 0:
            begin = max(Fraction(0), min([begin, *others]))
        return begin // self._ticks * self._ticks

    def _rate(self) -> Fraction | None:
        """The nominal rate; None if pictures are unevenly spaced as far as the file says."""
        rate = self._video.average_rate or self._video.guessed_rate
        if not rate or not 0 < rate <= 1000:
            return None
        finest = self._video.base_rate
        if finest and all(abs(finest - n * rate) > rate / 50 for n in (1, 2)):  # 2: by fields
            return None
        return Fraction(rate).limit_denominator(100_000)

    def _count(self) -> int | None:
        if self._video.frames:
            return int(self._video.frames)
        rate = self._video.average_rate
        if rate and self._container.duration:
            return round(Fraction(self._container.duration, 1_000_000) * Fraction(rate))
        return None

    def _seek(self, start: Fraction) -> None:
        """Goes to the key frame before a time, if the file can."""
        import av

        target = int((start + self._origin) / self._ticks)
        try:
            self._container.seek(target, stream=self._video, backward=True)
        except (av.FFmpegError, ValueError, OSError):
            return
        self._waiting.clear()
        self._items = self._decoded()

    def __iter__(self) -> Iterator[VideoFrame | AudioPacket]:
        held: VideoFrame | None = None
        step = max(1, round(1 / (self._rate() or 25) / self._ticks))
        number, shown = 0, -1
        try:
            for item in self._all():
                if _is_sound(item):
                    yield self._sound(item)
                    continue
                planes = self._planes(item, number)
                ticks = self._time(item, held, step)
                if ticks <= shown:
                    raise UnreadableVideo(
                        f"{self._name}: the times of its pictures go backwards: picture {number} "
                        f"is shown at {float(ticks * self._ticks):.3f} s, the one before at "
                        f"{float(shown * self._ticks):.3f} s; give them new ones first: "
                        f"ffmpeg -i IN -vf setpts=N/FRAME_RATE/TB -c:v ffv1 -c:a copy OUT.mkv"
                    )
                if held is not None:
                    yield VideoFrame(held.planes, held.pts, ticks - held.pts)
                last = item.duration or step
                held, shown, number = VideoFrame(planes, ticks, last), ticks, number + 1
        except UnreadableVideo as error:
            if not self._options.recover:
                raise
            self.notes.append(f"{error}; what is before is taken")
        if held is not None:
            yield held

    def _all(self) -> Iterator[Any]:
        while self._waiting:
            yield self._waiting.popleft()
        yield from self._items

    def _time(self, frame: Any, before: VideoFrame | None, step: int) -> int:
        """When a picture is shown, in ticks from the start."""
        if frame.pts is None:  # raw streams have no times
            return 0 if before is None else before.pts + step
        return int(frame.pts - self._origin / self._ticks)

    def _planes(self, frame: Any, number: int) -> Planes:
        facts = facts_of(frame, self._video, self._name)
        if facts != self._facts:
            self._refuse_change(facts, number)
        if frame.is_corrupt and not self._options.recover:
            raise UnreadableVideo(
                f"{self._name} is damaged at picture {number} (--recover takes it as it is)"
            )
        return planes_of_frame(
            frame,
            facts,
            subsampled=self._subsampled,
            ignore_alpha=self._options.ignore_alpha,
            name=self._name,
        )

    def _refuse_change(self, facts: Facts, number: int) -> None:
        was = self._facts
        if (facts.width, facts.height) != (was.width, was.height):
            raise UnsupportedVideo(
                f"{self._name} changes its size from {was.width}x{was.height} to "
                f"{facts.width}x{facts.height} at picture {number}; give it one size first: "
                f"ffmpeg -i IN -vf scale={was.width}:{was.height} -c:v ffv1 -c:a copy OUT.mkv"
            )
        if facts.kind == was.kind:
            return  # notes of colour that come and go: the first count
        raise UnsupportedVideo(
            f"{self._name} changes from {was.kind} to {facts.kind} at picture {number}; give it "
            f"one kind first: ffmpeg -i IN -pix_fmt yuv420p -c:v ffv1 -c:a copy OUT.mkv"
        )

    def _decoded(self) -> Iterator[Any]:
        """Frames of PyAV in the order in which they are shown, and its packets of sound."""
        import av

        ends = Fraction(0)
        demuxed = self._container.demux(self._video, *self._tracks)
        while True:
            with self._named():
                packet = next(demuxed, None)
            if packet is None:
                break
            if packet.pts is not None:
                ends = max(ends, (packet.pts + (packet.duration or 0)) * packet.time_base)
            if packet.stream_index != self._video.index:
                if packet.size:
                    yield packet
                continue
            if packet.is_corrupt and not self._options.recover:
                raise UnreadableVideo(
                    f"{self._name} is damaged near {float(ends):.2f} s: a packet is incomplete "
                    f"(--recover takes what can be read)"
                )
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                if self._options.recover:
                    continue
                raise UnreadableVideo(
                    f"{self._name} is damaged near {float(ends):.2f} s: {error.strerror} "
                    f"(--recover takes what can be read)"
                ) from error
            yield from frames
        self._check_end(ends)

    def _sound(self, packet: Any) -> AudioPacket:
        from bitstream.video import AudioPacket

        number = self._numbers[packet.stream_index]
        base = Fraction(packet.time_base)
        moved = round(self._origin / base)
        time = packet.pts if packet.pts is not None else packet.dts
        return AudioPacket(
            track=number,
            pts=(time or 0) - moved,
            duration=max(packet.duration or 0, 0),
            payload=bytes(packet),
            key=bool(packet.is_keyframe),
        )

    def _check_end(self, ends: Fraction) -> None:
        """Refuses a file that ends long before it said."""
        full = self._announced()
        if self._options.recover or full is None:
            return
        if full - ends > max(full * _SHORT, _SHORT):
            raise UnreadableVideo(
                f"{self._name} is truncated: it announces {float(full):.2f} s of video and ends "
                f"after {float(ends):.2f} s (--recover takes what is there)"
            )

    def _announced(self) -> Fraction | None:
        """When the file says that it ends, in seconds; None if it does not."""
        base = Fraction(self._video.time_base)
        if self._video.duration:
            return base * int(self._video.duration + (self._video.start_time or 0))
        if self._container.duration and self._container.format.name in _STATING_LENGTHS:
            return Fraction(self._container.duration, 1_000_000)
        return None

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Turns errors of PyAV while it reads into ours."""
        import av

        try:
            yield
        except av.FFmpegError as error:
            if self._piped and "mov" in self._container.format.name.split(","):
                raise UnreadableVideo(
                    f"{self._name} is an mp4 or mov whose pictures cannot be read from a pipe: "
                    f"its index stands at its end, or it is damaged; give the file by its name, or "
                    f"write it with ffmpeg -i IN -c copy -movflags +faststart OUT"
                ) from error
            raise UnreadableVideo(
                f"{self._name} is damaged or truncated: {error.strerror} "
                f"(--recover takes what is before)"
            ) from error


def _is_sound(item: Any) -> bool:
    """Whether something that was read is a packet of sound, and no picture."""
    return hasattr(item, "stream_index")


def _open(file: str | BinaryIO, name: str) -> Any:
    try:
        import av
    except ImportError as error:
        raise UnsupportedVideo(
            f"{name} is read through PyAV, which is not installed: pip install "
            f"'learned-codec[video]'; or pass y4m: ffmpeg -i IN -f yuv4mpegpipe - | codec encode -"
        ) from error
    # The protocol is named, so that no name of a file is taken for an address.
    target = f"file:{os.path.abspath(file)}" if isinstance(file, str) else file
    try:
        return av.open(target, "r", options={"protocol_whitelist": _PROTOCOLS},
                       metadata_errors="replace")  # fmt: skip
    except av.FFmpegError as error:
        raise UnreadableVideo(f"{name} is no video that is read: {error.strerror}") from error
