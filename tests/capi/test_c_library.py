"""The C library gives the bytes and pixels of the Python package, and refuses wrong calls."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import threading
import zlib
from ctypes import byref, c_size_t, c_uint32, c_void_p
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bitstream
import codec
from codec.models import registry
from tests.capi import library as lic
from tests.capi.library import part

ZLIB = lic.zlib_version()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(library: lic.Library, entry: registry.ModelEntry) -> c_void_p:
    return library.open(entry.path.read_bytes())


def options_of(entry: registry.ModelEntry, level: int, tile_log2: int = 0) -> lic.Options:
    return lic.Options(model_id=entry.id, level=level, tile_log2=tile_log2, threads=2)


def status_of(call, *arguments) -> int:
    with pytest.raises(lic.LicError) as caught:
        call(*arguments)
    assert str(caught.value)
    return caught.value.status


def test_example_program_gives_what_python_gives(
    installed: Path, entry: registry.ModelEntry, photo: np.ndarray, tmp_path: Path
) -> None:
    from PIL import Image

    picture, file, decoded = (tmp_path / name for name in ("in.ppm", "out.lic", "out.ppm"))
    Image.fromarray(photo).save(picture)

    program = installed / "lic_convert"
    lic.run(program, "encode", entry.path, picture, file, 30, entry.id)
    lic.run(program, "decode", entry.path, file, decoded)

    assert file.read_bytes() == codec.encode(photo, level=30)
    assert np.array_equal(np.array(Image.open(decoded)), codec.decode(file.read_bytes()))


@pytest.mark.skipif(ZLIB is None, reason="no zlib")
def test_example_program_writes_alpha_as_pam(
    installed: Path, entry: registry.ModelEntry, photo: np.ndarray, tmp_path: Path
) -> None:
    pixels = part(photo, 70, 33, 4)
    file, decoded = tmp_path / "in.lic", tmp_path / "out.pam"
    file.write_bytes(codec.encode(pixels, level=20))

    lic.run(installed / "lic_convert", "decode", entry.path, file, decoded)

    header, samples = decoded.read_bytes().split(b"ENDHDR\n", 1)
    assert header == b"P7\nWIDTH 70\nHEIGHT 33\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\n"
    assert samples == codec.decode(file.read_bytes()).tobytes()


def test_example_builds_against_the_installed_library(
    installed: Path, compilers: tuple[str, str], tmp_path: Path
) -> None:
    source, program = lic.ROOT / "examples" / "c" / "lic_convert.c", tmp_path / "lic_convert"
    command = [
        compilers[0],
        "-std=c99",
        "-pedantic",
        *lic.WARNINGS,
        f"-I{installed / 'include'}",
        source,
    ]

    lic.run(*command, f"-L{installed / 'lib'}", "-llic", "-o", program)


WITH_ALPHA = [
    pytest.param(channels, marks=pytest.mark.skipif(ZLIB is None, reason="no zlib"))
    for channels in (2, 4)
]


@pytest.mark.parametrize("channels", [1, 3, *WITH_ALPHA])
@pytest.mark.parametrize("kernels", [None, b"scalar"])
def test_every_kind_of_picture_is_as_in_python(
    library: lic.Library, entry: registry.ModelEntry, photo: np.ndarray, channels: int,
    kernels: bytes | None,
) -> None:  # fmt: skip
    pixels = part(photo, 150, 90, channels)
    model = library.open(entry.path.read_bytes(), kernels)

    data = library.encode(model, pixels, options_of(entry, 40, 6))
    decoded = library.decode(model, data)

    expected = codec.encode(pixels, level=40, tile=64)
    if channels % 2 == 1 or ZLIB == zlib.ZLIB_RUNTIME_VERSION:
        assert data == expected
    else:  # which bytes zlib makes depends on its version
        assert replace(bitstream.read(data), alpha=b"") == replace(
            bitstream.read(expected), alpha=b""
        )
    assert np.array_equal(decoded, codec.decode(data))
    assert np.array_equal(library.decode(model, expected, threads=1), decoded)
    library.c.lic_model_close(model)


@pytest.mark.parametrize("channels", [2, 4])
def test_constant_alpha_is_as_in_python(
    library: lic.Library, model: c_void_p, entry: registry.ModelEntry, photo: np.ndarray,
    channels: int,
) -> None:  # fmt: skip
    pixels = part(photo, 65, 33, channels)
    pixels[:, :, -1] = 77

    data = library.encode(model, pixels, options_of(entry, 10))

    assert data == codec.encode(pixels, level=10)
    assert np.array_equal(library.decode(model, data), codec.decode(data))


def test_metadata_is_kept(
    library: lic.Library, model: c_void_p, entry: registry.ModelEntry, photo: np.ndarray
) -> None:
    pixels = part(photo, 64, 64, 3)
    kept = {"icc": b"a profile", "exif": None, "xmp": b""}
    picture = codec.Picture(pixels, icc=kept["icc"], xmp=kept["xmp"])
    buffers = {name: np.frombuffer(text + b"\0", np.uint8) for name, text in kept.items() if text}
    buffers["xmp"] = np.zeros(1, np.uint8)
    options = options_of(entry, 5)
    for name, buffer in buffers.items():
        bytes_of = lic.Bytes(buffer.ctypes.data, len(kept[name] or b""))
        setattr(options.metadata, name, bytes_of)

    data = library.encode(model, pixels, options)

    assert data == codec.encode(picture, level=5)
    assert library.metadata(data) == [b"a profile", None, b""]


@pytest.mark.parametrize("crop", [(0, 0, 1, 1), (100, 50, 90, 60), (199, 0, 1, 136)])
@pytest.mark.parametrize("channels", [3, *WITH_ALPHA])
def test_crops_are_as_in_python(
    library: lic.Library, model: c_void_p, photo: np.ndarray, crop: tuple[int, int, int, int],
    channels: int,
) -> None:  # fmt: skip
    data = codec.encode(part(photo, 200, 136, channels), level=30, tile=64)

    assert np.array_equal(library.decode_crop(model, data, crop), codec.decode(data, crop=crop))


def test_header_and_model_are_described(
    library: lic.Library, model: c_void_p, entry: registry.ModelEntry, photo: np.ndarray
) -> None:
    data = codec.encode(part(photo, 70, 33, 4), level=20, tile=128)

    info, described = library.info(data[:267]), library.describe(model)

    size = (info.width, info.height, info.channels, info.pixels_size)
    assert size == (70, 33, 4, 70 * 33 * 4)
    assert (info.model_id, info.level, info.tile_log2) == (entry.id, 20, 7)
    assert bytes(info.weights_hash) == entry.weights_hash
    assert bytes(described.sha256).hex() == entry.sha256
    assert described.levels == entry.levels
    assert described.kernels
    assert library.c.lic_version().decode() == codec.__version__


def test_one_model_serves_many_threads(
    library: lic.Library, entry: registry.ModelEntry, photo: np.ndarray
) -> None:
    model = library.open(entry.path.read_bytes())
    data = codec.encode(part(photo, 200, 136, 3), level=30, tile=64)
    expected, found = codec.decode(data), []

    def decode() -> None:
        found.append(library.decode(model, data))

    threads = [threading.Thread(target=decode) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert all(np.array_equal(pixels, expected) for pixels in found)
    library.c.lic_model_close(model)


def test_wrong_weights_are_refused(
    library: lic.Library, model: c_void_p, entry: registry.ModelEntry, photo: np.ndarray
) -> None:
    weights = bytearray(entry.path.read_bytes())
    data = codec.encode(part(photo, 64, 64, 3), level=30)
    weights[-1] ^= 1  # of a table or a weight: the file is in order and another one
    changed = library.open(bytes(weights))

    assert bytes(library.describe(changed).sha256) == hashlib.sha256(weights).digest()
    assert status_of(library.decode, changed, data) == lic.WEIGHTS_MISMATCH
    assert np.array_equal(library.decode(model, data), codec.decode(data))
    library.c.lic_model_close(changed)


@pytest.mark.parametrize("size", [0, 7, 12, 1000, 500_000, -1])
def test_cut_weights_are_refused(
    library: lic.Library, entry: registry.ModelEntry, size: int
) -> None:
    assert status_of(library.open, entry.path.read_bytes()[:size]) == lic.BAD_WEIGHTS


def test_unknown_kernels_are_refused_by_name(
    library: lic.Library, entry: registry.ModelEntry
) -> None:
    with pytest.raises(lic.LicError, match="abacus") as caught:
        library.open(entry.path.read_bytes(), b"abacus")

    assert caught.value.status == lic.UNSUPPORTED


def test_null_and_absurd_arguments_are_refused(
    library: lic.Library, model: c_void_p, entry: registry.ModelEntry, photo: np.ndarray
) -> None:
    pixels = part(photo, 64, 64, 3)
    at, data = pixels.ctypes.data_as(c_void_p), codec.encode(pixels, level=10)
    size, room, out = c_size_t(len(data)), c_size_t(pixels.nbytes), byref(c_void_p())
    none, one, absurd = c_size_t(0), c_uint32(1), c_size_t(2**64 - 1)
    good, info = byref(options_of(entry, 10)), byref(lic.Info())
    loose = options_of(entry, 10)
    loose.metadata.exif = lic.Bytes(None, 5)

    def encode(pixels, count, width, height, channels, options):
        given = map(c_uint32, (width, height, channels))
        return ("lic_encode", model, pixels, c_size_t(count), *given, options, out, byref(none))

    def crop(x, y, width, height):
        given = map(c_uint32, (x, y, width, height))
        return ("lic_decode_crop", model, data, size, *given, one, at, room)

    calls = [
        ("lic_read_info", None, size, info),
        ("lic_read_info", data, size, None),
        ("lic_read_info", data, absurd, info),
        ("lic_read_metadata", None, none, byref(lic.Metadata())),
        ("lic_read_metadata", data, size, None),
        ("lic_model_open", None, size, None, out),
        ("lic_model_open", data, size, None, None),
        ("lic_model_open", data, absurd, None, out),
        ("lic_model_describe", None, byref(lic.ModelInfo())),
        ("lic_model_describe", model, None),
        ("lic_decode", None, data, size, one, at, room),
        ("lic_decode", model, None, size, one, at, room),
        ("lic_decode", model, data, absurd, one, at, room),
        ("lic_decode", model, data, size, one, None, room),
        ("lic_decode", model, data, size, c_uint32(1025), at, room),
        crop(0, 0, 0, 1),
        crop(0, 0, 1, 0),
        crop(0, 0, 65, 1),
        crop(64, 0, 1, 1),
        crop(1, 2**32 - 1, 1, 2**32 - 1),
        encode(None, 64 * 64 * 3, 64, 64, 3, good),
        encode(at, 64 * 64 * 3, 64, 64, 3, None),
        encode(at, 64 * 64 * 3 - 1, 64, 64, 3, good),
        encode(at, 64 * 64 * 3, 64, 64, 0, good),
        encode(at, 64 * 64 * 3, 64, 64, 5, good),
        encode(at, 64 * 64 * 3, 0, 64, 3, good),
        encode(at, 2**64 - 1, 32768, 8192, 3, good),
        encode(at, 64 * 64 * 3, 64, 64, 3, byref(options_of(entry, 64))),
        encode(at, 64 * 64 * 3, 64, 64, 3, byref(options_of(entry, 10, 5))),
        encode(at, 64 * 64 * 3, 64, 64, 3, byref(options_of(entry, 10, 16))),
        encode(at, 64 * 64 * 3, 64, 64, 3, byref(loose)),
    ]
    for call in calls:
        assert status_of(library.call, *call) == lic.BAD_ARGUMENT, call
        assert getattr(library.c, call[0])(*call[1:], None) == lic.BAD_ARGUMENT  # no lic_error
    small = ("lic_decode", model, data, size, one, at, c_size_t(pixels.nbytes - 1))
    assert status_of(library.call, *small) == lic.BUFFER_TOO_SMALL
    huge = encode(at, 2**64 - 1, 2**32 - 1, 2**32 - 1, 3, good)
    assert status_of(library.call, *huge) == lic.LIMIT_EXCEEDED
    library.c.lic_model_close(None)
    library.c.lic_free(None)
    texts = [library.c.lic_status_text(status) for status in range(-1, 40)]
    assert all(texts)
    assert texts.count(b"unknown status") == 41 - 21


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("nm") is None, reason="no nm -D")
def test_only_its_own_functions_are_exported(installed: Path) -> None:
    lines = lic.run("nm", "-D", "--defined-only", installed / "lib" / "liblic.so").splitlines()

    header = (lic.CPP / "capi" / "lic.h").read_text()
    declared = re.findall(r"^LIC_API .*?\b(lic_\w+)\(", header, re.MULTILINE)
    assert sorted(line.split()[-1] for line in lines) == sorted(declared)
    assert len(declared) == 11
