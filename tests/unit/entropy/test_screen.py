"""Coder S: what it writes decodes to the same samples, here and in the slow reference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFont

from entropy.errors import CorruptStream, EntropyCodingError, StreamExhausted
from entropy.predictive import _predictive as native
from entropy.predictive.screen import decode_screen

Pixels = npt.NDArray[np.uint16]


def text(width: int, height: int) -> Pixels:
    """Lines of anti-aliased text, black on white and in colour."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=13)
    for line in range(height // 16):
        colour = [(0, 0, 0), (160, 30, 30), (20, 60, 200)][line % 3]
        draw.text((3, 16 * line), "the quick brown fox, again and again", fill=colour, font=font)
    return np.array(image, np.uint16)


def pictures() -> dict[str, tuple[int, Pixels]]:
    """Name: (bits, pixels)."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:70, :90]
    palette = rng.integers(0, 256, (16, 3))
    ramp = np.stack([x * 2, y * 3, x + y], -1)
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
    made = {
        "one pixel": (8, np.full((1, 1, 3), 77)),
        "one pixel of 16 bits": (16, np.full((1, 1, 1), 65535)),
        "a row": (8, rng.integers(0, 3, (1, 150, 1)) * 100),
        "a column": (8, rng.integers(0, 3, (150, 1, 3)) * 100),
        "one colour": (8, np.full((70, 90, 3), 201)),
        "text": (8, text(150, 100)),
        "grey text": (8, text(90, 70)[..., :1]),
        "text of 16 bits": (16, text(90, 70) * 257),
        "palette": (8, palette[(x // 7 * 5 + y // 5 * 3) % 16]),
        "noise of a palette": (8, palette[rng.integers(0, 16, (40, 70))]),
        "dither": (8, (np.tile(bayer, (18, 23))[:70, :90] * 8 < x + 10)[..., None] * 255),
        "ramp": (8, ramp[:50, :70]),
        "ramp of 16 bits": (16, ramp[:40, :50] * 199),
        "noise": (8, rng.integers(0, 256, (30, 70, 3))),
        "noise of 16 bits": (16, rng.integers(0, 65536, (30, 70, 3))),
        "grey noise of 16 bits": (16, rng.integers(0, 65536, (30, 70, 1))),
    }
    return {name: (bits, pixels.astype(np.uint16)) for name, (bits, pixels) in made.items()}


PICTURES = pictures()


@pytest.fixture(params=PICTURES)
def picture(request: pytest.FixtureRequest) -> tuple[int, Pixels]:
    return PICTURES[request.param]


def test_round_trip_and_reference(picture: tuple[int, Pixels]) -> None:
    bits, pixels = picture
    payload, spent = native.screen_encode(pixels, bits)
    assert np.array_equal(native.screen_decode(payload, bits, None, *pixels.shape), pixels)
    assert np.array_equal(decode_screen(payload, bits, None, *pixels.shape), pixels)
    assert abs(len(payload) - spent.sum() / 8) <= 8  # zeros at the end are not written


@pytest.mark.parametrize("seed", range(6))
def test_other_cells_are_neither_read_nor_written(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 200, 2)
    pixels = np.resize(text(200, 200), (200, 200, 3))[:height, :width].copy()
    cells = rng.integers(0, 2, (-(-height // 64), -(-width // 64))).astype(np.uint8)
    mask = np.repeat(np.repeat(cells, 64, 0), 64, 1)[:height, :width, None]
    payload, spent = native.screen_encode(pixels, 8, cells)
    other = np.where(mask, pixels, rng.integers(0, 256, pixels.shape)).astype(np.uint16)
    assert native.screen_encode(other, 8, cells)[0] == payload
    assert np.array_equal(native.screen_decode(payload, 8, cells, *pixels.shape), pixels * mask)
    assert np.array_equal(decode_screen(payload, 8, cells, *pixels.shape), pixels * mask)
    assert ((spent > 0) <= (cells > 0)).all()


def test_nothing_to_code() -> None:
    payload, spent = native.screen_encode(text(70, 30), 8, np.zeros((1, 2), np.uint8))
    assert payload == b""
    assert not spent.any()


def test_plain_pictures_cost_bytes() -> None:
    for channels in (1, 3):
        pixels = np.full((1024, 1024, channels), 90, np.uint16)
        payload, _ = native.screen_encode(pixels, 8)
        assert len(payload) <= 16
        assert np.array_equal(native.screen_decode(payload, 8, None, *pixels.shape), pixels)


def test_large_picture() -> None:
    pixels = np.tile(text(300, 200), (4, 3, 1))
    payload, _ = native.screen_encode(pixels, 8)
    assert np.array_equal(native.screen_decode(payload, 8, None, *pixels.shape), pixels)
    single, _ = native.screen_encode(text(300, 200), 8)
    assert len(payload) < 3 * len(single)  # twelve copies


def test_damaged_payloads() -> None:
    rng = np.random.default_rng(9)
    pixels = text(120, 90)
    payload, _ = native.screen_encode(pixels, 8)
    with pytest.raises(StreamExhausted):
        native.screen_decode(payload[:100], 8, None, *pixels.shape)
    with pytest.raises(CorruptStream):
        native.screen_decode(payload + bytes(9), 8, None, *pixels.shape)
    for _ in range(100):
        damaged = bytearray(payload[: rng.integers(1, len(payload))])
        for at in rng.integers(0, len(damaged), rng.integers(0, 4)):
            damaged[at] ^= rng.integers(1, 256)
        damaged += rng.bytes(int(rng.integers(0, 3000)))
        bits = int(rng.choice([8, 16]))
        try:
            found = native.screen_decode(bytes(damaged), bits, None, *pixels.shape)
        except EntropyCodingError:
            continue
        assert found.shape == pixels.shape


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="above its bits"):
        native.screen_encode(np.full((2, 2, 1), 256, np.uint16), 8)
    with pytest.raises(ValueError, match="bits"):
        native.screen_encode(np.zeros((2, 2, 1), np.uint16), 10)
    with pytest.raises(ValueError, match="cells"):
        native.screen_encode(np.zeros((2, 2, 1), np.uint16), 8, np.ones((2, 2), np.uint8))
    with pytest.raises(ValueError, match="channels"):
        native.screen_decode(b"", 8, None, 2, 2, 2)
