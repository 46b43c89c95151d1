"""Every file that any landed version wrote decodes as it did then; every corrupt one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codec import errors
from codec.decoder import Decoder
from tests.conformance.harness import HERE, check_sums, check_vector

VECTORS = sorted(p for p in (HERE / "vectors").glob("*") if p.is_dir())
CORRUPT = sorted((HERE / "corrupt").glob("*.bin"))

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    """A decoder of this machine, as users have it."""
    return Decoder()


def test_vectors_are_there_and_unchanged() -> None:
    check_sums(HERE)
    assert len(VECTORS) >= 6
    assert len(CORRUPT) >= 9


@pytest.mark.parametrize("folder", VECTORS, ids=lambda p: p.name)
def test_vector_decodes_as_written_down(folder: Path, decoder: Decoder) -> None:
    check_vector(folder, decoder)


@pytest.mark.parametrize("folder", VECTORS, ids=lambda p: p.name)
def test_vector_decodes_in_float32_and_bfloat16(folder: Path) -> None:
    for precision in ("float32", "bfloat16"):
        check_vector(folder, Decoder(precision=precision))


@pytest.mark.parametrize("path", CORRUPT, ids=lambda p: p.stem)
def test_corrupt_file_is_refused_by_name(path: Path, decoder: Decoder) -> None:
    expected = json.loads((HERE / "corrupt" / "expected.json").read_text())[path.name]

    with pytest.raises(errors.CodecError) as caught:
        decoder.decode(path.read_bytes())

    assert type(caught.value).__name__ == expected


def test_vectors_stay_small() -> None:
    assert sum(p.stat().st_size for p in HERE.rglob("*") if p.is_file()) < 1_000_000
