"""Every file that any landed version wrote decodes as it did then; every corrupt one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bitstream
from codec import errors
from codec.decoder import Decoder
from codec.image.color import as_channels
from codec.models import registry
from networks import native
from tests.conformance.harness import HERE, INPUT, PIXELS, check_sums, check_vector
from tests.exactness.definition import Definition
from tests.vector_reference import VectorReference

VECTORS = sorted(p for p in (HERE / "vectors").glob("*") if p.is_dir())
CORRUPT = sorted((HERE / "corrupt").glob("*.bin"))

EXACT = "predictive-"

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    """A decoder as users have it."""
    return Decoder()


def test_vectors_are_there_and_unchanged() -> None:
    check_sums(HERE)
    assert len(VECTORS) >= 6
    assert len(CORRUPT) >= 9


@pytest.mark.parametrize("folder", VECTORS, ids=lambda p: p.name)
def test_vector_decodes_as_written_down(folder: Path, decoder: Decoder) -> None:
    check_vector(folder, decoder)


@pytest.mark.parametrize("kernels", native.instruction_sets())
def test_every_vector_decodes_with_every_kind_of_kernels(
    kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEC_ISA", kernels)

    for folder in VECTORS:
        check_vector(folder, Decoder(threads=2))


@pytest.mark.parametrize("case", ["rgb-1x1", "grey-65x33", "rgba-100x70-metadata"])
def test_vector_is_what_the_definitions_give(case: str) -> None:
    """By the networks of NumPy and the latent coder in Python: not what one build did."""
    found_by_name = (f for f in VECTORS if f.name.endswith(case) and not f.name.startswith(EXACT))
    for folder in found_by_name:
        container = bitstream.read((folder / INPUT).read_bytes())
        entry = registry.by_id(container.header.model_id)
        with Image.open(folder / PIXELS) as image:
            written = np.asarray(image)

        by_rules = VectorReference if entry.profile == registry.VECTORS else Definition
        found = by_rules(entry.path.read_bytes()).decode(container)

        if written.ndim == 2:
            assert np.array_equal(as_channels(found, 1)[..., 0], written)
        else:
            assert np.array_equal(found, written[..., :3])


@pytest.mark.parametrize("path", CORRUPT, ids=lambda p: p.stem)
def test_corrupt_file_is_refused_by_name(path: Path, decoder: Decoder) -> None:
    expected = json.loads((HERE / "corrupt" / "expected.json").read_text())[path.name]

    with pytest.raises(errors.CodecError) as caught:
        decoder.decode(path.read_bytes())

    assert type(caught.value).__name__ == expected


def test_vectors_stay_small() -> None:
    assert sum(p.stat().st_size for p in HERE.rglob("*") if p.is_file()) < 1_000_000
