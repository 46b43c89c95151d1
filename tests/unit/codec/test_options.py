"""Options: defaults, ranges, and what text they are read from."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bitstream
from codec.errors import LimitExceeded, OptionError
from codec.options import (
    DecoderOptions,
    EncoderOptions,
    Limits,
    check_crop,
    parse_crop,
    parse_size,
    parse_strip,
)

SIX = ("quality", "level", "target_bpp", "target_size", "target_psnr", "target_ssimulacra2")


def test_quality_75_is_the_default() -> None:
    options = EncoderOptions()

    assert options.quality == 75
    assert [getattr(options, name) for name in SIX[1:]] == [None] * 5


@pytest.mark.parametrize(
    "given_option",
    [
        {"quality": 0},
        {"quality": 100},
        {"level": 0},
        {"level": 63},
        {"target_bpp": 0.01},
        {"target_size": 1},
        {"target_psnr": 36.5},
        {"target_ssimulacra2": 80},
    ],
)
def test_exactly_one_of_six_is_set(given_option: dict[str, float]) -> None:
    options = EncoderOptions(**given_option)

    values = {name: getattr(options, name) for name in SIX}
    assert {name: value for name, value in values.items() if value is not None} == given_option


@pytest.mark.parametrize(
    "wrong",
    [
        {"quality": -1},
        {"effort": 0},
        {"effort": 11},
        {"effort": 7.5},
        {"quality": 100.5},
        {"quality": float("nan")},
        {"quality": "75"},
        {"quality": True},
        {"level": 64},
        {"level": -1},
        {"level": 1.5},
        {"target_bpp": 0},
        {"target_bpp": float("inf")},
        {"target_size": 0},
        {"target_size": 2.5},
        {"target_psnr": 0},
        {"target_psnr": 101},
        {"target_ssimulacra2": 0},
        {"target_ssimulacra2": 100.5},
        {"target_ssimulacra2": "80"},
        {"tile": 100},
        {"tile": 32},
        {"tile": 65536},
        {"strip": {"gps"}},
        {"quality": 50, "target_bpp": 1},
        {"target_size": 5, "target_psnr": 30},
        {"target_psnr": 30, "target_ssimulacra2": 80},
        {"target_ssimulacra2": 80, "lossless": True},
    ],
)
def test_wrong_encoder_options_raise(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        EncoderOptions(**wrong)


def test_contradiction_names_both_options() -> None:
    with pytest.raises(OptionError, match="quality and target_bpp"):
        EncoderOptions(quality=50, target_bpp=1)


def test_strip_is_normalised() -> None:
    assert EncoderOptions(strip=frozenset({"all"})).strip == {"exif", "xmp", "icc"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"crop": (0, 0, 0, 1)},
        {"crop": (-1, 0, 1, 1)},
        {"crop": (0, 0, 1)},
        {"crop": (0, 0, 1.0, 1)},
        {"device": "gpu"},
        {"device": "cuda:"},
        {"device": 0},
        {"threads": -1},
        {"threads": 2000},
    ],
)
def test_wrong_decoder_options_raise(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        DecoderOptions(**wrong)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_devices_are_accepted(device: str) -> None:
    assert DecoderOptions(device=device).device == device


def test_limits_are_those_of_the_container_too() -> None:
    assert isinstance(Limits(), bitstream.Limits)
    assert Limits() == Limits(max_pixels=2**28, max_dimension=32768)


@pytest.mark.parametrize("wrong", [-1, 1.5, "1", True])
def test_wrong_limit_raises(wrong: object) -> None:
    with pytest.raises(OptionError):
        Limits(max_pixels=wrong)


@pytest.mark.parametrize(
    ("limits", "width", "height"),
    [
        (Limits(max_pixels=99), 10, 10),
        (Limits(max_dimension=9), 10, 1),
        (Limits(max_dimension=9), 1, 10),
    ],
)
def test_image_over_a_limit_raises(limits: Limits, width: int, height: int) -> None:
    with pytest.raises(LimitExceeded, match=f"{width}x{height}.*--max-"):
        limits.check_image(width, height)


def test_limit_itself_and_zero_are_accepted() -> None:
    Limits(max_pixels=100, max_dimension=10).check_image(10, 10)
    Limits(max_pixels=0, max_dimension=0).check_image(10**9, 10**9)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("60000", 60000),
        ("60kB", 60000),
        ("60KB", 60000),
        ("60k", 60000),
        ("60 kB", 60000),
        ("60KiB", 61440),
        ("60kib", 61440),
        ("1.5MB", 1500000),
        ("2MiB", 2 << 20),
        ("1GiB", 1 << 30),
        ("100B", 100),
        (".5kB", 500),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "kB", "60kBs", "-5", "0", "0.0001kB", "6e4", "60 000", "1TB"])
def test_wrong_sizes_raise(text: str) -> None:
    with pytest.raises(OptionError):
        parse_size(text)


@given(st.integers(1, 1 << 50))
def test_plain_bytes_are_exact(size: int) -> None:
    assert parse_size(str(size)) == size


def test_crop_is_read() -> None:
    assert parse_crop("128,64,512,256") == (128, 64, 512, 256)
    assert parse_crop(" 0, 0, 1, 1 ") == (0, 0, 1, 1)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,0,1,1", "0,0,0,1", "-1,0,1,1", "0.5,0,1,1"]
)
def test_wrong_crops_raise(text: str) -> None:
    with pytest.raises(OptionError):
        parse_crop(text)


def test_crop_must_lie_inside_the_image() -> None:
    assert check_crop((5, 6, 5, 4), 10, 10) == (5, 6, 5, 4)
    with pytest.raises(OptionError, match="10x10"):
        check_crop((5, 6, 6, 4), 10, 10)
    with pytest.raises(OptionError, match="10x10"):
        check_crop((5, 6, 5, 5), 10, 10)


def test_strip_is_read() -> None:
    assert parse_strip("") == frozenset()
    assert parse_strip("exif, XMP") == {"exif", "xmp"}
    assert parse_strip(["icc"]) == {"icc"}
    assert parse_strip("all") == {"exif", "xmp", "icc"}
    with pytest.raises(OptionError, match="gps"):
        parse_strip("exif,gps")


def test_options_need_neither_torch_nor_numpy() -> None:
    code = "import sys, codec.options; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
