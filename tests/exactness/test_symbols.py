"""C1: the compiled frame coder is the definition: payloads, latents and pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bitstream
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.frame.model import FrameModel, loaded
from codec.models import registry
from codec.models.registry import ModelEntry
from entropy.coder import encode as encode_segments
from entropy.coder.backends import Backend
from entropy.errors import EntropyCodingError
from tests.exactness.definition import Definition
from tests.model_fixtures import synthetic_picture
from tests.unit.entropy.coder.cases import BACKENDS

KODIM23 = Path(__file__).parents[2] / "examples" / "kodim23.png"
SIZES = [(1, 1, 6), (70, 150, 6), (130, 65, 7), (100, 90, 15)]


@pytest.fixture(scope="module")
def defined(tiny_entry: ModelEntry) -> Definition:
    """The small model by the definitions."""
    return Definition(tiny_entry.path.read_bytes())


@pytest.fixture
def model(tiny_entry: ModelEntry) -> FrameModel:
    """The small model in the compiled core."""
    return loaded(tiny_entry)


@pytest.mark.parametrize("level", [0, 29, 63])
@pytest.mark.parametrize(("height", "width", "tile_log2"), SIZES)
def test_frame_coder_is_the_definition(
    model: FrameModel, defined: Definition, height: int, width: int, tile_log2: int, level: int
) -> None:
    pixels = synthetic_picture(height, width, seed=height)

    tiles, decoded = model.encode(pixels, level, tile_log2, decoded=True)

    payloads, y_hats, image = defined.encode(pixels, level, tile_log2)
    assert tiles == payloads
    assert np.array_equal(decoded, image)
    size, area = (width, height), (0, 0, width, height)
    assert np.array_equal(model.decode(tiles.__getitem__, size, level, tile_log2, area), image)
    for tile, y_hat in zip(tiles, y_hats, strict=True):
        assert np.array_equal(model.decompress(tile, *y_hat.shape[:2], level), y_hat)


@pytest.mark.weights
@pytest.mark.parametrize("level", [0, 47])
def test_tiles_coded_as_their_mean_colour_are_the_definition(level: int) -> None:
    """What the transform cannot carry, beside what it can; also where a tile is two pixels wide."""
    entry = registry.default("wavelet")
    picture = synthetic_picture(64, 130)
    columns = np.arange(64)[:, None] % 3 == np.arange(3)
    picture[:, :64] = 255 * columns.astype(np.uint8)

    tiles, decoded = loaded(entry).encode(picture, level, 6, decoded=True)

    payloads, _, image = Definition(entry.path.read_bytes()).encode(picture, level, 6)
    assert tiles == payloads
    assert np.array_equal(decoded, image)
    assert np.ptp(image[:, 4:40].reshape(-1, 3).astype(int), axis=0).max() < 12  # a plane


@pytest.mark.parametrize("backend", BACKENDS)
def test_range_coder_backends_read_and_write_the_same_payload(
    model: FrameModel, tiny_entry: ModelEntry, backend: Backend
) -> None:
    defined = Definition(tiny_entry.path.read_bytes(), backend)
    y = model.analyse(synthetic_picture(64, 128), (0, 0, 8, 4), 40)
    z = model.hyper_analyse(y, 40)

    payload, y_hat, segments = model.compress(y, z, 40)

    assert encode_segments(segments, defined.tables, backend=backend) == payload
    assert defined.codec.compress(y, z, 40)[0] == payload
    assert np.array_equal(defined.codec.decompress(payload, 4, 8, 40), y_hat)


def test_hyper_latents_beyond_anything_trained_stay_exact(
    model: FrameModel, defined: Definition
) -> None:
    random = np.random.default_rng(0)
    y = random.integers(-(1 << 20), 1 << 20, (8, 4, defined.config.latent), dtype=np.int32)
    z = random.integers(-32768, 32768, (2, 1, defined.config.hyper), dtype=np.int32)

    payload, y_hat, _ = model.compress(y, z, 5)

    theirs, their_y_hat, _ = defined.codec.compress(y, z, 5)
    assert payload == theirs
    assert np.array_equal(y_hat, their_y_hat)
    assert np.array_equal(model.synthesise(y_hat, 5), defined.synthesise(y_hat, 5))
    assert np.array_equal(model.decompress(payload, 8, 4, 5), y_hat)


def test_latents_no_encoder_makes_give_the_pixels_of_the_definition(
    model: FrameModel, defined: Definition
) -> None:
    for value in (-(1 << 23), 1 << 23):
        y_hat = np.full((2, 3, defined.config.latent), value, np.int32)

        assert np.array_equal(model.synthesise(y_hat, 63), defined.synthesise(y_hat, 63))


@pytest.mark.usefixtures("tiny_model")
def test_tiles_do_not_depend_on_each_other() -> None:
    """One tile of the file alone in a container decodes to the same latents."""
    file = Encoder().encode(synthetic_picture(150, 170), level=40, tile=64)
    container = bitstream.read(file)
    decoded = Decoder().tile_latents(file)
    for index in (4, 8):
        r = container.grid.rectangle(index)
        header = bitstream.Header(
            width=r.width, height=r.height, channels=3, alpha=False,
            model_id=container.header.model_id, weights_hash=container.header.weights_hash,
            level=container.header.level, tile_log2=6,
        )  # fmt: skip
        alone = bitstream.write(bitstream.Container(header=header, tiles=[container.tile(index)]))
        (found,) = Decoder().tile_latents(alone)
        assert np.array_equal(found, decoded[index])


def test_payload_that_is_cut_or_too_long_is_refused(model: FrameModel) -> None:
    tiles, _ = model.encode(synthetic_picture(64, 64), 40, 6)

    for damaged in (tiles[0][:-1], tiles[0][: len(tiles[0]) // 2], b"", tiles[0] + b"\0"):
        with pytest.raises(EntropyCodingError):
            model.decompress(damaged, 4, 4, 40)


@pytest.mark.weights
@pytest.mark.parametrize("level", [3, 44])
def test_registered_model_is_its_definition(level: int) -> None:
    """The trained integers, every layer of the shipped networks against NumPy."""
    entry = registry.default("wavelet")
    with Image.open(KODIM23) as image:
        pixels = np.ascontiguousarray(np.asarray(image.convert("RGB"))[128:192, 256:320])

    tiles, decoded = loaded(entry).encode(pixels, level, 6, decoded=True)

    payloads, _, expected = Definition(entry.path.read_bytes()).encode(pixels, level, 6)
    assert tiles == payloads
    assert np.array_equal(decoded, expected)


@pytest.mark.gpu
@pytest.mark.usefixtures("tiny_model")
def test_cuda_gives_the_bytes_latents_and_pixels_of_the_processor() -> None:
    picture = synthetic_picture(150, 170)

    files = [Encoder(device=d).encode(picture, level=40, tile=64) for d in ("cpu", "cuda")]

    assert files[0] == files[1]
    ours, theirs = Decoder(device="cpu"), Decoder(device="cuda")
    assert np.array_equal(theirs.decode(files[0]), ours.decode(files[0]))
    for a, b in zip(theirs.tile_latents(files[0]), ours.tile_latents(files[0]), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.gpu
@pytest.mark.weights
def test_registered_model_on_cuda_equals_the_processor() -> None:
    picture = synthetic_picture(200, 300)

    files = [Encoder(device=d).encode(picture, level=44) for d in ("cpu", "cuda")]

    assert files[0] == files[1]
    pixels = [Decoder(device=d).decode(files[0]) for d in ("cpu", "cuda")]
    assert np.array_equal(pixels[0], pixels[1])
