"""The plugin of Pillow: it behaves like Pillow's own formats."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

import bitstream
import codec
import codec.pillow_plugin
from bitstream.front import read_front
from tests.unit.codec.test_api import container, photo

MODES = [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)]


def saved(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "LIC", **options)
    return buffer.getvalue()


def picture(mode: str = "RGB") -> Image.Image:
    array = photo(channels=dict(MODES)[mode])
    return Image.fromarray(array[:, :, 0] if mode == "L" else array)


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found


@pytest.mark.weights
@pytest.mark.parametrize(("mode", "channels"), MODES)
def test_round_trip_is_that_of_the_api(mode: str, channels: int) -> None:
    data = saved(picture(mode), quality=60, threads=1)

    assert data == codec.encode(photo(channels=channels), quality=60)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode, image.size) == ("LIC", mode, (96, 80))
        assert image.get_format_mimetype() == "image/x-lic"
        assert image.info["quality"] == codec.info(data).quality
        assert image.info["level"] == codec.info(data).level
        decoded = np.array(image)
    assert np.array_equal(decoded.reshape(80, 96, channels), codec.decode(data))


@pytest.mark.weights
def test_path_is_found_by_suffix_and_by_content(tmp_path: Path) -> None:
    path, other = tmp_path / "a.lic", tmp_path / "b.bin"
    picture().save(path)
    other.write_bytes(path.read_bytes())

    assert codec.info(path).quality == 75
    for name in (path, other):
        image = Image.open(name)
        assert image.size == (96, 80)
        assert image.getpixel((5, 5)) is not None
        assert image.copy().mode == "RGB"
    assert Image.registered_extensions()[".lic"] == "LIC"


def test_opening_reads_the_front_alone() -> None:
    data = container(icc=b"icc", exif=b"II*\0", xmp=b"<x/>")
    file = Counting(data + bytes(1 << 20))

    image = Image.open(file, formats=["LIC"])  # other formats may look further

    assert image.size == (100, 60)
    assert (image.info["icc_profile"], image.info["xmp"]) == (b"icc", b"<x/>")
    assert image.info["exif"] == b"II*\0"
    assert file.count < 1000
    with pytest.raises(OSError, match="bytes after the end") as caught:
        image.load()
    assert isinstance(caught.value.__cause__, codec.CodecError)


def test_front_is_that_of_the_container() -> None:
    for parts in ({}, {"icc": bytes(1000)}, {"exif": b""}, {"icc": b"1", "xmp": b"2" * 300}):
        data = container(**parts)
        whole = bitstream.read(data)
        front = read_front(io.BytesIO(data))
        assert front.header == whole.header
        found = front.metadata
        assert (found.icc, found.exif, found.xmp) == (whole.icc, whole.exif, whole.xmp)


def test_damaged_front_is_unidentified_and_chained() -> None:
    data = container(icc=bytes(range(256)), xmp=b"xmp")
    end = len(data) - 30

    for length in range(4, end, 3):
        with pytest.raises(UnidentifiedImageError) as caught:
            Image.open(io.BytesIO(data[:length]))
        assert isinstance(caught.value.__cause__, codec.CodecError), length
    for position in range(4, end, 5):
        damaged = bytearray(data)
        damaged[position] ^= 0x55
        with pytest.raises((UnidentifiedImageError, Image.DecompressionBombError)):
            Image.open(io.BytesIO(damaged))


def test_too_large_is_a_bomb() -> None:
    with pytest.raises(Image.DecompressionBombError, match="40000"):
        Image.open(io.BytesIO(container_bytes(40000)))


def container_bytes(side: int) -> bytes:
    """A header of a square that no reader with the usual limits takes."""
    limits = bitstream.Limits(max_pixels=0, max_dimension=0, max_tiles=0)
    header = bitstream.Header(
        width=side, height=side, channels=3, alpha=False, model_id=1, weights_hash=bytes(4),
        level=1, tile_log2=15,
    )  # fmt: skip
    tiles = [b""] * bitstream.TileGrid(side, side, 15).count
    return bitstream.write(bitstream.Container(header=header, tiles=tiles), limits)


@pytest.mark.weights
def test_truncated_pixels_are_an_os_error_of_load_and_verify() -> None:
    data = saved(picture())

    for cut in (data[:-1], data[: len(data) // 2]):
        with pytest.raises(OSError, match="data end") as caught:
            Image.open(io.BytesIO(cut)).load()
        assert isinstance(caught.value.__cause__, codec.TruncatedFile)
        with pytest.raises(OSError, match="data end"):
            Image.open(io.BytesIO(cut)).verify()
    flipped = bytearray(data)
    flipped[-5] ^= 1
    with pytest.raises(OSError, match="CRC"):
        Image.open(io.BytesIO(flipped)).verify()
    Image.open(io.BytesIO(data)).verify()


@pytest.mark.weights
def test_metadata_follow_the_conventions_of_pillow() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = picture()
    image.info.update(icc_profile=b"profile", exif=exif.tobytes(), xmp=b"<old/>")

    kept = Image.open(io.BytesIO(saved(image))).info
    given = Image.open(io.BytesIO(saved(image, icc_profile=None, exif=exif, xmp="<new/>")))

    assert kept["icc_profile"] == b"profile"
    assert "exif" not in kept
    assert "xmp" not in kept
    assert "icc_profile" not in given.info
    assert given.info["xmp"] == b"<new/>"
    assert given.getexif()[0x0112] == 6
    raw = Image.open(io.BytesIO(saved(image, exif=exif.tobytes())))
    assert raw.getexif()[0x0112] == 6


@pytest.mark.weights
def test_options_are_passed_on_and_unknown_ones_are_not() -> None:
    image = picture()

    assert codec.info(saved(image, level=20, optimize=True)).level == 20
    assert len(saved(image, target_size="2kB")) <= 2000
    with pytest.raises(ValueError, match="quality"):
        saved(image, quality=101)


def test_lossless_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr("codec.api.encode", lambda _, **options: found.append(options) or b"")

    saved(picture(), quality=90, lossless=True, effort=3)
    saved(picture(), near_lossless=2)
    saved(picture(), lossless=False)

    assert found == [{"lossless": True, "effort": 3}, {"near_lossless": 2}, {}]


def test_other_modes_are_refused_as_pillow_does(tmp_path: Path) -> None:
    path = tmp_path / "a.lic"
    for mode in ("CMYK", "F", "I;16"):
        with pytest.raises(OSError, match=f"cannot write mode {mode} as LIC"):
            Image.new(mode, (8, 8)).save(path)
    assert not path.exists()


@pytest.mark.weights
def test_threads_decode_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.lic"
    picture().save(path)
    wanted = codec.decode(path)

    def decoded(_: int) -> np.ndarray:
        with Image.open(path) as image:
            return np.array(image)

    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(found, wanted) for found in pool.map(decoded, range(12)))


def test_nothing_is_registered_unasked() -> None:
    code = "import codec, PIL.Image as I; I.init(); raise SystemExit('.lic' in I.EXTENSION)"

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("options", [{"lossless": True}, {"near_lossless": 2}])
def test_lossless_files_are_opened(mode: str, options: dict) -> None:
    image = Image.fromarray(np.arange(9 * 7 * 4, dtype=np.uint8).reshape(9, 7, 4)).convert(mode)
    file = io.BytesIO()

    image.save(file, "LIC", **options)
    file.seek(0)
    opened = Image.open(file)

    assert (opened.mode, opened.size) == (mode, (7, 9))
    assert "quality" not in opened.info
    difference = np.abs(np.asarray(opened).astype(int) - np.asarray(image))
    assert difference.max() <= options.get("near_lossless", 0)
