"""YUV4MPEG2 (.y4m): uncompressed video as tools write it into pipes; read and written here.

    YUV4MPEG2 W352 H288 F30000:1001 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\\n
    FRAME\\n  Y  U  V     FRAME\\n  Y  U  V     ...

8 bits, 4:2:0 and 4:4:4, and grey, which becomes 4:2:0. Memory is that of one picture. The
format has no sound, no rotation, one frame rate, and does not say which matrix its colours have.

Source: the manual page yuv4mpeg(5) of mjpegtools; ffmpeg's extension XCOLORRANGE.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from codec.errors import UnreadableVideo, UnsupportedVideo
from codec.image.source import read_up_to
from codec.video.heads import new_head
from codec.video.inputs import SourceOptions, VideoSource
from codec.video.types import Planes, VideoFrame, chroma_size

if TYPE_CHECKING:
    from bitstream.video import VideoHead

__all__ = ["SIGNATURE", "Y4mSource", "Y4mWriter", "header_line"]

SIGNATURE = b"YUV4MPEG2"

_LONGEST_LINE = 1024
_SUBSAMPLED = {"420", "420jpeg", "420mpeg2", "420paldv"}
_USUAL_RATE = Fraction(25)
"""Of streams that do not say theirs."""
_INTERLACED = {"t": "top field first", "b": "bottom field first", "m": "mixed"}


class Y4mSource(VideoSource):
    """Reads a stream from where it stands; see `VideoSource`."""

    def __init__(
        self,
        file: BinaryIO,
        options: SourceOptions,
        *,
        owned: bool = False,
        name: str = "the y4m stream",
    ) -> None:
        """Reads the first line.

        Args:
            file: a binary file, of which nothing but `read` is used.
            options: how it is read.
            owned: whether `close` closes the file.
            name: of the stream, for messages.

        Raises:
            UnreadableVideo: it is no y4m.
            UnsupportedVideo: of a kind that is not taken; the message says what to do.
            LimitExceeded: its pictures are too large.
        """
        self._file, self._owned, self._name = file, owned, name
        self._recover = options.recover
        line = _line(file, name)
        words = line.split(" ")
        if words[0] != SIGNATURE.decode():
            raise UnreadableVideo(f"{name} does not begin with {SIGNATURE.decode()}")
        fields = {word[0]: word[1:] for word in words[1:] if word and word[0] != "X"}
        try:
            width, height = int(fields["W"]), int(fields["H"])
        except (KeyError, ValueError) as error:
            raise UnreadableVideo(f"{name} does not state its size: {line[:100]!r}") from error
        if width < 1 or height < 1:
            raise UnreadableVideo(f"{name} states a size of {width}x{height}")
        options.limits.check_image(width, height)
        if fields.get("I", "p") in _INTERLACED:
            raise UnsupportedVideo(
                f"{name} is interlaced ({_INTERLACED[fields['I']]}); make it progressive first: "
                f"ffmpeg -i IN -vf bwdif -f yuv4mpegpipe -"
            )
        self._subsampled, self._grey = _chroma(fields.get("C", "420"), name)
        rate = _ratio(fields.get("F", "")) or _USUAL_RATE
        aspect = _ratio(fields.get("A", "")) or Fraction(1)
        super().__init__(
            new_head(
                width,
                height,
                subsampled=self._subsampled,
                full_range="XCOLORRANGE=FULL" in words,
                aspect=aspect,
                time_base=1 / rate,
                frame_rate=rate,
            )
        )

    def __iter__(self) -> Iterator[VideoFrame]:
        head = self.head
        chroma = chroma_size(head.width, head.height, self._subsampled)
        sizes = [(head.height, head.width)] + [chroma[::-1]] * (0 if self._grey else 2)
        total = sum(h * w for h, w in sizes)
        number = 0
        while (line := self._frame_line(number)) is not None:
            if line.split(" ")[0] != "FRAME":
                self._broken(f"picture {number} begins with {line[:20]!r} instead of FRAME")
                return
            data = read_up_to(self._file, total)
            if len(data) < total:
                self._broken(f"it ends within picture {number}")
                return
            planes, start = [], 0
            for h, w in sizes:
                part = np.frombuffer(data, np.uint8, h * w, start)
                planes.append(part.reshape(h, w))
                start += h * w
            if self._grey:
                planes += [np.full(chroma[::-1], 128, np.uint8)] * 2
            yield VideoFrame((planes[0], planes[1], planes[2]), number, 1)
            number += 1
        if number == 0:
            raise UnreadableVideo(f"{self._name} holds no pictures")

    def _frame_line(self, number: int) -> str | None:
        """The line before a picture; None at the end."""
        first = read_up_to(self._file, 6)
        if first == b"FRAME\n":
            return "FRAME"
        if not first:
            return None
        try:
            return _line(self._file, self._name, first)
        except UnreadableVideo:
            self._broken(f"what follows picture {number - 1} is no picture")
            return None

    def _broken(self, what: str) -> None:
        """Notes damage, or raises."""
        if not self._recover:
            raise UnreadableVideo(
                f"{self._name} is damaged: {what} (--recover takes what is before)"
            )
        self.notes.append(f"{what}: what is before is taken")

    def close(self) -> None:
        """Closes the file if it was opened for this."""
        if self._owned:
            self._file.close()


class Y4mWriter:
    """Writes a stream: the line of the head, then pictures."""

    def __init__(self, file: BinaryIO, head: VideoHead, rate: Fraction) -> None:
        """Writes the first line.

        Args:
            file: a binary file, of which nothing but `write` is used.
            head: of the video.
            rate: pictures a second.
        """
        self._file = file
        self._file.write(header_line(head, rate))

    def write(self, planes: Planes) -> None:
        """Writes one picture."""
        self._file.write(b"FRAME\n")
        for plane in planes:
            self._file.write(np.ascontiguousarray(plane).data)


def header_line(head: VideoHead, rate: Fraction) -> bytes:
    """The first line of the stream of a video."""
    kind = "444" if int(head.chroma) else "420mpeg2"
    extra = "" if int(head.chroma) else " XYSCSS=420MPEG2"
    colours = "FULL" if head.full_range else "LIMITED"
    return (
        f"{SIGNATURE.decode()} W{head.width} H{head.height} F{rate.numerator}:{rate.denominator} "
        f"Ip A{head.aspect[0]}:{head.aspect[1]} C{kind}{extra} XCOLORRANGE={colours}\n"
    ).encode()


def _line(file: BinaryIO, name: str, begun: bytes = b"") -> str:
    """Reads up to the end of a line, byte by byte: what follows belongs to a picture."""
    text = bytearray(begun)
    while not text.endswith(b"\n"):
        more = read_up_to(file, 1)
        if not more or len(text) > _LONGEST_LINE:
            raise UnreadableVideo(f"{name} ends or is damaged within a line of text")
        text += more
    return text[:-1].decode("ascii", "replace")


def _chroma(kind: str, name: str) -> tuple[bool, bool]:
    """Whether chroma is subsampled, and whether there is none."""
    if kind in _SUBSAMPLED:
        return True, False
    if kind == "mono":
        return True, True
    if kind == "444":
        return False, False
    if "p1" in kind or kind in ("mono9", "mono10", "mono12", "mono16"):
        raise UnsupportedVideo(
            f"{name} has more than 8 bits a sample (C{kind:.20}); make it 8 bits first: "
            f"ffmpeg -i IN -pix_fmt yuv420p -f yuv4mpegpipe -"
        )
    raise UnsupportedVideo(
        f"{name} is of kind C{kind:.20}, taken are 4:2:0 and 4:4:4; change it first: "
        f"ffmpeg -i IN -pix_fmt yuv444p -f yuv4mpegpipe -"
    )


def _ratio(text: str) -> Fraction | None:
    """ "30000:1001" as a number; None for 0:0, which says that it is not known."""
    above, _, below = text.partition(":")
    try:
        value = Fraction(int(above), int(below))
    except (ValueError, ZeroDivisionError):
        return None
    return value if value > 0 else None
