"""Containers for tests: small samples, hand-made chunks, and Hypothesis strategies."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from bitstream import MAGIC, VERSION, Container, Header, Modes, TileGrid

START = MAGIC + bytes([VERSION])


def sample_header(**changes: Any) -> Header:
    """Returns the header of a picture of 100 x 70 pixels: one tile of 128 pixels."""
    header = Header(
        width=100,
        height=70,
        channels=3,
        alpha=False,
        model_id=0x0102,
        weights_hash=b"\xde\xad\xbe\xef",
        level=40,
        tile_log2=7,
    )
    return replace(header, **changes)


def one_tile() -> Container:
    return Container(header=sample_header(), tiles=[b"the only tile"])


def four_tiles() -> Container:
    """Returns a container with every chunk there is; 2 x 2 tiles, the second is empty."""
    return Container(
        header=sample_header(tile_log2=6, alpha=True),
        tiles=[b"tile zero", b"", b"tile two, longer", b"tile three"],
        alpha=b"alpha plane",
        icc=b"icc profile",
        exif=b"MM\x00*exif",
        xmp=b"<xmp/>",
    )


def varint(value: int) -> bytes:
    """Returns a varint, written down a second time so that the tests do not trust the writer."""
    out = []
    while value > 127:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def chunk(code: int, payload: bytes) -> bytes:
    """Returns a whole chunk with any type, with a check that matches."""
    body = bytes([code]) + varint(len(payload)) + payload
    return body + zlib.crc32(body).to_bytes(4, "little")


def head_payload(**changes: int) -> bytes:
    """Returns the payload of HEAD for one tile, field by field, with any values."""
    fields = {
        "width": 100,
        "height": 70,
        "samples": 0x17,
        "color": 0,
        "model_id": 1,
        "level": 40,
        "tile_log2": 7,
    } | changes
    return b"".join(
        [
            varint(fields["width"]),
            varint(fields["height"]),
            bytes([fields["samples"], fields["color"]]),
            fields["model_id"].to_bytes(2, "little"),
            b"\xde\xad\xbe\xef",
            bytes([fields["level"], fields["tile_log2"]]),
        ]
    )


HEAD = chunk(0x01, head_payload())
HEAD_WITH_ALPHA = chunk(0x01, head_payload(samples=0x37))
TILE = chunk(0x7F, b"the only tile")


def headers() -> st.SearchStrategy[Header]:
    """Returns headers of pictures with at most a few hundred tiles."""
    sides = st.one_of(st.integers(1, 300), st.sampled_from([1, 63, 64, 65, 127, 128, 129, 512]))
    return st.builds(
        Header,
        width=sides,
        height=sides,
        channels=st.sampled_from([1, 3]),
        alpha=st.booleans(),
        model_id=st.integers(0, 65535),
        weights_hash=st.binary(min_size=4, max_size=4),
        level=st.integers(0, 63),
        tile_log2=st.integers(6, 15),
        extension=st.binary(max_size=20),
    )


def modes(header: Header) -> st.SearchStrategy[Modes]:
    """Returns what a file with that header may say of modes."""
    if header.level or header.bit_depth == 16:
        other = st.just((header.model_id ^ 1, header.weights_hash))
    else:
        other = st.sampled_from([(header.model_id, header.weights_hash), (7, b"1234")])
    return other.flatmap(
        lambda coder: st.builds(
            Modes,
            coder_id=st.just(coder[0]),
            weights_hash=st.just(coder[1]),
            error=st.integers(0, 65535),
            extension=st.binary(max_size=20),
        )
    )


@st.composite
def containers(draw: st.DrawFn) -> Container:
    """Returns containers with random payloads that fit their headers."""
    header = draw(headers())
    count = TileGrid(header.width, header.height, header.tile_log2).count
    optional = st.none() | st.binary(max_size=200)
    return Container(
        header=header,
        tiles=draw(st.lists(st.binary(max_size=200), min_size=count, max_size=count)),
        alpha=draw(st.binary(max_size=200)) if header.alpha else None,
        icc=draw(optional),
        exif=draw(optional),
        xmp=draw(optional),
        modes=draw(st.none() | modes(header)),
    )
