"""VMAF of Netflix's program `vmaf` (libvmaf), model vmaf_v0.6.1, which it has built in.

    vmaf -r a.yuv -d b.yuv -w W -h H -p 444 -b 10 -m version=vmaf_v0.6.1 --json -o out.json -q

The pictures are one frame each of `bench.yuv`: BT.709, full range, 10 bits. VMAF looks at luma
only, so that the chroma format does not matter; a single frame has no motion.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.metrics.base import MetricMissing, Score
from bench.metrics.views import Views
from bench.yuv import Planes

__all__ = ["MODEL", "build_vmaf"]

MODEL = "vmaf_v0.6.1"
VARIABLE = "CODEC_BENCH_VMAF"
TIMEOUT_S = 600.0
"""Of one picture."""


def build_vmaf(paths: Mapping[str, str]) -> Score:
    """The program of `paths`, of CODEC_BENCH_VMAF or of the search path.

    Raises:
        MetricMissing: there is none, or it does not run.
    """
    given = paths.get("vmaf") or os.environ.get(VARIABLE) or "vmaf"
    program = shutil.which(given)
    if program is None:
        raise MetricMissing(f"{given} not found: build libvmaf and give --vmaf or {VARIABLE}")
    try:
        run = subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MetricMissing(f"{given} does not run: {error}") from error
    if run.returncode != 0:
        raise MetricMissing(f"{given} does not run: --version gives status {run.returncode}")
    return lambda views: _score(program, views)


def _score(program: str, views: Views) -> float:
    """Of one pair of pictures; NaN where the program gives none."""
    height, width = views.original.shape[:2]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [_write(folder / f"{n}.yuv", planes) for n, planes in enumerate(views.planes)]
        told = folder / "out.json"
        command = [
            program, "-r", files[0], "-d", files[1], "-w", str(width), "-h", str(height),
            "-p", "444", "-b", "10", "-m", f"version={MODEL}", "--json", "-o", str(told), "-q",
        ]  # fmt: skip
        try:
            run = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ValueError(f"vmaf: {error}") from error
        if run.returncode != 0:
            raise ValueError(f"vmaf: exit status {run.returncode}: {_last(run.stderr)}")
        try:
            value = json.loads(told.read_text())["frames"][0]["metrics"]["vmaf"]
        except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
            raise ValueError(f"vmaf: no score in its output: {error}") from error
    return math.nan if value is None else float(value)


def _write(file: Path, planes: Planes) -> str:
    """Planes as raw little-endian video of one frame."""
    file.write_bytes(planes.astype("<u2").tobytes())
    return str(file)


def _last(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"
