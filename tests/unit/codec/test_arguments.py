"""Every argument of every public function: numbers of any integer type are taken, and what is wrong
is a `CodecError`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

import codec
from codec.image.writing import write_image
from codec.models.registry import ModelEntry
from codec.options import parse_size

PIXELS = np.full((8, 8, 3), 90, np.uint8)
INTEGERS = [np.int8, np.uint8, np.int64, np.uint64, np.array, torch.tensor]
JUNK = [
    "x", "", b"x", True, np.True_, [], {}, object(), 1.5, float("nan"), float("inf"), -1,
    10**30, -(10**30), 10**5000, 1j, Decimal("NaN"), np.array([1, 2]), np.nan,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _tiny(tiny_model: ModelEntry) -> None:
    """The small model for all tests here."""


@pytest.fixture
def data() -> bytes:
    """A small file."""
    return codec.encode(PIXELS)


@pytest.mark.parametrize("kind", INTEGERS)
def test_numbers_of_any_integer_type_are_taken(kind: Callable[[int], Any], data: bytes) -> None:
    tile = np.int64(64) if kind is np.int8 else kind(64)

    assert codec.encode(PIXELS, tile=tile, level=kind(5), threads=kind(1)) == codec.encode(
        PIXELS, tile=64, level=5
    )
    assert codec.decode(data, crop=(kind(1), kind(2), kind(3), kind(4))).shape == (4, 3, 3)
    assert codec.Encoder(threads=kind(1)).encode(PIXELS, effort=kind(1)) == data
    assert codec.Limits(max_pixels=kind(9)) == codec.Limits(max_pixels=9)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int64, Fraction, int])
def test_numbers_of_any_real_type_are_taken(kind: Callable[[int], Any]) -> None:
    assert codec.encode(PIXELS, quality=kind(50)) == codec.encode(PIXELS, quality=50)


def test_crop_may_be_an_array(data: bytes) -> None:
    crop: Any = np.array([1, 2, 3, 4])

    assert codec.decode(data, crop=crop).shape == (4, 3, 3)
    assert codec.Decoder().decode(data, crop).shape == (4, 3, 3)


OPTIONAL = (
    "quality",
    "level",
    "target_bpp",
    "target_size",
    "target_psnr",
    "target_ssimulacra2",
    "profile",
    "model",
    "crop",
    "limits",
)
RIGHT: dict[str, list[Any]] = {
    "quality": [1.5], "target_psnr": [1.5], "target_bpp": [1.5], "strip": ["", [], {}],
    "target_size": [], "target_ssimulacra2": [1.5],
}  # fmt: skip
"""What of `JUNK` is right after all."""


def wrong(name: str) -> list[Any]:
    """What of `JUNK` is wrong for an argument."""
    right = RIGHT.get(name, [])
    junk = JUNK if name in OPTIONAL else [*JUNK, None]
    return [v for v in junk if not any(type(v) is type(good) and v == good for good in right)]


def taken(call: Callable[[Any], Any], values: list[Any]) -> list[str]:
    """Types of those values that did not raise `CodecError`."""
    found = []
    for value in values:
        try:
            call(value)
        except codec.CodecError:
            continue
        found.append(type(value).__name__)
    return found


@pytest.mark.parametrize(
    "name",
    ["quality", "level", "target_bpp", "target_size", "target_psnr", "target_ssimulacra2",
     "profile", "model", "tile", "strip", "effort", "device", "threads", "limits"],
)  # fmt: skip
def test_wrong_argument_of_encode_is_a_codec_error(name: str) -> None:
    assert taken(lambda value: codec.encode(PIXELS, **{name: value}), wrong(name)) == []
    if name not in ("profile", "model", "device", "threads", "limits"):
        encoder = codec.Encoder()
        assert taken(lambda value: encoder.encode(PIXELS, **{name: value}), wrong(name)) == []


@pytest.mark.parametrize("name", ["crop", "device", "threads", "limits"])
def test_wrong_argument_of_decode_is_a_codec_error(name: str, data: bytes) -> None:
    assert taken(lambda value: codec.decode(data, **{name: value}), wrong(name)) == []
    if name == "crop":
        assert taken(lambda value: codec.Decoder().decode(data, value), wrong(name)) == []
        return
    assert taken(lambda value: codec.verify(data, **{name: value}), wrong(name)) == []
    assert taken(lambda value: codec.Decoder(**{name: value}), wrong(name)) == []
    assert taken(lambda value: codec.Encoder(**{name: value}), wrong(name)) == []


@pytest.mark.parametrize("name", ["max_pixels", "max_tiles", "max_file_bytes"])
def test_wrong_limit_is_a_codec_error(name: str) -> None:
    assert taken(lambda value: codec.Limits(**{name: value}), wrong(name)) == []


NOT_FILES = [None, 5, 1.5, True, [], {}, object(), PIXELS, io.StringIO("x"), "a\0b", b"", "\ud800"]


@pytest.mark.parametrize("value", NOT_FILES, ids=lambda v: type(v).__name__)
def test_what_is_no_file_is_a_codec_error(value: Any, data: bytes) -> None:
    for function in (codec.decode, codec.info, codec.verify, codec.Decoder().decode):
        with pytest.raises(codec.CodecError):
            function(value)
    if value is not PIXELS:
        with pytest.raises(codec.CodecError):
            codec.encode(value)
    if value is not None and value is not PIXELS:
        with pytest.raises(codec.CodecError):
            codec.verify(data, value)


def test_closed_and_released_sources_are_codec_errors(data: bytes) -> None:
    closed, view = io.BytesIO(data), memoryview(data)
    closed.close()
    view.release()

    for source in (closed, view):
        for function in (codec.decode, codec.info, codec.encode):
            with pytest.raises(codec.CodecError):
                function(source)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2), object), np.zeros((2, 2), "U1"), np.zeros((2, 2), complex), np.uint8(3),
        np.zeros((0, 3, 3), np.uint8), np.zeros((3, 0, 3), np.uint8), np.zeros((2, 2, 0), np.uint8),
        np.zeros((2, 2, 5), np.uint8), np.zeros((1, 2, 2, 3), np.uint8), np.zeros(4, np.uint8),
        np.ma.masked_array(PIXELS, PIXELS > 9), np.zeros((2, 2), "M8[s]"),
        np.zeros((2, 2), [("r", "u1")]), np.full((2, 2), np.nan),
    ],
)  # fmt: skip
def test_other_arrays_are_codec_errors(array: Any) -> None:
    with pytest.raises(codec.CodecError):
        codec.encode(array)


@pytest.mark.parametrize("value", [None, PIXELS, b"", "x"], ids=lambda v: type(v).__name__)
def test_methods_for_pictures_take_nothing_else(value: Any, data: bytes) -> None:
    encoder, picture = codec.Encoder(), codec.Picture.from_numpy(PIXELS)
    with pytest.raises(codec.CodecError):
        encoder.encode_picture(value, codec.EncoderOptions())
    with pytest.raises(codec.CodecError):
        encoder.encode_picture(picture, value)
    with pytest.raises(codec.CodecError):
        codec.Decoder().decode_picture(value)
    with pytest.raises(codec.CodecError):
        codec.Decoder().tile_latents(value)
    for call in (
        lambda: encoder.encode_picture(picture, codec.EncoderOptions(), 5),  # type: ignore[arg-type]
        lambda: codec.Decoder().decode_picture(data, progress=5),  # type: ignore[arg-type]
    ):
        with pytest.raises(codec.CodecError):
            call()


@pytest.mark.parametrize("value", [None, "x", [[1]], 5, b"x"], ids=lambda v: type(v).__name__)
def test_pictures_are_made_of_arrays_and_bytes(value: Any) -> None:
    makes: list[Callable[[Any], Any]] = [
        codec.Picture,
        codec.Picture.from_numpy,
        codec.Picture.from_pil,
    ]
    if value is not None:
        makes.append(lambda plane: codec.Picture(PIXELS, alpha=plane))
    if value is not None and not isinstance(value, bytes):
        makes += [
            lambda block: codec.Picture(PIXELS, icc=block),
            lambda block: codec.Picture(PIXELS, exif=block),
            lambda block: codec.Picture(PIXELS, xmp=block),
        ]

    for make in makes:
        assert taken(make, [value]) == []


@pytest.mark.parametrize("text", ["9" * 400, "9" * 5000, "1e9", "-5", "0.0001", "٣kB" * 50, "k"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(codec.OptionError):
        parse_size(text)


def test_wrong_arguments_of_write_image_are_codec_errors() -> None:
    picture = codec.Picture(PIXELS)
    wrong_ones: list[tuple[Any, Any, Any]] = [
        (PIXELS, io.BytesIO(), "png"), (picture, 5, "png"), (picture, None, "png"),
        (picture, io.BytesIO(), 5), (picture, io.BytesIO(), None), (picture, "a\0b.png", None),
        (picture, "", "png"),
    ]  # fmt: skip

    for source, target, kind in wrong_ones:
        with pytest.raises(codec.CodecError):
            write_image(source, target, format=kind)
    for quality in (np.int64(50), np.uint8(50)):
        write_image(picture, io.BytesIO(), format="jpg", quality=quality)
