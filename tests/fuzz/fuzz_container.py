"""Fuzz target of the container: any bytes give a container or a `BitstreamError`, nothing else.

Run it with atheris, which the tests do not need:

    python -m tests.fuzz.fuzz_container tests/fuzz/corpus/container
"""

from __future__ import annotations

import sys

from bitstream import BitstreamError, Limits, inspect, read, read_header, write

LIMITS = Limits(max_tiles=4096, max_file_bytes=2**20)


def check_input(data: bytes) -> None:
    """Raises if the container mishandles `data`: any exception from here is a finding."""
    try:
        header = read_header(data, LIMITS)
    except BitstreamError:
        header = None
    try:
        info = inspect(data, LIMITS)
    except BitstreamError:
        info = None
    try:
        container = read(data, LIMITS)
        tiles = list(container.tiles)
    except BitstreamError:
        assert info is None or info.problem is not None
        return
    assert header == container.header
    assert info is not None
    assert info.problem is None
    assert tiles == [data[tile.offset : tile.offset + tile.length] for tile in info.tiles]
    if not any(chunk.name.startswith("?") for chunk in info.chunks):
        assert write(container, LIMITS) == data


def main() -> None:
    import atheris  # only here: an optional tool

    atheris.Setup(sys.argv, check_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
