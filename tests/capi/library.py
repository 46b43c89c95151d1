"""The C library for the tests: built into a temporary folder, called through ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import sys
import tempfile
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_void_p
from dataclasses import dataclass
from functools import cache
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
PARTS = ("coder", "predictive", "networks", "frame", "container", "capi")
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FROM_LIBRARY = (
    "kernels", "program", "weights_file", "trellis", "rans_encoder",
    *("photo_avx2", "photo_avx512", "photo_avxvnni", "photo_lanes4", "photo_encode", "photo_fit"),
)  # fmt: skip
WARNINGS = ("-Wall", "-Wextra", "-Werror")
JOBS = 2

# The numbers of lic.h.
OK, BAD_ARGUMENT, BUFFER_TOO_SMALL, UNSUPPORTED = 0, 1, 2, 3
BAD_WEIGHTS, WEIGHTS_MISMATCH = 8, 9
LIMIT_EXCEEDED, DAMAGED_TILE, DAMAGED_ALPHA = 21, 27, 28
STATUS = {
    "Truncated": 16, "BadMagic": 17, "UnsupportedVersion": 18, "BadChecksum": 19, "BadField": 20,
    "LimitExceeded": 21, "TrailingData": 22, "MissingChunk": 23, "DuplicateChunk": 24,
    "ChunkOrder": 25, "UnknownCriticalChunk": 26, "StreamExhausted": 27, "CorruptStream": 27,
}  # fmt: skip
"""By the name of the Python error."""


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def find_cmake() -> str | None:
    """CMake of the environment of this Python, or of the system."""
    beside = shutil.which("cmake", path=str(Path(sys.executable).parent))
    return beside or shutil.which("cmake")


def build(cmake: str, folder: Path, *options: str) -> Path:
    """Builds and installs the library as a user does; returns the folder with lib and include."""
    work, target = folder / "build", folder / "installed"
    run(
        cmake, "-S", CPP, "-B", work, "-DPYTHON_MODULE=OFF", "-DC_LIBRARY=ON",
        "-DWARNINGS_AS_ERRORS=ON", "-DCMAKE_INSTALL_LIBDIR=lib", *options,
    )  # fmt: skip
    run(cmake, "--build", work, "--parallel", JOBS)
    run(cmake, "--install", work, "--prefix", target)
    shutil.copy(work / "capi" / "lic_convert", target)
    return target


def build_sanitized(compilers: tuple[str, str], library: Path, folder: Path) -> None:
    """The programs replay and replay_without_zlib.

    What neither reads a file nor works on what was read comes from the library as it is: kernels,
    the reader of weights and the encoder take long to compile with sanitizers.
    """
    cc, cxx = compilers
    include = [f"-I{CPP / part}" for part in (*PARTS, "threads")]

    weights = ROOT / "codec" / "models" / "data" / "predictive-12.weights"
    weights_hash = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    defines = [f"-DPREDICTIVE_WEIGHTS_HASH=0x{weights_hash}u"]

    def compile_source(source: Path, zlib: bool = zlib_version() is not None) -> Path:
        options = [
            "-O1",
            *WARNINGS,
            *SANITIZE,
            *include,
            *defines,
            *(["-DLIC_ZLIB"] if zlib else []),
        ]
        target = folder / f"{source.parent.name}-{source.stem}-{zlib}.o"
        command = [cc, "-std=c99"] if source.suffix == ".c" else [cxx, "-std=c++20"]
        run(*command, *options, "-c", source, "-o", target)
        return target

    found = [source for part in PARTS for source in (CPP / part).glob("*.cpp")]
    sources = [source for source in found if not source.stem.startswith(FROM_LIBRARY)]
    sources.sort(key=lambda source: -source.stat().st_size)  # the longest first
    with ThreadPool(JOBS) as pool:
        objects = pool.map(compile_source, [*sources, Path(__file__).with_name("replay.c")], 1)
    link = [cxx, *SANITIZE, "-pthread", *objects, library]
    run(*link, *(["-lz"] if zlib_version() else []), "-o", folder / "replay")
    streams = CPP / "capi" / "zlib_stream.cpp"
    link[link.index(objects[sources.index(streams)])] = compile_source(streams, zlib=False)
    run(*link, "-o", folder / "replay_without_zlib")


@cache
def zlib_version() -> str | None:
    """Version of the zlib that the compiler finds, if any."""
    cc = shutil.which("cc")
    if cc is None:
        return None
    program = "#include <stdio.h>\n#include <zlib.h>\nint main(void) { puts(zlibVersion()); }\n"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "zlib"
        command = [cc, "-std=c99", "-x", "c", "-", "-lz", "-o", str(target)]
        built = subprocess.run(command, input=program, capture_output=True, check=False, text=True)
        return run(target).strip() if built.returncode == 0 else None


class Error(ctypes.Structure):
    _fields_ = [("status", c_int), ("message", c_char * 256)]


class Bytes(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("size", c_size_t)]


class Metadata(ctypes.Structure):
    _fields_ = [("icc", Bytes), ("exif", Bytes), ("xmp", Bytes)]


class Info(ctypes.Structure):
    _fields_ = [
        ("width", c_uint32), ("height", c_uint32), ("channels", c_uint32), ("bit_depth", c_uint32),
        ("pixels_size", ctypes.c_uint64), ("model_id", ctypes.c_uint16),
        ("weights_hash", c_uint8 * 4), ("level", c_uint8), ("tile_log2", c_uint8),
    ]  # fmt: skip


class ModelInfo(ctypes.Structure):
    _fields_ = [("sha256", c_uint8 * 32), ("levels", c_uint32), ("kernels", c_char_p)]


class Options(ctypes.Structure):
    _fields_ = [
        ("model_id", ctypes.c_uint16), ("level", c_uint8), ("tile_log2", c_uint8),
        ("threads", c_uint32), ("metadata", Metadata), ("bit_depth", c_uint8), ("exact", c_uint8),
        ("error", ctypes.c_uint16),
    ]  # fmt: skip


class LicError(Exception):
    """A status other than LIC_OK."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Library:
    """The functions of lic.h; those that fail raise `LicError`."""

    c: ctypes.CDLL

    def call(self, name: str, *arguments: object) -> None:
        error = Error()
        status = getattr(self.c, name)(*arguments, byref(error))
        assert error.status == status
        if status != OK:
            raise LicError(status, error.message.decode("ascii"))

    def open(self, weights: bytes, kernels: bytes | None = None) -> c_void_p:
        model = c_void_p()
        self.call("lic_model_open", weights, c_size_t(len(weights)), kernels, byref(model))
        return model

    def describe(self, model: c_void_p) -> ModelInfo:
        info = ModelInfo()
        self.call("lic_model_describe", model, byref(info))
        return info

    def info(self, data: bytes) -> Info:
        info = Info()
        self.call("lic_read_info", data, c_size_t(len(data)), byref(info))
        return info

    def metadata(self, data: bytes) -> list[bytes | None]:
        """icc, exif and xmp."""
        found = Metadata()
        self.call("lic_read_metadata", data, c_size_t(len(data)), byref(found))
        return [
            None if part.data is None else ctypes.string_at(part.data, part.size)
            for part in (found.icc, found.exif, found.xmp)
        ]

    def decode(self, model: c_void_p | None, data: bytes, threads: int = 2) -> np.ndarray:
        info = self.info(data)
        pixels = np.zeros((info.height, info.width, info.channels), dtype_of(info))
        self.call(
            "lic_decode", model, data, c_size_t(len(data)), c_uint32(threads),
            pixels.ctypes.data_as(c_void_p), c_size_t(pixels.nbytes),
        )  # fmt: skip
        return pixels

    def decode_crop(
        self, model: c_void_p | None, data: bytes, crop: tuple[int, int, int, int]
    ) -> np.ndarray:
        info = self.info(data)
        pixels = np.zeros((crop[3], crop[2], info.channels), dtype_of(info))
        self.call(
            "lic_decode_crop", model, data, c_size_t(len(data)), *map(c_uint32, crop), c_uint32(1),
            pixels.ctypes.data_as(c_void_p), c_size_t(pixels.nbytes),
        )  # fmt: skip
        return pixels

    def encode(self, model: c_void_p | None, pixels: np.ndarray, options: Options) -> bytes:
        height, width, channels = pixels.shape
        out, size = POINTER(c_uint8)(), c_size_t()
        self.call(
            "lic_encode", model, pixels.ctypes.data_as(c_void_p), c_size_t(pixels.nbytes),
            c_uint32(width), c_uint32(height), c_uint32(channels), byref(options), byref(out),
            byref(size),
        )  # fmt: skip
        data = ctypes.string_at(out, size.value)
        self.c.lic_free(out)
        return data


def load(path: Path) -> Library:
    library = ctypes.CDLL(str(path))
    library.lic_version.restype = c_char_p
    library.lic_status_text.restype = c_char_p
    library.lic_model_close.restype = None
    library.lic_free.restype = None
    return Library(library)


def dtype_of(info: Info) -> type:
    return np.uint16 if info.bit_depth == 16 else np.uint8


def part(photo: np.ndarray, width: int, height: int, channels: int) -> np.ndarray:
    """A piece of the photograph with as many samples; alpha is a ramp with noise."""
    colours = photo[100 : 100 + height, 200 : 200 + width, : 1 if channels < 3 else 3]
    if channels % 2 == 1:
        return np.ascontiguousarray(colours)
    ramp = np.arange(width, dtype=np.uint8) + np.arange(height, dtype=np.uint8)[:, np.newaxis]
    ramp[: height // 3] ^= np.random.default_rng(1).integers(0, 8, ramp[: height // 3].shape, "u1")
    return np.concatenate([colours, ramp[:, :, np.newaxis]], axis=2)
