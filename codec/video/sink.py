"""mp4, mov and mkv files: pictures coded by FFV1 or H.264, packets of sound as they were."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from codec.errors import OptionError, OutputError, UnsupportedVideo
from codec.video.audio import add_track
from codec.video.outputs import CONTAINERS, SinkOptions, VideoSink
from codec.video.types import Planes, VideoFrame

if TYPE_CHECKING:
    from bitstream.video import AudioPacket, VideoHead

__all__ = ["MuxSink", "crf_of"]

_CODECS = {"h264": "libx264", "ffv1": "ffv1"}
_PRESET = "fast"
_USUAL_RATE = Fraction(25)
_CRF_SPAN = 51


def crf_of(quality: int) -> int:
    """x264's constant rate factor of a quality 1..100: 95 is 14, 75 is 28, 100 is 0 (lossless)."""
    return int(_CRF_SPAN * math.pow((100 - quality) / 100, 0.43) + 0.5)


class MuxSink(VideoSink):
    """A file that is written through PyAV; see `VideoSink`."""

    def __init__(
        self, target: str | BinaryIO, head: VideoHead, options: SinkOptions, format: str
    ) -> None:
        """Opens the file and describes its tracks.

        Args:
            target: a path, or a binary file object that can seek.
            head: of the video.
            options: how it is written.
            format: "mp4", "mov" or "mkv".

        Raises:
            OptionError: the format cannot hold that codec.
            UnsupportedVideo: it cannot hold the sound, or PyAV is not installed.
            OutputExists, OutputError: as `atomic_write`.
        """
        super().__init__()
        codec = options.codec or ("ffv1" if format == "mkv" else "h264")
        if codec not in _CODECS or (codec == "ffv1" and format != "mkv"):
            raise OptionError(
                f"{format} files are written with h264{_or_ffv1(format)}, not {codec}"
            )
        try:
            import av
        except ImportError as error:
            raise UnsupportedVideo(
                f"{format} is written through PyAV, which is not installed: pip install "
                f"'learned-codec[video]'; or write y4m"
            ) from error
        self._av, self._head = av, head
        # H.264 holds 4:2:0 of even sides only.
        odd = codec == "h264" and (head.width % 2 or head.height % 2)
        self._subsampled = not int(head.chroma) and not odd
        self._spread = not int(head.chroma) and bool(odd)
        if self._spread:
            self.notes.append("H.264 has no 4:2:0 with odd sides: written as 4:4:4")
        if format == "mkv" and codec == "ffv1" and head.aspect[0] != head.aspect[1]:
            # PyAV writes it neither into the file nor into the stream.
            self.notes.append(
                f"mkv with FFV1 does not keep the shape of its samples ({head.aspect[0]}:"
                f"{head.aspect[1]}): write mp4, or mkv with --output-codec h264"
            )
        try:
            self._file = self._open(target, options.force)
            self._container = av.open(self._file, "w", format=CONTAINERS[format])
            self._stack.callback(self._close)
            self._video = self._add_video(codec, options.quality)
            self._tracks = [add_track(self._container, track)
                            for track in (head.tracks if options.audio else ())]  # fmt: skip
            self._container.start_encoding()
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            if isinstance(error, av.FFmpegError):
                raise _refused(error, format) from error
            raise
        self._latest: dict[int, int] = {}
        self._durations: dict[int, int] = {}

    def _add_video(self, codec: str, quality: int) -> Any:
        head = self._head
        rate = Fraction(*head.frame_rate) if head.frame_rate[0] else _USUAL_RATE
        if codec == "h264":
            options = {"crf": str(crf_of(quality)), "preset": _PRESET}
        else:  # pictures of a few lines cannot be cut into slices
            options = {"level": "3", "slices": "1"} if min(head.width, head.height) < 64 else {}
        stream: Any = self._container.add_stream(_CODECS[codec], rate=rate, options=options)
        stream.width, stream.height = head.width, head.height
        stream.pix_fmt = "yuv420p" if self._subsampled else "yuv444p"
        context = stream.codec_context
        # Ticks with 1 above the line: pictures then have multiples of them, in mp4 without loss.
        context.time_base = Fraction(1, head.time_base[1])
        context.sample_aspect_ratio = Fraction(*head.aspect)
        context.colorspace, context.color_range = head.matrix, 2 if head.full_range else 1
        context.color_primaries, context.color_trc = head.primaries, head.transfer
        if head.rotation:
            stream.set_display_rotation(-head.rotation)
        return stream

    def write(self, frame: VideoFrame) -> None:
        av, head = self._av, self._head
        kind = "yuv420p" if self._subsampled else "yuv444p"
        picture = av.VideoFrame(head.width, head.height, kind)
        planes = _spread(frame.planes) if self._spread else frame.planes
        for plane, samples in zip(picture.planes, planes, strict=True):
            rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            rows[: samples.shape[0], : samples.shape[1]] = samples
        picture.pts = frame.pts * head.time_base[0]
        picture.duration = frame.duration * head.time_base[0]
        picture.time_base = Fraction(1, head.time_base[1])
        picture.colorspace, picture.color_range = head.matrix, 2 if head.full_range else 1
        self._durations[picture.pts] = picture.duration
        self._mux_video(self._video.encode(picture))

    def write_audio(self, packet: AudioPacket) -> None:
        if packet.track >= len(self._tracks):
            return
        track = self._head.tracks[packet.track]
        out = self._av.Packet(packet.payload)
        out.stream = self._tracks[packet.track]
        # Files refuse times that do not grow; what a damaged source has of them moves by a tick.
        time = max(packet.pts, self._latest.get(packet.track, packet.pts - 1) + 1)
        self._latest[packet.track] = time
        out.pts = out.dts = time
        out.duration = packet.duration
        out.time_base = Fraction(*track.time_base)
        out.is_keyframe = packet.key
        self._mux([out])

    def finish(self) -> None:
        self._mux_video(self._video.encode(None))
        self._close()

    def _mux_video(self, packets: list[Any]) -> None:
        for packet in packets:  # encoders do not hand on for how long a picture is shown
            packet.duration = self._durations.pop(packet.pts, packet.duration)
        self._mux(packets)

    def _mux(self, packets: Any) -> None:
        try:
            self._container.mux(packets)
        except self._av.FFmpegError as error:
            raise _refused(error, self._container.format.name) from error

    def _close(self) -> None:
        self._container.close()


def _or_ffv1(format: str) -> str:
    return " or ffv1" if format == "mkv" else ""


def _refused(error: Any, format: str) -> Exception:
    """What to raise for an error of PyAV while it writes."""
    if isinstance(error, OSError) and error.errno in (4, 5, 27, 28, 32):  # of the disk or the pipe
        return OSError(error.errno, error.strerror)
    return OutputError(
        f"{format} refuses the video or its sound ({error.strerror}): mkv holds most kinds of "
        f"sound, --no-audio leaves it out"
    )


def _spread(planes: Planes) -> Planes:
    """4:2:0 as 4:4:4, each sample of chroma four times."""
    y, u, v = planes
    height, width = y.shape
    u, v = (c.repeat(2, axis=0).repeat(2, axis=1)[:height, :width] for c in (u, v))
    return y, u, v
