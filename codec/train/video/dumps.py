"""python -m codec.train.video.dumps CLIPS... --out FOLDER [--weights FILE]: dumps of our own coder.

The same pictures as `codec.train.video.proxies` has, coded by the encoder of videos at one random
level a sequence. With weights the filter is in the loop: what is dumped is what it is given then,
copies of what it has filtered before among it. Needs PyAV and the compiled core.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bitstream.video import Chroma, VideoHead
from codec.train.video.proxies import ENDINGS, moved_photograph, sequences, tasks
from codec.train.video.samples import write_dump
from codec.video import _video
from codec.video.coder import FrameCoder, FrameRecipe
from codec.video.encoder import VideoEncoder
from codec.video.options import VideoOptions
from codec.video.types import Planes, VideoFrame
from networks.native import instruction_set

__all__ = ["Dumping"]

LEVELS = (12, 50)
EFFORTS = (4, 7)


class _Keeping(FrameCoder):
    """A coder of frames with weights of its own that keeps what its filter is given."""

    _keep = True

    def __init__(self, head: VideoHead, weights: bytes) -> None:
        super().__init__(head, 1)
        model = _video.Model(weights, instruction_set())
        self._coder = _video.Coder(head.width, head.height, True, model)
        self._filters = bool(weights)
        self._layers: set[int] = set()
        self.kept: list[tuple[Planes, list[NDArray[np.uint16]], list[NDArray[np.uint16]], int]] = []

    def encode(self, planes: Planes, recipe: FrameRecipe) -> bytes:
        payload = super().encode(planes, replace(recipe, filtered=self._filters))
        self._layers.add(recipe.layer)
        self.kept.append((planes, *self._coder.kept(), recipe.level))
        return payload

    def contexts(self) -> list[bytes]:
        """What the frames of each layer have learned, as the core keeps it."""
        return [self._coder.contexts(layer) for layer in sorted(self._layers)]


class Dumping(VideoEncoder):
    """An encoder of videos (4:2:0, BT.601) that writes dumps instead.

    Args:
        width, height: of the pictures. options: how they are coded.
        weights: a weights file with a filter, or nothing: then there is none.
    """

    def __init__(self, width: int, height: int, options: VideoOptions, weights: bytes) -> None:
        head = VideoHead(
            width=width, height=height, chroma=Chroma.YUV420, matrix=6, primaries=2, transfer=2,
            full_range=False, rotation=0, aspect=(1, 1), time_base=(1, 25), frame_rate=(25, 1),
            model_id=0, weights_hash=bytes(4), inter_id=0, inter_hash=bytes(4), tracks=(),
        )  # fmt: skip
        super().__init__(head, options)
        self._keeping = _Keeping(self.head, weights)
        self._coder = self._keeping

    def write(self, path: Path) -> None:
        """What was coded as a dump."""
        planes: dict[str, NDArray[np.generic]] = {}
        kept = self._keeping.kept
        for n, name in enumerate("yuv"):
            planes[f"src_{name}"] = np.stack([k[0][n] for k in kept])
            planes[f"rec_{name}"] = np.stack([k[1][n] for k in kept])
            planes[f"pred_{name}"] = np.stack([k[2][n] for k in kept])
        write_dump(path, planes, np.array([k[3] for k in kept]))

    def contexts(self) -> list[bytes]:
        """What the frames of each layer have learned."""
        return self._keeping.contexts()


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(prog="python -m codec.train.video.dumps")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--passes", type=int, default=4, help="over the clips; photographs once")
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    weights = given.weights.read_bytes() if given.weights else b""
    rng = np.random.default_rng(given.seed)
    for n, path in tasks(given.paths, given.passes):
        read = sequences if path.suffix in ENDINGS else moved_photograph
        frames = read(path, rng, given.frames)
        options = VideoOptions(
            level=int(rng.integers(*LEVELS)), effort=int(rng.integers(*EFFORTS)),
            lowdelay=bool(rng.integers(2)), threads=1,
        )  # fmt: skip
        height, width = frames[0][0].shape
        encoder = Dumping(width, height, options, weights)
        for pts, planes in enumerate(frames):
            encoder.push(VideoFrame(planes, pts, 1))
        encoder.finish()
        encoder.write(given.out / f"{path.stem}-{given.seed}-{n}.npz")


if __name__ == "__main__":
    main()
