"""Many pictures through the lossless mode: every sample must come back, or be off by at most N.

    python -m tests.fuzz.lossless --count 20000 --processes 2

The pictures are those of `bench.pictures`: every kind, size and sample format, from a seed. Each is
coded losslessly and with every largest error of `NEAR`, in tiles of a size that follows from its
seed. Alpha must come back exactly from all of them. Only pictures of 16 bits may be refused, and
only by `UnsupportedImage`.
"""

from __future__ import annotations

import argparse
import collections
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import codec
from bench.pictures import Samples, picture
from tests.fuzz.parts import in_parts

__all__ = ["NEAR", "Counts", "run"]

NEAR = (1, 2, 5, 20)
"""Largest errors tried."""
TILES = (64, 128, 1024)


@dataclass
class Counts:
    """What became of the pictures; bytes and largest errors are by the error allowed, 0 lossless.

    findings: what should not have happened, one line each.
    """

    coded: int = 0
    refused: int = 0
    samples: int = 0
    bytes: collections.Counter[int] = field(default_factory=collections.Counter)
    findings: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """The sum of both."""
        self.coded += other.coded
        self.refused += other.refused
        self.samples += other.samples
        self.bytes += other.bytes
        self.findings += other.findings


def run(first: int, count: int, near: tuple[int, ...] = NEAR) -> Counts:
    """Codes pictures `first` .. `first + count - 1`, losslessly and with each largest error of
    `near`; any exception but the refusal of 16 bits is a finding as well.
    """
    found = Counts()
    for seed in range(first, first + count):
        kind, samples = picture(seed)
        options = {"tile": TILES[seed % len(TILES)], "threads": 1}
        for error in (0, *near):
            asked = {"near_lossless": error} if error else {"lossless": True}
            title = f"seed {seed} ({kind}, {samples.shape}), {asked}, {options}"
            try:
                size, problem = _through(samples, error, **asked, **options)
            except codec.UnsupportedImage as refusal:
                if samples.dtype == np.uint8:
                    found.findings.append(f"{title}: refused: {refusal}")
                found.refused += 1
                break
            except Exception as fault:  # a finding whatever it is, and the next picture's turn
                found.findings.append(f"{title}: {type(fault).__name__}: {fault}")
                continue
            found.bytes[error] += size
            found.findings += [f"{title}: {problem}"] if problem else []
        else:
            found.coded += 1
            found.samples += samples.size
    return found


def _through(samples: Samples, error: int, **options: Any) -> tuple[int, str]:
    """Bytes of the file, and what is wrong with what it decodes to, or nothing."""
    data = codec.encode(samples, **options)
    decoded = codec.decode(data, threads=1)
    wanted = samples[..., None] if samples.ndim == 2 else samples
    if decoded.shape != wanted.shape or decoded.dtype != wanted.dtype:
        return len(data), f"decoded {decoded.dtype} of shape {decoded.shape}"
    off = np.abs(decoded.astype(np.int32) - wanted)
    if wanted.shape[2] in (2, 4) and off[..., -1].any():
        return len(data), f"alpha is off by up to {off[..., -1].max()}"
    if off.max() > error:
        at = tuple(int(i) for i in np.unravel_index(off.argmax(), off.shape))
        return len(data), f"off by {off.max()} at {at}, {np.count_nonzero(off > error)} samples"
    return len(data), ""


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    started, total = time.monotonic(), Counts()
    for found in in_parts(run, args.count, part=200, processes=args.processes, first=args.first):
        total.add(found)
    for line in total.findings[:50]:
        print(line)
    sizes = ", ".join(
        f"{'lossless' if error == 0 else f'error {error}'} {8 * size / total.samples:.3f}"
        for error, size in sorted(total.bytes.items())
        if total.samples
    )
    print(
        f"{args.count} pictures in {time.monotonic() - started:.0f} s: {total.coded} coded "
        f"({total.samples / 1e6:.1f} million samples), {total.refused} of 16 bits refused; bits a "
        f"sample: {sizes or 'none'}; {len(total.findings)} findings"
    )
    if total.findings:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
