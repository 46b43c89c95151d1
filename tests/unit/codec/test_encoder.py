"""Encoder: every size and kind of picture, targets, and what it says when it cannot."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bitstream
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.errors import (
    OptionError,
    TargetUnreachable,
    UnknownModel,
    UnsupportedImage,
    WeightsMismatch,
)
from codec.frame.encodings import Encodings
from codec.frame.model import loaded
from codec.image.metrics import psnr
from codec.image.picture import Picture
from codec.image.ssimulacra2 import ssimulacra2
from codec.models import registry
from codec.models.quality import level_of
from codec.models.registry import ModelEntry
from codec.options import EncoderOptions
from tests.model_fixtures import synthetic_picture

SIZES = [(1, 1), (1, 70), (70, 1), (33, 65), (17, 130), (64, 64), (63, 129)]

pytestmark = pytest.mark.usefixtures("tiny_model")


@pytest.fixture
def encoder(tiny_model: ModelEntry) -> Encoder:
    """An encoder of the small model."""
    return Encoder()


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[1]}x{s[0]}")
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_size_and_kind_comes_back_as_it_was(
    encoder: Encoder, size: tuple[int, int], channels: int
) -> None:
    picture = synthetic_picture(*size, channels)

    decoded = Decoder().decode(encoder.encode(picture, level=63, tile=64))

    assert decoded.shape == (*size, channels)
    assert decoded.dtype == np.uint8
    if channels in (2, 4):
        assert np.array_equal(decoded[..., -1], picture[..., -1])  # alpha is lossless
    colours = slice(0, 1 if channels < 3 else 3)
    assert psnr(picture[..., colours], decoded[..., colours]) > 20


@pytest.mark.parametrize("tile", [64, 128, 256, 32768])
def test_file_has_the_tiles_asked_for(encoder: Encoder, tile: int) -> None:
    header = bitstream.read_header(encoder.encode(synthetic_picture(130, 200), level=5, tile=tile))

    assert header.tile_log2 == tile.bit_length() - 1


def test_header_says_what_was_encoded(encoder: Encoder, tiny_model: ModelEntry) -> None:
    header = bitstream.read_header(encoder.encode(synthetic_picture(70, 90, 2), quality=30))

    assert (header.width, header.height, header.channels, header.alpha) == (90, 70, 1, True)
    assert (header.model_id, header.weights_hash) == (tiny_model.id, tiny_model.weights_hash)
    assert header.level == level_of(30, 64)
    assert header.bit_depth == 8


def test_sources_of_every_kind_give_the_same_bytes(encoder: Encoder, tmp_path: Path) -> None:
    picture = synthetic_picture(40, 50)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    path = tmp_path / "x.png"
    path.write_bytes(buffer.getvalue())
    expected = encoder.encode(picture, level=20)

    assert encoder.encode(path, level=20) == expected
    assert encoder.encode(str(path), level=20) == expected
    assert encoder.encode(Image.fromarray(picture), level=20) == expected
    assert encoder.encode(io.BytesIO(buffer.getvalue()), level=20) == expected
    assert encoder.encode_picture(Picture.from_numpy(picture), EncoderOptions(level=20)) == expected


def test_array_that_is_not_contiguous_is_taken(encoder: Encoder) -> None:
    picture = synthetic_picture(80, 100)
    view = picture[::-2, ::2]

    assert encoder.encode(view, level=20) == encoder.encode(view.copy(), level=20)


def test_metadata_is_in_the_file_unless_stripped(encoder: Encoder) -> None:
    picture = replace(
        Picture.from_numpy(synthetic_picture(20, 30)), icc=b"icc", exif=b"II*\0exif", xmp=b"<x/>"
    )

    kept = bitstream.read(encoder.encode_picture(picture, EncoderOptions(level=3)))
    stripped = bitstream.read(
        encoder.encode_picture(picture, EncoderOptions(level=3, strip=frozenset({"all"})))
    )

    assert (kept.icc, kept.exif, kept.xmp) == (b"icc", b"II*\0exif", b"<x/>")
    assert (stripped.icc, stripped.xmp) == (None, None)


def test_grey_equals_rgb_of_three_equal_planes(encoder: Encoder) -> None:
    grey = synthetic_picture(70, 90, 1)

    as_grey = bitstream.read(encoder.encode(grey, level=40))
    as_rgb = bitstream.read(encoder.encode(np.repeat(grey, 3, axis=2), level=40))

    assert list(as_grey.tiles) == list(as_rgb.tiles)


def test_padding_repeats_the_last_row_and_column(encoder: Encoder) -> None:
    """A picture continued by its edge has the tiles of the smaller picture."""
    picture = synthetic_picture(50, 60)
    continued = np.pad(picture, ((0, 14), (0, 4), (0, 0)), mode="edge")

    tiles = [list(bitstream.read(encoder.encode(p, level=40)).tiles) for p in (picture, continued)]

    assert tiles[0] == tiles[1]


def sizes_of_levels(encoder: Encoder, picture: np.ndarray) -> list[int]:
    return [len(encoder.encode(picture, level=level)) for level in range(64)]


def test_target_size_is_never_exceeded_and_used_up(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120)
    sizes = sizes_of_levels(encoder, picture)
    for target in (sizes[0], sizes[0] + 1, sizes[17], sizes[40] - 1, sizes[63], 10**6):
        file = encoder.encode(picture, target_size=target)

        level = bitstream.read_header(file).level
        assert len(file) <= target
        assert file == encoder.encode(picture, level=level)
        assert level == 63 or sizes[level + 1] > target


def test_target_size_reads_units(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120)

    assert encoder.encode(picture, target_size="0.6kB") == encoder.encode(picture, target_size=600)


def test_target_bpp_counts_all_bytes(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120)
    sizes = sizes_of_levels(encoder, picture)
    for target in (8 * sizes[0] / 12000, 8 * sizes[30] / 12000, 8 * sizes[30] / 12000 - 1e-6):
        file = encoder.encode(picture, target_bpp=target)

        level = bitstream.read_header(file).level
        assert 8 * len(file) / 12000 <= target + 1e-9
        assert level == 63 or 8 * sizes[level + 1] / 12000 > target


def test_target_psnr_is_reached_with_no_level_too_many(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120)
    decoder = Decoder()

    def measured(level: int) -> float:
        return psnr(picture, decoder.decode(encoder.encode(picture, level=level)))

    for target in (measured(0) + 0.3, measured(30), measured(45) - 0.01):
        file = encoder.encode(picture, target_psnr=target)

        level = bitstream.read_header(file).level
        assert psnr(picture, decoder.decode(file)) >= target
        assert level == 0 or measured(level - 1) < target


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_target_ssimulacra2_is_reached_with_no_level_too_many(
    encoder: Encoder, channels: int
) -> None:
    picture = synthetic_picture(100, 120, channels)
    decoder = Decoder()
    colours = slice(0, 1 if channels == 1 else 3)

    def measured(data: bytes) -> float:
        score = ssimulacra2(picture[..., colours], decoder.decode(data)[..., colours])
        assert score is not None
        return score

    for target in (
        measured(encoder.encode(picture, level=30)),
        measured(encoder.encode(picture, level=45)) - 0.01,
    ):
        file = encoder.encode(picture, target_ssimulacra2=target)

        level = bitstream.read_header(file).level
        assert measured(file) >= target
        assert level == 0 or measured(encoder.encode(picture, level=level - 1)) < target


def test_ssimulacra2_that_cannot_be_had_states_the_best(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120)
    best = ssimulacra2(picture, Decoder().decode(encoder.encode(picture, level=63)))
    assert best is not None

    with pytest.raises(TargetUnreachable, match=rf"is SSIMULACRA2 100, .* {best:.2f} \(") as caught:
        encoder.encode(picture, target_ssimulacra2=100)

    assert caught.value.nearest == pytest.approx(best)


def test_ssimulacra2_is_no_target_where_it_is_not_defined(encoder: Encoder) -> None:
    with pytest.raises(UnsupportedImage, match="below 8 pixels; this image is 30x7"):
        encoder.encode(synthetic_picture(7, 30), target_ssimulacra2=50)
    assert encoder.encode(synthetic_picture(8, 30), target_ssimulacra2=1)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_psnr_of_a_search_is_that_of_the_file(tiny_model: ModelEntry, channels: int) -> None:
    """What the encoder decodes for itself is what the decoder gives, sample for sample."""
    picture = Picture.from_numpy(synthetic_picture(150, 90, channels))
    encodings = Encodings(tiny_model, loaded(tiny_model), picture, 64)

    found = encodings.psnr(33)

    decoded = Decoder().decode_picture(encodings.file(33))
    assert found == psnr(picture.samples, decoded.samples)


def test_target_psnr_of_a_grey_picture_is_that_of_its_plane(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120, 1)
    decoder = Decoder()
    target = psnr(picture, decoder.decode(encoder.encode(picture, level=25)))

    file = encoder.encode(picture, target_psnr=target)

    assert psnr(picture, decoder.decode(file)) >= target
    assert bitstream.read_header(file).level <= 25


def test_psnr_target_that_the_lowest_level_reaches_takes_it(encoder: Encoder) -> None:
    file = encoder.encode(synthetic_picture(100, 120), target_psnr=1)

    assert bitstream.read_header(file).level == 0


def test_size_that_cannot_be_had_states_the_smallest(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120)
    smallest = len(encoder.encode(picture, level=0))

    with pytest.raises(TargetUnreachable, match=f"smallest .* {smallest} bytes") as caught:
        encoder.encode(picture, target_size=smallest - 1)

    assert caught.value.nearest == smallest


def test_bpp_that_cannot_be_had_states_the_least(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120)
    least = 8 * len(encoder.encode(picture, level=0)) / 12000

    with pytest.raises(TargetUnreachable, match=r"target is 0\.001 bpp") as caught:
        encoder.encode(picture, target_bpp=0.001)

    assert caught.value.nearest == pytest.approx(least)
    (stated,) = re.findall(r"gives this image has ([\d.]+) bpp", str(caught.value))
    assert least <= float(stated) <= least + 1e-4
    encoder.encode(picture, target_bpp=float(stated))  # what is stated can be had


def test_psnr_that_cannot_be_had_states_the_best(encoder: Encoder) -> None:
    picture = synthetic_picture(100, 120)
    decoded = Decoder().decode(encoder.encode(picture, level=63))
    best = psnr(picture, decoded)

    with pytest.raises(TargetUnreachable, match=f"best .* {best:.2f} dB") as caught:
        encoder.encode(picture, target_psnr=99)

    assert caught.value.nearest == pytest.approx(best)


def test_higher_quality_is_larger_and_better(encoder: Encoder) -> None:
    picture = synthetic_picture(150, 200)
    files = [encoder.encode(picture, quality=q) for q in (0, 25, 50, 75, 100)]
    scores = [psnr(picture, Decoder().decode(file)) for file in files]

    assert [len(f) for f in files] == sorted(len(f) for f in files)
    assert scores == sorted(scores)
    assert math.isfinite(scores[-1])


@pytest.mark.parametrize(
    "options",
    [EncoderOptions(level=20, tile=64), EncoderOptions(target_size=900, tile=64),
     EncoderOptions(target_psnr=33, tile=64), EncoderOptions(target_ssimulacra2=50, tile=64)],
    ids=["level", "size", "psnr", "ssimulacra2"],
)  # fmt: skip
def test_progress_rises_to_one(encoder: Encoder, options: EncoderOptions) -> None:
    seen: list[float] = []

    encoder.encode_picture(
        Picture.from_numpy(synthetic_picture(150, 200)), options, progress=seen.append
    )

    assert seen == sorted(seen)
    assert seen[0] >= 0
    assert seen[-1] == pytest.approx(1.0)
    assert all(value <= 1.0 + 1e-9 for value in seen)


def test_progress_that_raises_stops_the_encoding(encoder: Encoder) -> None:
    class Stopped(Exception):
        pass

    def stop(share: float) -> None:
        raise Stopped

    picture = Picture.from_numpy(synthetic_picture(150, 200))
    with pytest.raises(Stopped):
        encoder.encode_picture(picture, EncoderOptions(level=20, tile=64), progress=stop)


def test_unknown_profile_or_model_raises() -> None:
    with pytest.raises(UnknownModel, match="'swin'"):
        Encoder("swin")
    with pytest.raises(UnknownModel, match="'nobody'"):
        Encoder(model="nobody")


def test_model_by_name(tiny_model: ModelEntry) -> None:
    assert Encoder(model=tiny_model.name).entry is tiny_model


def test_damaged_weights_are_refused(
    tiny_entry: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(tiny_entry, sha256="0" * 64)
    monkeypatch.setattr(registry, "entries", lambda: (other,))

    with pytest.raises(WeightsMismatch, match="SHA-256"):
        Encoder()


def test_level_the_model_does_not_have_is_refused(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OptionError, match="level"):
        encoder.encode(synthetic_picture(8, 8), level=64)
    monkeypatch.setattr(encoder, "entry", replace(encoder.entry, levels=16))
    with pytest.raises(OptionError, match=r"level: found 16, model .* has 0\.\.15"):
        encoder.encode(synthetic_picture(8, 8), level=16)


@pytest.mark.parametrize(
    "options", [{"device": "tpu"}, {"device": "cuda:99"}, {"threads": -1}], ids=str
)
def test_wrong_option_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        Encoder(**options)
