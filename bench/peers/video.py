"""Intra frames of video coders through PyAV, as stills: one frame of 10 bits."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import yuv
from bench.peers.base import RGB, PeerFailed, PeerMissing, join_size, split_size

# fmt: off
_CODERS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "x264": ("libx264", "h264", "yuv444p10le", {"preset": "veryslow", "tune": "psnr"}),
    "x265": (
        "libx265", "hevc", "yuv444p10le",
        {"preset": "veryslow", "tune": "psnr", "x265-params": "info=0:log-level=none"},
    ),
    "svtav1": ("libsvtav1", "obu", "yuv420p10le", {"preset": "4"}),
}
# fmt: on
"""Name -> encoder, raw stream format, pixel format, options. SVT-AV1 codes 4:2:0 only."""
_UNITS = {"x264": "filter_units=remove_types=6"}
"""x264 writes its options into the stream, 700 bytes that no decoder needs: taken out."""
_CRF = {
    "x264": (14.0, 20.0, 26.0, 32.0, 38.0, 44.0, 50.0),
    "x265": (14.0, 20.0, 26.0, 32.0, 38.0, 44.0, 50.0),
    "svtav1": (12.0, 20.0, 28.0, 36.0, 44.0, 52.0, 60.0),
}


class VideoPeer:
    """A still as the only frame of a raw stream; the setting is minus the CRF: bits rise."""

    parallel = False

    def __init__(self, name: str) -> None:
        try:
            import av
            import av.bitstream
            import av.codec
        except ImportError as error:
            raise PeerMissing(f"{name}: install av (PyAV)") from error
        os.environ.setdefault("SVT_LOG", "1")  # errors only; it writes past Python otherwise
        self._av: Any = av
        self.name = name
        self._encoder, self._format, self._pixels, self._options = _CODERS[name]
        self.settings = tuple(-crf for crf in sorted(_CRF[name], reverse=True))
        if self._encoder not in av.codec.codecs_available:
            raise PeerMissing(f"{name}: this PyAV is built without {self._encoder}")
        libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
        self.version = f"PyAV {av.__version__}, libavcodec {libavcodec}, {self._encoder}"

    def encode(self, image: RGB, setting: float) -> bytes:
        height, width = image.shape[:2]
        file = io.BytesIO()
        try:
            with self._av.open(file, "w", format=self._format) as container:
                options = self._options | {"crf": f"{-setting:g}"}
                stream = container.add_stream(self._encoder, rate=1, options=options)
                stream.width, stream.height = width + width % 2, height + height % 2
                stream.pix_fmt = self._pixels
                stream.codec_context.gop_size = 1
                packets = [*stream.encode(self._frame(image)), *stream.encode(None)]
                if self.name in _UNITS:
                    keep = self._av.bitstream.BitStreamFilterContext(_UNITS[self.name], stream)
                    packets = [part for packet in packets for part in keep.filter(packet)]
                container.mux(packets)
        except (self._av.error.FFmpegError, ValueError) as error:
            raise PeerFailed(f"{self.name} at crf {-setting:g}: {error}") from error
        return join_size(file.getvalue(), image)

    def decode(self, data: bytes) -> RGB:
        stream, height, width = split_size(data)
        try:
            with self._av.open(io.BytesIO(stream), format=self._format) as container:
                frame = next(container.decode(video=0))
        except (self._av.error.FFmpegError, StopIteration, ValueError) as error:
            raise PeerFailed(f"{self.name}: {error}") from error
        planes = [_read(plane) for plane in frame.planes]
        if "420" in self._pixels:
            planes[1:] = map(yuv.double, planes[1:])
        return yuv.to_rgb(np.stack(planes)[:, :height, :width])

    def _frame(self, image: RGB) -> Any:
        """The picture as a frame of the coder's pixel format, odd sides padded by their edge."""
        padded = yuv.pad_even(image)
        planes = (yuv.to_planes_420 if "420" in self._pixels else yuv.to_planes)(padded)
        frame = self._av.VideoFrame(padded.shape[1], padded.shape[0], self._pixels)
        for plane, values in zip(frame.planes, planes, strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
            rows[:, : plane.width] = values
            plane.update(rows.tobytes())
        return frame


def _read(plane: Any) -> NDArray[np.uint16]:
    """(height, width) samples of a 10-bit plane."""
    rows = np.frombuffer(bytes(plane), np.uint16).reshape(-1, plane.line_size // 2)
    return rows[: plane.height, : plane.width]


NAMES = tuple(_CODERS)
