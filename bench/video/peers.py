"""Video coders through PyAV, with one key frame, and what the benchmark asks of every codec.

What counts are the packets: that is how the points were made that the figures of others rest on.
Parameter sets, which those keep beside the packets, are counted apart (`header`), and so is the
text of its options that x264 writes into the stream and no decoder needs (`text`).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.peers import PeerFailed, PeerMissing
from bench.video.clips import Clip, Planes, to_frame, to_planes

__all__ = ["NAMES", "Coded", "Decoded", "PyAVPeer", "VideoPeer"]


@dataclass(frozen=True, slots=True)
class Coded:
    """What an encoder made of a clip.

    Attributes:
        data: whatever the peer's own `decode` takes.
        bytes: that count.
        header: bytes of parameter sets that are not among `bytes`.
        text: bytes of the encoder's text about itself that are not among `bytes`.
        seconds: the encoder ran.
    """

    data: Any = field(repr=False)
    bytes: int
    header: int
    text: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """Frames in the order in which they are shown, and how long the decoder ran."""

    frames: list[Planes]
    seconds: float


class VideoPeer(Protocol):
    """A codec under test. Making one raises PeerMissing where it cannot run."""

    @property
    def name(self) -> str:
        """As the points are kept under."""
        ...

    @property
    def version(self) -> str:
        """Of everything that decides its bytes."""
        ...

    @property
    def settings(self) -> Sequence[float]:
        """From the most bits to the fewest."""
        ...

    @property
    def steps(self) -> Sequence[float]:
        """Settings among which one of about equal bytes is sought, from the fewest bits to the
        most.
        """
        ...

    def encode(self, clip: Clip, setting: float) -> Coded:
        """Raises PeerFailed."""
        ...

    def decode(self, coded: Coded) -> Decoded:
        """Raises PeerFailed."""
        ...


@dataclass(frozen=True, slots=True)
class _Coder:
    """An encoder of libavcodec, its decoder, the option of its rate control, and the others."""

    encoder: str
    decoder: str
    control: str
    settings: tuple[int, ...]
    options: dict[str, str]
    private: str = ""


_QPS = (22, 27, 32, 37)
_X264 = {"g": "9999", "threads": "2"}
_X265 = "keyint=-1:info=0:log-level=none:pools=2:frame-threads=1"
"""Numbers of threads change the bytes: these are what two cores give, on every machine."""
_CODERS = {
    "x264-medium-zl": _Coder(
        "libx264", "h264", "qp", _QPS, {"preset": "medium", "tune": "zerolatency", **_X264}
    ),
    "x265-medium-zl": _Coder(
        "libx265", "hevc", "qp", _QPS, {"preset": "medium", "tune": "zerolatency"}, _X265
    ),
    "x264-medium": _Coder(
        "libx264", "h264", "crf", _QPS, {"preset": "medium", "tune": "psnr", **_X264}
    ),
    "x265-medium": _Coder(
        "libx265", "hevc", "crf", _QPS, {"preset": "medium", "tune": "psnr"}, _X265
    ),
    "x265-slower": _Coder(
        "libx265", "hevc", "crf", _QPS, {"preset": "slower", "tune": "psnr"}, _X265
    ),
    "svtav1-p6": _Coder(
        "libsvtav1", "libdav1d", "crf", (22, 32, 43, 55),
        {"preset": "6", "g": "9999", "svtav1-params": "tune=1"},
    ),
    "vp9-good2": _Coder(
        "libvpx-vp9", "vp9", "crf", (24, 34, 44, 54),
        {"deadline": "good", "cpu-used": "2", "b": "0", "g": "9999"},
    ),
}  # fmt: skip
NAMES = tuple(_CODERS)
SHORT = {
    "x264-zl": "x264-medium-zl", "x265-zl": "x265-medium-zl", "x264": "x264-medium",
    "x265": "x265-medium", "svtav1": "svtav1-p6", "vp9": "vp9-good2",
}  # fmt: skip
_FINEST = 8
_COARSEST = {"libsvtav1": 63, "libvpx-vp9": 63}
_USER_DATA = 5
"""Payload type of SEI that x264 writes its options as."""


class PyAVPeer:
    """A coder of PyAV's: the setting is its QP or CRF. `options` says all it was given."""

    def __init__(self, name: str) -> None:
        try:
            import av
        except ImportError as error:
            raise PeerMissing(f"{name}: install av (PyAV)") from error
        os.environ.setdefault("SVT_LOG", "1")  # errors only; it writes past Python otherwise
        self._av: Any = av
        self.name, self._coder = name, _CODERS[name]
        self.settings = self._coder.settings
        self.steps = range(_COARSEST.get(self._coder.encoder, 51), _FINEST - 1, -1)
        for one in (self._coder.encoder, self._coder.decoder):
            if one not in av.codec.codecs_available:
                raise PeerMissing(f"{name}: this PyAV is built without {one}")
        libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
        self.version = f"PyAV {av.__version__}, libavcodec {libavcodec}, {self._coder.encoder}"

    def options(self, setting: float) -> dict[str, str]:
        """All options of the encoder at a setting."""
        coder, value = self._coder, f"{setting:g}"
        if not coder.private:
            return coder.options | {coder.control: value}
        return coder.options | {"x265-params": f"{coder.control}={value}:{coder.private}"}

    def encode(self, clip: Clip, setting: float) -> Coded:
        context = self._context(clip, setting)
        frames = [to_frame(planes, number) for number, planes in enumerate(clip.frames)]
        started = time.perf_counter()
        try:
            packets = [packet for frame in frames for packet in context.encode(frame)]
            packets += context.encode(None)
        except (self._av.error.FFmpegError, ValueError) as error:
            raise PeerFailed(f"{self.name} at {setting:g}: {error}") from error
        seconds = time.perf_counter() - started
        parts = [bytes(packet) for packet in packets]
        text = 0
        if self._coder.encoder == "libx264":
            whole = len(parts[0])
            parts[0] = without_text(parts[0])
            text = whole - len(parts[0])
        extra = bytes(context.extradata or b"")
        return Coded((extra, parts), sum(map(len, parts)), len(extra), text, seconds)

    def decode(self, coded: Coded) -> Decoded:
        extra, parts = coded.data
        packets = [self._av.Packet(part) for part in parts]
        try:
            context = self._av.CodecContext.create(self._coder.decoder, "r")
            if extra:
                context.extradata = extra
            started = time.perf_counter()
            frames = [frame for packet in packets for frame in context.decode(packet)]
            frames += context.decode(None)
            seconds = time.perf_counter() - started
            return Decoded([to_planes(frame) for frame in frames], seconds)
        except (self._av.error.FFmpegError, ValueError) as error:
            raise PeerFailed(f"{self.name}: {error}") from error

    def _context(self, clip: Clip, setting: float) -> Any:
        context = self._av.CodecContext.create(self._coder.encoder, "w")
        context.width, context.height = clip.size
        context.pix_fmt = "yuv420p"
        context.time_base, context.framerate = 1 / clip.rate, clip.rate
        context.options = self.options(setting)
        context.flags |= self._av.codec.context.Flags.global_header
        return context


def without_text(packet: bytes) -> bytes:
    """A packet of H.264 in Annex B less the messages (SEI) that hold user data."""
    starts = [found.start() for found in re.finditer(rb"\x00?\x00\x00\x01", packet)]
    ends = [*starts[1:], len(packet)]
    units = [packet[a:b] for a, b in zip(starts, ends, strict=True)]
    return b"".join(unit for unit in units if not _is_text(unit))


def _is_text(unit: bytes) -> bool:
    body = unit[unit.index(1) + 1 :]
    return len(body) > 1 and body[0] & 31 == 6 and body[1] == _USER_DATA
