"""python -m codec.train.video.contexts CLIPS... --out FILE: where contexts of inter frames start.

Parts of clips are coded from contexts that know nothing; what they have learned in the end is put
together by band of levels: the mean of an estimate in the logistic domain, weighted by the
decisions that it has seen, and as much confidence as the runs agree. Needs PyAV and the compiled
core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.train.video.dumps import Dumping
from codec.train.video.proxies import ENDINGS, sequences
from codec.video import _video
from codec.video.options import VideoOptions
from codec.video.types import VideoFrame
from networks.native import instruction_set

__all__ = ["BANDS", "merged"]

BANDS = 4
BAND_LEVELS = 16
FRAMES = 17
_LEVELS = (12, 56)
_LEAST, _MOST = 4.0, 48.0
"""Decisions that a start counts for."""


def merged(ends: list[bytes], mixers: NDArray[np.bool_]) -> bytes:
    """One start from what several runs ended with.

    Args:
        ends: contexts as the core keeps them: words of 32 bits, an estimate (u16 p, u16 seen) or a
            weight of a mixer.
        mixers: which words are weights.
    """
    words = np.stack([np.frombuffer(end, np.uint32) for end in ends])
    p = (words & 0xFFFF).astype(np.float64)
    seen = (words >> 16).astype(np.float64)
    share = np.clip((p + 0.5) / 65536, 1e-4, 1 - 1e-4)
    logit = np.log(share / (1 - share))
    weight = seen / (seen + 8)
    total = weight.sum(0)
    mean = np.where(total > 0, (weight * logit).sum(0) / np.maximum(total, 1e-9), 0.0)
    spread = (weight * (logit - mean) ** 2).sum(0) / np.maximum(total, 1e-9)
    centre = 1 / (1 + np.exp(-mean))
    # A beta distribution with that spread of logits counts for 1 / (spread p (1 - p)) decisions.
    confidence = 1 / np.maximum((spread + 0.05) * centre * (1 - centre), 1e-3)
    confidence = np.clip(confidence, _LEAST, _MOST) * np.minimum(total, 1.0)
    estimate = np.clip(np.rint(centre * 65536 - 0.5), 32, 65503).astype(np.uint32)
    estimate = np.where(total > 0, estimate, 32768).astype(np.uint32)
    packed = estimate | np.rint(confidence).astype(np.uint32) << 16
    signed = words.astype(np.int32).astype(np.float64).mean(0)
    weights = np.rint(signed).astype(np.int32).view(np.uint32)
    merged_words: NDArray[np.uint32] = np.where(mixers, weights, packed).astype("<u4")
    return merged_words.tobytes()


def _mixers() -> NDArray[np.bool_]:
    """Which words of untouched contexts are weights: estimates are 32768, seen 0."""
    coder = _video.Coder(8, 8, True, _video.Model(b"", instruction_set()))
    return np.asarray(np.frombuffer(coder.start(0), np.uint32) != 32768)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m codec.train.video.contexts")
    parser.add_argument("sources", nargs="+", type=Path, help="clips, and folders of them")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    clips = [
        file
        for source in arguments.sources
        for file in (sorted(source.iterdir()) if source.is_dir() else [source])
        if file.suffix in ENDINGS
    ]
    ends: list[list[bytes]] = [[] for _ in range(BANDS)]
    mixers = _mixers()
    for turn in range(arguments.passes):
        for clip in clips:
            frames = sequences(clip, rng, FRAMES)
            if len(frames) < FRAMES:
                continue
            options = VideoOptions(
                level=int(rng.integers(*_LEVELS)), lowdelay=bool(rng.random() < 0.6), keyint=0,
                threads=1,
            )  # fmt: skip
            height, width = frames[0][0].shape
            encoder = Dumping(width, height, options, b"")
            packets = [p for n, f in enumerate(frames) for p in encoder.push(VideoFrame(f, n, 1))]
            encoder.finish()
            for band in {options.base_level // BAND_LEVELS, packets[0].level // BAND_LEVELS}:
                ends[band] += encoder.contexts()
        starts = [merged(end or [e for all_ in ends for e in all_], mixers) for end in ends]
        arguments.out.write_bytes(b"".join(starts))
        print(f"pass {turn}: {[len(end) for end in ends]} ends", flush=True)


if __name__ == "__main__":
    main()
