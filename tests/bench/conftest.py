"""Tiny images for the benchmark's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model_fixtures import save_pictures


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of three small pictures, one with odd sides."""
    folder = tmp_path / "images"
    save_pictures(folder, (48, 64), (33, 47), (64, 40))
    return folder
