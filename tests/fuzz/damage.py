"""Many damaged files: none may decode, and nothing but `CodecError` may come out.

    python -m tests.fuzz.damage --count 100000 --processes 2

Files of the default model (grey, RGB, alpha, several tiles) are cut, flipped, overwritten,
shortened inside or lengthened, from a seed. A damaged file that decodes is a finding. Every tenth
is decoded once more with its checks made right, so that damage reaches the entropy decoder and the
networks: that may decode, to whatever picture, but must not raise anything else.
"""

from __future__ import annotations

import argparse
import time
from functools import cache

import numpy as np

import codec
from codec.errors import InternalError
from tests.fuzz.fuzz_decode import LIMITS, with_right_checks
from tests.fuzz.parts import in_parts
from tests.model_fixtures import synthetic_picture

__all__ = ["damaged", "originals", "run"]

RIGHT_CHECKS_EVERY = 10


@cache
def originals() -> tuple[bytes, ...]:
    """Sound files of about 0.3 to 3 kB."""
    alpha = synthetic_picture(70, 100, 4, seed=3)
    return (
        codec.encode(synthetic_picture(40, 64, 1, seed=1), level=20),
        codec.encode(synthetic_picture(64, 90, 3, seed=2), level=45),
        codec.encode(alpha, level=10),
        codec.encode(synthetic_picture(130, 150, 3, seed=4), level=30, tile=64),
    )


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """A copy with one to three faults."""
    out = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        kind, at = int(random.integers(6)), int(random.integers(len(out)))
        length = int(random.integers(1, 33))
        if kind == 0:
            out[at] ^= 1 << int(random.integers(8))
        elif kind == 1:
            del out[max(at, 1) :]
        elif kind == 2:
            out[at : at + length] = random.bytes(length)
        elif kind == 3:
            del out[at : at + length]
        elif kind == 4:
            out[at:at] = random.bytes(length)
        else:
            other = int(random.integers(len(out)))
            out[at : at + length] = out[other : other + length]
        if not out:
            out = bytearray(b"\0")
    return bytes(out)


def run(first: int, count: int) -> tuple[int, int]:
    """Decodes damaged files `first` .. `first + count - 1`; how many with right checks decoded, and
    how many of these there were.

    Raises:
        AssertionError: a damaged file decoded. Any exception but `CodecError` is a finding too.
    """
    decoder = codec.Decoder(threads=1, limits=LIMITS)
    survived = tried = 0
    for seed in range(first, first + count):
        random = np.random.default_rng(seed)
        data = originals()[seed % len(originals())]
        bad = damaged(data, random)
        if bad == data:
            continue
        try:
            decoder.decode(bad)
        except InternalError:
            raise
        except codec.CodecError:
            pass
        else:
            raise AssertionError(f"damaged file {seed} decodes")
        if seed % RIGHT_CHECKS_EVERY == 0:
            tried += 1
            try:
                decoder.decode(with_right_checks(bad))
                survived += 1
            except InternalError:
                raise
            except codec.CodecError:
                pass
    return survived, tried


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    started = time.monotonic()
    results = in_parts(run, args.count, part=1000, processes=args.processes)
    survived, tried = (sum(column) for column in zip(*results, strict=True))
    seconds = time.monotonic() - started
    print(
        f"{args.count} damaged files in {seconds:.0f} s: none decoded; with their checks made "
        f"right {survived} of {tried} did, and nothing but CodecError came out"
    )


if __name__ == "__main__":
    main()
