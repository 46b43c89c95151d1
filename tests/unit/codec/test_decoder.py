"""Decoder: crops, windows, only the tiles it needs, and every way a file can be refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bitstream
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.errors import (
    ChecksumMismatch,
    CodecError,
    DamagedFile,
    InvalidField,
    LimitExceeded,
    OptionError,
    TruncatedFile,
    UnknownModel,
    WeightsMismatch,
)
from codec.frame.geometry import latent_size, tile_area
from codec.frame.model import FrameModel, loaded
from codec.image.picture import Picture
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
        coder = registry.predictive()
        patch.setattr(registry, "entries", lambda: (coder, tiny_entry))
        return Encoder().encode(synthetic_picture(HEIGHT, WIDTH), level=50, tile=64)


@pytest.fixture
def decoder(tiny_model: ModelEntry) -> Decoder:
    """A decoder of the small model."""
    return Decoder()


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
@pytest.mark.parametrize("tile", [64, 128, 1024])
def test_crop_is_that_part_of_the_whole(
    decoder: Decoder, tile: int, crop: tuple[int, int, int, int]
) -> None:
    file = Encoder().encode(synthetic_picture(HEIGHT, WIDTH), level=50, tile=tile)
    x, y, w, h = crop

    found = decoder.decode(file, crop)

    assert np.array_equal(found, decoder.decode(file)[y : y + h, x : x + w])


SEAM = 1024
"""Height of a window of the compiled core, in pixels: higher pictures have seams."""


@pytest.fixture(scope="module")
def large(tiny_entry: ModelEntry) -> tuple[FrameModel, list[bytes], np.ndarray]:
    """A model, the tiles of a picture of 1200 x 1100, and the picture they decode to."""
    model = loaded(tiny_entry)
    tiles, pixels = model.encode(synthetic_picture(1100, 1200), 40, 8, decoded=True)
    assert pixels is not None
    return model, tiles, pixels


def whole_latents(model: FrameModel, tiles: list[bytes]) -> np.ndarray:
    """y_hat of the picture, of all tiles together."""
    grid = bitstream.TileGrid(1200, 1100, 8)
    whole = np.zeros((latent_size(1100), latent_size(1200), 32), np.int32)
    for n, tile in enumerate(tiles):
        area = tile_area(grid.rectangle(n))
        whole[area.slices(tile_area((0, 0, 1200, 1100)))] = model.decompress(
            tile, area.height, area.width, 40
        )
    return whole


def test_windows_do_not_show(large: tuple[FrameModel, list[bytes], np.ndarray]) -> None:
    """Synthesis by windows gives what the whole picture at once gives, so do crops over seams."""
    model, tiles, pixels = large
    at_once = model.synthesise(whole_latents(model, tiles), 40)[:1100, :1200]

    assert np.array_equal(pixels, at_once)
    for crop in ((0, 0, 1200, 1100), (SEAM - 10, SEAM - 3, 40, 7), (900, 1050, 300, 50)):
        x, y, w, h = crop
        found = model.decode(tiles.__getitem__, (1200, 1100), 40, 8, crop)
        assert np.array_equal(found, at_once[y : y + h, x : x + w])


def test_windows_side_by_side_do_not_show(tiny_model: ModelEntry) -> None:
    """A picture wider than a window, 8192 pixels: every tile as it is alone with what is around."""
    model, width = loaded(tiny_model), 8192 + 100
    picture = np.tile(synthetic_picture(64, 640), (1, 13, 1))[:, :width]

    tiles, pixels = model.encode(picture, 40, 6, decoded=True)

    assert pixels is not None
    for left in (0, 8192 - 640, width - 676):  # whole tiles away from the left edge
        part = np.ascontiguousarray(picture[:, left : left + 676])
        alone, decoded = model.encode(part, 40, 6, decoded=True)
        assert decoded is not None
        first, last = (0 if left == 0 else 1), (10 if left == width - 676 else 9)
        assert alone[first:last] == tiles[left // 64 + first : left // 64 + last]
        inner = slice(64 * first + 64 * bool(first), 64 * last - 64)
        assert np.array_equal(decoded[:, inner], pixels[:, left : left + 676][:, inner])


def test_analysis_by_windows_does_not_show(
    large: tuple[FrameModel, list[bytes], np.ndarray],
) -> None:
    """The tiles are those of the latents of the whole picture at once."""
    model, tiles, _ = large
    whole = tile_area((0, 0, 1200, 1100))
    y = model.analyse(synthetic_picture(1100, 1200), (0, 0, whole.width, whole.height), 40)
    grid = bitstream.TileGrid(1200, 1100, 8)
    for n in (3, 9, 16, 24):  # beside the seams and at the edges
        part = np.ascontiguousarray(y[tile_area(grid.rectangle(n)).slices(whole)])
        assert model.compress(part, model.hyper_analyse(part, 40), 40)[0] == tiles[n]


def asked_tiles(
    model: FrameModel, file: bytes, crop: tuple[int, int, int, int], threads: int
) -> list[int]:
    """The tiles that decoding a crop asks for, in order."""
    container = bitstream.read(file)
    header, seen = container.header, []

    def tile(index: int) -> bytes:
        seen.append(index)
        return container.tile(index)

    model.decode(
        tile, (header.width, header.height), header.level, header.tile_log2, crop, threads=threads
    )
    return seen


@pytest.mark.parametrize("threads", [1, 2])
def test_every_tile_is_asked_for_once(
    tiny_model: ModelEntry, many_tiles: bytes, threads: int
) -> None:
    seen = asked_tiles(loaded(tiny_model), many_tiles, (0, 0, WIDTH, HEIGHT), threads)

    assert sorted(seen) == list(range(35))


def test_tiles_of_two_bands_are_asked_for_once(
    large: tuple[FrameModel, list[bytes], np.ndarray],
) -> None:
    model, tiles, _ = large
    seen: list[int] = []

    def tile(index: int) -> bytes:
        seen.append(index)
        return tiles[index]

    model.decode(tile, (1200, 1100), 40, 8, (0, 0, 1200, 1100))

    assert sorted(seen) == list(range(25))


def test_crop_asks_only_for_the_tiles_around_it(tiny_model: ModelEntry, many_tiles: bytes) -> None:
    model = loaded(tiny_model)

    # the margin of two latents, 32 pixels, reaches into all eight neighbours
    around = asked_tiles(model, many_tiles, (3 * 64 + 16, 2 * 64 + 16, 20, 20), 1)

    assert sorted(around) == [9, 10, 11, 16, 17, 18, 23, 24, 25]
    assert asked_tiles(model, many_tiles, (0, 0, 16, 16), 1) == [0]


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
        decoder.tile_latents(damaged)


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

    found = decoder.decode(file, (50, 60, 70, 30))
    assert np.array_equal(found, decoder.decode(file)[60:90, 50:120])


def test_sources_of_every_kind(decoder: Decoder, many_tiles: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.lic"
    path.write_bytes(many_tiles)
    crop = (0, 0, 20, 20)
    expected = decoder.decode(many_tiles, crop)

    for source in (path, str(path), io.BytesIO(many_tiles), bytearray(many_tiles)):
        assert np.array_equal(decoder.decode(source, crop), expected)


def test_latents_are_those_of_the_tiles(decoder: Decoder, many_tiles: bytes) -> None:
    grid = bitstream.read(many_tiles).grid

    latents = decoder.tile_latents(many_tiles)

    assert len(latents) == 35
    for index, y_hat in enumerate(latents):
        r = grid.rectangle(index)
        assert y_hat.shape == (latent_size(r.height), latent_size(r.width), 32)
        assert y_hat.dtype == np.int32


def test_progress_rises_to_one(large: tuple[FrameModel, list[bytes], np.ndarray]) -> None:
    model, tiles, _ = large
    seen: list[float] = []

    model.decode(
        tiles.__getitem__, (1200, 1100), 40, 8, (0, 0, 1200, 1100), progress=seen.append
    )  # fmt: skip

    assert len(seen) == 2  # bands
    assert 0 < seen[0] < seen[1] == 1.0


class Stopped(Exception):
    """Raised by a test's own code within the compiled core."""


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_callback_raises_comes_out(
    decoder: Decoder, tiny_model: ModelEntry, many_tiles: bytes, threads: int
) -> None:
    def fail(_: object) -> bytes:
        raise Stopped

    with pytest.raises(Stopped):
        decoder.decode_picture(many_tiles, progress=fail)
    with pytest.raises(Stopped):
        loaded(tiny_model).decode(fail, (64, 64), 40, 6, (0, 0, 64, 64), threads=threads)


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
    monkeypatch.setattr("codec.decoder.frame_model", None)

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


@pytest.mark.parametrize("options", [{"device": "cuda:99"}, {"threads": -1}], ids=str)
def test_wrong_option_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        Decoder(**options)


def test_model_is_read_once(
    decoder: Decoder, many_tiles: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder.decode(many_tiles, (0, 0, 1, 1))

    monkeypatch.setattr("codec.frame.model.read_verified", None)

    decoder.decode(many_tiles, (0, 0, 1, 1))
    Decoder(threads=1).decode(many_tiles, (0, 0, 1, 1))
