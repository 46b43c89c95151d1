"""One picture on its way to a file, at one or more levels.

pixels ─ Analyser, by windows ─► y ─ HyperAnalyser ─► z ─ LatentCodec ─► tiles ─ bitstream.write ─►
bytes
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import bitstream
from codec.feedback import GRADIENTS, Feedback, expected
from codec.image.alpha import encode_alpha
from codec.image.color import as_channels, as_rgb
from codec.image.metrics import psnr
from codec.image.picture import Picture
from codec.models import registry
from codec.models.geometry import (
    LATENT_PX,
    WINDOW_PX,
    Area,
    latent_size,
    pixels_of,
    tile_area,
    windows,
)
from codec.models.image import lambdas
from codec.models.runtime import each
from codec.models.weights import load_model
from codec.options import EncoderOptions
from codec.refine import STEPS, Refiner, Tile
from codec.transforms.inference import Analyser, Synthesiser, analysis_margin, synthesis_margin
from entropy.models.hyper_analysis import hyper_analyse
from entropy.models.latent_codec import LatentCodec

__all__ = ["Job", "Model", "Progress"]

REFINED_WITH = 1
"""Latents around a tile that its refinement knows: most of what reaches over its border."""
REFINED_PASSES = 3
"""Refined encodings that a search takes as a rule: two where the direct pass found the level."""

Progress = Callable[[float], None]
Pixels = NDArray[np.uint8]


class Model:
    """What encoding needs of one model, on one device."""

    def __init__(
        self, entry: registry.ModelEntry, device: torch.device, dtype: torch.dtype
    ) -> None:
        weights = load_model(entry)
        self.entry = entry
        self.device = device
        self.config = weights.config.transform
        self.latent_codec = LatentCodec(
            weights.config.entropy, weights.network, weights.tables, device
        )
        self.dead_zone = weights.dead_zone.to(device)
        self.hyper = weights.part("hyper_analysis", device)
        analysis, synthesis = weights.part("analysis", device), weights.part("synthesis", device)
        self.analyser = lru_cache(maxsize=4)(
            lambda level: Analyser(self.config, analysis, level, dtype)
        )
        self.synthesiser = lru_cache(maxsize=4)(
            lambda level: Synthesiser(self.config, synthesis, level, dtype)
        )
        self.refiner = lru_cache(maxsize=1)(lambda: Refiner(weights, device, dtype))


class Job:
    """One picture being encoded, at one or more levels."""

    def __init__(
        self, model: Model, picture: Picture, options: EncoderOptions, progress: Progress | None
    ) -> None:
        self._model = model
        self._picture = picture
        self._progress = progress
        # Bisection among `levels` files and none of them takes at most so many encodings.
        direct = options.quality is not None or options.level is not None
        self._passes = 1 if direct else model.entry.levels.bit_length()
        self._passed = 0
        self.grid = bitstream.TileGrid(picture.width, picture.height, options.tile.bit_length() - 1)
        self.whole = Area(0, 0, latent_size(picture.width), latent_size(picture.height))
        rows = self.whole.height * LATENT_PX - picture.height
        columns = self.whole.width * LATENT_PX - picture.width
        self._pixels = np.pad(
            as_rgb(picture.samples), ((0, rows), (0, columns), (0, 0)), mode="edge"
        )
        self._alpha = None if picture.alpha is None else encode_alpha(picture.alpha)
        self._files: dict[int, bytes] = {}
        self._psnr: dict[int, float] = {}
        self._steps = STEPS.get(options.effort, 0)

    def search(self, find: Callable[[Job, int | None], int]) -> int:
        """The level that `find` finds; where files are refined, from the one it finds without."""
        if not self._steps:
            return find(self, None)
        direct = copy.copy(self)
        direct._steps, direct._progress, direct._files, direct._psnr = 0, None, {}, {}
        self._passes = REFINED_PASSES
        return find(self, min(max(find(direct, None), 0), self._model.entry.levels - 1))

    def size(self, level: int) -> int:
        """Bytes of the file at a level."""
        return len(self.file(level))

    def file(self, level: int) -> bytes:
        """The file at a level."""
        if level not in self._files:
            self._encode(level, measure=False)
        return self._files[level]

    def psnr(self, level: int) -> float:
        """PSNR over the colour planes, in dB, of what the file at a level decodes to on this
        machine.
        """
        if level not in self._psnr:
            self._encode(level, measure=True)
        return self._psnr[level]

    def _encode(self, level: int, measure: bool) -> None:
        model, picture = self._model, self._picture
        payloads: dict[int, bytes] = {}
        y_hat = torch.empty(0)
        if measure:
            y_hat = torch.empty(self.whole.height, self.whole.width, model.config.latent)
        side = max(WINDOW_PX, self.grid.side)
        for window in windows(self.whole, side):
            known = window.grown(REFINED_WITH if self._steps else 0, self.whole)
            y = self._analyse(known, level)
            parts = self._tiles(window)
            latents = (y[area.slices(known)] for area in parts.values())
            pairs = [(part, hyper_analyse(model.hyper, part)) for part in latents]
            # Refinement has all threads for one tile.
            run = each if model.latent_codec.concurrent and not self._steps else map
            direct = run(partial(self._compress, level), pairs)
            for (index, area), (_, z), candidate in zip(parts.items(), pairs, direct, strict=True):
                if self._steps:
                    candidate = self._refined(candidate, y, z, known, area, level, len(payloads))
                payloads[index], decoded = candidate
                if measure:
                    y_hat[area.slices(self.whole)] = decoded.cpu()
                self._tell(len(payloads))
        self._passed += 1
        entry = model.entry
        header = bitstream.Header(
            width=picture.width, height=picture.height, channels=picture.channels,
            alpha=picture.alpha is not None, model_id=entry.id, weights_hash=entry.weights_hash,
            level=level, tile_log2=self.grid.tile_log2,
        )  # fmt: skip
        tiles = [payloads[i] for i in range(self.grid.count)]
        self._files[level] = bitstream.write(
            bitstream.Container(
                header=header,
                tiles=tiles,
                alpha=self._alpha,
                icc=picture.icc,
                exif=picture.exif,
                xmp=picture.xmp,
            )
        )
        if measure:
            self._psnr[level] = psnr(picture.samples, self._synthesise(y_hat, level))

    def _analyse(self, window: Area, level: int) -> Tensor:
        """y of a window, (h, w, latent)."""
        source = window.grown(analysis_margin(self._model.config), self.whole)
        rows = slice(source.y * LATENT_PX, source.bottom * LATENT_PX)
        columns = slice(source.x * LATENT_PX, source.right * LATENT_PX)
        pixels = torch.from_numpy(self._pixels[rows, columns]).to(self._model.device)
        return self._model.analyser(level)(pixels)[window.slices(source)]

    def _tiles(self, window: Area) -> dict[int, Area]:
        """The tiles of a window: its side is a multiple of theirs, so they lie in it as a whole."""
        touched = self.grid.touched_by(pixels_of(window, self.grid.width, self.grid.height))
        return {index: tile_area(self.grid.rectangle(index)) for index in touched}

    def _tell(self, tiles: float) -> None:
        """Reports progress: this pass has come so far."""
        if self._progress is not None:
            self._progress(min(1.0, (self._passed + tiles / self.grid.count) / self._passes))

    def _compress(self, level: int, tile: tuple[Tensor, Tensor]) -> tuple[bytes, Tensor]:
        """Payload and y_hat of the tile with latents y and z, not rounded."""
        y, z = tile
        return self._model.latent_codec.compress(y, z.round(), level, self._model.dead_zone)

    def _refined(
        self, direct: tuple[bytes, Tensor], known: Tensor, z: Tensor, place: Area, area: Area,
        level: int, done: int,
    ) -> tuple[bytes, Tensor]:  # fmt: skip
        """The best of `direct` and the payloads and y_hat that refinement of the tile `area` finds,
        without and with feedback; `known` is y at `place`, z that of the tile, `done` counts tiles.
        """
        model = self._model
        around = area.grown(REFINED_WITH, place)
        origin = area.y - around.y, area.x - around.x
        tile = Tile(self._pixels_of(area), known[around.slices(place)], origin, level)
        refining = self._steps / (self._steps + GRADIENTS)  # of the time
        y, z = model.refiner()(
            tile, z, self._steps, lambda share: self._tell(done + refining * share)
        )
        codec, choice = model.latent_codec, (z.round(), level, model.dead_zone)
        segments, y_hat = codec.segments(y, *choice)
        likely = expected(y, segments, y_hat)
        answer = Feedback(model.refiner().distortion(tile), y, likely)
        refined = codec.payload(segments), y_hat
        answered = codec.compress(y, *choice, answer)

        def cost(candidate: tuple[bytes, Tensor]) -> float:
            """Bits, plus as many as the distortion of the tile is worth."""
            payload, decoded = candidate
            return 8 * len(payload) + self._worth(tile, decoded)

        return min(direct, refined, answered, key=cost)

    def _worth(self, tile: Tile, y_hat: Tensor) -> float:
        """The distortion of a tile in bits, of the pixels that its y_hat will decode to here."""
        image = self._model.synthesiser(tile.level)(tile.surrounded(y_hat))
        squares = float((tile.cut(image).float() - tile.pixels).square().sum())
        return squares / 3 * float(lambdas(self._model.entry.levels)[tile.level])

    def _pixels_of(self, area: Area) -> Tensor:
        """(H, W, 3) uint8 of what lies inside the picture."""
        bottom = min(area.bottom * LATENT_PX, self._picture.height)
        right = min(area.right * LATENT_PX, self._picture.width)
        part = self._pixels[area.y * LATENT_PX : bottom, area.x * LATENT_PX : right]
        return torch.from_numpy(part).to(self._model.device)

    def _synthesise(self, y_hat: Tensor, level: int) -> Pixels:
        picture, config = self._picture, self._model.config
        pixels = np.empty((picture.height, picture.width, 3), dtype=np.uint8)
        for window in windows(self.whole, WINDOW_PX):
            source = window.grown(synthesis_margin(config), self.whole)
            part = y_hat[source.slices(self.whole)].to(self._model.device)
            image = self._model.synthesiser(level)(part).cpu().numpy()
            top, left = window.y * LATENT_PX, window.x * LATENT_PX
            target = pixels[top : window.bottom * LATENT_PX, left : window.right * LATENT_PX]
            y0, x0 = (window.y - source.y) * LATENT_PX, (window.x - source.x) * LATENT_PX
            target[:] = image[y0 : y0 + target.shape[0], x0 : x0 + target.shape[1]]
        return as_channels(pixels, picture.channels)
