"""Further kinds: what people keep as pictures, and what is hard for a coder of exact samples.

Dithers, palettes, sprites, boxes with text, drawings, crops of a photograph and of its JPEG files,
and the awkward ones: one odd pixel, alternating bits, random walks, nearly one colour.
"""

from __future__ import annotations

import io
import math
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.pictures.basic import BASIC, RGB, Kind, Random, colours

__all__ = ["KINDS", "PHOTOGRAPH"]

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "kodim23.png"
FONT_SIZES = (8, 10, 11, 13, 16, 24)
WORDS = "File Edit View Help Open Save as 0.25 1024 px OK Cancel Name Size Date 37 % [x] https://"


@cache
def _photograph() -> RGB:
    """The example photograph, 768 x 512."""
    with Image.open(PHOTOGRAPH) as image:
        return np.array(image.convert("RGB"))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that the pictures do not depend on what a machine has installed."""
    return ImageFont.load_default(size)


def _drawing(random: Random, height: int, width: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A canvas of one colour, and what draws on it."""
    image = Image.new("RGB", (width, height), _tuple(colours(random, 1)[0]))
    return image, ImageDraw.Draw(image)


def _tuple(colour: RGB) -> tuple[int, ...]:
    return tuple(int(v) for v in colour)


def _flat(random: Random, height: int, width: int) -> RGB:
    return np.broadcast_to(colours(random, 1)[0], (height, width, 3)).copy()


def _nearly_flat(random: Random, height: int, width: int) -> RGB:
    """One colour, each sample off by one here and there."""
    image = _flat(random, height, width).astype(np.int16)
    off = random.random(image.shape) < random.choice([0.003, 0.1, 0.5])
    return np.asarray((image + off * random.choice([-1, 1], image.shape)).clip(0, 255), np.uint8)


def _odd_pixel(random: Random, height: int, width: int) -> RGB:
    """Any other kind with one to three pixels of another colour, often in a corner."""
    image = _any_basic(random, height, width)
    for colour in colours(random, int(random.integers(1, 4))):
        y = int(random.choice([0, height - 1, int(random.integers(height))]))
        x = int(random.choice([0, width - 1, int(random.integers(width))]))
        image[y, x] = colour
    return image


def _any_basic(random: Random, height: int, width: int) -> RGB:
    names = list(BASIC)
    return BASIC[names[int(random.integers(len(names)))]](random, height, width).copy()


def _bits(random: Random, height: int, width: int) -> RGB:
    """Bits of the coordinates: their sum, product, difference or exclusive or, times a factor."""
    y, x = np.mgrid[:height, :width]
    forms = (x ^ y, x & y, x * y, x + 3 * y, np.where((x + y) % 2, 0x55, 0xAA), x * 255)
    factors = random.choice([1, 2, 15, 85, 127, 255], 3)
    return np.asarray(forms[int(random.integers(len(forms)))][..., None] * factors & 255, np.uint8)


def _walk(random: Random, height: int, width: int) -> RGB:
    """A random walk along the pixels, reflected or wrapped at the ends of the range."""
    step = int(random.choice([1, 2, 8, 40]))
    walk = random.integers(-step, step + 1, (height * width, 3)).cumsum(0) + 128
    if random.random() < 0.5:
        walk = np.abs((walk + 255) % 510 - 255)
    return np.asarray(walk & 255, np.uint8).reshape(height, width, 3)


def _photo(random: Random, height: int, width: int) -> RGB:
    """A crop of the photograph, turned over and repeated where it is too small."""
    photograph = _photograph()
    y, x = (int(random.integers(side)) for side in photograph.shape[:2])
    rows = np.arange(y, y + height) % photograph.shape[0]
    columns = np.arange(x, x + width) % photograph.shape[1]
    crop = photograph[np.ix_(rows, columns)]
    return np.asarray(crop[:, :, ::-1] if random.random() < 0.3 else crop)


def _jpeg(random: Random, height: int, width: int) -> RGB:
    """What a JPEG file of a crop, or of another kind, decodes to."""
    source = _photo if random.random() < 0.7 else _any_basic
    file = io.BytesIO()
    Image.fromarray(source(random, height, width)).save(
        file, "JPEG", quality=int(random.integers(10, 98)), subsampling=int(random.integers(3))
    )
    with Image.open(file) as image:
        return np.array(image)


def _palette(random: Random, height: int, width: int) -> RGB:
    """A crop or another kind in few colours, with Floyd and Steinberg's dither or without."""
    source = _photo if random.random() < 0.6 else _any_basic
    dither = Image.Dither.FLOYDSTEINBERG if random.random() < 0.6 else Image.Dither.NONE
    image = Image.fromarray(source(random, height, width))
    if random.random() < 0.3:
        return np.array(image.convert("1", dither=dither).convert("RGB"))
    wanted = image.quantize(int(random.choice([2, 3, 4, 16, 64, 256])))
    return np.array(image.quantize(palette=wanted, dither=dither).convert("RGB"))


def _ordered(random: Random, height: int, width: int) -> RGB:
    """A crop through an ordered dither: 2 to 4 levels a channel, a threshold matrix of 2^n."""
    matrix = np.zeros((1, 1), int)
    for _ in range(int(random.integers(1, 4))):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    side = len(matrix)
    thresholds = (np.tile(matrix, (-(-height // side), -(-width // side))) + 0.5) / side**2
    steps = int(random.integers(1, 4))
    scaled = _photo(random, height, width) / 255 * steps + thresholds[:height, :width, None]
    return np.asarray(np.floor(scaled).clip(0, steps) * (255 // steps), np.uint8)


def _lines(random: Random, height: int, width: int) -> RGB:
    """Lines, ellipses and polygons, with hard edges or smooth ones."""
    scale = int(random.choice([1, 3]))
    image, draw = _drawing(random, height * scale, width * scale)
    for colour in colours(random, int(random.integers(1, 12))):
        x0, x1 = sorted(int(v) for v in random.integers(0, width * scale, 2))
        y0, y1 = sorted(int(v) for v in random.integers(0, height * scale, 2))
        ink, thick = _tuple(colour), int(random.integers(1, 4)) * scale
        shape = random.integers(4)
        if shape == 0:
            draw.line((x0, y1, x1, y0), fill=ink, width=thick)
        elif shape == 1:
            draw.ellipse((x0, y0, x1, y1), outline=ink, width=min(thick, max(1, (x1 - x0) // 2)))
        elif shape == 2:
            draw.polygon([(x0, y0), (x1, y0), ((x0 + x1) // 2, y1)], fill=ink)
        else:
            draw.line((x0, y0, x1, y1), fill=ink, width=thick)
    return np.array(image.resize((width, height), Image.Resampling.BOX))


def _sprites(random: Random, height: int, width: int) -> RGB:
    """A few small pictures of few colours, symmetric ones as well, set again and again."""
    side = int(random.choice([5, 8, 12, 16]))
    count = int(random.integers(1, 6))
    inks = int(random.integers(2, 9))
    shapes = random.integers(0, 2, (count, side, side)) * random.integers(0, inks, (count, 1, side))
    tiles = colours(random, inks)[shapes]
    tiles = np.where(random.random((count, 1, 1, 1)) < 0.5, tiles, tiles[:, :, ::-1])
    chosen = tiles[random.integers(0, count, (-(-height // side), -(-width // side)))]
    rows = chosen.transpose(0, 2, 1, 3, 4).reshape(chosen.shape[0] * side, -1, 3)
    return np.asarray(rows[:height, :width])


def _screen(random: Random, height: int, width: int) -> RGB:
    """Boxes with borders, title bars, shadows of one pixel and words, as on a screen."""
    image, draw = _drawing(random, height, width)
    words = WORDS.split()
    for _ in range(int(random.integers(1, 7))):
        back, ink, border = (_tuple(colour) for colour in colours(random, 3))
        x, y = int(random.integers(width)), int(random.integers(height))
        right, bottom = x + int(random.integers(4, 160)), y + int(random.integers(4, 90))
        draw.rectangle((x, y, right, bottom), fill=back, outline=border)
        draw.line((x + 1, bottom + 1, right + 1, bottom + 1), fill=(0, 0, 0))
        font = _font(int(random.choice(FONT_SIZES)))
        line = " ".join(random.choice(words, 4))
        draw.text((x + 3, y + 2), line, fill=ink, font=font)
    return np.array(image)


def _page(random: Random, height: int, width: int) -> RGB:
    """Lines of text, dark on light or light on dark, smooth or of one bit."""
    back, ink = (
        ((255, 255, 255), (0, 0, 0)) if random.random() < 0.7 else ((30, 30, 30), (212,) * 3)
    )
    image = Image.new("RGB", (width, height), back)
    draw = ImageDraw.Draw(image)
    draw.fontmode = "L" if random.random() < 0.7 else "1"
    size = int(random.choice(FONT_SIZES))
    for y in range(2, height, size + size // 3 + 1):
        draw.text((2, y), " ".join(random.choice(WORDS.split(), 20)), fill=ink, font=_font(size))
    return np.array(image)


def _smooth(random: Random, height: int, width: int) -> RGB:
    """Soft blobs of light, and some with grain of a small sigma."""
    y, x = np.mgrid[:height, :width]
    image = np.full((height, width, 3), random.uniform(0, 255, 3))
    for _ in range(int(random.integers(1, 5))):
        reach = random.uniform(2, 60)
        away = (x - random.uniform(0, width)) ** 2 + (y - random.uniform(0, height)) ** 2
        image += np.exp(-away / reach**2)[..., None] * random.uniform(-200, 200, 3)
    image += random.normal(0, float(random.choice([0, 0, 0.5, 1, 3])), image.shape)
    return np.asarray(np.rint(image).clip(0, 255), np.uint8)


def _rings(random: Random, height: int, width: int) -> RGB:
    """Sharp rings of two colours about a point: stripes of every direction."""
    y, x = np.mgrid[:height, :width]
    away = np.hypot(x - random.uniform(0, width), y - random.uniform(0, height))
    ring = np.floor(away / random.choice([1, 2, 3.3, 7]) + math.pi).astype(int)
    return np.asarray(colours(random, 2)[ring % 2])


KINDS: dict[str, Kind] = BASIC | {
    "flat": _flat,
    "nearly flat": _nearly_flat,
    "odd pixel": _odd_pixel,
    "bits": _bits,
    "walk": _walk,
    "photo": _photo,
    "jpeg": _jpeg,
    "palette": _palette,
    "ordered dither": _ordered,
    "lines": _lines,
    "sprites": _sprites,
    "screen": _screen,
    "page": _page,
    "smooth": _smooth,
    "rings": _rings,
}
"""Every kind, the basic ones first."""
