"""A frame coded by the definitions: networks in NumPy, the latent coder in Python, no windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bitstream
from codec.frame.geometry import latent_size, tile_area
from codec.frame.guard import mean_colour_of_doubtful, squared_error
from entropy.coder import Backend, CdfTables
from entropy.models.latent_codec import LatentCodec
from entropy.models.quadtree import EntropyConfig
from networks import definition, weights_file
from networks.program import Program

Array = NDArray[Any]
RECIPE = ("latent", "hidden", "hyper", "levels", "trellis_step", "trellis_states")


class Definition:
    """A model of a weights file.

    Args:
        data: the file.
        backend: of the range coder.
    """

    def __init__(self, data: bytes, backend: Backend | None = None) -> None:
        entries = weights_file.read(data)
        self._programs = {n: e for n, e in entries.items() if isinstance(e, Program)}
        recipe, cdf, z_index = (entries[name] for name in ("recipe", "cdf", "z_index"))
        assert isinstance(recipe, np.ndarray)
        assert isinstance(z_index, np.ndarray)
        assert isinstance(cdf, bytes)
        values = dict(zip(RECIPE, map(int, recipe), strict=False))
        self.config = EntropyConfig(**values)
        self.tables = CdfTables.from_bytes(cdf)
        self.codec = LatentCodec(self.config, self.tables, z_index, self.run, backend)

    def run(self, name: str, inputs: Sequence[Array], level: int) -> list[Array]:
        """The outputs of a program."""
        return definition.run(self._programs[name], inputs, level)

    def encode(
        self, pixels: NDArray[np.uint8], level: int, tile_log2: int
    ) -> tuple[list[bytes], list[Array], NDArray[np.uint8]]:
        """Payloads of the tiles of (H, W, 3), their y_hat, and the pixels that they decode to."""
        height, width = pixels.shape[:2]
        grid = bitstream.TileGrid(width, height, tile_log2)
        rows, columns = latent_size(height), latent_size(width)
        padding = (0, 16 * rows - height), (0, 16 * columns - width), (0, 0)
        (y,) = self.run("analysis", [np.pad(pixels, padding, mode="edge")], level)
        payloads, found = [], []
        whole = np.zeros((rows, columns, self.config.latent), np.int32)
        for n in range(grid.count):
            area = tile_area(grid.rectangle(n))
            place = slice(area.y, area.bottom), slice(area.x, area.right)
            (z,) = self.run("hyper_analysis", [y[place]], level)
            payload, y_hat, _ = self.codec.compress(y[place], z, level)
            inside = pixels[16 * area.y : 16 * area.bottom, 16 * area.x : 16 * area.right]
            part = inside[: 1 << tile_log2, : 1 << tile_log2]
            payload, y_hat = self._guarded(part, payload, y_hat, level)
            payloads.append(payload)
            found.append(y_hat)
            whole[place] = y_hat
        return payloads, found, self.synthesise(whole, level)[:height, :width]

    def _guarded(
        self, part: NDArray[np.uint8], payload: bytes, y_hat: Array, level: int
    ) -> tuple[bytes, Array]:
        """What is written for a tile: this, or its mean colour if that is nearer to its pixels."""
        colour = mean_colour_of_doubtful(part)
        if colour is None:
            return payload, y_hat
        rows, columns = y_hat.shape[:2]
        plane = np.broadcast_to(colour, (16 * rows, 16 * columns, 3))
        (y,) = self.run("analysis", [plane], level)
        (z,) = self.run("hyper_analysis", [y], level)
        plain, plain_y_hat, _ = self.codec.compress(y, z, level)

        def error(found: Array) -> int:
            image = self.synthesise(found, level)[: part.shape[0], : part.shape[1]]
            return squared_error(image, part)

        return (plain, plain_y_hat) if error(plain_y_hat) < error(y_hat) else (payload, y_hat)

    def decode(self, container: bitstream.Container) -> NDArray[np.uint8]:
        """Pixels (H, W, 3) of a file."""
        header = container.header
        rows, columns = latent_size(header.height), latent_size(header.width)
        whole = np.zeros((rows, columns, self.config.latent), np.int32)
        for n in range(container.grid.count):
            area = tile_area(container.grid.rectangle(n))
            whole[area.y : area.bottom, area.x : area.right] = self.codec.decompress(
                container.tile(n), area.height, area.width, header.level
            )
        return self.synthesise(whole, header.level)[: header.height, : header.width]

    def synthesise(self, y_hat: Array, level: int) -> NDArray[np.uint8]:
        """Pixels of y_hat (h, w, latent)."""
        (image,) = self.run("synthesis", [y_hat], level)
        return image
