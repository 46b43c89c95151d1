"""Our codec alone: in process after loading, from a cold shell, and on a large image.

    python -m bench own --image examples/kodim23.png --megapixels 48 --out bench/results/own.json

In process: median of `--repeat` runs after two warm-up runs, for every instruction set that runs
here but plain code, at several levels; and a picture of 64 x 48 in a loop. Cold: a new process for
every run. Large: one encode and one decode in a new process each, with the largest resident set of
that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

import codec
from bench.machine import machine
from bench.timing import median_seconds
from networks.native import instruction_sets

LEVELS = (16, 32, 48)
WARM_UP = 2


def in_process(pixels: np.ndarray, repeat: int) -> list[dict[str, Any]]:
    """Megapixels per second of encode and decode for every instruction set and level."""
    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    rows = []
    chosen = os.environ.get("CODEC_ISA")
    for kernels in [name for name in instruction_sets() if name != "scalar"] or ["scalar"]:
        os.environ["CODEC_ISA"] = kernels
        encoder, decoder = codec.Encoder(), codec.Decoder()
        for level in LEVELS:
            data = encoder.encode(pixels, level=level)
            encode = median_seconds(lambda: encoder.encode(pixels, level=level), repeat, WARM_UP)  # noqa: B023
            decode = median_seconds(lambda: decoder.decode(data), repeat, WARM_UP)  # noqa: B023
            rows.append({
                "kernels": kernels, "level": level, "bytes": len(data),
                "encode_mp_s": round(megapixels / encode, 2),
                "decode_mp_s": round(megapixels / decode, 2),
            })  # fmt: skip
            click.echo(str(rows[-1]), err=True)
    os.environ.pop("CODEC_ISA")
    if chosen is not None:
        os.environ["CODEC_ISA"] = chosen
    return rows


def small(pixels: np.ndarray, repeat: int) -> dict[str, float]:
    """Milliseconds of one call of `codec.encode` and `codec.decode` on a picture of 64 x 48."""
    picture = np.ascontiguousarray(pixels[:48, :64])
    data = codec.encode(picture)
    return {
        "encode_ms": round(1e3 * median_seconds(lambda: codec.encode(picture), 10 * repeat, 10), 2),
        "decode_ms": round(1e3 * median_seconds(lambda: codec.decode(data), 10 * repeat, 10), 2),
    }


def cold(image: Path, repeat: int) -> dict[str, float]:
    """Median seconds of whole processes."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "x.lic", Path(folder) / "x.png"
        file.write_bytes(codec.encode(image))
        command = str(Path(sys.executable).parent / "codec")
        runs = {
            "info": [command, "info", str(file)],
            "decode": [command, "decode", str(file), "-o", str(out), "-f", "--quiet"],
            "encode": [command, "encode", str(image), "-o", str(file), "-f", "--quiet"],
        }
        return {
            name: round(median_seconds(lambda: _run(run), repeat, WARM_UP), 3)  # noqa: B023
            for name, run in runs.items()
        }


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def large(image: Path, megapixels: float) -> list[dict[str, Any]]:
    """Time and peak memory of encoding and decoding mosaics of the image, each in a new process."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in (megapixels / 4, megapixels):
            source, file = Path(folder) / "x.ppm", Path(folder) / "x.lic"
            _mosaic(image, size).save(source)
            for name, run in (
                ("encode", ["encode", str(source), "-o", str(file), "-f", "-q", "50"]),
                ("decode", ["decode", str(file), "-o", str(Path(folder) / "y.ppm"), "-f"]),
            ):
                started = time.perf_counter()
                code = "import sys, codec.cli.main as m; sys.argv[0] = 'codec'; m.main()"
                peak = _peak_kb([sys.executable, "-c", code, *run, "--quiet"])
                seconds = time.perf_counter() - started
                rows.append({
                    "what": name, "megapixels": round(size, 1), "seconds": round(seconds, 2),
                    "mp_s": round(size / seconds, 2), "peak_mb": round(peak / 1024),
                })  # fmt: skip
                click.echo(str(rows[-1]), err=True)
    return rows


def _peak_kb(command: list[str]) -> int:
    """Run a command; the largest resident set of that process alone.

    The process says it itself: what the system keeps of it afterwards counts the memory of the one
    that started it, too.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "peak"
        watched = [sys.executable, "-c", _WATCH, str(out), *command[1:]]
        subprocess.run(watched, check=True)
        return int(out.read_text())


_WATCH = """
import atexit, re, sys
def tell(path=sys.argv[1]):
    with open("/proc/self/status") as status, open(path, "w") as out:
        out.write(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
atexit.register(tell)
flag, code, *rest = sys.argv[2:]
sys.argv = ["-c", *rest]
exec(code)
"""


def _mosaic(image: Path, megapixels: float) -> Image.Image:
    """A picture of that size from shifted copies of the image."""
    tile = np.array(Image.open(image).convert("RGB"))
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(megapixels * 1e6 / height)
    rows = -(-height // tile.shape[0])
    columns = -(-width // tile.shape[1])
    grid = [
        np.concatenate([np.roll(tile, 37 * (r * columns + c), axis=1) for c in range(columns)], 1)
        for r in range(rows)
    ]
    return Image.fromarray(np.concatenate(grid, 0)[:height, :width])


def measure(image: Path, repeat: int, megapixels: float | None) -> dict[str, Any]:
    """All figures on one image.

    Args:
        repeat: runs that count.
        megapixels: of a picture made of the image to measure as well, or None.
    """
    pixels = np.array(Image.open(image).convert("RGB"))
    report: dict[str, Any] = {
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
        "version": codec.__version__,
        "machine": machine(),
        "image": f"{pixels.shape[1]}x{pixels.shape[0]}",
        "in_process": in_process(pixels, repeat),
        "small": small(pixels, repeat),
        "cold_seconds": cold(image, max(3, repeat // 2)),
    }
    if megapixels is not None:
        report["large"] = large(image, megapixels)
    return report
