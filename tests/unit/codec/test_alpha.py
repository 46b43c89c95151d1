"""Alpha: lossless, small where it should be, and bounded on damaged input."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from codec.errors import DamagedFile
from codec.image.alpha import decode_alpha, encode_alpha


def ramp() -> np.ndarray:
    """A plane that makes the encoder use several filters."""
    y, x = np.mgrid[:40, :60]
    plane = (3 * x + 5 * y).astype(np.uint8)
    plane[10:20] = 255
    plane[30] = np.random.default_rng(7).integers(0, 256, 60)
    return plane


@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements=st.one_of(st.integers(0, 255), st.sampled_from([0, 255])),
    )
)
@settings(max_examples=60, deadline=None)
def test_round_trip(alpha: np.ndarray) -> None:
    assert np.array_equal(decode_alpha(encode_alpha(alpha), *alpha.shape), alpha)


@given(
    hnp.arrays(
        np.uint16,
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements=st.one_of(st.integers(0, 65535), st.sampled_from([0, 256, 65535])),
    )
)
@settings(max_examples=60, deadline=None)
def test_round_trip_of_16_bits(alpha: np.ndarray) -> None:
    decoded = decode_alpha(encode_alpha(alpha), *alpha.shape, bits=16)

    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded, alpha)


def test_bytes_of_16_bits_are_as_specified() -> None:
    assert encode_alpha(np.full((3, 4), 0x1234, np.uint16)) == b"\x03\x12\x34"
    row = encode_alpha(np.array([[0x0100, 0x0203]], np.uint16))
    assert row[0] == 2
    assert zlib.decompress(row[1:]) == b"\x01\x01\x01\x00\x03"  # left: 0x0100, 0x0103


@pytest.mark.parametrize("bits", [8, 16])
def test_methods_of_the_other_depth_are_damage(bits: int) -> None:
    other = np.uint16 if bits == 8 else np.uint8
    for plane in (np.zeros((2, 3), other), np.arange(6, dtype=other).reshape(2, 3)):
        with pytest.raises(DamagedFile, match="not known"):
            decode_alpha(encode_alpha(plane), 2, 3, bits=bits)


def test_round_trip_with_all_filters() -> None:
    alpha = ramp()
    data = encode_alpha(alpha)
    kinds = set(zlib.decompress(data[1:])[:: alpha.shape[1] + 1])

    assert len(kinds) >= 3
    assert np.array_equal(decode_alpha(data, 40, 60), alpha)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_plane_takes_two_bytes(value: int) -> None:
    alpha = np.full((300, 400), value, np.uint8)

    data = encode_alpha(alpha)

    assert data == bytes([0, value])
    assert np.array_equal(decode_alpha(data, 300, 400), alpha)


def test_smooth_plane_is_much_smaller_than_its_pixels() -> None:
    y, x = np.mgrid[:256, :256]
    alpha = ((x + y) // 2).astype(np.uint8)

    assert len(encode_alpha(alpha)) < alpha.size // 50


def test_noncontiguous_plane_is_coded() -> None:
    alpha = ramp()[::2, ::3]

    assert np.array_equal(decode_alpha(encode_alpha(alpha), *alpha.shape), alpha)


def test_same_plane_same_bytes() -> None:
    assert encode_alpha(ramp()) == encode_alpha(ramp())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\0\x05\x05",
        b"\x02abc",
        b"\x01",
        b"\x01not zlib",
        b"\x01" + zlib.compress(bytes(2 * 4 - 1)),
        b"\x01" + zlib.compress(bytes(2 * 4 + 1)),
        b"\x01" + zlib.compress(bytes(2 * 4)) + b"x",
        b"\x01" + zlib.compress(b"\x04" + bytes(7)),
    ],
    ids=[
        "empty",
        "constant-without-value",
        "constant-too-long",
        "unknown-method",
        "no-stream",
        "not-zlib",
        "too-short",
        "too-long",
        "trailing",
        "unknown-filter",
    ],
)
def test_damaged_plane_raises(data: bytes) -> None:
    with pytest.raises(DamagedFile, match="alpha plane") as caught:
        decode_alpha(data, 2, 3)

    assert caught.value.chunk == "ALPH"


def test_truncation_at_every_byte_raises() -> None:
    data = encode_alpha(ramp())

    for length in range(len(data)):
        with pytest.raises(DamagedFile):
            decode_alpha(data[:length], 40, 60)


def test_flipped_bits_raise() -> None:
    data = encode_alpha(ramp())
    # Not the method byte, nor the header of zlib, which has bits that are only hints.
    for position in range(3, len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << position % 8
        with pytest.raises(DamagedFile):
            decode_alpha(bytes(damaged), 40, 60)


def test_bomb_is_not_unpacked() -> None:
    bomb = b"\x01" + zlib.compress(bytes(5_000_000), 9)

    import tracemalloc

    tracemalloc.start()
    with pytest.raises(DamagedFile):
        decode_alpha(bomb, 10, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1_000_000
