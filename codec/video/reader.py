"""`codec.open`: a video file as a sequence of pictures; every one of them by number or by time."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import TYPE_CHECKING, Any, BinaryIO, Self, overload

import numpy as np
from numpy.typing import NDArray

from codec.errors import DamagedFile, OptionError, translated
from codec.image.source import open_path
from codec.options import Limits, check_limits, check_threads
from codec.video import decoding
from codec.video.color import rgb_of
from codec.video.streams import open_stream
from codec.video.types import Planes, VideoFrame

if TYPE_CHECKING:
    from bitstream.video import AudioPacket, AudioTrack, IndexEntry, Packet, VideoHead

__all__ = ["Frame", "VideoPart", "VideoReader", "open"]

_CLOSE = Fraction(1, 10**6)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video.

    Attributes:
        planes: Y (h, w) and U, V of uint8: (ceil(h / 2), ceil(w / 2)) each in 4:2:0.
        number: its place in the order of display, from 0.
        pts: when it is shown, in ticks of the time base.
        duration: for how long, in ticks; 0 if that is not known.
        time: when it is shown, in seconds.
    """

    planes: Planes
    number: int
    pts: int
    duration: int
    time: float
    matrix: int
    full_range: bool

    @cached_property
    def array(self) -> NDArray[np.uint8]:
        """The picture as RGB, (h, w, 3) uint8; not turned where the video is to be rotated."""
        return rgb_of(self.planes, matrix=self.matrix, full_range=self.full_range)


class VideoReader(Sequence[Frame]):
    """The pictures of a video file, in the order in which they are shown.

        with codec.open("clip.licv") as video:
            for frame in video: frame.array, frame.pts
            video[120].planes, video.at(4.0).array

    Pictures are decoded when they are asked for. Going on from the last one costs one picture;
    any other costs what lies between its key frame and it, at most one key frame interval. Threads
    that ask for pictures take turns; each decodes faster with a reader of its own.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | BinaryIO,
        *,
        threads: int = 0,
        limits: Limits | None = None,
        recover: bool = False,
    ) -> None:
        """Opens a file and reads its header and its index.

        Args:
            source: a path, or a binary file object that can seek, standing at the file's start.
            threads: 0 for all processors; the pictures do not depend on it.
            limits: the largest picture taken.
            recover: whether damage is stepped over: pictures that are lost are left out.

        Raises:
            CodecError: it is not a video of this codec, or damaged.
            OSError: it cannot be opened or read.
        """
        threads, limits = check_threads(threads), check_limits(limits)
        self._owned = isinstance(source, (str, os.PathLike))
        if isinstance(source, (str, os.PathLike)):
            self._file = open_path(source)
        elif hasattr(source, "read") and getattr(source, "seekable", bool)():
            self._file = source
        else:
            raise OptionError(
                "a video is a path or a binary file object that can seek; of a pipe: codec decode -"
            )
        try:
            self._reader = open_stream(self._file, limits, recover=recover)
            with translated():
                self._index = self._reader.index()
                if not self._index.complete and not recover:
                    for _ in self._reader:  # tells what is wrong
                        pass
            if not self._index.entries:
                raise DamagedFile("the video has no key frame that is whole")
            self._ticks = Fraction(*self.head.time_base)
            self._gop = _Gop(decoding.new_decoder(self.head, threads))
            self._lock = threading.Lock()
        except BaseException:
            self.close()
            raise

    @property
    def head(self) -> VideoHead:
        """What the file says of the video."""
        return self._reader.head

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in luma samples; not turned."""
        return self.head.width, self.head.height

    @property
    def fps(self) -> float:
        """Pictures a second: the nominal rate, or where there is none the mean."""
        rate, ticks = Fraction(*self.head.frame_rate), self._index.duration
        if rate:
            return float(rate)
        return float(len(self) / (ticks * self._ticks)) if ticks else 0.0

    @property
    def duration(self) -> float:
        """From the first picture to the end of the last, in seconds."""
        return float(self._index.duration * self._ticks)

    @property
    def tracks(self) -> tuple[AudioTrack, ...]:
        """The tracks of sound."""
        return self.head.tracks

    def audio(self, track: int = 0) -> Iterator[AudioPacket]:
        """The packets of a track of sound, as its own codec made them, in the order of the file.

        Raises:
            OptionError: there is no such track.
            CodecError: the file is damaged.
        """
        from bitstream.video import AudioPacket

        if not 0 <= track < len(self.tracks):
            raise OptionError(f"there is no track {track}: the video has {len(self.tracks)}")
        with translated():
            for packet in self._reader:
                if isinstance(packet, AudioPacket) and packet.track == track:
                    yield packet

    def __len__(self) -> int:
        return self._index.frames

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> VideoPart: ...

    def __getitem__(self, index: int | slice) -> Frame | VideoPart:
        if isinstance(index, slice):
            return VideoPart(self, range(*index.indices(len(self))))
        number = range(len(self))[index]  # negative ones count from the end; IndexError
        self._check_open()
        entry = self._index.before_frame(number)
        with self._lock, translated():
            frame = self._gop.frame(number - entry.number, entry, self._packets)
        return self._frame(frame, number)

    def at(self, seconds: float) -> Frame:
        """The picture that is shown at a time, in seconds; before the first one, the first.

        Raises:
            OptionError: the video has ended by then.
            CodecError: the file is damaged.
        """
        self._check_open()
        try:
            exact = Fraction(seconds) / self._ticks
        except (ValueError, TypeError, OverflowError) as error:
            raise OptionError(f"a time is a number of seconds, not {seconds!r:.100}") from error
        ticks = round(exact)
        if abs(exact - ticks) > _CLOSE:  # a number that is a tick but for its last bits means it
            ticks = floor(exact)
        if ticks >= self._index.end and ticks > self._index.entries[-1].pts:
            raise OptionError(f"the video ends after {float(self._index.end * self._ticks):g} s")
        entry = self._index.before_time(ticks)
        with self._lock, translated():
            place, frame = self._gop.shown_at(ticks, entry, self._packets)
        return self._frame(frame, entry.number + place)

    def close(self) -> None:
        """Closes the file, if it was opened here."""
        if self._owned:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _packets(self, entry: IndexEntry) -> Iterator[Packet]:
        return self._reader.read_at(entry)

    def _check_open(self) -> None:
        if self._file.closed:
            raise OptionError("the video is closed")

    def _frame(self, frame: VideoFrame, number: int) -> Frame:
        return Frame(
            frame.planes,
            number,
            frame.pts,
            frame.duration,
            float(frame.pts * self._ticks),
            self.head.matrix,
            self.head.full_range,
        )


class VideoPart(Sequence[Frame]):
    """Some pictures of a video, as `video[100:200:10]` gives them; decoded when asked for."""

    def __init__(self, video: VideoReader, numbers: range) -> None:
        self._video, self._numbers = video, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> VideoPart: ...

    def __getitem__(self, index: int | slice) -> Frame | VideoPart:
        if isinstance(index, slice):
            return VideoPart(self._video, self._numbers[index])
        return self._video[self._numbers[index]]


class _Gop:
    """Decodes one GOP after another, and remembers where it stands.

    Pictures that left the decoder stay until the next GOP as far as they may be asked for again:
    the last one given, and all that were not given yet.
    """

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._entry: IndexEntry | None = None
        self._ended = False
        self._next = 0  # place in the GOP of the first in `_ready`
        self._count = 0  # packets of the GOP that were decoded
        self._ready: deque[VideoFrame] = deque()
        self._packets: Iterator[Packet] = iter(())
        self._ahead: Any = None  # the key frame of the next GOP, read already

    def frame(self, place: int, entry: IndexEntry, packets: Any) -> VideoFrame:
        """The picture at a place, in the order of display, in the GOP of a key frame."""
        if self._entry != entry or place < self._next:
            self._begin(entry, packets)
        while self._next + len(self._ready) <= place:
            self._decode_more(entry)
        while self._next < place:
            self._ready.popleft()
            self._next += 1
        return self._ready[0]

    def shown_at(self, ticks: int, entry: IndexEntry, packets: Any) -> tuple[int, VideoFrame]:
        """The last picture of a GOP that is not shown after a time, and its place."""
        if self._entry == entry and self._ready and self._ready[0].pts <= ticks:
            place = self._next
        else:
            place = 0
        found = self.frame(place, entry, packets)
        while place + 1 < entry.frames:
            if found.duration and found.pts + found.duration > ticks:
                break
            following = self.frame(place + 1, entry, packets) if found.pts <= ticks else None
            if following is None or following.pts > ticks:
                break
            found, place = following, place + 1
        return place, found

    def _begin(self, entry: IndexEntry, packets: Any) -> None:
        self._decoder.reset()
        self._ready.clear()
        self._entry, self._ended, self._next, self._count = entry, False, 0, 0
        ahead, self._ahead = self._ahead, None
        if ahead is None or ahead.pts != entry.pts:
            self._packets = packets(entry)
            return
        self._ready.extend(self._decoder.decode(ahead))
        self._count = 1

    def _decode_more(self, entry: IndexEntry) -> None:
        from bitstream.video import FramePacket

        if self._ended:
            raise DamagedFile(
                f"the key frame at {entry.pts} ticks has fewer after it than the index says"
            )
        packet = next((p for p in self._packets if isinstance(p, FramePacket)), None)
        if packet is None or (packet.key and self._count):
            self._ahead, self._ended = packet, True
            self._ready.extend(self._decoder.flush())
            return
        self._count += 1
        self._ready.extend(self._decoder.decode(packet))


def open(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    threads: int = 0,
    limits: Limits | None = None,
    recover: bool = False,
) -> VideoReader:
    """Opens a video file as a sequence of pictures; see `VideoReader`."""
    return VideoReader(source, threads=threads, limits=limits, recover=recover)
