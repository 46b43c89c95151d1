"""EXIF: the orientation is found in either byte order, and nothing else can go wrong."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from codec.image.exif import EXIF_PREFIX, only_orientation, orientation, without_prefix


def exif_block(value: int, order: str = "<") -> bytes:
    """An EXIF block of two entries, the second of which is the orientation."""
    mark = b"II" if order == "<" else b"MM"
    make = struct.pack(f"{order}HHI", 0x010F, 2, 4) + b"abc\0"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, value, 0)
    return mark + struct.pack(f"{order}HIH", 42, 8, 2) + make + entry + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_is_read(value: int, order: str) -> None:
    assert orientation(exif_block(value, order)) == value
    assert orientation(EXIF_PREFIX + exif_block(value, order)) == value


@pytest.mark.parametrize("exif", [None, b"", b"II", b"XX*\0\x08\0\0\0", b"II*\0\xff\xff\xff\xff"])
def test_absent_or_damaged_exif_says_nothing(exif: bytes | None) -> None:
    assert orientation(exif) is None


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_orientation_out_of_range_says_nothing(value: int) -> None:
    assert orientation(exif_block(value)) is None


def test_truncated_exif_never_raises() -> None:
    block = exif_block(6)

    assert {orientation(block[:length]) for length in range(len(block))} <= {None, 6}


@given(st.binary(max_size=64))
def test_any_bytes_give_an_orientation_or_none(data: bytes) -> None:
    assert orientation(b"II*\0" + data) in (None, *range(1, 9))


@pytest.mark.parametrize("value", range(2, 9))
def test_only_the_orientation_is_kept(value: int) -> None:
    small = only_orientation(value)

    assert len(small) == 26
    assert orientation(small) == value
    by_pillow = Image.Exif()
    by_pillow.load(EXIF_PREFIX + small)
    assert dict(by_pillow) == {0x0112: value}


def test_prefix_is_removed_once() -> None:
    assert without_prefix(EXIF_PREFIX + b"II") == b"II"
    assert without_prefix(b"II") == b"II"
