"""Lossless and near-lossless files through the public functions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import bitstream
import codec
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.models import registry


def picture(height: int, width: int, channels: int, bits: int = 8) -> np.ndarray:
    rng = np.random.default_rng(height * width + channels)
    y, x = np.mgrid[:height, :width]
    ramp = (2 * x + y)[..., np.newaxis] + rng.integers(0, 12, (height, width, channels))
    if bits == 16:
        return (ramp * 131 % 65536).astype(np.uint16)
    return (ramp % 256).astype(np.uint8)


KINDS = list(itertools.product((1, 2, 3, 4), (8, 16)))


@pytest.mark.parametrize(("channels", "bits"), KINDS)
@pytest.mark.parametrize("effort", [1, 7, 9])
def test_lossless_gives_every_sample_back(channels: int, bits: int, effort: int) -> None:
    pixels = picture(90, 130, channels, bits)

    data = codec.encode(pixels, lossless=True, tile=64, effort=effort)

    decoded = codec.decode(data)
    assert decoded.dtype == pixels.dtype
    assert np.array_equal(decoded, pixels)
    assert np.array_equal(codec.decode(data, crop=(33, 20, 64, 65)), pixels[20:85, 33:97])


@pytest.mark.parametrize(("channels", "bits"), KINDS)
@pytest.mark.parametrize("error", [1, 2, 9])
def test_near_lossless_keeps_its_promise(channels: int, bits: int, error: int) -> None:
    pixels = picture(70, 50, channels, bits)

    data = codec.encode(pixels, near_lossless=error)

    difference = np.abs(codec.decode(data).astype(int) - pixels)
    assert difference.max() <= error
    if channels % 2 == 0:
        assert not difference[..., -1].any()  # alpha
    assert codec.info(data).largest_error == error


def test_information_says_what_a_file_is() -> None:
    exact = codec.info(codec.encode(picture(40, 40, 3), lossless=True))
    lossy = codec.info(codec.encode(picture(40, 40, 3), quality=50))

    assert exact.lossless
    assert exact.largest_error == 0
    assert exact.quality is None
    assert exact.model == registry.predictive().name
    assert sum(exact.modes.values()) == pytest.approx(1)
    assert not lossy.lossless
    assert lossy.largest_error is None
    assert lossy.modes == {"learned": 1.0}
    assert exact.as_dict()["modes"] == exact.modes


def test_bytes_do_not_depend_on_threads() -> None:
    pixels = picture(200, 300, 3)

    files = {codec.encode(pixels, lossless=True, tile=64, threads=n) for n in (1, 2, 5)}

    assert len(files) == 1
    (data,) = files
    assert all(np.array_equal(codec.decode(data, threads=n), pixels) for n in (1, 3))


def test_metadata_are_kept() -> None:
    source = codec.Picture(picture(20, 30, 3), icc=b"profile", exif=None, xmp=b"<x/>")

    data = Encoder().encode_picture(source, codec.EncoderOptions(lossless=True))

    found = Decoder().decode_picture(data)
    assert (found.icc, found.exif, found.xmp) == (b"profile", None, b"<x/>")


def test_one_pixel() -> None:
    for channels, bits in KINDS:
        pixels = picture(1, 1, channels, bits)
        data = codec.encode(pixels, lossless=True)
        assert len(data) < 70
        assert np.array_equal(codec.decode(data), pixels)


@pytest.mark.parametrize(
    "options",
    [
        {"lossless": True, "quality": 50},
        {"lossless": True, "near_lossless": 1},
        {"near_lossless": 2, "target_bpp": 1.0},
        {"near_lossless": -1},
        {"near_lossless": 65536},
        {"near_lossless": 1.5},
        {"near_lossless": True},
        {"lossless": 1},
        {"lossless": "yes"},
    ],
)
def test_wrong_options_are_refused(options: dict) -> None:
    with pytest.raises(codec.OptionError):
        codec.encode(picture(8, 8, 3), **options)


def test_the_predictive_profile_has_no_quality() -> None:
    encoder = Encoder(registry.PREDICTIVE)

    data = encoder.encode(picture(20, 20, 3), lossless=True)

    assert data == codec.encode(picture(20, 20, 3), lossless=True)
    with pytest.raises(codec.OptionError, match="lossless"):
        encoder.encode(picture(20, 20, 3), quality=80)


def changed(data: bytes, **changes: object) -> bytes:
    from dataclasses import replace

    file = bitstream.read(data)
    assert file.modes is not None
    modes = replace(file.modes, **changes)
    header = replace(file.header, model_id=modes.coder_id, weights_hash=modes.weights_hash)
    return bitstream.write(replace(file, modes=modes, header=header, tiles=list(file.tiles)))


def test_another_coder_is_refused_by_name() -> None:
    data = codec.encode(picture(20, 20, 3), lossless=True)

    with pytest.raises(codec.UnknownModel, match="4711"):
        codec.decode(changed(data, coder_id=4711))
    with pytest.raises(codec.UnknownModel, match="no predictive coder"):
        codec.decode(changed(data, coder_id=registry.default("wavelet").id))
    with pytest.raises(codec.WeightsMismatch):
        codec.decode(changed(data, weights_hash=b"1234"))


def test_an_error_above_that_of_the_file_is_refused() -> None:
    pixels = picture(64, 64, 3)
    data = codec.encode(pixels, near_lossless=5)

    with pytest.raises(codec.DamagedFile):
        codec.decode(changed(data, error=4))


def test_the_predictive_model_without_modes_is_refused() -> None:
    from dataclasses import replace

    file = bitstream.read(codec.encode(picture(20, 20, 3), lossless=True))
    data = bitstream.write(replace(file, modes=None, tiles=list(file.tiles)))

    with pytest.raises(codec.InvalidField, match="without chunk MODE"):
        codec.decode(data)
