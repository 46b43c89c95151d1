"""The C library refuses what is damaged as the Python package does, under sanitizers."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bitstream
import codec
from bitstream.checksum import crc32
from bitstream.writer import ByteWriter
from codec.errors import CodecError
from codec.models import registry
from tests.capi import library as lic
from tests.capi.library import part
from tests.fuzz.fuzz_decode import with_right_checks

WITH_ZLIB = pytest.mark.skipif(lic.zlib_version() is None, reason="no zlib")

pytestmark = pytest.mark.slow


def replay(program: Path, weights: Path, files: list[bytes], folder: Path) -> list[list[int]]:
    """What replay.c prints of files; the pixels are in the file "pixels"."""
    bundle = folder / "files"
    bundle.write_bytes(b"".join(struct.pack("<I", len(file)) + file for file in files))
    lines = lic.run(program, weights, bundle, folder / "pixels").splitlines()
    assert len(lines) == len(files)
    return [[int(number) for number in line.split()] for line in lines]


@WITH_ZLIB
def test_without_zlib_only_compressed_alpha_is_refused(
    sanitized: Path, entry: registry.ModelEntry, photo: np.ndarray, tmp_path: Path
) -> None:
    pixels = part(photo, 20, 20, 2)
    compressed = codec.encode(pixels, level=10)
    pixels[:, :, 1] = 9
    constant = codec.encode(pixels, level=10)

    found = replay(sanitized / "replay_without_zlib", entry.path, [compressed, constant], tmp_path)

    assert found == [[lic.OK, lic.OK, lic.UNSUPPORTED, 0], [lic.OK, lic.OK, lic.OK, 800]]


def damaged_files(data: bytes, step: int) -> list[bytes]:
    """Cut off, with a byte that is another one, and some of these with right checks."""
    changed = [bytearray(data) for _ in range(0, len(data), step)]
    for n, other in enumerate(changed):
        other[n * step] ^= 0x55
    flipped = [bytes(other) for other in changed]
    cut = [data[:size] for size in range(0, len(data), step)]
    right = [with_right_checks(other) for other in flipped[::2]]  # which take long to decode
    return [data, *cut, *flipped, *right, data + b"\0"]


def odd_files(data: bytes) -> list[bytes]:
    """Chunks that are unknown, doubled, out of order, too many, too large or missing."""

    def chunk(code: int, payload: bytes = b"") -> bytes:
        body = bytes([code]) + varint(len(payload)) + payload
        return body + crc32(body).to_bytes(4, "little")

    size = data[6]  # of the header chunk's payload, below 128
    start, head, rest = data[:5], data[5 : 11 + size], data[11 + size :]
    inserted = [
        chunk(0x2A), chunk(0xAA), chunk(0xAA) * 2, chunk(0x00), chunk(0x80), chunk(0x82),
        chunk(0x03), chunk(0x05, b"\0\7"), chunk(0x84) + chunk(0x83), chunk(0x84) * 2, head,
        chunk(0x02, bytes(16 * 2**20 + 1)), b"\x83\x80\0", b"\x83" + b"\xff" * 9 + b"\x02",
        b"\x83" + b"\xff" * 9 + b"\x01", chunk(0xFF),
    ]  # fmt: skip
    return [
        start + rest,
        start + head,
        start + chunk(0x01, head[2:-4] + bytes(240)) + rest,
        start + chunk(0x01, head[2:-4] + b"later") + rest,
        *(start + head + extra + rest for extra in inserted),
    ]


def varint(value: int) -> bytes:
    writer = ByteWriter()
    writer.varint(value, "a length")
    return writer.getvalue()


MOST_PIXELS = 128 * 128  # as in replay.c


def expected(data: bytes, entry: registry.ModelEntry) -> tuple[int, int, int, bytes]:
    """What the Python package says: statuses of header, structure and decoding, and the pixels."""
    statuses = []
    for read in (bitstream.read_header, bitstream.read):
        try:
            read(data)
            statuses.append(lic.OK)
        except bitstream.BitstreamError as error:
            statuses.append(lic.STATUS[type(error).__name__])
    if statuses[1] != lic.OK:
        return statuses[0], statuses[1], statuses[1], b""
    header = bitstream.read_header(data)
    if header.weights_hash != entry.weights_hash:
        return lic.OK, lic.OK, lic.WEIGHTS_MISMATCH, b""
    if header.width * header.height > MOST_PIXELS:
        return lic.OK, lic.OK, lic.BUFFER_TOO_SMALL, b""
    # The C library knows weights and no ids.
    container = replace(bitstream.read(data), header=replace(header, model_id=entry.id))
    try:
        return lic.OK, lic.OK, lic.OK, codec.decode(bitstream.write(container)).tobytes()
    except bitstream.BadChecksum:
        return lic.OK, lic.OK, lic.STATUS["BadChecksum"], b""
    except CodecError as error:
        cause = type(error.__cause__).__name__
        status = lic.STATUS.get(cause, lic.DAMAGED_ALPHA)
        return lic.OK, lic.OK, status, b""


@pytest.mark.parametrize(
    ("channels", "size", "step"),
    [
        pytest.param(3, (72, 40), 7, id="tiles"),
        pytest.param(2, (33, 20), 11, id="alpha", marks=WITH_ZLIB),
    ],
)
def test_damaged_files_are_refused_as_in_python(
    sanitized: Path, entry: registry.ModelEntry, photo: np.ndarray, tmp_path: Path, channels: int,
    size: tuple[int, int], step: int,
) -> None:  # fmt: skip
    pixels = part(photo, *size, channels)
    data = codec.encode(codec.Picture.from_numpy(pixels), level=12, tile=64)
    files = damaged_files(data, step) + odd_files(data)

    told = replay(sanitized / "replay", entry.path, files, tmp_path)

    found, at = (tmp_path / "pixels").read_bytes(), 0
    seen = set()
    for file, (head, structure, whole, given) in zip(files, told, strict=True):
        wanted = expected(file, entry)
        if wanted[2] in (lic.DAMAGED_TILE, lic.DAMAGED_ALPHA):  # which is found first is open
            assert whole in (lic.DAMAGED_TILE, lic.DAMAGED_ALPHA)
            assert (head, structure) == wanted[:2]
        else:
            assert (head, structure, whole) == wanted[:3], file[:60].hex()
        assert found[at : at + given] == wanted[3]
        at += given
        seen.add(whole)
    assert len(seen) > 10
