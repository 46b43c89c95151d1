"""Tiny images for the benchmark's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.model_fixtures import synthetic_picture


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of three small pictures, one with odd sides."""
    folder = tmp_path / "images"
    folder.mkdir()
    for n, (height, width) in enumerate([(48, 64), (33, 47), (64, 40)]):
        Image.fromarray(synthetic_picture(height, width, seed=n)).save(folder / f"{n}.png")
    return folder
