"""Encoder: a picture -> a file of this codec. Shares no code with the decoder but the models.

pixels ─ Analyser, by windows ─► y ─ HyperAnalyser ─► z ─ LatentCodec ─► tiles ─ bitstream.write ─►
bytes
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import bitstream
from codec.errors import OptionError, TargetUnreachable, translated
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
from codec.models.quality import level_of, quality_of
from codec.models.runtime import resolve_device, resolve_precision, threads
from codec.models.weights import load_model
from codec.options import (
    DEFAULT_PROFILE,
    DEFAULT_TILE_PX,
    EncoderOptions,
    check_device,
    check_precision,
    check_threads,
    parse_size,
    parse_strip,
)
from codec.transforms.inference import Analyser, Synthesiser, analysis_margin, synthesis_margin
from entropy.models.hyper_analysis import hyper_analyse
from entropy.models.latent_codec import LatentCodec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codec.image.files import ImageSource

__all__ = ["Encoder"]

Progress = Callable[[float], None]
Pixels = NDArray[np.uint8]


class Encoder:
    """Encodes pictures with one model, loaded once.

    Args:
        profile: recipe to encode with; its default model is taken.
        model: name of a registered model instead.
        device: "auto", "cpu", "cuda" or "cuda:N".
        threads: of the processor, 0 for all; the bytes do not depend on it.
        precision: "auto", "float32" or "bfloat16", of the analysis.

    Raises:
        OptionError: an option is out of range, or there is no such device.
        UnknownModel: there is no such profile or model.
        WeightsMismatch: its weights are missing or damaged.
    """

    def __init__(
        self,
        profile: str = DEFAULT_PROFILE,
        *,
        model: str | None = None,
        device: str = "auto",
        threads: int = 0,
        precision: str = "auto",
    ) -> None:
        self.entry = registry.default(profile) if model is None else registry.by_name(model)
        self._threads = check_threads(threads)
        self.device = resolve_device(check_device(device))
        self.dtype = resolve_precision(check_precision(precision), self.device)
        with translated():
            self._model = _Model(self.entry, self.device, self.dtype)

    def encode(
        self,
        image: ImageSource,
        *,
        quality: float | None = None,
        level: int | None = None,
        target_bpp: float | None = None,
        target_size: int | str | None = None,
        target_psnr: float | None = None,
        tile: int = DEFAULT_TILE_PX,
        strip: str | Iterable[str] = (),
    ) -> bytes:
        """The bytes of a file; arguments as in `EncoderOptions`, image as in `codec.encode`.

        Raises:
            CodecError: the image cannot be read or is of a kind that is not taken, an option is out
            of range,
                or the target cannot be reached.
        """
        from codec.image.files import open_picture
        from codec.options import Limits

        size = parse_size(target_size) if isinstance(target_size, str) else target_size
        options = EncoderOptions(
            quality, level, target_bpp, size, target_psnr, tile, parse_strip(strip)
        )
        return self.encode_picture(open_picture(image, limits=Limits()), options)

    def encode_picture(
        self, picture: Picture, options: EncoderOptions, progress: Progress | None = None
    ) -> bytes:
        """The bytes of a file.

        Args:
            picture: what to encode.
            options: how; targets are searched by bisection over the levels, about six encodings.
            progress: called with the finished share, 0..1.

        Raises:
            TargetUnreachable: no level reaches the target; states the nearest value.
            OptionError: the level is not one of the model.
        """
        job = _Job(self._model, picture.without(options.strip), options, progress)
        with translated(), threads(self._threads):
            data = self._search(job, options, picture.width * picture.height)
        if progress is not None:
            progress(1.0)
        return data

    def _search(self, job: _Job, options: EncoderOptions, pixels: int) -> bytes:
        """The file that the options ask for."""
        levels = self.entry.levels
        if options.quality is not None:
            return job.file(level_of(options.quality, levels))
        if options.level is not None:
            if options.level >= levels:
                raise OptionError(
                    f"level: found {options.level}, model {self.entry.name} has 0..{levels - 1}"
                )
            return job.file(options.level)
        if options.target_psnr is not None:
            return _smallest_reaching(job, options.target_psnr, levels)
        if options.target_bpp is not None:
            return _largest_within(
                job, int(options.target_bpp * pixels / 8), levels, f"{options.target_bpp:g} bpp",
                lambda size: f"{math.ceil(8e4 * size / pixels) / 1e4:.4f} bpp", 8 / pixels,
            )  # fmt: skip
        assert options.target_size is not None
        return _largest_within(
            job, options.target_size, levels, f"{options.target_size} bytes", "{} bytes".format, 1.0
        )


class _Model:
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


class _Job:
    """One picture being encoded, at one or more levels."""

    def __init__(
        self, model: _Model, picture: Picture, options: EncoderOptions, progress: Progress | None
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
            y = self._analyse(window, level)
            for index, area in self._tiles(window):
                payload, decoded = self._encode_tile(y[area.slices(window)], level)
                payloads[index] = payload
                if measure:
                    y_hat[area.slices(self.whole)] = decoded.cpu()
                if self._progress is not None:
                    share = len(payloads) / self.grid.count
                    self._progress((self._passed + share) / self._passes)
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

    def _tiles(self, window: Area) -> list[tuple[int, Area]]:
        """The tiles of a window: its side is a multiple of theirs, so they lie in it as a whole."""
        touched = self.grid.touched_by(pixels_of(window, self.grid.width, self.grid.height))
        return [(index, tile_area(self.grid.rectangle(index))) for index in touched]

    def _encode_tile(self, y: Tensor, level: int) -> tuple[bytes, Tensor]:
        z = hyper_analyse(self._model.hyper, y).round()
        return self._model.latent_codec.compress(y, z, level, self._model.dead_zone)

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


def _largest_within(
    job: _Job, limit: int, levels: int, asked: str, show: Callable[[int], str], unit: float
) -> bytes:
    """The file of the highest level that is not larger than `limit` bytes, by bisection.

    asked: the target as it was given; show: a size in the unit of the target, rounded up.
    """
    low, high = -1, levels - 1  # low fits (or is below all levels)
    while low < high:
        middle = (low + high + 1) // 2
        if len(job.file(middle)) <= limit:
            low = middle
        else:
            high = middle - 1
    if low < 0:
        least = len(job.file(0))
        raise TargetUnreachable(
            f"the target is {asked}, the smallest file this image can have is "
            f"{show(least)} (quality 0)",
            nearest=least * unit,
        )
    return job.file(low)


def _smallest_reaching(job: _Job, target: float, levels: int) -> bytes:
    """The file of the lowest level whose PSNR reaches `target` dB, by bisection."""
    low, high = 0, levels  # high reaches it (or is above all levels)
    while low < high:
        middle = (low + high) // 2
        if job.psnr(middle) >= target:
            high = middle
        else:
            low = middle + 1
    if low >= levels:
        best = job.psnr(levels - 1)
        raise TargetUnreachable(
            f"the target is {target:g} dB, the best this image can have is {best:.2f} dB "
            f"(quality {quality_of(levels - 1, levels)})",
            nearest=best,
        )
    return job.file(low)
