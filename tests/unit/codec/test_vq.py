"""The profile vq does all that the default does, and decodes what is left of a damaged file."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import bitstream
import codec
from codec.cli.main import cli
from codec.frame.mixing import least_psnr
from codec.frame.model import FrameModel
from codec.image.metrics import psnr
from codec.models import registry
from networks.native import instruction_sets
from tests.vector_reference import VectorReference, packets_of

VQ = "vq"

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def model() -> FrameModel:
    return FrameModel(registry.default(VQ).path.read_bytes())


@pytest.fixture(scope="module")
def tiled(photo: np.ndarray) -> bytes:
    return codec.encode(photo, profile=VQ, quality=60, tile=256)


def without_packet(payload: bytes, lost: int) -> bytes:
    """A payload with one byte of a packet changed."""
    packets = packets_of(payload)
    at = len(payload) - sum(map(len, packets[lost:])) + len(packets[lost]) // 2
    return payload[:at] + bytes([payload[at] ^ 16]) + payload[at + 1 :]


@pytest.mark.parametrize("level", [0, 4, 8])
@pytest.mark.parametrize("size", [(4, 4), (8, 12)])
def test_another_decoder_reads_the_same(
    model: FrameModel, photo: np.ndarray, level: int, size: tuple[int, int]
) -> None:
    height, width = size
    y = model.analyse(photo, (10, 10, width, height), level)

    payload, y_hat = model.encode_latents(y, level)

    reference = VectorReference(registry.default(VQ).path.read_bytes())
    assert np.array_equal(reference.decompress(payload, height, width, level), y_hat)
    assert np.array_equal(model.decompress(payload, height, width, level), y_hat)


@pytest.mark.parametrize("size", [(1, 1), (17, 63), (65, 130)])
def test_every_size(photo: np.ndarray, size: tuple[int, int]) -> None:
    pixels = np.ascontiguousarray(photo[200 : 200 + size[0], 300 : 300 + size[1]])

    assert codec.decode(codec.encode(pixels, profile=VQ, quality=50)).shape == pixels.shape


def test_files_are_small_and_grow_with_quality(photo: np.ndarray) -> None:
    files = [codec.encode(photo, profile=VQ, quality=q) for q in (0, 25, 50, 75, 100)]
    bpp = [8 * len(data) / (photo.shape[0] * photo.shape[1]) for data in files]

    assert bpp == sorted(bpp)
    assert bpp[0] < 0.015
    assert bpp[-1] < 0.06
    quality = [psnr(photo, codec.decode(data)) for data in files]
    assert quality == sorted(quality)


def test_bytes_do_not_depend_on_threads_or_kernels(crop: np.ndarray) -> None:
    first = codec.encode(crop, profile=VQ, threads=1)
    data = registry.default(VQ).path.read_bytes()
    found = [FrameModel(data, isa).encode(crop, 5, 7, decoded=True) for isa in instruction_sets()]

    assert codec.encode(crop, profile=VQ, threads=2) == first
    assert all(tiles == found[0][0] for tiles, _ in found)
    assert all(np.array_equal(pixels, found[0][1]) for _, pixels in found)


def test_targets(crop: np.ndarray) -> None:
    data = codec.encode(crop, profile=VQ, target_bpp=0.04)
    least = codec.verify(data, crop).psnr
    assert least is not None

    assert len(data) <= 0.04 * crop.shape[0] * crop.shape[1] / 8
    reached = codec.verify(codec.encode(crop, profile=VQ, target_psnr=least), crop)
    assert reached.psnr is not None
    assert reached.psnr >= least


def test_damage_is_refused_unless_it_is_to_be_concealed(tiled: bytes) -> None:
    whole = codec.decode(tiled)
    first = len(tiled) // 4

    for at in range(first, len(tiled), 61):
        damaged = bytearray(tiled)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(codec.CodecError):
            codec.decode(bytes(damaged))
        assert codec.decode(bytes(damaged), conceal=True).shape == whole.shape
    assert np.array_equal(codec.decode(tiled, conceal=True), whole)


def test_a_lost_packet_costs_what_is_near_it(photo: np.ndarray, tiled: bytes) -> None:
    container = bitstream.read(tiled)
    tiles = list(container.tiles)
    tiles[1] = without_packet(tiles[1], 2)

    whole = codec.decode(tiled)
    decoded = codec.decode(bitstream.write(replace(container, tiles=tiles)), conceal=True)

    changed = (decoded != whole).any(2)
    assert changed[:256, 256:512].any()
    assert not changed[256 + 144 :].any()  # beyond the reach of the synthesis
    assert not changed[:, : 256 - 144].any()
    assert psnr(photo[:256, 256:512], decoded[:256, 256:512]) > 13


def test_what_is_cut_off_is_guessed(photo: np.ndarray, tiled: bytes) -> None:
    shown = [
        psnr(photo, codec.decode(tiled[: len(tiled) * share // 10], conceal=True))
        for share in (3, 6, 9)
    ]

    assert shown == sorted(shown)
    with pytest.raises(codec.CodecError):
        codec.decode(tiled[: len(tiled) * 9 // 10])
    with pytest.raises(codec.CodecError):
        codec.decode(tiled[:20], conceal=True)  # no header, no guess


def test_a_crop_of_a_damaged_file(tiled: bytes) -> None:
    damaged = tiled[: len(tiled) // 2]
    whole = codec.decode(damaged, conceal=True)

    part = codec.decode(damaged, crop=(200, 150, 300, 250), conceal=True)

    assert np.array_equal(part, whole[150:400, 200:500])


def test_it_is_said_that_something_was_guessed(
    tiled: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        codec.decode(tiled, conceal=True)
        assert not caplog.records
        codec.decode(tiled[:-9], conceal=True)
    assert "1 of 6 tiles are damaged or missing" in caplog.text


def test_other_profiles_have_nothing_to_guess_with(crop: np.ndarray) -> None:
    data = codec.encode(crop)

    assert np.array_equal(codec.decode(data, conceal=True), codec.decode(data))
    with pytest.raises(codec.CodecError, match="another profile than vq"):
        codec.decode(data[:-9], conceal=True)


def test_on_the_command_line(tmp_path: Path, photo: np.ndarray) -> None:
    source, file, out = (tmp_path / name for name in ("a.png", "a.lic", "b.png"))
    Image.fromarray(photo[:256, :256]).save(source)
    runner = CliRunner()
    done = runner.invoke(cli, ["encode", str(source), "-o", str(file), "-p", VQ, "-q", "30"])
    assert done.exit_code == 0
    file.write_bytes(file.read_bytes()[:-6])

    refused = runner.invoke(cli, ["decode", str(file), "-o", str(out)])
    assert refused.exit_code != 0
    assert not out.exists()
    guessed = runner.invoke(cli, ["decode", str(file), "-o", str(out), "--conceal", "--json"])
    assert guessed.exit_code == 0
    assert json.loads(guessed.stdout)["damaged_tiles"] == 1
    assert "damaged or missing" in guessed.stderr
    with Image.open(out) as image:
        assert image.size == (256, 256)


def test_efforts_that_refine_are_refused(crop: np.ndarray) -> None:
    with pytest.raises(codec.OptionError, match="not refined"):
        codec.encode(crop, profile=VQ, effort=8)


def test_blocks_of_colour_keep_the_promise() -> None:
    """Much is lost here that no sign of fine detail tells before."""
    rng = np.random.default_rng(18)
    blocks = rng.integers(0, 256, (18, 18, 3)).repeat(18, 0).repeat(18, 1)
    pixels = np.clip(blocks + rng.integers(-3, 4, blocks.shape), 0, 255).astype(np.uint8)

    for quality in (0, 75):
        data = codec.encode(pixels, profile=VQ, quality=quality)
        floor = least_psnr(registry.default(VQ), codec.info(data).level)
        assert psnr(pixels, codec.decode(data)) >= floor - 0.01


@pytest.fixture(scope="module")
def partly_exact(photo: np.ndarray) -> bytes:
    """Tiles of 64 pixels, one of them noise, which is coded exactly."""
    pixels = photo[100:292, 200:456].copy()
    pixels[64:128, 64:128] = np.random.default_rng(2).integers(0, 256, (64, 64, 3))
    return codec.encode(pixels, profile=VQ, quality=60, tile=64)


def test_any_byte_of_any_tile_may_be_damaged(partly_exact: bytes) -> None:
    container = bitstream.read(partly_exact)
    assert container.modes is not None
    begins = [container.tiles.span(n).offset for n in range(12)]  # type: ignore[attr-defined]

    for at in (*begins, *range(begins[0], len(partly_exact), 301)):
        damaged = partly_exact[:at] + bytes([partly_exact[at] ^ 1]) + partly_exact[at + 1 :]
        assert codec.decode(damaged, conceal=True).shape == (192, 256, 3)
    for end in range(begins[0], len(partly_exact), 307):
        assert codec.decode(partly_exact[:end], conceal=True).shape == (192, 256, 3)


def test_damage_elsewhere_does_not_concern_a_crop(
    tiled: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tiled[:-9]  # the last tile: pixels from 512,256 on

    with caplog.at_level(logging.WARNING):
        part = codec.decode(damaged, crop=(10, 10, 40, 30), conceal=True)

    assert not caplog.records
    assert np.array_equal(part, codec.decode(tiled)[10:40, 10:50])


def test_bytes_behind_the_file_are_no_damage(tiled: bytes) -> None:
    with pytest.raises(codec.CodecError):
        codec.decode(tiled + bytes(50))
    assert np.array_equal(codec.decode(tiled + bytes(50), conceal=True), codec.decode(tiled))
