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
from codec.errors import OptionError, translated
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
from codec.models.quality import level_of
from codec.models.runtime import resolve_device, resolve_precision, threads
from codec.models.weights import load_model
from codec.options import (
    DEFAULT_EFFORT,
    DEFAULT_PROFILE,
    DEFAULT_TILE_PX,
    EncoderOptions,
    check_device,
    check_precision,
    check_threads,
    parse_size,
    parse_strip,
)
from codec.refine import STEPS, Refiner
from codec.search import largest_within, smallest_reaching
from codec.transforms.inference import Analyser, Synthesiser, analysis_margin, synthesis_margin
from entropy.models.hyper_analysis import hyper_analyse
from entropy.models.latent_codec import LatentCodec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codec.image.files import ImageSource

__all__ = ["Encoder"]

REFINED_WITH = 1
"""Latents around a tile that its refinement knows: most of what reaches over its border."""

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
        effort: int = DEFAULT_EFFORT,
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
            quality, level, target_bpp, size, target_psnr, tile, parse_strip(strip), effort
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
            return smallest_reaching(job.file, job.psnr, options.target_psnr, levels)
        if options.target_bpp is not None:
            return largest_within(
                job.file, int(options.target_bpp * pixels / 8), levels,
                f"{options.target_bpp:g} bpp",
                lambda size: f"{math.ceil(8e4 * size / pixels) / 1e4:.4f} bpp", 8 / pixels,
            )  # fmt: skip
        assert options.target_size is not None
        return largest_within(
            job.file, options.target_size, levels, f"{options.target_size} bytes",
            "{} bytes".format, 1.0,
        )  # fmt: skip


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
        self.refiner = lru_cache(maxsize=1)(lambda: Refiner(weights, device, dtype))


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
        self._steps = STEPS.get(options.effort, 0)

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
            for index, area in self._tiles(window):
                payloads[index], decoded = self._encode_tile(y, known, area, level, len(payloads))
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

    def _tiles(self, window: Area) -> list[tuple[int, Area]]:
        """The tiles of a window: its side is a multiple of theirs, so they lie in it as a whole."""
        touched = self.grid.touched_by(pixels_of(window, self.grid.width, self.grid.height))
        return [(index, tile_area(self.grid.rectangle(index))) for index in touched]

    def _tell(self, tiles: float) -> None:
        """Reports progress: this pass has come so far."""
        if self._progress is not None:
            self._progress((self._passed + tiles / self.grid.count) / self._passes)

    def _encode_tile(
        self, known: Tensor, place: Area, area: Area, level: int, done: int
    ) -> tuple[bytes, Tensor]:
        """Payload and y_hat of the tile `area`; `known` is y at `place`, `done` counts tiles."""
        model = self._model
        y = known[area.slices(place)]
        z = hyper_analyse(model.hyper, y)
        compress, dead_zone = model.latent_codec.compress, model.dead_zone
        direct = compress(y, z.round(), level, dead_zone)
        if not self._steps:
            return direct
        around = area.grown(REFINED_WITH, place)
        surroundings, inside = known[around.slices(place)], area.slices(around)
        pixels = self._pixels_of(area)
        y, z = model.refiner()(
            pixels, surroundings, z, (area.y - around.y, area.x - around.x), level, self._steps,
            lambda share: self._tell(done + share),
        )  # fmt: skip
        refined = [compress(y, z.round(), level, zone) for zone in (dead_zone, 0 * dead_zone)]

        def cost(candidate: tuple[bytes, Tensor]) -> float:
            """Bits, plus as many as the distortion of the tile is worth."""
            payload, decoded = candidate
            latents = surroundings.clone()
            latents[inside] = decoded
            return 8 * len(payload) + self._worth(latents, inside, pixels, level)

        return min(direct, *refined, key=cost)

    def _worth(
        self, y_hat: Tensor, inside: tuple[slice, slice], pixels: Tensor, level: int
    ) -> float:
        """The distortion of a tile in bits; y_hat with its surroundings, the tile `inside`."""
        image = self._model.synthesiser(level)(y_hat)
        top, left = (LATENT_PX * part.start for part in inside)
        image = image[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        squares = float((image.float() - pixels).square().sum())
        return squares / 3 * float(lambdas(self._model.entry.levels)[level])

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
