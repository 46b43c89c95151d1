"""What a decoded picture of PyAV is: size, kind, colours; which kinds are taken; its planes.

taken as they are   4:2:0 (yuv420p, nv12), 4:4:4 (yuv444p, nv24), grey as 4:2:0
turned              RGB, to 4:4:4 of full range or to 4:2:0
refused by name     more than 8 bits, HDR, BT.2020, interlaced, 4:2:2, 4:1:1, 4:4:0, 4:1:0
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from codec.errors import UnsupportedVideo
from codec.video.color import BT709, planes_of
from codec.video.types import Plane, Planes

__all__ = ["Facts", "check_kind", "facts_of", "planes_of_frame"]

_YUV420 = {"yuv420p", "yuvj420p", "nv12", "nv21", "yuva420p"}
_YUV444 = {"yuv444p", "yuvj444p", "nv24", "nv42", "yuva444p"}
_GREY = {"gray", "ya8"}
_RGB = {
    "rgb24", "bgr24", "gbrp", "rgb0", "bgr0", "0rgb", "0bgr", "rgba", "bgra", "argb", "abgr",
    "gbrap", "pal8",
}  # fmt: skip
_ALPHA = {"yuva420p", "yuva444p", "ya8", "rgba", "bgra", "argb", "abgr", "gbrap", "pal8"}
_SUBSAMPLINGS = {(1, 0): "4:2:2", (2, 0): "4:1:1", (0, 1): "4:4:0", (2, 2): "4:1:0"}

_TRANSFERS = {16: "PQ", 18: "HLG"}
_WIDE = 9
"""BT.2020: number of its primaries, and of its matrix; 10 is the matrix with constant luminance."""
_MATRICES = {4: "FCC", 7: "SMPTE 240M", 8: "YCgCo", 9: "BT.2020", 10: "BT.2020 (constant)"}
_FULL, _UNSPECIFIED = 2, 2
_FROM_GREY_TO_FULL = {"h264", "hevc", "av1", "libdav1d", "vp9", "vvc"}
"""Decoders whose grey has limited range where the file does not say."""

_TONEMAP = (
    "ffmpeg -i IN -vf zscale=t=linear:npl=100,tonemap=hable,zscale=p=bt709:t=bt709:m=bt709:r=tv,"
    "format=yuv420p -c:v ffv1 -c:a copy OUT.mkv"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is the same for all pictures of a video.

    Args:
        width, height: in luma samples.
        kind: ffmpeg's name of the format of samples.
        matrix: number of H.273, None where it is not said.
        primaries, transfer: numbers of H.273, 2 where they are not said.
        full_range: whether samples use 0..255.
        rotation: degrees clockwise that a player turns the picture.
        aspect: width of a sample by its height.
    """

    width: int
    height: int
    kind: str
    matrix: int | None
    primaries: int
    transfer: int
    full_range: bool
    rotation: int
    aspect: Fraction

    @property
    def rgb(self) -> bool:
        """Whether samples are RGB."""
        return self.kind in _RGB

    @property
    def subsampled(self) -> bool:
        """Whether chroma is that of 4:2:0; grey counts as such."""
        return self.kind in _YUV420 or self.kind in _GREY


def facts_of(frame: Any, stream: Any, name: str) -> Facts:
    """Reads the facts of a decoded picture.

    Args:
        frame: av.VideoFrame.
        stream: av.VideoStream that it comes from.
        name: of the input, for messages.

    Raises:
        UnsupportedVideo: its player mirrors it, or turns it by a part of 90 degrees.
    """
    kind = frame.format.name
    matrix: int | None = int(frame.colorspace)
    full = int(frame.color_range) == _FULL or kind.startswith("yuvj")
    if kind in _GREY and int(frame.color_range) == 0:
        full = stream.codec_context.name not in _FROM_GREY_TO_FULL
    if kind in _RGB:
        matrix, full = BT709, True
    elif matrix == _UNSPECIFIED:
        matrix = None
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return Facts(
        width=frame.width,
        height=frame.height,
        kind=kind,
        matrix=matrix,
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        full_range=full,
        rotation=_rotation(frame, name),
        aspect=Fraction(aspect) if aspect else Fraction(1),
    )


def check_kind(facts: Facts, frame: Any, name: str) -> None:
    """Refuses what is not taken.

    Raises:
        UnsupportedVideo: the message says what it is and what to do.
    """

    def refuse(what: str, command: str) -> NoReturn:
        raise UnsupportedVideo(f"{name} {what}: {command}")

    if facts.transfer in _TRANSFERS:
        refuse(
            f"is HDR ({_TRANSFERS[facts.transfer]}), which is not taken; map it to SDR first",
            _TONEMAP,
        )
    if facts.primaries == _WIDE or facts.matrix in (_WIDE, _WIDE + 1):
        refuse(
            "has the colours of BT.2020, which are not taken; turn them into BT.709 first",
            "ffmpeg -i IN -vf zscale=p=bt709:t=bt709:m=bt709,format=yuv420p -c:v ffv1 -c:a copy "
            "OUT.mkv",
        )
    bits = max((component.bits for component in frame.format.components), default=8)
    if bits > 8:
        refuse(
            f"has {bits} bits a sample ({facts.kind}), taken are 8; round it first",
            "ffmpeg -i IN -pix_fmt yuv420p -c:v ffv1 -c:a copy OUT.mkv",
        )
    if frame.interlaced_frame:
        refuse(
            "is interlaced, which is not taken; make it progressive first",
            "ffmpeg -i IN -vf bwdif -c:v ffv1 -c:a copy OUT.mkv",
        )
    if facts.kind not in _YUV420 | _YUV444 | _GREY | _RGB:
        step = _subsampling(facts.kind)
        refuse(
            f"is {step or facts.kind}, taken are 4:2:0 and 4:4:4; change it first",
            "ffmpeg -i IN -pix_fmt yuv444p -c:v ffv1 -c:a copy OUT.mkv (or yuv420p: smaller)",
        )
    if facts.matrix is not None and facts.matrix not in (1, 5, 6):
        known = _MATRICES.get(facts.matrix, f"number {facts.matrix}")
        refuse(
            f"has the colour matrix {known}, taken are BT.601 and BT.709; change it first",
            "ffmpeg -i IN -vf scale=out_color_matrix=bt709 -c:v ffv1 -c:a copy OUT.mkv",
        )


def planes_of_frame(
    frame: Any, facts: Facts, *, subsampled: bool, ignore_alpha: bool, name: str
) -> Planes:
    """The planes of a decoded picture of a kind that is taken.

    Args:
        frame: av.VideoFrame.
        facts: of it.
        subsampled: whether RGB becomes 4:2:0 of limited range; else 4:4:4 of full range.
        ignore_alpha: whether transparency is dropped; otherwise it is refused.
        name: of the input, for messages.

    Raises:
        UnsupportedVideo: it is interlaced, or not opaque.
    """
    if frame.interlaced_frame:
        check_kind(facts, frame, name)
    if facts.kind in _ALPHA and not ignore_alpha:
        _refuse_transparency(frame, facts, name)
    if facts.rgb:
        pixels: NDArray[np.uint8] = frame.reformat(format="rgb24").to_ndarray()
        return planes_of(pixels, subsampled=subsampled, matrix=BT709, full_range=not subsampled)
    width, height = facts.width, facts.height
    y = _plane(frame.planes[0], width, height, 2 if facts.kind == "ya8" else 1)[:, :, 0].copy()
    if facts.kind in _GREY:
        neutral = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
        return y, neutral, neutral
    if facts.subsampled:
        width, height = (width + 1) // 2, (height + 1) // 2
    if facts.kind.startswith("nv"):
        pair = _plane(frame.planes[1], width, height, 2)
        first = int(facts.kind in ("nv21", "nv42"))
        return y, pair[:, :, first].copy(), pair[:, :, 1 - first].copy()
    u, v = (_plane(plane, width, height, 1)[:, :, 0].copy() for plane in frame.planes[1:3])
    return y, u, v


def _plane(plane: Any, width: int, height: int, samples: int) -> NDArray[np.uint8]:
    """A view (height, width, samples) of a plane, whose rows may be longer."""
    rows: Plane = np.frombuffer(plane, np.uint8)
    rows = rows[: plane.line_size * height].reshape(height, plane.line_size)
    return rows[:, : width * samples].reshape(height, width, samples)


def _refuse_transparency(frame: Any, facts: Facts, name: str) -> None:
    if facts.kind.startswith("yuva"):
        alpha = _plane(frame.planes[3], facts.width, facts.height, 1)
    elif facts.kind == "ya8":
        alpha = _plane(frame.planes[0], facts.width, facts.height, 2)[:, :, 1:]
    else:
        alpha = frame.reformat(format="rgba").to_ndarray()[:, :, 3:]
    if int(alpha.min()) < 255:
        raise UnsupportedVideo(
            f"{name} has transparency, which videos do not keep: --ignore-alpha drops it"
        )


def _subsampling(kind: str) -> str | None:
    """ "4:2:2" and the like, of planar formats that are not taken."""
    digits = {"422": "4:2:2", "411": "4:1:1", "440": "4:4:0", "410": "4:1:0"}
    packed = {"yuyv422", "uyvy422", "yvyu422", "nv16"}
    if kind in packed:
        return "4:2:2"
    return next((shown for digit, shown in digits.items() if digit in kind), None)


def _rotation(frame: Any, name: str) -> int:
    """Degrees clockwise that a player turns the picture."""
    turned = -int(frame.rotation) % 360
    if turned % 90:
        raise UnsupportedVideo(
            f"{name} is turned by {turned} degrees; turn its pictures first: "
            f"ffmpeg -i IN -c:v ffv1 -c:a copy OUT.mkv"
        )
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is not None and len(bytes(matrix)) >= 36:
        a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])
        if a * d - b * c < 0:
            raise UnsupportedVideo(
                f"{name} is mirrored by its player; mirror its pictures first: "
                f"ffmpeg -i IN -c:v ffv1 -c:a copy OUT.mkv"
            )
    return turned
