"""Lossless codecs side by side on a folder of pictures: bytes, speed, and whether they are exact.

    python -m bench lossless --images DIR --out FILE.json

Every codec codes every picture in this process, on `--cores` of the processor, after one picture
that does not count; every file is decoded and compared with its source. With `--near-lossless N`
only ours runs, and the largest error and PSNR are measured instead of equality.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.images import load
from bench.peers.base import RGB, PeerFailed
from bench.peers.exact import Exact

__all__ = ["Coded", "Row", "markdown", "measure", "read_rows", "taken", "use_cores"]

WARM_UP_PX = 256
"""Side, in pixels, of the crop that is coded first and not counted."""


@dataclass(frozen=True, slots=True)
class Coded:
    """One picture by one codec. psnr is infinite where the pictures are equal."""

    image: str
    width: int
    height: int
    bytes: int
    encode_s: float
    decode_s: float
    largest_error: int
    psnr: float

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def bpp(self) -> float:
        """Bits per pixel, of every byte of the file."""
        return 8 * self.bytes / self.pixels


@dataclass(frozen=True, slots=True)
class Row:
    """One codec over all pictures: bpp is the mean over the pictures, speed is all pixels over all
    seconds, in 10^6 pixels a second.
    """

    codec: str
    version: str
    pictures: list[Coded] = field(default_factory=list)

    @property
    def bpp(self) -> float:
        """Mean over the pictures of their bits per pixel."""
        return sum(coded.bpp for coded in self.pictures) / len(self.pictures)

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(coded.bytes for coded in self.pictures)

    @property
    def psnr(self) -> float:
        """Mean over the pictures, dB."""
        return sum(coded.psnr for coded in self.pictures) / len(self.pictures)

    @property
    def largest_error(self) -> int:
        """Of any sample of any picture."""
        return max(coded.largest_error for coded in self.pictures)

    @property
    def encode_mp_s(self) -> float:
        """Speed of encoding."""
        return self._speed(sum(coded.encode_s for coded in self.pictures))

    @property
    def decode_mp_s(self) -> float:
        """Speed of decoding."""
        return self._speed(sum(coded.decode_s for coded in self.pictures))

    def _speed(self, seconds: float) -> float:
        return sum(coded.pixels for coded in self.pictures) / 1e6 / max(seconds, 1e-9)

    def as_json(self) -> dict[str, Any]:
        """Means, and every picture; an infinite PSNR is null."""
        told = [asdict(coded) for coded in self.pictures]
        for one in told:
            one["psnr"] = round(one["psnr"], 3) if math.isfinite(one["psnr"]) else None
        return {
            "codec": self.codec, "version": self.version, "bpp": round(self.bpp, 4),
            "bytes": self.bytes, "encode_mp_s": round(self.encode_mp_s, 3),
            "decode_mp_s": round(self.decode_mp_s, 3), "largest_error": self.largest_error,
            "psnr": round(self.psnr, 3) if math.isfinite(self.psnr) else None, "pictures": told,
        }  # fmt: skip


def use_cores(count: int) -> None:
    """Binds this process, and the threads it starts later, to so many cores of the processor."""
    with suppress(AttributeError):  # only Linux has it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def measure(
    codecs: list[Exact], files: list[Path], near: int, progress: Callable[[str], None]
) -> tuple[list[Row], list[str]]:
    """Codes every picture with every codec.

    Args:
        near: largest error allowed, 0 for lossless.
        progress: is told each codec and picture.

    Returns:
        The rows, of the pictures that each codec coded, and what failed: a codec that refuses a
        picture, or that does not give back what it was given.
    """
    rows, failures = [], []
    for peer in codecs:
        row = Row(peer.name, peer.version)
        for file in files:
            progress(f"{peer.name} {file.name}")
            image = load(file)
            try:
                if not row.pictures:
                    peer.decode(peer.encode(np.ascontiguousarray(_crop(image))))
                coded = _code(peer, file.name, image)
            except (PeerFailed, ValueError) as error:
                failures.append(f"{peer.name} on {file.name}: {error}")
                continue
            row.pictures.append(coded)
            if coded.largest_error > near:
                failures.append(
                    f"{peer.name} on {file.name}: samples are off by up to {coded.largest_error}, "
                    f"allowed {near}"
                )
        if row.pictures:
            rows.append(row)
    return rows, failures


def _crop(image: RGB) -> RGB:
    return image[:WARM_UP_PX, :WARM_UP_PX]


def _code(peer: Exact, name: str, image: RGB) -> Coded:
    started = time.perf_counter()
    data = peer.encode(image)
    encoded = time.perf_counter()
    decoded = peer.decode(data)
    ended = time.perf_counter()
    if decoded.shape != image.shape:
        raise ValueError(f"decoded {decoded.shape}, expected {image.shape}")
    error = np.abs(decoded.astype(np.int32) - image)
    mse = float(np.square(error).mean())
    return Coded(
        name, image.shape[1], image.shape[0], len(data), round(encoded - started, 4),
        round(ended - encoded, 4), int(error.max()),
        math.inf if mse == 0 else 10 * math.log10(255**2 / mse),
    )  # fmt: skip


def markdown(rows: list[Row], near: int) -> str:
    """The table for people, the smallest files first."""
    head = ["codec", "bpp", "bytes", "encode", "decode"] + ["largest error", "PSNR"] * bool(near)
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in sorted(rows, key=lambda row: row.bpp):
        line = [
            row.codec, f"{row.bpp:.3f}", f"{row.bytes:,}".replace(",", " "),
            f"{row.encode_mp_s:.3g} MP/s", f"{row.decode_mp_s:.3g} MP/s",
        ]  # fmt: skip
        lines.append(line + [str(row.largest_error), f"{row.psnr:.2f} dB"] * bool(near))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def taken(
    path: Path, rows: list[Row], run: dict[str, Any], near: int
) -> tuple[list[Row], list[dict[str, Any]]]:
    """The rows of an earlier file whose codecs are not among `rows`, and the runs they are from.

    Raises:
        ValueError: it is of other images or of another largest error, or no such file.
    """
    earlier = read_rows(path)
    told = json.loads(path.read_text())
    if told["data_sha256"] != run["data_sha256"] or told["near_lossless"] != near:
        raise ValueError(f"{path.name}: of other images, or of another largest error")
    here = {row.codec for row in rows}
    runs = [{key: told[key] for key in ("command", "machine", "python", "cores")}]
    return [row for row in earlier if row.codec not in here], runs + told["earlier_runs"]


def read_rows(path: Path) -> list[Row]:
    """The rows of a file that the command wrote.

    Raises:
        ValueError: it is no such file.
    """
    try:
        return [
            Row(
                row["codec"],
                row["version"],
                [
                    Coded(**(one | {"psnr": math.inf if one["psnr"] is None else one["psnr"]}))
                    for one in row["pictures"]
                ],
            )
            for row in json.loads(path.read_text())["rows"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: not from python -m bench lossless: {error}") from error
