"""Replays the corpus of the container fuzzer.

A file is named after what reading it must give: `ok--...`, or the name of an error.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import bitstream
from bitstream import BitstreamError, read
from tests.fuzz.fuzz_container import check_input

FILES = sorted((Path(__file__).parent / "corpus" / "container").glob("*.bin"))


def test_corpus_is_there() -> None:
    assert len(FILES) >= 12


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_corpus_file_gives_what_its_name_says(path: Path) -> None:
    data = path.read_bytes()
    check_input(data)
    expected = path.stem.partition("--")[0]
    try:
        container = read(data)
        list(container.tiles)
    except BitstreamError as error:
        assert type(error).__name__ == expected  # noqa: PT017 - the exact class, not a subclass
    else:
        assert expected == "ok"


def test_every_error_of_reading_is_in_the_corpus() -> None:
    errors = {
        name
        for name in bitstream.__all__
        if isinstance(getattr(bitstream, name), type)
        and issubclass(getattr(bitstream, name), BitstreamError)
    }
    in_corpus = {path.stem.partition("--")[0] for path in FILES}
    assert errors - {"BitstreamError", "OutOfRange"} == in_corpus - {"ok"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_mutated_corpus_file_gives_a_named_error_or_a_container(path: Path) -> None:
    generator = random.Random(path.stem)
    original = path.read_bytes()
    for _ in range(200):
        data = bytearray(original)
        for _ in range(generator.randint(1, 4)):
            position = generator.randrange(len(data) + 1)
            end = position + generator.randint(0, 3)
            data[position:end] = generator.randbytes(generator.randint(0, 3))
        check_input(bytes(data))
