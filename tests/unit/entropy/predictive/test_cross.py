"""Predictive parts on processors that this one is not: the same bytes and samples in emulators."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from entropy.predictive import native
from tests.networks.cross_builds import CPP, TARGETS, Replay
from tests.unit.entropy.predictive.pictures import PICTURES

pytestmark = pytest.mark.slow

OTHER = {"photo_avx2", "photo_avx512", "photo_avxvnni", "cells", "tiled"}


def weights_source(folder: Path) -> Path:
    """What CMake makes of weights.cpp.in."""
    data = (CPP.parent / "codec" / "models" / "data" / "predictive-12.weights").read_bytes()
    text = (CPP / "predictive" / "weights.cpp.in").read_text()
    listed = ",".join(str(byte) for byte in data) + ","
    for name, value in (("PREDICTIVE_BYTES", listed), ("PREDICTIVE_SIZE", str(len(data)))):
        text = text.replace(f"@{name}@", value)
    (folder / "weights.cpp").write_text(text)
    return folder / "weights.cpp"


def replay_file(folder: Path, name: str, pixels: np.ndarray, error: int) -> Path:
    """A file of replay_samples, of what this processor makes of a picture."""
    height, width, channels = pixels.shape
    (tile,) = native.encode(pixels, 15, error)
    decoded = np.zeros_like(pixels)
    native.decode(lambda _: tile, (width, height), 15, error, (0, 0, width, height), decoded)
    part = tile[1:]
    bits = 8 * pixels.itemsize
    head = struct.pack("<6I", width, height, channels, bits, error, len(part))
    samples = b"".join(array.astype("<u2").tobytes() for array in (decoded, pixels))
    path = folder / name
    path.write_bytes(head + part + samples)
    return path


@pytest.mark.parametrize("target", TARGETS)
def test_bytes_and_samples_are_the_same(target: str, tmp_path: Path) -> None:
    replay = Replay(target)
    if replay.missing():
        pytest.skip(replay.missing())
    sources = [p for p in (CPP / "predictive").glob("*.cpp") if p.stem not in OTHER]
    program = replay.build_samples(tmp_path, [*sources, weights_source(tmp_path)])
    files = [
        replay_file(tmp_path, f"{name}-{error}", pixels, error)
        for name, pixels in PICTURES.items()
        for error in ((0, 3) if pixels.itemsize == 1 else (0, 700))
    ]

    for kernels in ("scalar", target):
        assert replay.run(program, kernels, files) == f"{len(files)} files\n"
