"""Writes the seed corpus of the container fuzzer; files that are there already are kept.

python -m tests.fuzz.make_corpus_container
"""

from __future__ import annotations

from pathlib import Path

from bitstream import write
from tests.strategies_container import (
    HEAD,
    HEAD_WITH_ALPHA,
    START,
    TILE,
    chunk,
    four_tiles,
    head_payload,
    one_tile,
)

FOLDER = Path(__file__).parent / "corpus" / "container"


def seeds() -> dict[str, bytes]:
    """Returns the content of each file by its name."""
    large = chunk(0x01, head_payload(width=2**30, height=2**30, tile_log2=15))
    return {
        "ok--one-tile": write(one_tile()),
        "ok--all-chunks": write(four_tiles()),
        "ok--unknown-ignorable-chunk": START + HEAD + chunk(0xC0, b"unknown") + TILE,
        "ok--header-extension": START + chunk(0x01, head_payload() + b"later") + TILE,
        "Truncated--empty": b"",
        "Truncated--no-tiles": START + HEAD,
        "Truncated--in-index": write(four_tiles())[:-60],
        "BadMagic--png": b"\x89PNG\r\n\x1a\n",
        "UnsupportedVersion--2": START[:4] + b"\x02" + HEAD + TILE,
        "UnsupportedVersion--kind": START + chunk(0x01, head_payload(samples=0x57)) + TILE,
        "BadChecksum--head": START + HEAD.replace(b"\xde\xad", b"\xde\xae") + TILE,
        "BadChecksum--tile": write(four_tiles()).replace(b"tile two", b"tile 2wo"),
        "BadField--varint-not-minimal": START + b"\x01\x8c\x00" + HEAD[2:] + TILE,
        "BadField--width-zero": START + chunk(0x01, head_payload(width=0)) + TILE,
        "BadField--tiles-longer-than-chunk": START
        + chunk(0x01, head_payload(tile_log2=6))
        + chunk(0x7F, bytes([1, 1, 100]) + bytes(20)),
        "LimitExceeded--large": START + large + TILE,
        "TrailingData--one-byte": write(one_tile()) + b"\x00",
        "MissingChunk--head": START + TILE,
        "MissingChunk--alpha": START + HEAD_WITH_ALPHA + TILE,
        "DuplicateChunk--head": START + HEAD + HEAD + TILE,
        "ChunkOrder--icc-after-xmp": START
        + HEAD
        + chunk(0x84, b"xmp")
        + chunk(0x02, b"icc")
        + TILE,
        "UnknownCriticalChunk--x40": START + HEAD + chunk(0x40, b"unknown") + TILE,
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in seeds().items():
        path = FOLDER / f"{name}.bin"
        if not path.exists():
            path.write_bytes(data)


if __name__ == "__main__":
    main()
