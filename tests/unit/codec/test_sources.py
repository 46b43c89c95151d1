"""File objects of every kind: where they stand, how little they give at once, what they cost."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from codec.errors import NotAnImage
from codec.image.files import open_picture, read_image
from codec.models.registry import ModelEntry
from codec.options import Limits
from tests.fresh import fresh

PIXELS = np.random.default_rng(4).integers(0, 256, (150, 180, 3), np.uint8)
KINDS = ["PNG", "JPEG", "WEBP", "TIFF", "PPM", "BMP", "GIF"]


def image_file(kind: str) -> bytes:
    """The pixels as an image file."""
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind)
    return buffer.getvalue()


class Trickle(io.RawIOBase):
    """A file that gives at most 1000 bytes at once, as sockets may."""

    def __init__(self, data: bytes, *, seekable: bool) -> None:
        super().__init__()
        self._data, self._seekable = io.BytesIO(data), seekable

    def read(self, size: int = -1) -> bytes:
        return self._data.read(1000 if size < 0 else min(size, 1000))

    def seekable(self) -> bool:
        return self._seekable

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._data.seek(offset, whence)

    def tell(self) -> int:
        return self._data.tell()


def pipe_of(data: bytes) -> Any:
    """The reading end of a pipe, without a buffer."""
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as file:
            file.write(data)

    threading.Thread(target=write).start()
    return open(reading, "rb", buffering=0)


@pytest.mark.parametrize("kind", KINDS)
def test_image_is_read_from_where_the_file_stands(
    kind: str, limits: Limits, tmp_path: Path
) -> None:
    data = image_file(kind)
    expected = read_image(data, limits=limits).samples
    before = image_file("BMP" if kind == "PNG" else "PNG")[:1001]
    path = tmp_path / "file"
    path.write_bytes(before + data)

    with open(path, "rb") as file, open(path, "rb", buffering=0) as raw:
        for stream in (io.BytesIO(before + data), file, raw, Trickle(before + data, seekable=True)):
            stream.seek(len(before))
            assert np.array_equal(read_image(stream, limits=limits).samples, expected)
            assert not stream.closed


@pytest.mark.parametrize("kind", KINDS)
def test_image_is_read_however_little_comes_at_once(kind: str, limits: Limits) -> None:
    data = image_file(kind)
    expected = read_image(data, limits=limits).samples

    with pipe_of(data) as pipe, tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.seek(0)
        for stream in (pipe, file, *(Trickle(data, seekable=seeks) for seeks in (False, True))):
            assert np.array_equal(read_image(stream, limits=limits).samples, expected)


def test_file_of_ours_is_read_from_where_it_stands_however_little_comes_at_once(
    tiny_model: ModelEntry,
) -> None:
    data = codec.encode(PIXELS, quality=100)
    padded = codec.Encoder().encode_picture(
        codec.Picture(PIXELS, icc=bytes(200_000)), codec.EncoderOptions()
    )
    expected = codec.decode(data)
    ahead = io.BytesIO(b"ahead" + data)
    ahead.seek(5)

    assert np.array_equal(codec.decode(ahead), expected)
    for limits in (Limits(), Limits(max_file_bytes=0)):
        for content in (data, padded):
            with pipe_of(content) as pipe:
                assert codec.info(pipe, limits=limits).bytes == len(content)
            assert codec.info(Trickle(content, seekable=False), limits=limits).width == 180


def test_what_is_no_image_is_refused_after_its_first_bytes(limits: Limits) -> None:
    stream = Trickle(bytes(10_000), seekable=False)

    with pytest.raises(NotAnImage):
        read_image(stream, limits=limits)
    assert stream.tell() < 100


def test_file_without_bytes_at_hand_is_a_system_error(limits: Limits) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(reading, "rb", buffering=0) as pipe, open(writing, "wb"):
        for call in (lambda: open_picture(pipe, limits=limits), lambda: codec.info(pipe)):
            with pytest.raises(BlockingIOError):
                call()


def test_info_takes_no_more_memory_than_the_file(tiny_model: ModelEntry, tmp_path: Path) -> None:
    path = tmp_path / "a.lic"
    path.write_bytes(codec.encode(PIXELS))
    code = (
        "import resource, codec\n"
        "codec.info\n"  # modules are loaded
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20),) * 2)\n"
        f"print(codec.info({str(path)!r}, strict=False).width)"
    )

    assert fresh(code).stdout == "180\n"
