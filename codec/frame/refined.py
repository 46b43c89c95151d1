"""TileRefiner: the payload of a tile with latents fitted to the picture, effort 8 and up; PyTorch.

    y, z of the analysis ─ refine ─► y, z ─ latent coder ─► candidate
                                      └─── feedback ──────► candidate      the cheapest of three

What a candidate costs is judged by the exact decoder: its bits, and what its distortion is worth.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.frame.feedback import GRADIENTS, Feedback, expected
from codec.frame.geometry import LATENT_PX, Area
from codec.frame.guard import as_one_colour
from codec.frame.leaving import computing, leave_first, stoppable
from codec.frame.model import FrameModel, loaded
from codec.frame.refine import STEPS, Refiner, Tile
from codec.models.registry import ModelEntry
from codec.models.weights import read_verified
from codec.trainable.precision import half
from codec.trainable.weights import read_trained
from entropy.models.latent_codec import MEAN_BITS, UNIT_BITS
from networks.native import thread_count

__all__ = ["TileRefiner", "tile_refiner"]

Ints = NDArray[np.int32]
Pixels = NDArray[np.uint8]
Candidate = tuple[bytes, Ints]
"""A payload and the y_hat that it decodes to."""


def tile_refiner(entry: ModelEntry, effort: int, threads: int) -> TileRefiner:
    """A refiner of a registered model, on a GPU where PyTorch has one.

    Raises:
        WeightsMismatch, NetworkError: as `codec.frame.model.loaded`.
    """
    return TileRefiner(entry, loaded(entry), STEPS[effort], threads)


@lru_cache(maxsize=2)  # that of a parent is kept in its children: they cannot free it
def _refiner(entry: ModelEntry, forked: bool) -> Refiner:
    on_gpu = torch.cuda.is_available() and not torch.cuda._is_in_bad_fork()
    device = torch.device("cuda" if on_gpu else "cpu")
    weights = read_trained(read_verified(entry))
    return Refiner(weights, device, half(device))


leave_first()  # before PyTorch and pools of threads, which are loaded now


class TileRefiner:
    """Codes tiles with refined latents.

    Args:
        entry, model: what encodes.
        steps: of refinement.
        threads: of the processor, 0 for all.
    """

    def __init__(self, entry: ModelEntry, model: FrameModel, steps: int, threads: int) -> None:
        self._entry, self._model, self._steps, self._threads = entry, model, steps, threads

    def __call__(
        self,
        pixels: Pixels,
        whole: tuple[int, int],
        area: Area,
        level: int,
        progress: Callable[[float], object],
    ) -> bytes:
        """The payload of a tile.

        Args:
            pixels: of the frame, (H, W, 3).
            whole: its width and height in latents.
            area: of the tile, in latents.
            level: quality level.
            progress: called with the finished share of the tile, 0..1.
        """
        with computing(), _own_settings(self._threads):
            return self._refined(pixels, Area(0, 0, *whole), area, level, stoppable(progress))

    def _refined(
        self, pixels: Pixels, whole: Area, area: Area, level: int,
        progress: Callable[[float], object],
    ) -> bytes:  # fmt: skip
        model, refiner = self._model, _refiner(self._entry, _forked)
        around = area.grown(refiner.around, whole)
        place = (around.x, around.y, around.width, around.height)
        known = model.analyse(pixels, place, level, self._threads)
        y = np.ascontiguousarray(known[area.slices(around)])
        z = model.hyper_analyse(y, level, self._threads)
        direct = model.compress(y, z, level, threads=self._threads)
        rows = slice(area.y * LATENT_PX, area.bottom * LATENT_PX)
        columns = slice(area.x * LATENT_PX, area.right * LATENT_PX)
        tile = Tile(
            torch.from_numpy(pixels[rows, columns].copy()).to(refiner.device),
            torch.from_numpy(known).to(refiner.device).float() / 2**UNIT_BITS,
            (area.y - around.y, area.x - around.x),
            level,
        )
        refining = self._steps / (self._steps + GRADIENTS)  # of the time
        start = torch.from_numpy(z).to(refiner.device).float()
        better, hyper = refiner(tile, start, self._steps, lambda share: progress(refining * share))
        targets, symbols = _units(better, UNIT_BITS), _units(hyper, 0)
        payload, y_hat, segments = model.compress(targets, symbols, level, threads=self._threads)
        likely = expected(better, segments, _symbols(y_hat, refiner.device))
        feedback = Feedback(refiner.distortion(tile), better, likely)

        def answer(step: int, found: Ints) -> list[Ints]:
            parts = feedback(step, _symbols(found, refiner.device))
            return [_units(part[0], UNIT_BITS) for part in parts]

        answered = model.compress(targets, symbols, level, threads=self._threads, answer=answer)
        candidates: list[Candidate] = [direct[:2], (payload, y_hat), answered[:2]]
        worths = [self._worth(refiner, candidate, tile) for candidate in candidates]
        costs = [8 * len(c[0]) + w for c, w in zip(candidates, worths, strict=True)]
        best = costs.index(min(costs))
        colour = np.rint(pixels[rows, columns].reshape(-1, 3).mean(0)).astype(np.uint8)
        size = area.height, area.width
        plain = as_one_colour(model, colour, *size, level, self._threads)
        # Some tiles are nearer to their mean colour than to all else that is coded.
        return plain[0] if self._worth(refiner, plain, tile) < worths[best] else candidates[best][0]

    def _worth(self, refiner: Refiner, candidate: Candidate, tile: Tile) -> float:
        """What the distortion of a tile is worth in bits, of the pixels that decode."""
        around = tile.surrounded(_symbols(candidate[1], tile.y.device))
        image = self._model.synthesise(_units(around, MEAN_BITS), tile.level, self._threads)
        return refiner.worth(tile.cut(torch.from_numpy(image)), tile)


def _units(values: Tensor, bits: int) -> Ints:
    """Symbols to the nearest 2^-bits, as integers."""
    units: Ints = (values.detach() * 2**bits).round().int().cpu().contiguous().numpy()
    return units


def _symbols(y_hat: Ints, device: torch.device) -> Tensor:
    """y_hat in symbols."""
    symbols: Tensor = torch.from_numpy(y_hat).to(device).float() / 2**MEAN_BITS
    return symbols


_one_at_a_time = threading.RLock()
"""PyTorch has one of each setting for the process."""
_forked = False
"""Whether this process is the child of one that may have used PyTorch."""


def _after_fork() -> None:
    """PyTorch's threads do not live on in a child, which waits for them for ever if it has more
    than one; and a thread of the parent may have held the lock.
    """
    global _one_at_a_time, _forked
    _one_at_a_time, _forked = threading.RLock(), True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _own_settings(threads: int) -> Iterator[None]:
    """Runs a block with settings of PyTorch that do not depend on the caller's.

    Args:
        threads: of PyTorch, 0 for all; after a fork there is one.
    """
    with _one_at_a_time:
        before = torch.get_num_threads(), torch.get_default_dtype()
        precision = torch.get_float32_matmul_precision()
        torch.set_num_threads(1 if _forked else thread_count(threads))
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")
        try:
            with torch.device("cpu"), ExitStack() as stack:
                for kind in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
                    stack.enter_context(torch.autocast(kind, enabled=False))
                yield
        finally:
            torch.set_num_threads(before[0])
            torch.set_default_dtype(before[1])
            torch.set_float32_matmul_precision(precision)
