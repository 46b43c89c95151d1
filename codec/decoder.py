"""Decoder: a file of this codec -> a picture. Stands alone: imports nothing of the encoder.

bytes ─ bitstream.read ─► tiles ─ LatentCodec ─► y_hat ─ Synthesiser, by windows ─► pixels
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import bitstream
from codec.errors import InvalidField, WeightsMismatch, translated
from codec.image.alpha import decode_alpha
from codec.image.color import as_channels
from codec.image.picture import Picture
from codec.models import registry
from codec.models.geometry import (
    LATENT_PX,
    WINDOW_PX,
    Area,
    covering,
    latent_size,
    pixels_of,
    tile_area,
    windows,
)
from codec.models.runtime import each, resolve_device, resolve_precision, threads
from codec.models.weights import load_model
from codec.options import Crop, DecoderOptions, Limits, check_crop
from codec.transforms.inference import Synthesiser, synthesis_margin
from entropy.models.latent_codec import LatentCodec

if TYPE_CHECKING:
    from codec.image.source import DataSource

__all__ = ["Decoder"]

Progress = Callable[[float], None]
Pixels = NDArray[np.uint8]


class Decoder:
    """Decodes files of every registered model; keeps the loaded models for the next file.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N". Symbols do not depend on it, pixels by at most 1.
        threads: of the processor, 0 for all.
        precision: "auto", "float32" or "bfloat16", of the synthesis.
        limits: the largest image that is decoded.

    Raises:
        OptionError: an option is out of range, or there is no such device.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        threads: int = 0,
        precision: str = "auto",
        limits: Limits | None = None,
    ) -> None:
        options = DecoderOptions(
            device=device, threads=threads, precision=precision, limits=limits or Limits()
        )
        self._limits = options.limits
        self._threads = threads
        self.device = resolve_device(device)
        self.dtype = resolve_precision(precision, self.device)
        self._models: dict[int, _Model] = {}

    def decode(self, data: DataSource, crop: Crop | None = None) -> Pixels:
        """Pixels (H, W, C) uint8 of a path, bytes or file object: C = 1 grey, 2 with alpha, 3 RGB,
        4 with alpha.

        Raises:
            CodecError: the file is damaged, not ours, or over a limit; or the crop reaches outside.
        """
        from codec.image.source import read_data

        return self.decode_picture(read_data(data, limits=self._limits), crop).to_numpy()

    def decode_picture(
        self, data: bytes, crop: Crop | None = None, progress: Progress | None = None
    ) -> Picture:
        """The picture with its alpha and metadata.

        Args:
            data: the whole file.
            crop: x, y, width, height in pixels; only the tiles it needs are decoded.
            progress: called with the finished share, 0..1.

        Raises:
            CodecError: the file is damaged, not ours, or over a limit; or the crop reaches outside.
        """
        with translated(), threads(self._threads):
            container = bitstream.read(data, self._limits)
            header = container.header
            model = self._model(header)
            area = check_crop(
                crop or (0, 0, header.width, header.height), header.width, header.height
            )
            x, y, width, height = area
            samples = _decode_samples(model, container, area, progress)
            alpha = None
            if container.alpha is not None:
                whole = decode_alpha(container.alpha, header.height, header.width)
                alpha = np.ascontiguousarray(whole[y : y + height, x : x + width])
            samples = as_channels(samples, header.channels)
            return Picture(samples, alpha, container.icc, container.exif, container.xmp)

    def latents(self, data: bytes) -> list[Tensor]:
        """y_hat of every tile, (h, w, latent) float32 in symbol units: the same everywhere."""
        with translated(), threads(self._threads):
            container = bitstream.read(data, self._limits)
            model = self._model(container.header)
            return list(model.decode_tiles(container, range(container.grid.count)))

    def _model(self, header: bitstream.Header) -> _Model:
        entry = registry.by_id(header.model_id)
        if header.weights_hash != entry.weights_hash:
            raise WeightsMismatch(
                f"the file was made with weights {header.weights_hash.hex()} of {entry.name}, "
                f"here are {entry.weights_hash.hex()}"
            )
        if header.level >= entry.levels:
            raise InvalidField(
                f"level: found {header.level}, model {entry.name} has 0..{entry.levels - 1}",
                chunk="HEAD",
            )
        if entry.id not in self._models:
            self._models[entry.id] = _Model(entry, self.device, self.dtype)
        return self._models[entry.id]


class _Model:
    """What decoding needs of one model, on one device."""

    def __init__(
        self, entry: registry.ModelEntry, device: torch.device, dtype: torch.dtype
    ) -> None:
        weights = load_model(entry)
        self.config = weights.config.transform
        self.margin = synthesis_margin(self.config)
        self.latent_codec = LatentCodec(
            weights.config.entropy, weights.network, weights.tables, device
        )
        part = weights.part("synthesis", device)
        self.synthesiser = lru_cache(maxsize=4)(
            lambda level: Synthesiser(self.config, part, level, dtype)
        )

    def decode_tile(self, container: bitstream.Container, index: int) -> Tensor:
        """y_hat of one tile."""
        area = tile_area(container.grid.rectangle(index))
        return self.latent_codec.decompress(
            container.tile(index), area.height, area.width, container.header.level
        )

    def decode_tiles(
        self, container: bitstream.Container, indexes: Collection[int]
    ) -> Iterator[Tensor]:
        """y_hat of tiles, in order."""
        run = each if self.latent_codec.concurrent else map
        return run(partial(self.decode_tile, container), indexes)


def _decode_samples(
    model: _Model, container: bitstream.Container, crop: Crop, progress: Progress | None
) -> Pixels:
    """Pixels (h, w, 3) of the crop: window by window, each tile decoded once and dropped after its
    last use.
    """
    header, grid = container.header, container.grid
    whole = Area(0, 0, latent_size(header.width), latent_size(header.height))
    x_px, y_px, width_px, height_px = crop
    wanted = covering(*crop)
    pixels = np.empty((height_px, width_px, 3), dtype=np.uint8)
    synthesise = model.synthesiser(header.level)
    side = max(WINDOW_PX, grid.side)
    parts = list(windows(wanted, side))
    tiles: dict[int, tuple[Area, Tensor]] = {}
    for done, window in enumerate(parts):
        source = window.grown(model.margin, whole)
        tiles = {i: t for i, t in tiles.items() if t[0].bottom > source.y}
        y_hat = torch.empty(
            source.height, source.width, model.config.latent, device=model.latent_codec.device
        )
        area_px = (source.x * LATENT_PX, source.y * LATENT_PX)
        touched = grid.touched_by(pixels_of(source, header.width, header.height))
        missing = [index for index in touched if index not in tiles]
        for index, decoded in zip(missing, model.decode_tiles(container, missing), strict=True):
            tiles[index] = (tile_area(grid.rectangle(index)), decoded)
        for index in touched:
            origin, decoded = tiles[index]
            common = origin.overlap(source)
            y_hat[common.slices(source)] = decoded[common.slices(origin)]
        image = synthesise(y_hat).cpu().numpy()
        left, top = window.x * LATENT_PX, window.y * LATENT_PX
        x0, y0 = max(left, x_px), max(top, y_px)
        x1 = min(window.right * LATENT_PX, x_px + width_px)
        y1 = min(window.bottom * LATENT_PX, y_px + height_px)
        pixels[y0 - y_px : y1 - y_px, x0 - x_px : x1 - x_px] = image[
            y0 - area_px[1] : y1 - area_px[1], x0 - area_px[0] : x1 - area_px[0]
        ]
        if progress is not None:
            progress((done + 1) / len(parts))
    return pixels
