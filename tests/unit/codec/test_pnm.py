"""PNM and PAM: all kinds, one after another, ranges, and damage."""

from __future__ import annotations

import io

import numpy as np
import pytest

from codec.errors import DamagedImage, LimitExceeded, UnsupportedImage
from codec.image.picture import Picture
from codec.image.pnm import pnm_bytes, read_next
from codec.options import Limits


def picture(channels: int, dtype: type = np.uint8) -> Picture:
    rng = np.random.default_rng(channels)
    top = np.iinfo(dtype).max + 1
    return Picture.from_numpy(rng.integers(0, top, (5, 7, channels)).astype(dtype))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("channels", "pam"), [(1, False), (3, False), *((n, True) for n in range(1, 5))]
)
def test_round_trip_one_after_another(
    channels: int, pam: bool, dtype: type, limits: Limits
) -> None:
    wanted = picture(channels, dtype)
    data = pnm_bytes(wanted, pam=pam)
    stream = io.BytesIO(data + b"\n" + data + b"rest")

    for _ in range(2):
        found = read_next(stream, limits)
        assert found is not None
        assert found.samples.dtype == dtype
        assert np.array_equal(found.to_numpy(), wanted.to_numpy())

    assert stream.read() == b"rest"
    assert read_next(io.BytesIO(b" \n"), limits) is None


def test_header_with_comments(limits: Limits) -> None:
    found = read_next(io.BytesIO(b"P5 #a\n# b\n2# c\n 1\r255\n\x20\x0a"), limits)

    assert found is not None
    assert found.samples[0, :, 0].tolist() == [32, 10]


def test_bitmap(limits: Limits) -> None:
    found = read_next(io.BytesIO(b"P4 10 1\n" + bytes([0b10101010, 0b01000000])), limits)

    assert found is not None
    assert found.samples[0, :, 0].tolist() == [0, 255] * 4 + [255, 0]


@pytest.mark.parametrize(("maxval", "peak"), [(1, 255), (100, 255), (256, 65535), (1023, 65535)])
def test_other_ranges_are_spread_and_can_be_undone(maxval: int, peak: int, limits: Limits) -> None:
    values = np.arange(maxval + 1, dtype=">u2" if maxval > 255 else "u1")
    head = f"P5 {maxval + 1} 1 {maxval}\n".encode()

    found = read_next(io.BytesIO(head + values.tobytes()), limits)

    assert found is not None
    spread = found.samples[0, :, 0]
    assert (spread[0], spread[-1]) == (0, peak)
    assert np.array_equal(np.rint(spread * (maxval / peak)), values)


@pytest.mark.parametrize(
    "data",
    [
        b"P5",
        b"P5 1",
        b"P5 1 1 255",
        b"P5 1 1 255\n",
        b"P5 2 2 65535\n1234567",
        b"P5 0 1 255\n",
        b"P5 1 1 0\n1",
        b"P5 1 1 65536\n11",
        b"P5 1 1 100\n\x65",
        b"P5 1 1 1000\n\xff\xff",
        b"P5 -1 1 255\n1",
        b"P5 11111111111 1 255\n1",
        b"P5 #" + b"x" * 70000,
        b"P7\nWIDTH 1\n",
        b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nENDHDR\n1",
        b"P7\n" + b"#\n" * 40000,
        b"P1 1 1 1",
        b"GIF89a",
    ],
)
def test_damage_is_named(data: bytes, limits: Limits) -> None:
    with pytest.raises(DamagedImage, match="PNM"):
        read_next(io.BytesIO(data), limits)


def test_planes_of_another_meaning_are_refused(limits: Limits) -> None:
    head = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE CMYK\nENDHDR\n"

    with pytest.raises(UnsupportedImage, match=r"CMYK.*convert"):
        read_next(io.BytesIO(head + b"1234"), limits)


def test_announced_size_makes_no_memory() -> None:
    with pytest.raises(LimitExceeded):
        read_next(io.BytesIO(b"P6 100000 100000 255\n"), Limits())
    with pytest.raises(DamagedImage, match="ends after 2"):
        read_next(
            io.BytesIO(b"P6 1000000000 1000000000 255\n12"), Limits(max_pixels=0, max_dimension=0)
        )
