"""Lossless codecs: ours, and what a user could pick. Bytes from pixels, and the same pixels back.

`Exact` is what the benchmark asks of one; `make` builds it by name.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from PIL import Image, features
from PIL import __version__ as pillow_version

import codec
from bench.peers.base import RGB, PeerFailed, PeerMissing
from bench.peers.stills import register_jxl, rgb_of

__all__ = ["NAMES", "OURS", "Exact", "make", "takes"]

OURS = "ours"
_FEW = 256
"""Colours that a palette of PNG holds."""
_FFV1_SIDE = 64
"""Pixels: a smaller picture is one slice of FFV1, which refuses some small ones in four."""


class Exact(Protocol):
    """A lossless codec. Making one raises PeerMissing where it cannot run."""

    name: str
    version: str

    def encode(self, image: RGB) -> bytes:
        """The file of an image. Raises PeerFailed."""
        ...

    def decode(self, data: bytes) -> RGB:
        """The image of a file. Raises PeerFailed."""
        ...


def takes(option: str) -> bool:
    """Whether `codec.encode` of this version has an option of that name."""
    return option in inspect.signature(codec.encode).parameters


class _Own:
    """Our codec through its public API, "ours" or "ours-eEFFORT"; with `near`, its largest error.

    near: 0 for lossless.
    """

    def __init__(self, name: str, near: int = 0) -> None:
        option = "near_lossless" if near else "lossless"
        if not takes(option):
            raise PeerMissing(f"{name}: codec.encode has no option {option!r} in this version")
        _, _, effort = name.partition("-e")
        self.name = f"{name}, error {near}" if near else name
        self.version = f"codec {codec.__version__}"
        self._options: dict[str, Any] = {option: near or True}
        if effort:
            self._options["effort"] = int(effort)

    def encode(self, image: RGB) -> bytes:
        try:
            data: bytes = codec.encode(image, **self._options)
        except codec.CodecError as error:
            raise PeerFailed(f"{self.name}: {error}") from error
        return data

    def decode(self, data: bytes) -> RGB:
        try:
            return codec.decode(data)
        except codec.CodecError as error:
            raise PeerFailed(f"{self.name}: {error}") from error


class _Pillow:
    """A format of Pillow with fixed options."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._form, self._options = _STILLS[name]
        self.version = f"Pillow {pillow_version}"
        if self._form == "JXL":
            self.version += f", {register_jxl()}"
        elif self._form == "WEBP":
            if not features.check("webp"):
                raise PeerMissing(f"{name}: this Pillow is built without webp")
            self.version += f", webp {features.version('webp')}"

    def encode(self, image: RGB) -> bytes:
        file = io.BytesIO()
        picture = _smallest(image) if self._form == "PNG" else Image.fromarray(image)
        try:
            picture.save(file, self._form, **self._options)
        except (OSError, ValueError) as error:
            raise PeerFailed(f"{self.name}: {error}") from error
        return file.getvalue()

    def decode(self, data: bytes) -> RGB:
        return rgb_of(data, self.name)


def _smallest(image: RGB) -> Image.Image:
    """As a good PNG writer would take it: grey or a palette where the colours allow."""
    if (image == image[:, :, :1]).all():
        return Image.fromarray(image[:, :, 0])
    packed = image.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    found, indexes = np.unique(packed, return_inverse=True)
    if len(found) > _FEW:
        return Image.fromarray(image)
    few = Image.fromarray(indexes.reshape(packed.shape).astype(np.uint8))
    few.putpalette(
        np.stack([found >> 16, found >> 8 & 255, found & 255], 1).astype(np.uint8).tobytes()
    )
    return few


class _Ffv1:
    """FFV1 version 3 through PyAV: one frame of RGB, range coder, small contexts, four slices. Its
    header counts, and four bytes for the size of the picture.
    """

    def __init__(self, name: str) -> None:
        try:
            import av
        except ImportError as error:
            raise PeerMissing(f"{name}: install av (PyAV)") from error
        self._av: Any = av
        self.name = name
        libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
        self.version = f"PyAV {av.__version__}, libavcodec {libavcodec}"

    def encode(self, image: RGB) -> bytes:
        height, width = image.shape[:2]
        try:
            coder = self._coder("w", width, height)
            coder.time_base = Fraction(1, 1)
            slices = "4" if min(width, height) >= _FFV1_SIDE else "1"
            coder.options = {"level": "3", "coder": "1", "context": "0", "g": "1", "slices": slices}
            frame = self._av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="bgr0")
            packets = [*coder.encode(frame), *coder.encode(None)]
        except (self._av.error.FFmpegError, ValueError) as error:
            raise PeerFailed(f"{self.name}: {error}") from error
        head = bytes(coder.extradata)
        sizes = b"".join(n.to_bytes(2, "little") for n in (width, height, len(head)))
        return sizes + head + b"".join(bytes(packet) for packet in packets)

    def decode(self, data: bytes) -> RGB:
        width, height, head = (int.from_bytes(data[i : i + 2], "little") for i in (0, 2, 4))
        try:
            coder = self._coder("r", width, height)
            coder.extradata = data[6 : 6 + head]
            frames = [*coder.decode(self._av.Packet(data[6 + head :])), *coder.decode(None)]
        except (self._av.error.FFmpegError, ValueError) as error:
            raise PeerFailed(f"{self.name}: {error}") from error
        return np.asarray(frames[0].to_ndarray(format="rgb24"))

    def _coder(self, mode: str, width: int, height: int) -> Any:
        coder = self._av.CodecContext.create("ffv1", mode)
        coder.width, coder.height, coder.pix_fmt = width, height, "bgr0"
        return coder


_STILLS: dict[str, tuple[str, dict[str, Any]]] = {
    "png": ("PNG", {"optimize": True}),
    "webp": ("WEBP", {"lossless": True, "method": 6, "quality": 100, "exact": True}),
    "jxl-e3": ("JXL", {"lossless": True, "effort": 3}),
    "jxl-e7": ("JXL", {"lossless": True, "effort": 7}),
    "jxl-e9": ("JXL", {"lossless": True, "effort": 9}),
}
_MAKERS: dict[str, Callable[[str], Exact]] = dict.fromkeys(_STILLS, _Pillow) | {"ffv1": _Ffv1}
NAMES = (*_MAKERS, OURS, *(f"{OURS}-e{effort}" for effort in range(1, 11)))


def make(name: str, near: int = 0) -> Exact:
    """The lossless codec of that name; ours with a largest error `near`, if that is not 0.

    Raises:
        PeerMissing: it cannot run here.
        ValueError: no codec has that name, or it has no largest error.
    """
    if name not in NAMES:
        raise ValueError(f"no lossless codec is called {name!r}; known: {', '.join(NAMES)}")
    if name.partition("-")[0] == OURS:
        return _Own(name, near)
    if near:
        raise ValueError(f"{name} keeps to no largest error; ours does")
    return _MAKERS[name](name)
