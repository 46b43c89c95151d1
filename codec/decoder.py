"""Decoder: a file of this codec -> a picture. Stands alone: imports nothing of the encoder.

bytes ─ bitstream.read ─► tiles ─ frame model ─► pixels ─► Picture
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import bitstream
from codec.errors import InvalidField, UnsupportedImage, translated
from codec.frame.concealing import conceal as concealed
from codec.frame.devices import frame_model, resolve_device
from codec.frame.geometry import LATENT_PX, tile_area
from codec.frame.leaving import as_computing, stoppable
from codec.frame.predictive import check_coder, decode_predictive, learned_part
from codec.image.alpha import decode_alpha
from codec.image.arithmetic import as_usual
from codec.image.color import as_channels
from codec.image.picture import Picture, Samples
from codec.image.source import as_bytes, read_data
from codec.models import registry
from codec.options import Crop, DecoderOptions, Limits, check_crop, check_limits, check_progress

if TYPE_CHECKING:
    from codec.image.source import DataSource

__all__ = ["Decoder"]

Progress = Callable[[float], object]


class Decoder:
    """Decodes files of every registered model. Pickles: a copy in another process loads the models
    itself.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N"; the pixels do not depend on it.
        threads: of the processor, 0 for all.
        limits: the largest image that is decoded.

    Raises:
        OptionError: an option is out of range, or there is no such device.
    """

    def __init__(
        self, *, device: str = "auto", threads: int = 0, limits: Limits | None = None
    ) -> None:
        options = DecoderOptions(device=device, threads=threads, limits=check_limits(limits))
        self._limits = options.limits
        self._threads = options.threads
        self.device = resolve_device(device)

    def decode(
        self, data: DataSource, crop: Crop | None = None, *, conceal: bool = False
    ) -> Samples:
        """Pixels (H, W, C) uint8 or uint16 of a path, bytes or file object: C = 1 grey, 2 with
        alpha, 3 RGB, 4 with alpha.

        Raises:
            CodecError: the file is damaged, not ours, or over a limit; or the crop reaches outside.
        """
        content = read_data(data, limits=self._limits)
        return self.decode_picture(content, crop, conceal=conceal).to_numpy()

    @as_computing
    @as_usual
    def decode_picture(
        self,
        data: bytes,
        crop: Crop | None = None,
        progress: Progress | None = None,
        *,
        conceal: bool = False,
    ) -> Picture:
        """The picture with its alpha and metadata.

        Args:
            data: the whole file.
            crop: x, y, width, height in pixels; only the tiles it needs are decoded.
            progress: called with the finished share, 0..1.
            conceal: whether what is damaged or missing of the tiles of a file of profile vq is
                guessed.

        Raises:
            CodecError: the file is damaged, not ours, or over a limit; or the crop reaches outside.
        """
        check_progress(progress)
        progress = stoppable(progress)
        with translated():
            content = as_bytes(data)
            salvaged = bitstream.salvage(content, self._limits) if conceal else None
            container = (
                bitstream.read(content, self._limits) if salvaged is None else salvaged.container
            )
            header = container.header
            whole_area = (0, 0, header.width, header.height)
            area = check_crop(whole_area if crop is None else crop, header.width, header.height)
            x, y, width, height = area
            if salvaged is not None:
                container = concealed(salvaged, area)
            samples = self._samples(container, area, progress, conceal)
            alpha = None
            if container.alpha is not None:
                whole = decode_alpha(container.alpha, header.height, header.width, header.bit_depth)
                alpha = np.ascontiguousarray(whole[y : y + height, x : x + width])
            return Picture(samples, alpha, container.icc, container.exif, container.xmp)

    def _samples(
        self,
        container: bitstream.Container,
        area: Crop,
        progress: Progress | None,
        conceal: bool = False,
    ) -> Samples:
        """Colour planes of an area: of the model, of the predictive coder, or of both."""
        header, modes = container.header, container.modes
        if modes is not None:
            check_coder(modes)
            if modes.whole(header):
                return decode_predictive(container, area, threads=self._threads, progress=progress)
        tile = container.tile if modes is None else lambda n: learned_part(container, n)
        model = frame_model(_entry(header), self.device)
        # Only models with code vectors, which never run on a device, can conceal.
        guesses = conceal and _entry(header).profile == registry.VECTORS
        options = {"conceal": True} if guesses else {}
        pixels = model.decode(
            tile, (header.width, header.height), header.level, header.tile_log2, area,
            threads=self._threads, progress=progress, **options,
        )  # fmt: skip
        samples = as_channels(pixels, header.channels)
        if modes is None:
            return samples
        return decode_predictive(container, area, samples, threads=self._threads)

    def latents(self, data: DataSource) -> NDArray[np.int32]:
        """y_hat of a picture, (ceil(H / 16), ceil(W / 16), channels) int32 in 2^-5 symbols: what
        its pixels are made from, and an input for learning on compressed data.

        Channels have the size that the level gives them: compare latents of one quality. Where
        cells of the picture are coded sample by sample, latents go on smoothly from around them.

        Raises:
            UnsupportedImage: a tile is coded sample by sample altogether, and has no latents.
            CodecError: the file is damaged, not ours, or over a limit.
        """
        with translated():
            container = bitstream.read(read_data(data, limits=self._limits), self._limits)
            tiles, grid = self._tile_latents(container), container.grid
        if not tiles or any(tile is None for tile in tiles):
            raise UnsupportedImage(
                "the picture, or a tile of it, is coded sample by sample altogether: no latents"
            )
        channels = next(tile.shape[2] for tile in tiles if tile is not None)
        height, width = -(-grid.height // LATENT_PX), -(-grid.width // LATENT_PX)
        found = np.empty((height, width, channels), np.int32)
        for n, tile in enumerate(tiles):
            assert tile is not None
            area = tile_area(grid.rectangle(n))
            part = found[area.y : area.bottom, area.x : area.right]
            part[...] = tile[: part.shape[0], : part.shape[1]]
        return found

    def tile_latents(self, data: bytes) -> list[NDArray[np.int32] | None]:
        """y_hat of every tile with its padding, (h, w, latent) int32 in 2^-5 symbols. None for a
        tile that has no learned part.
        """
        with translated():
            return self._tile_latents(bitstream.read(as_bytes(data), self._limits))

    def _tile_latents(self, container: bitstream.Container) -> list[NDArray[np.int32] | None]:
        header, modes = container.header, container.modes
        if modes is not None and modes.whole(header):
            return []
        model = frame_model(_entry(header), self.device)
        found: list[NDArray[np.int32] | None] = []
        for n in range(container.grid.count):
            area = tile_area(container.grid.rectangle(n))
            payload = container.tile(n) if modes is None else learned_part(container, n)
            found.append(
                None
                if payload is None
                else model.decompress(payload, area.height, area.width, header.level, self._threads)
            )
        return found


def _entry(header: bitstream.Header) -> registry.ModelEntry:
    """The model of a file, which must be the one that it was made with."""
    entry = registry.by_id(header.model_id)
    if entry.profile == registry.PREDICTIVE:
        raise InvalidField(f"{entry.name} without chunk MODE, or with another coder", chunk="HEAD")
    if entry.profile == registry.INTER:
        raise InvalidField(f"{entry.name} codes inter frames of videos, no pictures", chunk="HEAD")
    entry.require_weights(header.weights_hash)
    if header.level >= entry.levels:
        raise InvalidField(
            f"level: found {header.level}, model {entry.name} has 0..{entry.levels - 1}",
            chunk="HEAD",
        )
    return entry
