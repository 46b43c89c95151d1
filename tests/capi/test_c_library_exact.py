"""Lossless, near-lossless and mixed files in the C library: as the Python package has them."""

from __future__ import annotations

from ctypes import byref, c_size_t, c_uint32, c_void_p

import numpy as np
import pytest

import codec
from codec.models import registry
from tests.capi import library as lic
from tests.capi.library import Options, part

ZLIB = lic.zlib_version()
WITH_ALPHA = [
    pytest.param(channels, marks=pytest.mark.skipif(ZLIB is None, reason="no zlib"))
    for channels in (2, 4)
]

pytestmark = pytest.mark.slow


def deep(pixels: np.ndarray) -> np.ndarray:
    """The same with 16 bits, all of them in use."""
    noise = np.random.default_rng(3).integers(0, 256, pixels.shape, np.uint16)
    return pixels.astype(np.uint16) * 256 + noise


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, *WITH_ALPHA])
def test_lossless_without_a_model(
    library: lic.Library, photo: np.ndarray, channels: int, bits: int
) -> None:
    pixels = part(photo, 150, 90, channels)
    if bits == 16:
        pixels = deep(pixels)

    data = library.encode(None, pixels, Options(bit_depth=bits, exact=1, tile_log2=6, threads=2))

    assert np.array_equal(library.decode(None, data), pixels)
    assert np.array_equal(codec.decode(data), pixels)
    crop = (30, 20, 101, 60)
    assert np.array_equal(library.decode_crop(None, data, crop), pixels[20:80, 30:131])
    if channels % 2 == 1:
        assert data == codec.encode(pixels, lossless=True, tile=64)
    info = library.info(data)
    assert (info.bit_depth, info.model_id, info.level) == (bits, registry.predictive().id, 0)
    assert info.pixels_size == pixels.nbytes


def test_near_lossless(library: lic.Library, photo: np.ndarray) -> None:
    pixels = part(photo, 100, 80, 3)

    data = library.encode(None, pixels, Options(exact=1, error=3))

    assert data == codec.encode(pixels, near_lossless=3)
    decoded = library.decode(None, data)
    assert np.array_equal(decoded, codec.decode(data))
    assert np.abs(decoded.astype(int) - pixels).max() <= 3


@pytest.mark.parametrize("channels", [1, 3])
def test_mixed_files_decode_as_in_python(
    library: lic.Library, entry: registry.ModelEntry, photo: np.ndarray, channels: int
) -> None:
    pixels = part(photo, 400, 300, channels)
    pixels[100:230, 100:350] = np.indices((130, 250)).sum(0)[..., np.newaxis] // 5 % 2 * 255
    data = codec.encode(pixels, tile=128)
    assert {"learned", "screen"} <= set(codec.info(data).modes)
    model = library.open(entry.path.read_bytes())

    assert np.array_equal(library.decode(model, data), codec.decode(data))
    crop = (120, 60, 190, 150)
    assert np.array_equal(library.decode_crop(model, data, crop), codec.decode(data, crop=crop))
    library.c.lic_model_close(model)
    with pytest.raises(lic.LicError) as caught:
        library.decode(None, data)
    assert caught.value.status == lic.BAD_ARGUMENT


def test_wrong_arguments_are_refused(library: lic.Library, photo: np.ndarray) -> None:
    pixels = part(photo, 64, 64, 1)
    for options in (Options(bit_depth=10, exact=1), Options(bit_depth=16), Options()):
        with pytest.raises(lic.LicError) as caught:
            library.encode(None, pixels, options)
        assert caught.value.status == lic.BAD_ARGUMENT

    data = codec.encode(deep(pixels), lossless=True)
    room = np.zeros(64 * 64 * 2 + 2, np.uint8)
    odd = c_void_p(room.ctypes.data + 1)
    rest = (c_uint32(1), odd, c_size_t(64 * 64 * 2))
    with pytest.raises(lic.LicError, match="even address"):
        library.call("lic_decode", None, data, c_size_t(len(data)), *rest)
    small = (c_uint32(1), c_void_p(room.ctypes.data), c_size_t(64 * 64 * 2 - 1))
    with pytest.raises(lic.LicError) as caught:
        library.call("lic_decode", None, data, c_size_t(len(data)), *small)
    assert caught.value.status == lic.BUFFER_TOO_SMALL
    assert library.c.lic_read_info(data, c_size_t(len(data)), byref(lic.Info()), None) == lic.OK
