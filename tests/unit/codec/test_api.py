"""The one-shot functions: every form of input, every option, and what damaged files give."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bitstream
import codec
from codec import errors


def photo(height: int = 80, width: int = 96, channels: int = 3) -> np.ndarray:
    """Something like a photograph: smooth, with some texture."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(11)
    planes = [128 + 70 * np.sin(x / (9 + c)) * np.cos(y / (7 + c)) for c in range(channels)]
    noise = rng.normal(0, 4, (height, width, channels))
    return np.clip(np.stack(planes, axis=2) + noise, 0, 255).astype(np.uint8)


def container(**changes: Any) -> bytes:
    """A file whose header is in order, without any picture in it."""
    fields: dict[str, Any] = {
        "width": 100,
        "height": 60,
        "channels": 3,
        "alpha": False,
        "model_id": 65535,
        "weights_hash": b"\x01\x02\x03\x04",
        "level": 32,
        "tile_log2": 6,
    }
    parts = {
        key: changes.pop(key) for key in ("icc", "exif", "xmp", "alpha_data") if key in changes
    }
    header = bitstream.Header(**(fields | changes))
    alpha = parts.pop("alpha_data", None)
    return bitstream.write(
        bitstream.Container(header=header, tiles=[b"one", b"two"], alpha=alpha, **parts)
    )


@pytest.fixture(scope="module")
def encoded() -> bytes:
    """A file of a small photograph."""
    return codec.encode(photo(), quality=60)


def test_round_trip_is_close(encoded: bytes) -> None:
    image = codec.decode(encoded)

    assert image.shape == (80, 96, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - photo()).mean() < 12


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_come_back(channels: int) -> None:
    image = photo(40, 33, 4)[..., :channels]

    decoded = codec.decode(codec.encode(image, quality=30))

    assert decoded.shape == image.shape
    if channels in (2, 4):
        assert np.array_equal(decoded[..., -1], image[..., -1])


def test_every_form_of_input_gives_the_same_file(tmp_path: Path, encoded: bytes) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(photo()).save(path)

    with path.open("rb") as file:
        for form in (path, str(path), path.read_bytes(), file, Image.fromarray(photo())):
            assert codec.encode(form, quality=60) == encoded


def test_every_form_of_a_file_decodes_the_same(tmp_path: Path, encoded: bytes) -> None:
    path = tmp_path / "a.lic"
    path.write_bytes(encoded)
    expected = codec.decode(encoded)

    for form in (path, str(path), bytearray(encoded), memoryview(encoded), io.BytesIO(encoded)):
        assert np.array_equal(codec.decode(form), expected)


def test_crop_is_that_part_of_the_whole(encoded: bytes) -> None:
    part = codec.decode(encoded, crop=(10, 20, 30, 40))

    assert np.array_equal(part, codec.decode(encoded)[20:60, 10:40])


def test_higher_quality_is_bigger_and_better() -> None:
    sizes, quality = [], []
    for q in (10, 50, 90):
        data = codec.encode(photo(), quality=q)
        sizes.append(len(data))
        found = codec.verify(data, photo()).psnr
        assert found is not None
        quality.append(found)

    assert sizes == sorted(sizes)
    assert quality == sorted(quality)


def test_target_size_is_kept_and_nearly_used() -> None:
    limit = (len(codec.encode(photo(), quality=20)) + len(codec.encode(photo(), quality=80))) // 2

    as_number = codec.encode(photo(), target_size=limit)

    assert len(as_number) <= limit
    assert len(as_number) > 0.7 * limit
    assert codec.encode(photo(), target_size=f"{limit}B") == as_number


def test_target_bpp_is_kept() -> None:
    data = codec.encode(photo(), target_bpp=1.0)

    assert codec.info(data).bpp <= 1.0


def test_target_psnr_is_reached() -> None:
    found = codec.verify(codec.encode(photo(), target_psnr=30), photo()).psnr

    assert found is not None
    assert found >= 30


def test_target_ssimulacra2_is_reached() -> None:
    found = codec.verify(codec.encode(photo(), target_ssimulacra2=60), photo()).ssimulacra2

    assert found is not None
    assert found >= 60


@pytest.mark.parametrize(
    ("target", "asked", "unit"),
    [
        ({"target_size": 10}, "the target is 10 bytes", "bytes"),
        ({"target_bpp": 0.001}, "the target is 0.001 bpp", "bpp"),
        ({"target_psnr": 99}, "the target is 99 dB", "dB"),
    ],
)
def test_unreachable_target_states_the_nearest(
    target: dict[str, float], asked: str, unit: str
) -> None:
    with pytest.raises(errors.TargetUnreachable) as caught:
        codec.encode(photo(), **target)

    assert caught.value.nearest is not None
    assert asked in str(caught.value)
    stated = re.search(rf"gives this image (?:has|is) ([\d.]+) {unit}", str(caught.value))
    assert stated is not None
    assert float(stated[1]) == pytest.approx(caught.value.nearest, abs=0.005)


def test_metadata_travel_and_are_stripped(exif_block: bytes) -> None:
    image = Image.fromarray(photo())
    image.info.update(icc_profile=b"icc" * 50, exif=exif_block, xmp=b"<x/>")

    kept = codec.info(codec.encode(image, quality=10))
    bare = codec.info(codec.encode(image, quality=10, strip="all"))

    assert (kept.icc_bytes, kept.exif_bytes, kept.xmp_bytes) == (150, len(exif_block), 4)
    assert (bare.icc_bytes, bare.exif_bytes, bare.xmp_bytes) == (0, 26, 0)
    assert kept.orientation == bare.orientation == 6


@pytest.mark.parametrize(
    "wrong",
    [
        {"quality": 101},
        {"quality": 50, "target_bpp": 1},
        {"device": "tpu"},
        {"threads": -1},
        {"strip": "gps"},
        {"target_size": "big"},
    ],
)
def test_wrong_option_raises_before_the_image_is_read(wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.OptionError):
        codec.encode("no-such-file.png", **wrong)


def test_unknown_model_and_profile_raise() -> None:
    with pytest.raises(errors.UnknownModel, match="no-such"):
        codec.encode(photo(), model="no-such")
    with pytest.raises(errors.UnknownModel, match="no-such"):
        codec.encode(photo(), profile="no-such")


def test_limits_hold_in_both_directions(encoded: bytes) -> None:
    small = codec.Limits(max_pixels=1000)

    with pytest.raises(errors.LimitExceeded):
        codec.encode(photo(), limits=small)
    for function in (codec.decode, codec.info, codec.verify):
        with pytest.raises(errors.LimitExceeded):
            function(encoded, limits=small)


def test_crop_outside_the_image_raises(encoded: bytes) -> None:
    with pytest.raises(errors.OptionError, match="96x80"):
        codec.decode(encoded, crop=(90, 0, 10, 10))


def test_info_describes_the_file(encoded: bytes) -> None:
    found = codec.info(encoded)

    assert (found.width, found.height, found.channels, found.bit_depth) == (96, 80, 3, 8)
    assert (found.format_version, found.profile, found.alpha) == (1, "wavelet", False)
    assert (found.bytes, found.bpp) == (len(encoded), 8 * len(encoded) / (96 * 80))
    assert (found.quality, found.orientation, found.tiles) == (60, 1, 1)
    assert [chunk.name for chunk in found.chunks] == ["HEAD", "TILE"]
    assert found.problem is None


@pytest.mark.parametrize("level", range(64))
def test_stated_quality_leads_back_to_the_level(level: int) -> None:
    quality = codec.info(container(level=level)).quality

    assert round(quality * 63 / 100) == level


def test_info_of_an_unknown_model_describes_the_rest() -> None:
    found = codec.info(container())

    assert (found.width, found.model_id, found.profile, found.model) == (
        100,
        65535,
        "unknown",
        "unknown",
    )
    assert isinstance(found.problem, errors.UnknownModel)
    assert found.weights_hash == "01020304"


def test_info_counts_metadata_and_alpha(exif_block: bytes) -> None:
    data = container(alpha=True, alpha_data=b"\0\xff", icc=b"12345", exif=exif_block, xmp=b"x")

    found = codec.info(data)

    assert (found.icc_bytes, found.exif_bytes, found.xmp_bytes) == (5, len(exif_block), 1)
    assert (found.alpha, found.alpha_bytes, found.orientation) == (True, 2, 6)


def test_info_of_a_damaged_file_raises_or_tells() -> None:
    data = bytearray(container())
    data[-1] ^= 1

    with pytest.raises(errors.ChecksumMismatch) as caught:
        codec.info(bytes(data))
    assert caught.value.chunk is not None

    found = codec.info(bytes(data), strict=False)
    assert found.width == 100
    assert isinstance(found.problem, errors.ChecksumMismatch)


def test_info_can_be_written_as_json() -> None:
    data = json.loads(json.dumps(codec.info(container()).as_dict()))

    assert data["problem"]["error"] == "UnknownModel"
    assert {field.name for field in dataclasses.fields(codec.ImageInfo)} == set(data)


@pytest.mark.parametrize("function", [codec.info, codec.decode, codec.verify])
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", errors.DamagedFile),
        (b"hello world", errors.NotOurFile),
        (b"\x8aLIC", errors.TruncatedFile),
        (b"\x8aLIC\x63", errors.UnsupportedVersion),
    ],
)
def test_foreign_and_cut_files_raise(function: Any, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        function(data)


def test_trailing_data_raise(encoded: bytes) -> None:
    with pytest.raises(errors.TrailingData):
        codec.decode(encoded + b"x")


def test_file_of_an_unknown_model_is_not_decoded() -> None:
    with pytest.raises(errors.UnknownModel):
        codec.decode(container())


def test_file_of_other_weights_is_not_decoded(encoded: bytes) -> None:
    read = bitstream.read(encoded)
    header = dataclasses.replace(read.header, weights_hash=b"\0\0\0\0")
    data = bitstream.write(bitstream.Container(header=header, tiles=list(read.tiles)))

    with pytest.raises(errors.WeightsMismatch):
        codec.decode(data)


def test_file_over_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.lic"
    path.write_bytes(container())

    for source in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        with pytest.raises(errors.LimitExceeded):
            codec.info(source, limits=codec.Limits(max_file_bytes=30))


def test_endless_foreign_file_is_refused_at_once() -> None:
    with pytest.raises(errors.NotOurFile):
        codec.info("/dev/zero")


def test_verify_measures_against_the_source(encoded: bytes) -> None:
    found = codec.verify(encoded, photo())

    assert found.psnr is not None
    assert found.psnr > 25
    assert (found.identical, found.ms_ssim, found.alpha_identical) == (False, None, None)
    assert found.ssimulacra2 is not None
    assert 0 < found.ssimulacra2 < 100
    assert (found.width, found.height, found.bytes) == (96, 80, len(encoded))


def test_verify_against_its_own_decoding_is_identical(encoded: bytes) -> None:
    found = codec.verify(encoded, codec.decode(encoded))

    assert (found.identical, found.psnr, found.ssimulacra2) == (True, None, 100.0)


def test_verify_takes_a_source_of_16_bits(encoded: bytes) -> None:
    wide = codec.decode(encoded) * np.uint16(257)
    near = wide - (wide > 0).astype(np.uint16)

    assert codec.verify(encoded, wide).identical
    found = codec.verify(encoded, near).psnr
    assert found is not None
    assert found == pytest.approx(20 * math.log10(65535), abs=0.5)


def test_16_bits_are_refused_with_what_to_do() -> None:
    with pytest.raises(errors.UnsupportedImage, match=r"16-bit samples.*lossless=True.*8 bits"):
        codec.encode(np.zeros((8, 8, 3), np.uint16))


def test_verify_without_a_source_measures_nothing(encoded: bytes) -> None:
    found = codec.verify(encoded)

    assert (found.identical, found.psnr, found.ms_ssim, found.ssimulacra2) == (None,) * 4


def test_verify_measures_grey_against_colour_and_tiny_pictures() -> None:
    grey = photo(channels=1)
    data = codec.encode(grey, quality=60)
    expected = codec.verify(data, grey).ssimulacra2

    assert codec.verify(data, np.repeat(grey, 3, axis=2)).ssimulacra2 == expected
    tiny = photo(7, 40)
    assert codec.verify(codec.encode(tiny), tiny).ssimulacra2 is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_digest_is_that_of_the_decoded_samples(channels: int) -> None:
    data = codec.encode(photo(40, 33, 4)[..., :channels], quality=30)
    samples = codec.decode(data)

    found = codec.verify(data).digest

    assert samples.shape == (40, 33, channels)
    assert found == hashlib.sha256(samples.tobytes()).hexdigest()
    assert codec.verify(data, samples, threads=1).digest == found


def test_verify_compares_alpha() -> None:
    image = photo(30, 40, 4)
    data = codec.encode(image, quality=30)
    other = image.copy()
    other[0, 0, 3] ^= 1

    assert codec.verify(data, image).alpha_identical is True
    assert codec.verify(data, other).alpha_identical is False
    assert codec.verify(data, image[..., :3]).alpha_identical is False


def test_verify_of_another_size_raises(encoded: bytes) -> None:
    with pytest.raises(errors.OptionError, match=r"80x96.*96x80"):
        codec.verify(encoded, np.zeros((96, 80, 3), np.uint8))


def test_encoder_and_decoder_objects_agree_with_the_functions(encoded: bytes) -> None:
    encoder, decoder = codec.Encoder(profile="wavelet", device="auto"), codec.Decoder()

    assert encoder.encode(photo(), quality=60) == encoded
    assert np.array_equal(decoder.decode(encoded), codec.decode(encoded))
