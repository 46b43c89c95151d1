"""TorchFrameModel: frames on a CUDA device, with the integers of the compiled core.

Networks run as `networks.on_torch`; symbols are chosen on the processor and coded by the CUDA range
coder where that is built. Bytes and pixels are those of `codec.frame.model.FrameModel`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

import bitstream
from codec.frame.geometry import (
    LATENT_PX,
    WINDOW_PX,
    Area,
    covering,
    latent_size,
    pixels_of,
    tile_area,
    windows,
)
from codec.frame.guard import as_one_colour, mean_colour_of_doubtful, squared_error
from codec.models.registry import ModelEntry
from codec.models.weights import read_verified
from entropy.coder import CdfTables, cuda
from entropy.models.latent_codec import LatentCodec, Recipe
from networks import weights_file
from networks.on_torch import TorchProgram
from networks.program import Program

__all__ = ["TorchFrameModel", "loaded_on"]

Ints = NDArray[np.int32]
Pixels = NDArray[np.uint8]
Progress = Callable[[float], object]


class TorchFrameModel:
    """A model on a device of PyTorch; methods are those of `FrameModel`.

    Args:
        data: the weights file, verified.
        device: where the networks run.

    Raises:
        InvalidWeightsFile, InvalidNetwork: the weights are not in order.
    """

    def __init__(self, data: bytes, device: torch.device) -> None:
        entries = weights_file.read(data)
        self._device = device
        self._programs = {
            name: TorchProgram(entry, device)
            for name, entry in entries.items()
            if isinstance(entry, Program)
        }
        recipe = [int(n) for n in cast(NDArray[np.int32], entries["recipe"])]
        self._margins = recipe[6], recipe[7]
        self._latent = recipe[0]
        self._codec = LatentCodec(
            Recipe(recipe[0], recipe[2], recipe[4], recipe[5]),
            CdfTables.from_bytes(cast(bytes, entries["cdf"])),
            cast(NDArray[np.uint8], entries["z_index"]),
            self._run,
            "cuda" if device.type == "cuda" and cuda.unavailable_reason() is None else None,
        )

    def _placed(self, name: str, area: Area) -> Area:
        """An area as a network is to be given it: windows of attention are those of the picture."""
        return area.whole_windows() if self._programs[name].has_windows else area

    def _run(self, name: str, inputs: Sequence[NDArray[Any]], level: int) -> Sequence[NDArray[Any]]:
        arrays = [torch.from_numpy(np.ascontiguousarray(x)).to(self._device) for x in inputs]
        return [x.cpu().numpy() for x in self._programs[name](arrays, level)]

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
        """As `FrameModel.encode`."""
        height, width = pixels.shape[:2]
        grid = bitstream.TileGrid(width, height, tile_log2)
        payloads: list[bytes] = []
        for n in range(grid.count):
            if wanted is not None and not wanted[n]:
                payloads.append(b"")
                continue
            area = tile_area(grid.rectangle(n))
            y = self.analyse(pixels, (area.x, area.y, area.width, area.height), level)
            coded = self.compress(y, self.hyper_analyse(y, level), level)[:2]
            left, top, width_px, height_px = grid.rectangle(n)
            payloads.append(
                self._guarded(pixels[top : top + height_px, left : left + width_px], coded, level)
            )
            if progress is not None:
                progress((n + 1) / grid.count)
        if not decoded:
            return payloads, None
        whole = (0, 0, width, height)
        return payloads, self.decode(
            lambda n: payloads[n] or None, (width, height), level, tile_log2, whole
        )

    def _guarded(self, part: Pixels, coded: tuple[bytes, Ints], level: int) -> bytes:
        """What is written for a tile: this, or its mean colour if that is nearer to its pixels."""
        colour = mean_colour_of_doubtful(part)
        if colour is None:
            return coded[0]
        rows, columns = coded[1].shape[:2]
        plain = as_one_colour(self, colour, rows, columns, level)
        height, width = part.shape[:2]
        errors = [
            squared_error(self.synthesise(y_hat, level)[:height, :width], part)
            for _, y_hat in (plain, coded)
        ]
        return plain[0] if errors[0] < errors[1] else coded[0]

    def decode(
        self,
        tile: Callable[[int], bytes | None],
        size: tuple[int, int],
        level: int,
        tile_log2: int,
        area: tuple[int, int, int, int],
        *,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> Pixels:
        """As `FrameModel.decode`."""
        grid = bitstream.TileGrid(*size, tile_log2)
        whole = Area(0, 0, latent_size(size[0]), latent_size(size[1]))
        x, y, width, height = area
        out = np.empty((height, width, 3), np.uint8)
        tiles: dict[int, Ints] = {}
        parts = list(windows(self._placed("synthesis", covering(*area)), max(WINDOW_PX, grid.side)))
        for done, window in enumerate(parts):
            source = window.grown(self._margins[1], whole)
            places = {
                n: tile_area(grid.rectangle(n)) for n in grid.touched_by(pixels_of(source, *size))
            }
            tiles = {n: t for n, t in tiles.items() if n in places}
            y_hat = np.empty((source.height, source.width, self._latent), np.int32)
            for n, place in places.items():
                if n not in tiles:
                    tiles[n] = self._y_hat(tile(n), place, level)
                common = place.overlap(source)
                y_hat[common.slices(source)] = tiles[n][common.slices(place)]
            image = self.synthesise(y_hat, level)
            top, left = max(window.y * LATENT_PX, y), max(window.x * LATENT_PX, x)
            bottom = min(window.bottom * LATENT_PX, y + height)
            right = min(window.right * LATENT_PX, x + width)
            rows = slice(top - source.y * LATENT_PX, bottom - source.y * LATENT_PX)
            columns = slice(left - source.x * LATENT_PX, right - source.x * LATENT_PX)
            out[top - y : bottom - y, left - x : right - x] = image[rows, columns]
            if progress is not None:
                progress((done + 1) / len(parts))
        return out

    def _y_hat(self, payload: bytes | None, place: Area, level: int) -> Ints:
        if payload is None:
            return np.zeros((place.height, place.width, self._latent), np.int32)
        return self.decompress(payload, place.height, place.width, level)

    def analyse(
        self, pixels: Pixels, area: tuple[int, int, int, int], level: int, threads: int = 0
    ) -> Ints:
        """As `FrameModel.analyse`."""
        height, width = pixels.shape[:2]
        whole = Area(0, 0, latent_size(width), latent_size(height))
        wanted = Area(*area)
        source = self._placed("analysis", wanted).grown(self._margins[0], whole)
        rows = np.arange(source.y * LATENT_PX, source.bottom * LATENT_PX).clip(max=height - 1)
        columns = np.arange(source.x * LATENT_PX, source.right * LATENT_PX).clip(max=width - 1)
        (y,) = self._run("analysis", [pixels[rows[:, None], columns]], level)
        return np.ascontiguousarray(y[wanted.slices(source)])

    def hyper_analyse(self, y: Ints, level: int, threads: int = 0) -> Ints:
        """As `FrameModel.hyper_analyse`."""
        (z,) = self._run("hyper_analysis", [y], level)
        return z

    def compress(
        self, y: Ints, z: Ints, level: int, *, threads: int = 0
    ) -> tuple[bytes, Ints, Any]:
        """As `FrameModel.compress`, without answers."""
        return self._codec.compress(y, z, level)

    def decompress(
        self, payload: bytes, height: int, width: int, level: int, threads: int = 0
    ) -> Ints:
        """As `FrameModel.decompress`."""
        return self._codec.decompress(payload, height, width, level)

    def synthesise(self, y_hat: Ints, level: int, threads: int = 0) -> Pixels:
        """As `FrameModel.synthesise`."""
        (pixels,) = self._run("synthesis", [y_hat], level)
        return pixels


@lru_cache(maxsize=2)
def loaded_on(entry: ModelEntry, device: str) -> TorchFrameModel:
    """The model of a register entry on a device, kept for the next call.

    Raises:
        WeightsMismatch: its weights file is missing, damaged or another one.
    """
    return TorchFrameModel(read_verified(entry), torch.device(device))
