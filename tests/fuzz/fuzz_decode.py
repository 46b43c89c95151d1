"""Fuzz target of the whole decoder: any bytes give a picture or a `CodecError`, nothing else.

Run it with atheris, which the tests do not need:

    python -m tests.fuzz.fuzz_decode CORPUS_FOLDER

Inputs are decoded twice: as they are, and with their checks made right, so that damage reaches the
entropy decoder. A small random model stands in for the trained ones: what is fuzzed is the code.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import bitstream
from bitstream.checksum import crc32
from bitstream.chunks import Chunk, read_chunk
from bitstream.constants import CHECK_BYTES, MAGIC, ChunkType
from bitstream.reader import ByteReader
from bitstream.tiles import StoredTiles, put_tiles
from bitstream.writer import ByteWriter
from codec.decoder import Decoder
from codec.errors import CodecError, InternalError
from codec.options import Limits

LIMITS = Limits(max_pixels=256 * 256, max_dimension=4096, max_tiles=64, max_file_bytes=1 << 20)
"""Small, so that time stays bounded however large a picture the bytes ask for."""


def check_input(data: bytes, decoder: Decoder) -> bool:
    """Whether `data` decodes; raises if the decoder mishandles it.

    Any exception from here is a finding, an `InternalError` too.
    """
    try:
        picture = decoder.decode(data)
    except InternalError:
        raise
    except CodecError:
        return False
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    header = bitstream.read_header(data)
    assert picture.shape[:2] == (header.height, header.width)
    return True


def with_right_checks(data: bytes) -> bytes:
    """The same bytes with every check made right, as far as chunks and tiles can be told apart."""
    out = bytearray(data[: len(MAGIC) + 1])
    reader = ByteReader(memoryview(data), base=0)
    try:
        reader.take(len(out), "the start")
        while reader.remaining:
            chunk = read_chunk(reader)
            if chunk.code == ChunkType.TILE:
                out += _tiles_with_right_checks(chunk, bytes(out))
            else:
                body = bytes(chunk.framing) + bytes(chunk.payload)
                out += body + crc32(body).to_bytes(CHECK_BYTES, "little")
    except bitstream.BitstreamError:
        out += data[len(out) :]
    return bytes(out)


def _tiles_with_right_checks(chunk: Chunk, start: bytes) -> bytes:
    """The tile chunk again, its payloads as they are; `start` is the file before it."""
    header = bitstream.read_header(start, LIMITS)
    count = bitstream.TileGrid(header.width, header.height, header.tile_log2).count
    tiles = StoredTiles(chunk, count)
    payloads = [bytes(tiles._payload(index)) for index in range(count)]
    writer = ByteWriter()
    put_tiles(writer, payloads)
    return writer.getvalue()


def small_decoder() -> Decoder:
    """A decoder that knows only a small random model."""
    from codec.models import registry
    from tests.model_fixtures import random_model, register_file, weights_of

    entry = register_file(weights_of(random_model()), Path(tempfile.mkdtemp()))
    coder = registry.predictive()
    registry.entries = lambda: (coder, entry)  # type: ignore[assignment]
    return Decoder(threads=1, limits=LIMITS)


def main() -> None:
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # optional

    decoder = small_decoder()

    def target(data: bytes) -> None:
        check_input(data, decoder)
        check_input(with_right_checks(data), decoder)

    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
