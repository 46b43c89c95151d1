"""Fixtures of the tests of images and their metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """Kodak image 23, (512, 768, 3) uint8; not to be changed."""
    with Image.open(Path(__file__).parents[3] / "examples" / "kodim23.png") as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="session")
def crop(photo: np.ndarray) -> np.ndarray:
    """A part of it, (200, 256, 3); not to be changed."""
    return np.ascontiguousarray(photo[100:300, 200:456])
