"""Every damage of a small file gives a named error, in bounded time; none is decoded unnoticed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import bitstream
from bitstream import ChunkType
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.errors import CodecError, LimitExceeded
from codec.image.picture import Picture
from codec.models.registry import ModelEntry
from codec.options import EncoderOptions
from tests.fuzz.fuzz_decode import LIMITS, check_input, with_right_checks
from tests.model_fixtures import synthetic_picture
from tests.strategies_container import START, TILE, chunk, head_payload

MAX_SECONDS = 20.0
"""For one input: hundreds of times what decoding takes, far below a hang."""


@pytest.fixture
def decoder(tiny_model: ModelEntry) -> Decoder:
    """A decoder of the small model with small limits."""
    return Decoder(threads=1, limits=LIMITS)


@pytest.fixture
def one_tile(decoder: Decoder) -> bytes:
    """A file of one tile."""
    return Encoder(threads=1).encode(synthetic_picture(20, 30), level=20)


@pytest.fixture
def many_parts(decoder: Decoder) -> bytes:
    """A file of four tiles, alpha and metadata."""
    picture = Picture.from_numpy(synthetic_picture(70, 90, 4))
    picture = replace(picture, icc=b"profile", exif=b"II*\0", xmp=b"<x/>")
    return Encoder(threads=1).encode_picture(picture, EncoderOptions(level=10, tile=64))


@pytest.fixture
def corpus(one_tile: bytes, many_parts: bytes) -> list[bytes]:
    """Sound files of different shapes to damage."""
    encoder = Encoder(threads=1)
    return [
        one_tile,
        many_parts,
        encoder.encode(synthetic_picture(1, 1, 1), level=63),
        encoder.encode(synthetic_picture(64, 130, 2), level=40, tile=64),
        encoder.encode(np.zeros((30, 200, 3), dtype=np.uint8), level=5, tile=128),
    ]


def assert_refused(data: bytes, decoder: Decoder) -> None:
    began = time.monotonic()
    with pytest.raises(CodecError):
        decoder.decode(data)
    assert time.monotonic() - began < MAX_SECONDS


@pytest.mark.parametrize("file", ["one_tile", "many_parts"])
def test_truncation_at_every_byte_is_refused(
    file: str, decoder: Decoder, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(file)

    for size in range(len(data)):
        assert_refused(data[:size], decoder)


@pytest.mark.parametrize("file", ["one_tile", "many_parts"])
def test_one_flipped_bit_in_any_byte_is_refused(
    file: str, decoder: Decoder, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(file)
    bits = random.Random(5)

    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << bits.randrange(8)
        assert_refused(bytes(changed), decoder)


def test_bytes_behind_the_end_are_refused(decoder: Decoder, corpus: list[bytes]) -> None:
    for data in corpus:
        assert_refused(data + b"\0", decoder)
        assert_refused(data + data, decoder)


def test_sound_files_decode_and_keep_their_checks(decoder: Decoder, corpus: list[bytes]) -> None:
    for data in corpus:
        assert check_input(data, decoder)
        assert with_right_checks(data) == data


def mutations(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Copies with a few bytes changed, put in or left out behind the magic."""
    generator = random.Random(seed)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(generator.randint(1, 3)):
            position = generator.randrange(5, len(changed))
            kind = generator.random()
            if kind < 0.7:
                changed[position] = generator.randrange(256)
            elif kind < 0.85:
                del changed[position : position + generator.randint(1, 4)]
            else:
                changed[position:position] = generator.randbytes(generator.randint(1, 4))
        yield bytes(changed)


@pytest.mark.parametrize("which", range(5))
def test_mutations_with_right_checks_give_an_error_or_a_picture(
    decoder: Decoder, corpus: list[bytes], which: int
) -> None:
    """The entropy decoder itself sees the damage."""
    decoded = 0
    for data in mutations(corpus[which], 60, seed=which):
        began = time.monotonic()
        decoded += check_input(with_right_checks(data), decoder)
        check_input(data, decoder)
        assert time.monotonic() - began < MAX_SECONDS
    assert decoded < 60


@pytest.mark.parametrize("which", range(5))
def test_mutated_payloads_give_an_error_or_a_picture(
    decoder: Decoder, corpus: list[bytes], which: int
) -> None:
    """Only the payload of a tile is damaged, and every check is right."""
    container = bitstream.read(corpus[which])
    generator = random.Random(which)
    refused = 0
    for _ in range(60):
        tiles = list(container.tiles)
        index = generator.randrange(len(tiles))
        payload = bytearray(tiles[index])
        for _ in range(generator.randint(1, 3)):
            if payload:
                payload[generator.randrange(len(payload))] ^= 1 << generator.randrange(8)
        if generator.random() < 0.3:
            payload = payload[: generator.randrange(len(payload) + 1)]
        tiles[index] = bytes(payload)
        began = time.monotonic()
        refused += not check_input(bitstream.write(replace(container, tiles=tiles)), decoder)
        assert time.monotonic() - began < MAX_SECONDS
    assert refused > 30  # the coder's final state sees nearly all of it


def test_random_payloads_give_an_error_or_a_picture(decoder: Decoder, one_tile: bytes) -> None:
    container = bitstream.read(one_tile)
    generator = random.Random(0)
    for size in (0, 1, 4, 5, 9, 40, 400, 4000, 40_000):
        data = bitstream.write(replace(container, tiles=[generator.randbytes(size)]))
        check_input(data, decoder)


def test_random_bytes_are_refused(decoder: Decoder) -> None:
    generator = random.Random(0)
    for size in range(0, 300, 7):
        for start in (b"", bitstream.MAGIC, bitstream.MAGIC + b"\1"):
            assert_refused(start + generator.randbytes(size), decoder)


@pytest.mark.parametrize("size", [(1 << 30, 1 << 30), (4097, 1), (1, 1 << 30), (257, 256)])
def test_picture_that_is_announced_too_large_is_refused_at_once(
    decoder: Decoder, size: tuple[int, int]
) -> None:
    """Before anything of its size is allocated."""
    payload = head_payload(width=size[0], height=size[1], tile_log2=15)

    began = time.monotonic()
    with pytest.raises(LimitExceeded):
        decoder.decode(START + chunk(ChunkType.HEAD, payload) + TILE)
    assert time.monotonic() - began < 1.0
