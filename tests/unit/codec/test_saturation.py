"""Pictures that are no photographs: no picture comes back worse than a plain one would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.frame.model import loaded
from codec.image.metrics import psnr
from codec.models import registry

KODIM23 = Path(__file__).parents[3] / "examples" / "kodim23.png"
HEIGHT, WIDTH = 128, 192
LEVELS = (0, 31, 47, 63)
Pixels = np.ndarray


def photograph() -> Pixels:
    """A part of Kodak image 23."""
    with Image.open(KODIM23) as image:
        return np.array(image.convert("RGB"))[160 : 160 + HEIGHT, 200 : 200 + WIDTH]


def checker(part: Pixels) -> None:
    """Black and white, changing from pixel to pixel."""
    y, x = np.indices(part.shape[:2])
    part[:] = 255 * ((x + y) % 2)[..., None]


def checker_in_a_photograph() -> Pixels:
    picture = photograph()
    checker(picture[30:90, 50:130])
    return picture


def checker_everywhere() -> Pixels:
    picture = photograph()
    checker(picture)
    return picture


def stripes(axis: int, period: int) -> Pixels:
    """Black and white stripes of that period over a picture."""
    place = np.indices((HEIGHT, WIDTH))[axis]
    return np.repeat((255 * (2 * place // period % 2)).astype(np.uint8)[..., None], 3, 2)


def coloured_stripes() -> Pixels:
    """Red, green and blue from column to column."""
    x = np.indices((HEIGHT, WIDTH))[1]
    return (255 * (x[..., None] % 3 == np.arange(3))).astype(np.uint8)


def coloured_text() -> Pixels:
    """Lines of small text, saturated colours on others."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (0, 0, 255))
    draw = ImageDraw.Draw(image)
    colours = [(255, 0, 0), (255, 255, 0), (0, 255, 0), (255, 0, 255), (0, 255, 255)]
    for n, top in enumerate(range(0, HEIGHT, 11)):
        draw.text((n % 5, top), "Sphinx of black quartz, judge my vow!", fill=colours[n % 5])
    return np.array(image)


def noise(low: int, high: int) -> Pixels:
    """Every sample at random, at one of two ends or between them."""
    random = np.random.default_rng(3)
    if low < 0:
        return 255 * random.integers(0, 2, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return random.integers(low, high, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def edges() -> Pixels:
    """Squares of the corners of the colour cube."""
    y, x = np.indices((HEIGHT, WIDTH)) // 24
    corner = (3 * y + 5 * x) % 8
    return (255 * (corner[..., None] >> np.arange(3) & 1)).astype(np.uint8)


PICTURES: dict[str, Callable[[], Pixels]] = {
    "checker in a photograph": checker_in_a_photograph,
    "checker": checker_everywhere,
    "columns": lambda: stripes(1, 2),
    "rows": lambda: stripes(0, 2),
    "wider columns": lambda: stripes(1, 4),
    "coloured columns": coloured_stripes,
    "coloured text": coloured_text,
    "noise": lambda: noise(0, 256),
    "noise of two values": lambda: noise(-1, 0),
    "corners of the colour cube": edges,
}


@pytest.mark.weights
@pytest.mark.parametrize("name", PICTURES)
def test_no_picture_explodes(name: str) -> None:
    """At most 2 dB worse than the mean colour alone, from the lowest level to the highest."""
    picture = np.ascontiguousarray(PICTURES[name]())
    mean = np.broadcast_to(np.rint(picture.mean((0, 1))).astype(np.uint8), picture.shape)
    encoder, decoder = Encoder(), Decoder()

    found = {
        level: psnr(picture, decoder.decode(encoder.encode(picture, level=level)))
        for level in LEVELS
    }

    print(f"{name}: mean {psnr(picture, mean):.2f} dB, {found}")
    assert min(found.values()) >= psnr(picture, mean) - 2


@pytest.mark.weights
def test_tile_that_cannot_be_carried_is_coded_as_its_mean_colour() -> None:
    """That tile alone: what a plane of the colour would give stands in its place."""
    picture = np.ascontiguousarray(photograph()[:64, :192])
    picture[:, 64:128] = coloured_stripes()[:64, :64]
    colour = np.rint(picture[:, 64:128].mean((0, 1))).astype(np.uint8)
    plane = np.ascontiguousarray(np.broadcast_to(colour, (64, 64, 3)))
    model = loaded(registry.default("wavelet"))

    tiles, _ = model.encode(picture, 47, 6)

    (expected,), _ = model.encode(plane, 47, 6)
    assert [tile == expected for tile in tiles] == [False, True, False]


@pytest.mark.weights
def test_refinement_does_not_destroy_it_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codec.frame.refined.STEPS", {8: 1})
    picture = np.ascontiguousarray(coloured_stripes()[:64, :64])
    mean = np.broadcast_to(np.rint(picture.mean((0, 1))).astype(np.uint8), picture.shape)

    file = Encoder(threads=1).encode(picture, level=31, effort=8)

    assert psnr(picture, Decoder().decode(file)) >= psnr(picture, mean) - 0.5
