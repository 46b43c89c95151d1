"""Fixtures of the command line: a photograph, a file of it, and two ways to call the program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import codec
from codec.cli.main import cli

Run = Callable[..., Result]
Spawn = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run() -> Run:
    """Calls the program in this process: run("info", path, input=b"...")."""

    def call(*args: object, **kwargs: Any) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args], **kwargs)

    return call


@pytest.fixture
def spawn() -> Spawn:
    """Calls the program in a process of its own: spawn("info", path, input=b"...")."""

    def call(*args: object, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "codec", *(str(arg) for arg in args)]
        return subprocess.run(command, capture_output=True, check=False, timeout=300, **kwargs)

    return call


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """Something like a photograph, (80, 96, 3) uint8."""
    y, x = np.mgrid[:80, :96]
    planes = [128 + 70 * np.sin(x / (9 + c)) * np.cos(y / (7 + c)) for c in range(3)]
    noise = np.random.default_rng(11).normal(0, 4, (80, 96, 3))
    return np.clip(np.stack(planes, axis=2) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def encoded_bytes(photo: np.ndarray) -> bytes:
    """A file of the photograph."""
    return codec.encode(photo, quality=60)


@pytest.fixture
def photo_path(photo: np.ndarray, tmp_path: Path) -> Path:
    """The photograph as a PNG file."""
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    return path


@pytest.fixture
def encoded_path(encoded_bytes: bytes, tmp_path: Path) -> Path:
    """The file of the photograph on disk."""
    path = tmp_path / "photo.lic"
    path.write_bytes(encoded_bytes)
    return path
