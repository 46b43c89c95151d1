"""Decoder: crops, windows, one tile at a time, and every way in which a file can be refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bitstream
from codec import decoder as decoder_module
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.errors import (
    ChecksumMismatch,
    CodecError,
    DamagedFile,
    InexactDevice,
    InvalidField,
    LimitExceeded,
    OptionError,
    TruncatedFile,
    UnknownModel,
    WeightsMismatch,
)
from codec.image.picture import Picture
from codec.models.geometry import latent_size
from codec.models.registry import ModelEntry
from codec.options import EncoderOptions, Limits
from tests.model_fixtures import synthetic_picture

HEIGHT, WIDTH = 300, 410

pytestmark = pytest.mark.usefixtures("tiny_model")


@pytest.fixture(scope="module")
def many_tiles(tiny_entry: ModelEntry) -> bytes:
    """A file of 5 x 7 tiles of 64 pixels."""
    from codec.models import registry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "entries", lambda: (tiny_entry,))
        return Encoder(precision="float32").encode(
            synthetic_picture(HEIGHT, WIDTH), level=50, tile=64
        )


@pytest.fixture
def decoder(tiny_model: ModelEntry) -> Decoder:
    """A decoder, float32."""
    return Decoder(precision="float32")


def assert_near(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal but for single roundings."""
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 1
    assert difference.mean() < 0.01


CROPS = [
    (0, 0, 1, 1),
    (0, 0, WIDTH, HEIGHT),
    (409, 299, 1, 1),
    (63, 63, 2, 2),
    (64, 64, 64, 64),
    (100, 37, 200, 5),
    (17, 120, 3, 180),
    (128, 0, 282, 300),
    (200, 150, 33, 77),
]


@pytest.mark.parametrize("crop", CROPS, ids=str)
def test_crop_is_that_part_of_the_whole(
    decoder: Decoder, many_tiles: bytes, crop: tuple[int, int, int, int]
) -> None:
    x, y, w, h = crop

    found = decoder.decode(many_tiles, crop)

    assert_near(found, decoder.decode(many_tiles)[y : y + h, x : x + w])


@pytest.mark.parametrize("crop", CROPS, ids=str)
def test_small_windows_give_the_same_picture(
    decoder: Decoder,
    many_tiles: bytes,
    crop: tuple[int, int, int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = decoder.decode(many_tiles, crop)

    for side in (64, 128):
        monkeypatch.setattr(decoder_module, "WINDOW_PX", side)
        assert_near(decoder.decode(many_tiles, crop), expected)


def test_tiles_larger_than_a_window_give_the_same_picture(
    decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Encoder(precision="float32").encode(synthetic_picture(200, 330), level=50, tile=256)
    expected = decoder.decode(file)

    monkeypatch.setattr(decoder_module, "WINDOW_PX", 64)

    assert_near(decoder.decode(file), expected)
    assert_near(decoder.decode(file, (250, 10, 20, 100)), expected[10:110, 250:270])


def decoded_tiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that records which tiles are decoded from now on."""
    seen: list[int] = []
    original = decoder_module._Model.decode_tile

    def recorded(self: object, container: bitstream.Container, index: int) -> object:
        seen.append(index)
        return original(self, container, index)  # type: ignore[arg-type]

    monkeypatch.setattr(decoder_module._Model, "decode_tile", recorded)
    return seen


@pytest.mark.parametrize("window", [64, 128, 2048])
def test_every_tile_is_decoded_once(
    decoder: Decoder, many_tiles: bytes, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_module, "WINDOW_PX", window)
    seen = decoded_tiles(monkeypatch)

    decoder.decode(many_tiles)

    assert sorted(seen) == list(range(35))


def test_crop_decodes_only_the_tiles_around_it(
    decoder: Decoder, many_tiles: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = decoded_tiles(monkeypatch)

    decoder.decode(many_tiles, (3 * 64 + 16, 2 * 64 + 16, 20, 20))
    # the margin of two latents, 32 pixels, reaches into all eight neighbours
    assert sorted(seen) == [9, 10, 11, 16, 17, 18, 23, 24, 25]
    seen.clear()
    decoder.decode(many_tiles, (0, 0, 16, 16))
    assert seen == [0]


def corrupted(file: bytes, tile: int) -> bytes:
    """The file with one bit of one tile flipped."""
    span = bitstream.read(file).tiles.span(tile)  # type: ignore[attr-defined]
    data = bytearray(file)
    data[span.offset + span.length // 2] ^= 4
    return bytes(data)


def test_damage_elsewhere_does_not_matter_to_a_crop(decoder: Decoder, many_tiles: bytes) -> None:
    damaged = corrupted(many_tiles, 34)
    crop = (10, 20, 60, 70)

    assert np.array_equal(decoder.decode(damaged, crop), decoder.decode(many_tiles, crop))
    with pytest.raises(ChecksumMismatch, match="tile 34") as caught:
        decoder.decode(damaged)
    assert caught.value.chunk == "TILE"
    assert caught.value.offset is not None
    with pytest.raises(ChecksumMismatch):
        decoder.latents(damaged)


@pytest.mark.parametrize(
    "crop", [(0, 0, 0, 5), (-1, 0, 5, 5), (400, 0, 11, 5), (0, 299, 1, 2), (0, 0, 1, 1 << 40)]
)
def test_crop_outside_the_image_is_refused(
    decoder: Decoder, many_tiles: bytes, crop: tuple[int, int, int, int]
) -> None:
    with pytest.raises(OptionError, match="crop"):
        decoder.decode(many_tiles, crop)


def test_alpha_and_metadata_come_back(decoder: Decoder) -> None:
    picture = replace(
        Picture.from_numpy(synthetic_picture(70, 90, 4)), icc=b"p", exif=b"MM\0*", xmp=b"<x/>"
    )
    file = Encoder().encode_picture(picture, EncoderOptions(level=20, tile=64))

    whole = decoder.decode_picture(file)
    part = decoder.decode_picture(file, (60, 5, 20, 64))

    assert (whole.icc, whole.exif, whole.xmp) == (b"p", b"MM\0*", b"<x/>")
    assert (part.icc, part.exif, part.xmp) == (b"p", b"MM\0*", b"<x/>")
    assert picture.alpha is not None
    assert whole.alpha is not None
    assert part.alpha is not None
    assert np.array_equal(whole.alpha, picture.alpha)
    assert np.array_equal(part.alpha, picture.alpha[5:69, 60:80])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_crop_of_every_kind_of_picture(decoder: Decoder, channels: int) -> None:
    file = Encoder().encode(synthetic_picture(100, 150, channels), level=40, tile=64)

    assert_near(decoder.decode(file, (50, 60, 70, 30)), decoder.decode(file)[60:90, 50:120])


def test_sources_of_every_kind(decoder: Decoder, many_tiles: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.lic"
    path.write_bytes(many_tiles)
    crop = (0, 0, 20, 20)
    expected = decoder.decode(many_tiles, crop)

    for source in (path, str(path), io.BytesIO(many_tiles), bytearray(many_tiles)):
        assert np.array_equal(decoder.decode(source, crop), expected)


def test_latents_are_those_of_the_tiles(decoder: Decoder, many_tiles: bytes) -> None:
    grid = bitstream.read(many_tiles).grid

    latents = decoder.latents(many_tiles)

    assert len(latents) == 35
    for index, y_hat in enumerate(latents):
        r = grid.rectangle(index)
        assert y_hat.shape == (latent_size(r.height), latent_size(r.width), 32)


@pytest.mark.parametrize("window", [64, 2048])
def test_progress_rises_to_one(
    decoder: Decoder, many_tiles: bytes, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_module, "WINDOW_PX", window)
    seen: list[float] = []

    decoder.decode_picture(many_tiles, progress=seen.append)

    assert seen == sorted(seen)
    assert seen[-1] == 1.0


Change = Callable[[bitstream.Header], bitstream.Header]


def with_header(file: bytes, change: Change) -> bytes:
    container = bitstream.read(file)
    return bitstream.write(replace(container, header=change(container.header)))


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda h: replace(h, model_id=60000), UnknownModel, "model id 60000 is not known"),
        (lambda h: replace(h, weights_hash=b"\1\2\3\4"), WeightsMismatch, "01020304"),
    ],
    ids=["model", "weights"],
)
def test_file_of_another_model_is_refused(
    decoder: Decoder, many_tiles: bytes, change: Change, error: type[CodecError], text: str
) -> None:
    with pytest.raises(error, match=text):
        decoder.decode(with_header(many_tiles, change))


def test_level_the_model_does_not_have_is_refused(
    many_tiles: bytes, tiny_model: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codec.models import registry

    smaller = replace(tiny_model, levels=50)
    monkeypatch.setattr(registry, "entries", lambda: (smaller,))

    with pytest.raises(InvalidField, match=r"level: found 50, model .* has 0\.\.49") as caught:
        Decoder().decode(many_tiles)
    assert caught.value.chunk == "HEAD"


def test_limits_are_checked_before_the_model_is_loaded(
    many_tiles: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_module, "load_model", None)

    for limits in (
        Limits(max_pixels=HEIGHT * WIDTH - 1),
        Limits(max_dimension=WIDTH - 1),
        Limits(max_tiles=34),
        Limits(max_file_bytes=len(many_tiles) - 1),
    ):
        with pytest.raises(LimitExceeded):
            Decoder(limits=limits).decode(many_tiles)


def test_truncated_file_is_refused(decoder: Decoder, many_tiles: bytes) -> None:
    with pytest.raises(TruncatedFile):
        decoder.decode(many_tiles[:-1])


def test_damaged_payload_with_a_right_checksum_is_refused(
    decoder: Decoder, many_tiles: bytes
) -> None:
    container = bitstream.read(many_tiles)
    tiles = list(container.tiles)
    tiles[3] = tiles[3][: len(tiles[3]) // 2]

    with pytest.raises(DamagedFile):
        decoder.decode(bitstream.write(replace(container, tiles=tiles)))


def test_process_that_rounds_products_is_refused(decoder: Decoder, many_tiles: bytes) -> None:
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with pytest.raises(InexactDevice, match="highest"):
            decoder.decode(many_tiles)
        with pytest.raises(InexactDevice, match="highest"):
            Encoder()
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(
    "options", [{"device": "cuda:99"}, {"threads": -1}, {"precision": "half"}], ids=str
)
def test_wrong_option_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        Decoder(**options)


def test_model_is_loaded_once(
    decoder: Decoder, many_tiles: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder.decode(many_tiles, (0, 0, 1, 1))

    monkeypatch.setattr(decoder_module, "load_model", None)

    decoder.decode(many_tiles, (0, 0, 1, 1))
