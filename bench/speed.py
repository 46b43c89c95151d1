"""Speed and memory of codecs side by side, at equal rates: what `python -m bench speed` does.

Every codec encodes in a process of its own and decodes in another, so that the largest resident set
of each is what that work needs, libraries and model included. Time is the wall clock of the calls
alone, after one pass over the images that does not count, the median over the passes.

    main process ──► python -m bench.speed encode CODEC … ──► files, seconds, memory
                 ──► python -m bench.speed decode CODEC … ──► seconds, memory
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench import peers
from bench.images import load
from bench.peers import RGB, Peer, PeerFailed, PeerMissing
from bench.timing import median_seconds

__all__ = ["HEAD", "Row", "SpeedFailed", "cells", "markdown", "measure_codec", "read_rows"]

HEAD = ["codec", "bpp", "encode", "decode", "memory to encode", "to decode"]

WARM_UP = 1


class SpeedFailed(Exception):
    """A codec could not be measured; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One codec at one rate: all pixels over all seconds, and memory in 10^6 bytes."""

    codec: str
    version: str
    setting: float
    bpp: float
    encode_mp_s: float
    decode_mp_s: float
    encode_peak_mb: int
    decode_peak_mb: int


def measure_codec(
    name: str, files: list[Path], bpp: float, repeat: int, cores: int, paths: Mapping[str, str]
) -> Row:
    """Measure one codec at the setting whose mean rate is nearest to `bpp`.

    Args:
        files: images to encode.
        repeat: passes over them that count.
        cores: of the processor that the codec may use.
        paths: of other programs, see `bench.peers.make`.

    Raises:
        SpeedFailed: it cannot run here, or failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "codec": name, "files": [str(f) for f in files], "bpp": bpp, "repeat": repeat,
            "cores": cores, "paths": dict(paths), "folder": folder,
        }  # fmt: skip
        encode, decode = (_in_process(work, job) for work in ("encode", "decode"))
    megapixels = encode["pixels"] / 1e6
    return Row(
        name, encode["version"], encode["setting"],
        round(8 * encode["bytes"] / encode["pixels"], 4),
        round(megapixels / encode["seconds"], 3), round(megapixels / decode["seconds"], 3),
        encode["peak_mb"], decode["peak_mb"],
    )  # fmt: skip


def cells(rows: list[Row]) -> list[list[str]]:
    """The rows as they are shown under `HEAD`, the fastest decoder first."""
    return [
        [
            row.codec, f"{row.bpp:.2f}", f"{row.encode_mp_s:.3g} MP/s",
            f"{row.decode_mp_s:.3g} MP/s", f"{row.encode_peak_mb} MB", f"{row.decode_peak_mb} MB",
        ]
        for row in sorted(rows, key=lambda row: -row.decode_mp_s)
    ]  # fmt: skip


def markdown(rows: list[Row]) -> str:
    """The table for people."""
    lines = [HEAD, ["---", *["---:"] * (len(HEAD) - 1)], *cells(rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file that the command wrote; none where there is no file.

    Raises:
        ValueError: it is no such file.
    """
    if not path.exists():
        return []
    try:
        return [Row(**row) for row in json.loads(path.read_text())["rows"]]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path.name}: not from `python -m bench speed`: {error}") from error


def _in_process(work: str, job: dict[str, Any]) -> dict[str, Any]:
    """What a worker reports."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.speed", work], input=json.dumps(job), text=True,
        capture_output=True,
    )  # fmt: skip
    if run.returncode:
        reason = run.stderr.strip().splitlines() or [f"exit status {run.returncode}"]
        raise SpeedFailed(f"{job['codec']}: {reason[-1]}")
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def _encode(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    images = [load(Path(file)) for file in job["files"]]
    pixels = sum(image.shape[0] * image.shape[1] for image in images)
    setting, coded = _nearest(peer, images, job["bpp"] * pixels / 8)
    for n, data in enumerate(coded):
        (Path(job["folder"]) / str(n)).write_bytes(data)
    return {
        "version": peer.version,
        "setting": setting,
        "pixels": pixels,
        "bytes": sum(map(len, coded)),
        "seconds": median_seconds(
            lambda: [peer.encode(image, setting) for image in images], job["repeat"], WARM_UP
        ),
    }


def _decode(peer: Peer, job: dict[str, Any]) -> dict[str, Any]:
    coded = [(Path(job["folder"]) / str(n)).read_bytes() for n in range(len(job["files"]))]
    seconds = median_seconds(lambda: [peer.decode(data) for data in coded], job["repeat"], WARM_UP)
    return {"seconds": seconds}


def _nearest(peer: Peer, images: list[RGB], wanted: float) -> tuple[float, list[bytes]]:
    """The setting that comes nearest to `wanted` bytes in all on a logarithmic scale, and the files
    it gives; bits rise with settings.
    """

    @cache
    def coded(at: int) -> list[bytes]:
        return [peer.encode(image, peer.settings[at]) for image in images]

    def size(at: int) -> int:
        return sum(map(len, coded(at)))

    above = bisect_left(range(len(peer.settings) - 1), wanted, key=size)
    near = [at for at in (above - 1, above) if at >= 0]
    best = min(near, key=lambda at: max(size(at) / wanted, wanted / size(at)))
    return peer.settings[best], coded(best)


def _peak_mb() -> int:
    """The largest resident set so far, of this process or of one that it ran.

    On Linux getrusage begins with that of the process this one was forked from: /proc does not.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        own = int(line.split()[1])
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(max(own, children) * unit / 1e6)


def _worker(work: str) -> None:
    """Does what standard input says and writes what came of it to standard output."""
    job = json.load(sys.stdin)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job["cores"]])
    try:
        peer = peers.make(job["codec"], job["paths"])
        told = {"encode": _encode, "decode": _decode}[work](peer, job)
    except (PeerFailed, PeerMissing) as error:
        sys.exit(str(error))
    peers.close([peer])  # the memory of a process counts once it has ended
    json.dump(told | {"peak_mb": _peak_mb()}, sys.stdout)


if __name__ == "__main__":
    _worker(sys.argv[1])
