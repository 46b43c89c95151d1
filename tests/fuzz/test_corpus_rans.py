"""Replay of the fuzz corpus of the range coder; only the coder's own errors may come out.

The corpus in corpus/rans holds inputs of fuzz_rans.cpp. It is written by
`python -m tests.fuzz.make_corpus_rans` and never by a test.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from entropy import EntropyCodingError
from entropy.coder import CdfTables, Decoder, native

CORPUS = sorted((Path(__file__).parent / "corpus" / "rans").glob("*.bin"))
BACKENDS = ["reference"] + (["native"] if native.unavailable_reason() is None else [])


def replay(data: bytes, name: str) -> bool:
    """Do with `data` what fuzz_rans.cpp does; whether it was a valid payload."""
    if len(data) < 3 or (table_bytes := int.from_bytes(data[:2], "little")) > len(data) - 3:
        return False
    try:
        tables = CdfTables.from_bytes(data[2 : 2 + table_bytes])
        size = 4 * data[2 + table_bytes]
        indexes = (np.arange(size) * 7 % len(tables)).astype(np.uint8)
        decoder = Decoder(data[3 + table_bytes :], tables, backend=name)
        decoder.decode(indexes)
        decoder.finish()
    except EntropyCodingError:
        return False
    return True


def test_corpus_is_there() -> None:
    assert len(CORPUS) >= 8


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_corpus_file_gives_what_its_name_says(path: Path, name: str) -> None:
    assert replay(path.read_bytes(), name) == path.stem.startswith("valid")


@pytest.mark.skipif("native" not in BACKENDS, reason="the reference is too slow for this")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_damaged_corpus_file_gives_named_errors_only(path: Path) -> None:
    data = path.read_bytes()
    for size in range(len(data)):
        replay(data[:size], "native")
    rng = np.random.default_rng(1)
    for _ in range(300):
        mutated = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            mutated[place] = int(rng.integers(0, 256))
        replay(bytes(mutated), "native")
