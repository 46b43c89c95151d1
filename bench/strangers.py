"""Strangers' test images: every file of a folder through encode and decode, in one process.

    python -m bench collections --images DIR --out FILE.json

What is not taken must be refused by a `CodecError`; anything else that is raised is a failure, and
so is an `InternalError`. Of the pictures that are coded, those below `POOR_DB` are named, and those
whose file is larger than the lossless one.
"""

from __future__ import annotations

import collections
import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import codec

__all__ = ["POOR_DB", "Outcome", "files_of", "measure", "summary", "through"]

POOR_DB = 29.0
"""PSNR below which a picture at quality 75 is named."""
HEAD_CHARS = 70
"""Of a message, that decide whether two refusals are alike."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: refused, failed, or coded.

    error: class of the exception, or None; message: what it said.
    failure: whether the exception is one that no input may cause.
    bytes, psnr: of the file of ours; psnr is None where the picture came back exactly.
    lossless_bytes: of the lossless file, None where the picture was not coded.
    """

    file: str
    seconds: float
    error: str | None = None
    message: str = ""
    failure: bool = False
    width: int = 0
    height: int = 0
    bytes: int = 0
    psnr: float | None = None
    lossless_bytes: int | None = None

    @property
    def poor(self) -> bool:
        """Whether it was coded, and badly."""
        return self.psnr is not None and self.psnr < POOR_DB

    @property
    def larger_than_lossless(self) -> bool:
        """Whether the lossless file would have been the smaller one."""
        return self.lossless_bytes is not None and self.bytes > self.lossless_bytes


def files_of(folder: Path) -> list[Path]:
    """Every file below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def through(file: Path, name: str, quality: float) -> Outcome:
    """Encodes a file, decodes that, and compares."""
    started = time.perf_counter()

    def seconds() -> float:
        return round(time.perf_counter() - started, 3)

    try:
        data = codec.encode(file, quality=quality)
        found = codec.verify(data, file)
        lossless = len(codec.encode(file, lossless=True))
    except Exception as error:  # whatever it is, the table says so
        fault = not isinstance(error, codec.CodecError) or isinstance(error, codec.InternalError)
        return Outcome(name, seconds(), type(error).__name__, str(error), fault)
    return Outcome(
        name, seconds(), width=found.width, height=found.height, bytes=len(data),
        psnr=None if found.psnr is None else round(found.psnr, 2), lossless_bytes=lossless,
    )  # fmt: skip


def measure(folder: Path, quality: float, progress: Callable[[str], None]) -> list[Outcome]:
    """Every file of a folder; `progress` is told each before its turn."""
    found = []
    for file in files_of(folder):
        name = file.relative_to(folder).as_posix()
        progress(name)
        found.append(through(file, name, quality))
    return found


def _head(outcome: Outcome) -> str:
    """The beginning of a message, up to a bracket, without what differs from file to file."""
    name = re.escape(Path(outcome.file).name)
    plain = re.sub(rf"\S*{name}", "FILE", outcome.message)
    return re.sub(r"\d+", "N", re.split(r" \(|\n", plain)[0])[:HEAD_CHARS]


def summary(found: list[Outcome]) -> dict[str, Any]:
    """Counts and names, for the JSON file; times are of encode, decode and lossless together."""
    coded = [outcome for outcome in found if outcome.error is None]
    refused = [outcome for outcome in found if outcome.error is not None and not outcome.failure]
    alike = collections.Counter(f"{outcome.error}: {_head(outcome)}" for outcome in refused)
    poor = sorted((outcome for outcome in coded if outcome.poor), key=lambda one: one.psnr or 0)
    return {
        "files": len(found),
        "coded": len(coded),
        "exact": sum(outcome.psnr is None for outcome in coded),
        "refused": len(refused),
        "refusals": dict(alike.most_common()),
        "failures": [asdict(outcome) for outcome in found if outcome.failure],
        "poor": {outcome.file: outcome.psnr for outcome in poor},
        "larger_than_lossless": {
            outcome.file: [outcome.bytes, outcome.lossless_bytes]
            for outcome in coded
            if outcome.larger_than_lossless
        },
        "lossless_compared": sum(outcome.lossless_bytes is not None for outcome in coded),
        "slowest": {
            outcome.file: outcome.seconds
            for outcome in sorted(found, key=lambda one: -one.seconds)[:5]
        },
    }


def text_of(told: dict[str, Any]) -> str:
    """The summary for people."""
    lines = [
        f"{told['files']} files: {told['coded']} coded ({told['exact']} exactly), "
        f"{told['refused']} refused, {len(told['failures'])} failures",
        *(f"  refused {count:4}  {head}" for head, count in told["refusals"].items()),
        *(
            f"  FAILURE  {one['file']}: {one['error']}: {one['message']}"
            for one in told["failures"]
        ),
        f"{len(told['poor'])} below {POOR_DB:g} dB",
        *(f"  {psnr:6.2f} dB  {name}" for name, psnr in told["poor"].items()),
    ]
    larger = told["larger_than_lossless"]
    lines.append(f"{len(larger)} of {told['lossless_compared']} larger than lossless")
    lines += [f"  {ours} > {exact} bytes  {name}" for name, (ours, exact) in larger.items()]
    return "\n".join(lines)


def write(path: Path, told: dict[str, Any]) -> None:
    """The JSON file."""
    path.write_text(json.dumps(told, indent=1) + "\n")
