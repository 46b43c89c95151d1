"""Still image formats through Pillow: what a user could pick today."""

from __future__ import annotations

import io
from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image, features
from PIL import __version__ as pillow_version

from bench.peers.base import RGB, PeerFailed, PeerMissing


class PillowPeer:
    """One format of Pillow; `options` makes the arguments of `save` from a setting."""

    parallel = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._format, feature, self.settings = _FORMATS[name]
        self.version = f"Pillow {pillow_version}"
        if feature is not None:
            if not features.check(feature):
                raise PeerMissing(f"{name}: this Pillow is built without {feature}")
            self.version += f", {feature} {features.version(feature)}"
        if name == "jxl":
            self.version += f", {register_jxl()}"

    def encode(self, image: RGB, setting: float) -> bytes:
        file = io.BytesIO()
        try:
            Image.fromarray(image).save(file, self._format, **_options(self.name, setting))
        except (OSError, ValueError) as error:
            raise PeerFailed(f"{self.name} at {setting:g}: {error}") from error
        return file.getvalue()

    def decode(self, data: bytes) -> RGB:
        return rgb_of(data, self.name)


def rgb_of(data: bytes, name: str) -> RGB:
    """The pixels of a file that Pillow reads. Raises PeerFailed, naming the codec."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.array(image.convert("RGB"))
    except (OSError, ValueError) as error:
        raise PeerFailed(f"{name}: {error}") from error


_QUALITIES = (5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0)
_FORMATS: dict[str, tuple[str, str | None, tuple[float, ...]]] = {
    "jpeg": ("JPEG", "jpg", _QUALITIES),
    "webp": ("WEBP", "webp", (0.0, *_QUALITIES)),
    "avif": ("AVIF", "avif", (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0)),
    "jpeg2000": ("JPEG2000", "jpg_2000", (26.0, 28.0, 30.0, 32.0, 34.0, 36.0, 38.0, 40.0, 42.0)),
    "jxl": ("JXL", None, (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0)),
}
"""Name -> Pillow's format, its feature, the settings: quality, or dB for JPEG 2000."""


def _options(name: str, setting: float) -> dict[str, Any]:
    """Arguments of `save`: full colour resolution where there is a choice, slow where it helps."""
    quality = round(setting)
    options: dict[str, dict[str, Any]] = {
        "jpeg": {"quality": quality, "subsampling": "4:4:4", "optimize": True, "progressive": True},
        "webp": {"quality": quality, "method": 6},
        "avif": {"quality": quality, "speed": 4, "subsampling": "4:4:4"},
        # Without mct Pillow codes R, G and B apart, which doubles the bytes.
        "jpeg2000": {
            "quality_mode": "dB", "quality_layers": [setting], "irreversible": True, "mct": 1,
        },
        "jxl": {"quality": quality, "effort": 7},
    }  # fmt: skip
    return options[name]


def register_jxl() -> str:
    """JPEG XL comes with a plug-in that registers itself when imported."""
    try:
        import pillow_jxl  # noqa: F401
    except ImportError as error:
        raise PeerMissing("jxl: install pillow-jxl-plugin") from error
    return f"pillow-jxl-plugin {version('pillow-jxl-plugin')}"


NAMES = tuple(_FORMATS)
