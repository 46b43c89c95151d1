"""Many made-up frames of videos, sound and damaged: the compiled decoder against the reference.

    python -m tests.fuzz.video_frames --count 2000 --processes 2

A video has a few frames whose decisions are made up, from a seed, of every size and kind of chroma,
with and without contexts and filter in the model. All of them must decode to the samples of the
reference. Then payloads are cut, flipped, overwritten and lengthened: of these, too, the compiled
decoder must say what the reference says, samples or an error of `entropy.errors`, on one and on
several threads.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codec.video import _video
from codec.video.reference.frames import ReferenceFrame
from codec.video.reference.slots import ReferenceCoder
from entropy.errors import EntropyCodingError
from tests.fuzz.parts import in_parts
from tests.unit.codec.video.random_frames import RandomFrame, RandomVideo, Shape, random_weights

__all__ = ["Counts", "run"]

FRAMES = 4
DAMAGED = 3
"""Payloads made of each frame's."""
THREADS = (1, 3)

Answer = list[NDArray[np.uint16]] | type[Exception]


@dataclass
class Counts:
    """What became of the frames.

    findings: what should not have happened, one line each.
    """

    sound: int = 0
    damaged: int = 0
    refused: int = 0
    findings: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """The sum of both."""
        self.sound += other.sound
        self.damaged += other.damaged
        self.refused += other.refused
        self.findings += other.findings


def run(first: int, count: int) -> Counts:
    """Makes videos `first` .. `first + count - 1`."""
    found = Counts()
    for seed in range(first, first + count):
        _video_of(seed, found)
    return found


def _video_of(seed: int, counts: Counts) -> None:
    generator = random.Random(seed)
    shape = Shape(generator.randint(1, 90), generator.randint(1, 90), generator.random() < 0.5)
    weights = random_weights(seed, generator.random() < 0.5, generator.random() < 0.5)
    model = _video.Model(weights, "")
    video = RandomVideo(seed, shape, weights, long=generator.random() < 0.3)
    before: list[RandomFrame] = []
    reference = video.coder.fork()
    for number, frame in enumerate(video.frames(FRAMES)):
        title = f"seed {seed} ({shape}), frame {number}"
        assert frame.planes is not None
        counts.sound += 1
        coder = _coder_after(shape, model, before)
        problem = _difference(_compiled(coder, frame, frame.payload, 1), frame.planes)
        if problem:
            counts.findings.append(f"{title}: {problem}")
            return  # the frames after it differ, too
        for n in range(DAMAGED):
            payload = damaged(frame.payload, generator)
            wanted = _referred(reference.fork(), frame, payload)
            threads = generator.choice(THREADS)
            coder = _coder_after(shape, model, before)
            problem = _difference(_compiled(coder, frame, payload, threads), wanted)
            counts.damaged += 1
            counts.refused += isinstance(wanted, type)
            if problem:
                counts.findings.append(f"{title}, damaged {n}: {problem}: {payload.hex()[:200]}")
        before.append(frame)
        reference = video.coder.fork()


def _coder_after(shape: Shape, model: _video.Model, frames: Sequence[RandomFrame]) -> _video.Coder:
    """A compiled coder that has decoded some frames."""
    coder = _video.Coder(shape.width, shape.height, shape.subsampled, model)
    for frame in frames:
        _compiled(coder, frame, frame.payload, 1)
    return coder


def _compiled(coder: _video.Coder, frame: RandomFrame, payload: bytes, threads: int) -> Answer:
    """What the compiled decoder makes of a payload in place of a frame's."""
    if frame.still is not None:
        coder.put_still(frame.still, 0)
    try:
        slot = -1 if frame.slot is None else frame.slot
        coder.decode(payload, frame.references, slot, threads)
    except Exception as error:  # whether it may be one is judged by whoever compares
        return type(error)
    return coder.planes(True)


def _referred(coder: ReferenceCoder, frame: RandomFrame, payload: bytes) -> Answer:
    """What the reference makes of it."""
    coder.frame_type = ReferenceFrame  # that reads decisions, and makes none up
    if frame.still is not None:
        coder.put_still(frame.still)
    try:
        coder.decode(payload, frame.references, frame.slot)
    except EntropyCodingError as error:
        return type(error)
    return coder.planes()


def _difference(found: Answer, wanted: Answer) -> str:
    """What is wrong with an answer, or nothing."""
    if isinstance(found, type) or isinstance(wanted, type):
        names = [a.__name__ if isinstance(a, type) else "samples" for a in (found, wanted)]
        return "" if found is wanted else f"{names[0]}, not {names[1]}"
    off = [np.count_nonzero(a != b) for a, b in zip(found, wanted, strict=True)]
    return f"samples that differ in Y, U, V: {off}" if any(off) else ""


def damaged(payload: bytes, generator: random.Random) -> bytes:
    """A copy with one to three faults, most of them behind the head."""
    out = bytearray(payload)
    for _ in range(generator.randint(1, 3)):
        fault, length = generator.randrange(6), generator.randint(1, 8)
        at = generator.randrange(len(out) if generator.random() < 0.9 else min(len(out), 6))
        if fault <= 2:
            out[at] ^= 1 << generator.randrange(8)
        elif fault == 3:
            del out[max(at, 1) :]
        elif fault == 4:
            out[at : at + length] = generator.randbytes(length)
        else:
            out += generator.randbytes(length)
    return bytes(out)


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="videos")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    started, total = time.monotonic(), Counts()
    for found in in_parts(run, args.count, part=10, processes=args.processes, first=args.first):
        total.add(found)
    for line in total.findings[:50]:
        print(line)
    print(
        f"{args.count} videos in {time.monotonic() - started:.0f} s: {total.sound} sound frames, "
        f"{total.damaged} damaged ones, {total.refused} of them refused; "
        f"{len(total.findings)} findings"
    )
    if total.findings:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
