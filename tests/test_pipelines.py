"""The commands of docs/pipelines.md run as they stand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from codec.image.files import read_image
from codec.image.picture import Picture
from codec.image.pnm import pnm_bytes
from codec.options import Limits

TEXT = (Path(__file__).parents[1] / "docs" / "pipelines.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```", TEXT, re.S)
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the text says there is."""
    (tmp_path / "photos" / "2024").mkdir(parents=True)
    y, x = np.mgrid[:48, :64]
    array = np.stack([3 * x + y, x + 2 * y, x + y], axis=2).astype(np.uint8)
    Image.fromarray(array).save(tmp_path / "photos" / "a.png")
    Image.fromarray(array).save(tmp_path / "photos" / "2024" / "b.jpg")
    frames = [Picture.from_numpy(np.ascontiguousarray(array[::step])) for step in (1, 1, -1)]
    (tmp_path / "frames.ppm").write_bytes(b"".join(map(pnm_bytes, frames)))
    (tmp_path / "small").mkdir()
    return tmp_path


def shell(command: str, folder: Path) -> None:
    """Runs commands as a user would, with `codec` on the path."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "codec").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m codec "$@"\n')
    (tools / "codec").chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.skipif(not shutil.which("bash"), reason="no shell")
@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_commands_run(command: str, folder: Path) -> None:
    if "ffmpeg" in command:
        if not shutil.which("ffmpeg"):
            pytest.skip("no ffmpeg")
        make = "ffmpeg -v error -f lavfi -i testsrc=size=64x48:rate=5 -t 1 clip.mkv"
        subprocess.run(make.split(), cwd=folder, check=True)

    shell(command, folder)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.skipif(not shutil.which("bash"), reason="no shell")
def test_folders_come_back(folder: Path) -> None:
    shell(COMMANDS[0], folder)

    assert read_image(folder / "back" / "2024" / "b.png", limits=Limits()).width == 64
    assert (folder / "small" / "a.lic").stat().st_mtime == (
        folder / "photos" / "a.png"
    ).stat().st_mtime


@pytest.mark.weights
def test_python_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    latents, pillow = (compile(code, "pipelines.md", "exec") for code in PYTHON)

    names: dict[str, Any] = {}
    exec(latents, names)
    exec(pillow, {})

    assert names["latents"].shape == (3, 4, 320)
    assert capsys.readouterr().out.startswith("(64, 48) 60 ")
