"""Fixtures of the tests of images and their metadata."""

from __future__ import annotations

import pytest
from PIL import Image

from codec.options import Limits


@pytest.fixture
def exif_block() -> bytes:
    """EXIF with a maker's name and orientation 6, from its byte order mark on."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x0112] = 6
    return exif.tobytes()[6:]


@pytest.fixture
def limits() -> Limits:
    """The default limits."""
    return Limits()
