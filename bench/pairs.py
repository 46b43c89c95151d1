"""Pictures for the pages that compare: original, ours and a peer at the same file size."""

from __future__ import annotations

import base64
import io
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.measure import image_files, load
from bench.metrics import measure
from bench.peers import RGB, Peer

CROP = 384
"""Side, in pixels, of what is shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One version of a picture: its name, size of the file, RGB PSNR of the whole image, and the
    crop as a data URI.
    """

    name: str
    bytes: int
    psnr: float
    uri: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture in its versions, the original first."""

    title: str
    versions: tuple[Shown, ...]


def pairs(folder: Path, own: Peer, peers: list[Peer], bpp: float, count: int = 3) -> list[Pair]:
    """`count` images of the folder, ours at about `bpp` bits per pixel, the peers at the smallest
    size that is not smaller than ours.
    """
    files = image_files(folder)
    chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(count, len(files))).astype(int)]
    found = []
    for file in chosen:
        image = load(file)
        budget = round(bpp * image.shape[0] * image.shape[1] / 8)
        ours = _coded(own, image, budget)
        others = [_coded(peer, image, ours.bytes) for peer in peers]
        original = Shown("original", file.stat().st_size, float("inf"), _uri(_crop(image)))
        found.append(Pair(file.stem, (original, ours, *others)))
    return found


def _coded(peer: Peer, image: RGB, budget: int) -> Shown:
    """The coarsest setting that spends at least `budget` bytes, or the finest one there is: sought
    among the whole numbers between the ends of its settings, bits rise with them.
    """
    low, high = round(peer.settings[0]), round(peer.settings[-1])
    setting = low + bisect_left(
        range(low, high), budget, key=lambda setting: len(peer.encode(image, setting))
    )
    data = peer.encode(image, setting)
    decoded = peer.decode(data)
    return Shown(peer.name, len(data), measure(image, decoded)["psnr"], _uri(_crop(decoded)))


def _crop(image: RGB) -> RGB:
    """The middle of an image."""
    top, left = (max(0, (side - CROP) // 2) for side in image.shape[:2])
    return image[top : top + CROP, left : left + CROP]


def _uri(image: RGB) -> str:
    """As a lossless WebP within the page."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "WEBP", lossless=True)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
