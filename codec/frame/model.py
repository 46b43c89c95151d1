"""FrameModel: what encodes and decodes one frame with one model, in the compiled core.

    pixels (H, W, 3) uint8 ──► analysis ─► y ─► hyper-analysis ─► z ─► latent coder ──► tiles
    tiles ──► latent coder ─► y_hat ─► synthesis ──► pixels

Everything is integers: the same tiles and pixels for any instruction set and number of threads.
`loaded` keeps the models that were used last, ready for the next call; they are shared by all
threads.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from codec.frame.leaving import after_fork, computing, stoppable
from codec.models.registry import ModelEntry
from codec.models.weights import read_verified
from networks.errors import NetworkError
from networks.native import instruction_set, thread_count

if TYPE_CHECKING:
    from codec.frame import _frame

try:
    from codec.frame import _frame as _module
except ImportError as error:  # a plain checkout, or a build for another Python
    _reason: str | None = str(error)
else:
    _reason = None

__all__ = ["KEPT", "FrameModel", "loaded"]

Ints = NDArray[np.int32]
Pixels = NDArray[np.uint8]
Progress = Callable[[float], object]
Segments = list[tuple[NDArray[np.int16], NDArray[np.uint8]]]
Answer = Callable[[int, Ints], Sequence[Ints]]
"""(step, what it decodes to, (4 cells, h/2, w/2, latent/4) in 2^-5 symbols) -> targets of all steps
in 2^-8 symbols, as `entropy.models.latent_codec.split_steps` has them.
"""

KEPT = 4
"""Models that are kept ready, each some 40 MB."""


class FrameModel:
    """A model, its weights packed for the kernels of this machine.

    Args:
        data: the weights file, verified.
        kernels: name of the kernels, empty for the fastest.

    Raises:
        NetworkError: the compiled core is missing, or the weights or the name are not in order.
    """

    def __init__(self, data: bytes, kernels: str = "") -> None:
        if _reason is not None:
            raise NetworkError(f"the compiled core codec.frame._frame cannot be loaded: {_reason}")
        with computing():
            self._model: _frame.Model = _module.Model(data, kernels)

    @property
    def kernels(self) -> str:
        """Name of the kernels that run."""
        return self._model.kernels

    def encode(
        self,
        pixels: Pixels,
        level: int,
        tile_log2: int,
        *,
        wanted: Sequence[bool] | None = None,
        decoded: bool = False,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> tuple[list[bytes], Pixels | None]:
        """Payloads of the tiles of a frame (H, W, 3), and what they decode to if it is asked for.

        Args:
            pixels, level, tile_log2: the frame, and how it is to be coded.
            wanted: the tiles that are coded, None for all. Others have an empty payload, and their
                pixels are not specified.
            decoded: whether the pixels are asked for.
            threads: 0 for all processors.
            progress: called with the share that is done, 0..1; may raise to stop.
        """
        count = thread_count(threads)
        with computing():
            return self._model.encode(
                np.ascontiguousarray(pixels), level, tile_log2, bytes(wanted or ()), decoded,
                count, stoppable(progress),
            )  # fmt: skip

    def decode(
        self,
        tile: Callable[[int], bytes | None],
        size: tuple[int, int],
        level: int,
        tile_log2: int,
        area: tuple[int, int, int, int],
        *,
        conceal: bool = False,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> Pixels:
        """Pixels (h, w, 3) of an area.

        Args:
            tile: learned payload of a tile by number, None where it has none (its pixels are then
                not specified); called for those that the area needs.
            size: width and height of the frame, in pixels.
            level, tile_log2: of the frame.
            area: x, y, width, height in pixels.
            conceal: whether packets that are damaged or missing are guessed, of models whose
                latents are code vectors.
            threads: 0 for all processors.
            progress: as in `encode`.

        Raises:
            EntropyCodingError: a payload is damaged.
        """
        count = thread_count(threads)
        with computing():
            return self._model.decode(
                tile, *size, tile_log2, level, area, conceal, count, stoppable(progress)
            )

    def analyse(
        self, pixels: Pixels, area: tuple[int, int, int, int], level: int, threads: int = 0
    ) -> Ints:
        """y (h, w, latent) in 2^-8 symbols of an area, x, y, width, height in latents."""
        with computing():
            planes = np.ascontiguousarray(pixels)
            return self._model.analyse(planes, area, level, thread_count(threads))

    def hyper_analyse(self, y: Ints, level: int, threads: int = 0) -> Ints:
        """z (h/4, w/4, hyper) of the y of a tile."""
        with computing():
            return self._model.hyper_analyse(y, level, thread_count(threads))

    def compress(
        self, y: Ints, z: Ints, level: int, *, threads: int = 0, answer: Answer | None = None
    ) -> tuple[bytes, Ints, Segments]:
        """Payload of a tile, its y_hat in 2^-5 symbols, and the symbols and tables of z and of
        every step; of a model without code vectors.

        answer: told what a step decodes to, it gives the targets of those that follow.
        """
        with computing():
            return self._model.compress(y, z, level, thread_count(threads), answer)

    def encode_latents(self, y: Ints, level: int, threads: int = 0) -> tuple[bytes, Ints]:
        """Payload of a tile of any model, and its y_hat in 2^-5 symbols."""
        with computing():
            return self._model.encode_latents(y, level, thread_count(threads))

    def decompress(
        self, payload: bytes, height: int, width: int, level: int, threads: int = 0
    ) -> Ints:
        """y_hat (height, width, latent) of a tile, in 2^-5 symbols.

        Raises:
            EntropyCodingError: the payload is damaged.
        """
        with computing():
            return self._model.decompress(payload, height, width, level, thread_count(threads))

    def synthesise(self, y_hat: Ints, level: int, threads: int = 0) -> Pixels:
        """Pixels (16 h, 16 w, 3) of y_hat (h, w, latent)."""
        with computing():
            return self._model.synthesise(y_hat, level, thread_count(threads))


_ready: OrderedDict[tuple[Any, ...], FrameModel] = OrderedDict()
_lock = threading.Lock()


def loaded(entry: ModelEntry) -> FrameModel:
    """The model of a register entry, for the kernels that `networks.native.instruction_set` names.

    Raises:
        WeightsMismatch: its weights file is missing, damaged or another one.
        NetworkError: as `FrameModel`.
    """
    key = (entry.path, entry.sha256, instruction_set())
    with _lock:
        if key in _ready:
            _ready.move_to_end(key)
            return _ready[key]
    model = FrameModel(read_verified(entry), key[2])
    with _lock:
        model = _ready.setdefault(key, model)
        while len(_ready) > KEPT:
            _ready.popitem(last=False)
    return model


def _after_fork() -> None:
    """A child of a fork has the models, but perhaps a lock that a thread of its parent held."""
    global _lock
    _lock = threading.Lock()
    after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
