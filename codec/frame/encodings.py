"""Encodings: one picture at one or more quality levels, each coded once and kept.

pixels ─ frame model ─► payloads of tiles ─ bitstream.write ─► bytes, by level

Parts of a picture that the transform does badly are coded sample by sample (`codec.frame.mixing`).
From effort 8 on the latents of every tile of a picture that has no such parts are refined
(`codec.frame.refined`); the decoder knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

import bitstream
from codec.frame.cell_coder import Layout, Mixed
from codec.frame.geometry import latent_size, tile_area
from codec.frame.mixing import Mixer
from codec.frame.packing import packed
from codec.image.alpha import encode_alpha
from codec.image.color import as_channels, as_rgb
from codec.image.metrics import psnr
from codec.image.picture import Picture, Samples
from codec.image.ssimulacra2 import ssimulacra2
from codec.models import registry
from entropy.predictive.native import Kind
from networks.native import thread_count

if TYPE_CHECKING:
    from codec.frame.model import FrameModel
    from codec.frame.on_torch import TorchFrameModel
    from codec.frame.refined import TileRefiner
    from codec.models.registry import ModelEntry

__all__ = ["Encodings", "Progress"]

Progress = Callable[[float], object]
MIXING_SHARE = 0.02
"""Of the time of an encoding whose latents are refined."""
Value = TypeVar("Value")
Pixels = NDArray[np.uint8]


def _psnr(original: Samples, decoded: Samples, threads: int) -> float:
    return psnr(original, decoded)


def _ssimulacra2(original: Samples, decoded: Samples, threads: int) -> float:
    score = ssimulacra2(original, decoded, threads)
    assert score is not None, "the encoder takes no such target for so small a picture"
    return score


_MEASURES: dict[str, Callable[[Samples, Samples, int], float]] = {
    "psnr": _psnr,
    "ssimulacra2": _ssimulacra2,
}
"""Quality of decoded samples."""


def _once(method: Callable[[Any], Value]) -> Value:
    """A property that is computed when it is asked for first.

    Without the lock of `functools.cached_property`, which before Python 3.12 all objects share:
    threads wait for each other, and a process that forks meanwhile waits for ever.
    """
    name = f"{method.__name__} kept"

    @wraps(method)
    def get(self: Any) -> Value:
        kept = self.__dict__
        if name not in kept:
            kept[name] = method(self)
        value: Value = kept[name]
        return value

    return cast(Value, property(get))


class Encodings:
    """Files of one picture by level.

    Args:
        entry, model: what encodes.
        picture: with the metadata that is to be kept.
        tile: side of a tile in pixels, a power of two.
        passes: encodings that are expected, for progress.
        threads: of the processor, 0 for all.
        refiner: refines the latents of tiles; None codes them as the analysis gives them.
        progress: called with the finished share, 0..1.
        limits: what a reader of the files will take; None is the default `bitstream.Limits()`.
    """

    def __init__(
        self,
        entry: ModelEntry,
        model: FrameModel | TorchFrameModel,
        picture: Picture,
        tile: int,
        *,
        passes: int = 1,
        threads: int = 0,
        refiner: TileRefiner | None = None,
        progress: Progress | None = None,
        limits: bitstream.Limits | None = None,
    ) -> None:
        self._entry, self._model, self._picture = entry, model, picture
        self._passes, self._passed, self._told = passes, 0, 0.0
        self._threads, self._refiner, self._progress = threads, refiner, progress
        self.grid = bitstream.TileGrid(picture.width, picture.height, tile.bit_length() - 1)
        self._files: dict[int, bytes] = {}
        self._qualities: dict[tuple[str, int], float] = {}
        self._limits = limits

    def unrefined(self) -> Encodings:
        """The same picture coded without refinement, telling nothing: to find a level with."""
        tile = 1 << self.grid.tile_log2
        return Encodings(
            self._entry, self._model, self._picture, tile, threads=self._threads,
            limits=self._limits,
        )  # fmt: skip

    def size(self, level: int) -> int:
        """Bytes of the file at a level."""
        return len(self.file(level))

    def file(self, level: int) -> bytes:
        """The file at a level."""
        if level not in self._files:
            self._encode(level, None)
        return self._files[level]

    def psnr(self, level: int) -> float:
        """PSNR over the colour planes, in dB, of what the file at a level decodes to."""
        return self._quality("psnr", level)

    def ssimulacra2(self, level: int) -> float:
        """SSIMULACRA2 of the colour planes of what the file at a level decodes to."""
        return self._quality("ssimulacra2", level)

    def _quality(self, measure: str, level: int) -> float:
        if (measure, level) not in self._qualities:
            self._encode(level, measure)
        return self._qualities[measure, level]

    @_once
    def _pixels(self) -> Pixels:
        return np.ascontiguousarray(as_rgb(self._picture.samples))

    @_once
    def _alpha(self) -> bytes | None:
        return None if self._picture.alpha is None else encode_alpha(self._picture.alpha)

    def _tell(self, share: float) -> None:
        """Reports progress: this pass has come so far."""
        if self._progress is not None:
            # What is coded again within a pass does not set it back.
            self._told = max(self._told, min(1.0, (self._passed + share) / self._passes))
            self._progress(self._told)

    @_once
    def _mixer(self) -> Mixer:
        threads = thread_count(self._threads)
        layout = Layout(self._picture.samples, self._pixels, self.grid, threads)
        return Mixer(layout, self._entry)

    def _encode(self, level: int, measure: str | None) -> None:
        mixed = self._mixed(level, measure is not None)
        self._passed += 1
        picture, coder = self._picture, registry.predictive()
        # Where nothing is left to the model, the file does without it.
        whole = mixed.modes and all(tile[0] == Kind.WHOLE for tile in mixed.tiles)
        entry, stored = (coder, 0) if whole else (self._entry, level)
        self._files[level] = packed(
            picture, mixed.tiles, entry=entry, level=stored, tile_log2=self.grid.tile_log2,
            alpha=self._alpha, modes=coder.modes(mixed.error) if mixed.modes else None,
            limits=self._limits,
        )  # fmt: skip
        if measure is not None:
            assert mixed.decoded is not None
            value = _MEASURES[measure](picture.samples, mixed.decoded, self._threads)
            self._qualities[measure, level] = value

    def _mixed(self, level: int, measure: bool) -> Mixed:
        """The tiles at a level, by modes where a part of the picture asks for it."""
        if not self._mixer.idle(level):
            # Little of the time where the latents are refined afterwards.
            part = 1.0 if self._refiner is None else MIXING_SHARE
            mixed = self._mixer.encode(
                self._model, level, measure=measure,
                progress=lambda share: self._tell(part * share),
            )  # fmt: skip
            if mixed.modes or self._refiner is None:
                return mixed
        if self._refiner is None:
            tiles, decoded = self._model.encode(
                self._pixels, level, self.grid.tile_log2, decoded=measure, threads=self._threads,
                progress=self._tell,
            )  # fmt: skip
        else:
            tiles, decoded = self._refined(level, measure)
        if decoded is not None:
            decoded = as_channels(decoded, self._picture.channels)
        return Mixed(tiles, False, 0, decoded)

    def _refined(self, level: int, measure: bool) -> tuple[list[bytes], Pixels | None]:
        assert self._refiner is not None
        payloads = []
        whole = latent_size(self.grid.width), latent_size(self.grid.height)
        for index in range(self.grid.count):
            area = tile_area(self.grid.rectangle(index))

            def tell(share: float, done: int = index) -> None:
                self._tell((done + share) / self.grid.count)

            payloads.append(self._refiner(self._pixels, whole, area, level, tell))
        if not measure:
            return payloads, None
        size = self.grid.width, self.grid.height
        area_px = (0, 0, *size)
        decoded = self._model.decode(
            payloads.__getitem__, size, level, self.grid.tile_log2, area_px, threads=self._threads
        )
        return payloads, decoded
