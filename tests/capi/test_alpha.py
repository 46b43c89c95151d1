"""The alpha plane in C++ is that of Python, with sanitizers, at both depths and on damage."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from codec.errors import DamagedFile
from codec.image.alpha import decode_alpha, encode_alpha

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
FLAGS = ["-std=c++20", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.fixture(scope="module")
def replay_alpha(compilers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alpha")
    probe = subprocess.run(
        [compilers[1], "-x", "c++", "-", "-lz", "-o", folder / "probe"],
        input="#include <zlib.h>\nint main() { return zlibVersion() == nullptr; }",
        text=True,
        check=False,
        capture_output=True,
    )
    if probe.returncode:
        pytest.skip("no zlib for C++")
    sources = [CPP / "capi/alpha.cpp", CPP / "capi/zlib_stream.cpp"]
    sources.append(ROOT / "tests" / "cpp" / "replay_alpha.cpp")
    folders = ("capi", "coder", "container", "frame", "networks", "threads")
    include = [f"-I{CPP / name}" for name in folders]
    program = folder / "replay_alpha"
    subprocess.run(
        [compilers[1], *FLAGS, *SANITIZE, "-DLIC_ZLIB", *include, *sources, "-lz", "-o", program],
        check=True,
    )
    return program


def planes() -> list[np.ndarray]:
    """Planes that use every filter, a constant one, and ones of one row, column and pixel."""
    rng = np.random.default_rng(5)
    found = []
    for dtype in (np.uint8, np.uint16):
        top = np.iinfo(dtype).max
        y, x = np.mgrid[:40, :60]
        ramp = (3 * x + 5 * y).astype(dtype) * dtype(1 + top // 300)
        ramp[10:20] = top
        ramp[30] = rng.integers(0, top + 1, 60)
        ramp[33:] = x[33:] * (top // 61)
        found += [ramp, np.full((3, 5), top, dtype), np.full((2, 2), top // 3, dtype)]
        found += [rng.integers(0, top + 1, size).astype(dtype) for size in ((1, 9), (9, 1), (7, 7))]
    return found


def replay_file(plane: np.ndarray, coded: bytes, *, damaged: bool = False) -> bytes:
    height, width = plane.shape
    head = struct.pack("<IIII", 8 * plane.dtype.itemsize, width, height, len(coded))
    return (
        head + coded + (b"" if damaged else plane.astype(plane.dtype.newbyteorder("<")).tobytes())
    )


def refuses(data: bytes, plane: np.ndarray) -> bool:
    try:
        decode_alpha(data, *plane.shape, bits=8 * plane.dtype.itemsize)
    except DamagedFile:
        return True
    return False


def damages(plane: np.ndarray) -> list[bytes]:
    """Coded planes that Python refuses: cut, of the other depth, with one bit flipped."""
    coded = encode_alpha(plane)
    other = encode_alpha(plane.astype(np.uint8 if plane.dtype == np.uint16 else np.uint16))
    flipped = [
        coded[:at] + bytes([coded[at] ^ 1 << at % 8]) + coded[at + 1 :] for at in range(len(coded))
    ]
    rows = plane.shape[0] * (1 + plane.shape[1] * plane.dtype.itemsize)
    filters = coded[:1] + zlib.compress(b"\x04" * rows)
    cut = [coded[:length] for length in range(len(coded))]
    return [data for data in [*cut, other, filters, *flipped] if refuses(data, plane)]


@pytest.mark.slow
def test_cpp_agrees_with_python(replay_alpha: Path, tmp_path: Path) -> None:
    names = []
    for plane in planes():
        cases = [replay_file(plane, encode_alpha(plane))]
        cases += [replay_file(plane, data, damaged=True) for data in damages(plane)[:400]]
        for case in cases:
            names.append(tmp_path / f"{len(names)}.bin")
            names[-1].write_bytes(case)

    done = subprocess.run([replay_alpha, *names], capture_output=True, text=True, check=False)

    assert done.stdout == f"replay_alpha: {len(names)} files ok\n", done.stdout + done.stderr
    assert len(names) > 1000
