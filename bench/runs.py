"""How a measurement came to be, as its results tell it."""

from __future__ import annotations

import json
import platform
import re
import sys
from pathlib import Path
from typing import Any

from bench.machine import machine
from bench.store import data_hash, file_hash

__all__ = ["add_run", "run_of"]


def run_of(
    out: Path,
    images: Path | None,
    files: list[Path],
    programs: dict[str, str],
    decoded: Path | None = None,
) -> dict[str, Any]:
    """The command, without the folders of this machine, and what it ran on.

    Args:
        decoded: folder of decoded pictures, if the command has one.
    """
    command = " ".join(["python -m bench", *sys.argv[1:]]).replace(str(out), "OUT")
    command = re.sub(r"--others \S+", "--others EARLIER", command)
    for path in programs.values():
        command = command.replace(path, Path(path).name)
    if decoded is not None:
        command = command.replace(str(decoded), "DECODED")
    return {
        "command": command if images is None else command.replace(str(images), "IMAGES"),
        "machine": machine(),
        "python": platform.python_version(),
        "images": [file.name for file in files],
        "data_sha256": data_hash(file_hash(file) for file in files),
    }


def add_run(folder: Path, run: dict[str, Any]) -> None:
    """Append a run to those that made the points of a folder."""
    with (folder / "runs.jsonl").open("a") as file:
        file.write(json.dumps(run) + "\n")
