"""A picture by every codec at every rate: files of equal bytes, their figures, what is shown.

A rate is a number of bytes. Ours spend at most so many: the finest level within them. The others
are at their coarsest whole quality that spends no fewer bytes than the largest file of ours, or at
their finest. So no other codec is seen with fewer bytes than ours had.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench.equal_bytes import Score, Version, at_bytes, ssimulacra2
from bench.images import load
from bench.looks.region import Region, choose
from bench.metrics.views import read_mask
from bench.peers import RGB, Peer, PeerFailed
from bench.peers.own import OwnPeer
from bench.psnr import psnr
from codec.image import ssimulacra2 as core
from networks.errors import NetworkError

__all__ = ["Look", "Rate", "Shown", "ours_first", "scorer", "versions"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a codec made of a picture: figures of the whole of it, and the region as a data URI."""

    figures: Version
    uri: str


@dataclass(frozen=True, slots=True)
class Rate:
    """A picture at one rate.

    Args:
        bpp: bits per pixel that were aimed at.
        made: by the name of the codec; or, where it failed, how.
    """

    bpp: float
    made: dict[str, Shown | str]


@dataclass(frozen=True, slots=True)
class Look:
    """A picture with all of its versions.

    Args:
        title: name of the file with that of its folder.
        width, height: of the whole picture, in pixels.
        region: what is shown of it.
        uri: of that region of the original.
    """

    title: str
    width: int
    height: int
    region: Region
    uri: str
    rates: tuple[Rate, ...]

    @property
    def failures(self) -> list[str]:
        """What went wrong, a line each."""
        return [
            f"{self.title} at {rate.bpp:g} bpp: {made}"
            for rate in self.rates
            for made in rate.made.values()
            if isinstance(made, str)
        ]


def scorer() -> Score:
    """SSIMULACRA2 of the compiled core, or of the package where that is not built.

    Raises:
        PeerMissing: neither is there.
    """
    try:
        core.ssimulacra2(*np.zeros((2, 8, 8, 3), np.uint8))
    except NetworkError:
        return ssimulacra2()
    return core.ssimulacra2


def ours_first(peers: Sequence[Peer]) -> list[Peer]:
    """Codecs in the order in which they are made: ours decide what the others may spend."""
    return sorted(peers, key=lambda peer: not isinstance(peer, OwnPeer))


def versions(
    file: Path, peers: Sequence[Peer], rates: Sequence[float], score: Score | None,
    largest: tuple[int, int], progress: Callable[[str], None] = lambda text: None,
) -> Look:  # fmt: skip
    """Codes a picture with every codec at every rate.

    Args:
        rates: in bits per pixel.
        score: SSIMULACRA2, or None where it cannot be had.
        largest: width and height of what is shown, in pixels.
        progress: called after each rate with its name.
    """
    image, title = load(file), f"{file.resolve().parent.name}/{file.stem}"
    height, width = image.shape[:2]
    region = choose(image, largest, read_mask(file))
    found = []
    for bpp in rates:
        budget = max(1, int(bpp * width * height / 8))
        found.append(Rate(bpp, _rate(title, image, region, ours_first(peers), budget, score)))
        progress(f"{title} at {bpp:g} bpp")
    return Look(title, width, height, region, _uri(region.of(image)), tuple(found))


def _rate(
    title: str, image: RGB, region: Region, peers: Sequence[Peer], budget: int, score: Score | None
) -> dict[str, Shown | str]:
    """Of every codec, ours first, what it made with `budget` bytes or how it failed."""
    made: dict[str, Shown | str] = {}
    spent = 0
    for peer in peers:
        try:
            if isinstance(peer, OwnPeer):
                data = peer.within(image, budget)
                spent = max(spent, len(data))
            else:
                data = at_bytes(peer, image, spent or budget)
            decoded = peer.decode(data)
            found = psnr(image, decoded)
        except (PeerFailed, ValueError) as error:
            made[peer.name] = str(error)
            continue
        height, width = image.shape[:2]
        seen = None if score is None else score(image, decoded)
        figures = Version(peer.name, title, width, height, len(data), found, seen)
        made[peer.name] = Shown(figures, _uri(region.of(decoded)))
    return made


def _uri(image: RGB) -> str:
    """As a lossless WebP within the page."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "WEBP", lossless=True)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
