"""The conformance test itself: whatever is tampered with, it must fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.errors import CodecError
from codec.models.registry import ModelEntry
from tests.conformance.harness import (
    EXPECTED,
    INPUT,
    PIXELS,
    SUMS,
    VectorMismatch,
    check_sums,
    check_vector,
    describe,
    sums,
)
from tests.fresh import fresh, registering
from tests.model_fixtures import synthetic_picture


@pytest.fixture
def decoder(tiny_model: ModelEntry) -> Decoder:
    """A decoder of the small model."""
    return Decoder()


@pytest.fixture
def root(decoder: Decoder, tmp_path: Path) -> Path:
    """A set of one vector, as the generator writes it."""
    folder = tmp_path / "vectors" / "small"
    folder.mkdir(parents=True)
    (tmp_path / "corrupt").mkdir()
    data = Encoder().encode(synthetic_picture(70, 90, 4), level=40, tile=64)
    expected, picture = describe(data, decoder)
    (folder / INPUT).write_bytes(data)
    (folder / EXPECTED).write_text(expected.to_json())
    Image.fromarray(picture.to_numpy()).save(folder / PIXELS)
    (tmp_path / SUMS).write_text(sums(tmp_path))
    return tmp_path


def test_untouched_vector_passes(root: Path, decoder: Decoder) -> None:
    check_sums(root)
    check_vector(root / "vectors" / "small", decoder)


def change_latents(folder: Path) -> None:
    values = json.loads((folder / EXPECTED).read_text())
    values["latents"][1] = values["latents"][1][::-1]
    (folder / EXPECTED).write_text(json.dumps(values))


def change_header(folder: Path) -> None:
    values = json.loads((folder / EXPECTED).read_text())
    values["header"]["level"] += 1
    (folder / EXPECTED).write_text(json.dumps(values))


def change_metadata(folder: Path) -> None:
    values = json.loads((folder / EXPECTED).read_text())
    values["metadata"]["icc"] = 3
    (folder / EXPECTED).write_text(json.dumps(values))


def change_pixel(folder: Path, channel: int = 1) -> None:
    pixels = np.asarray(Image.open(folder / PIXELS)).copy()
    pixels[33, 44, channel] ^= 1
    Image.fromarray(pixels).save(folder / PIXELS)


def change_alpha(folder: Path) -> None:
    change_pixel(folder, channel=3)


def change_size(folder: Path) -> None:
    pixels = np.asarray(Image.open(folder / PIXELS))
    Image.fromarray(np.ascontiguousarray(pixels[:, :-1])).save(folder / PIXELS)


def change_level_of_the_file(folder: Path) -> None:
    data = Encoder().encode(synthetic_picture(70, 90, 4), level=41, tile=64)
    (folder / INPUT).write_bytes(data)


@pytest.mark.parametrize(
    "change",
    [
        change_latents,
        change_header,
        change_metadata,
        change_pixel,
        change_alpha,
        change_size,
        change_level_of_the_file,
    ],
)
def test_tampered_vector_fails(
    root: Path, decoder: Decoder, change: Callable[[Path], None]
) -> None:
    folder = root / "vectors" / "small"

    change(folder)

    with pytest.raises(VectorMismatch, match="small"):
        check_vector(folder, decoder)
    with pytest.raises(VectorMismatch, match="vectors/small"):
        check_sums(root)


def test_damaged_input_fails(root: Path, decoder: Decoder) -> None:
    path = root / "vectors" / "small" / INPUT
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)

    with pytest.raises(CodecError):
        check_vector(path.parent, decoder)
    with pytest.raises(VectorMismatch, match=r"input\.bin"):
        check_sums(root)


@pytest.mark.parametrize("name", [INPUT, EXPECTED, PIXELS])
def test_missing_part_fails(root: Path, decoder: Decoder, name: str) -> None:
    (root / "vectors" / "small" / name).unlink()

    with pytest.raises(FileNotFoundError):
        check_vector(root / "vectors" / "small", decoder)
    with pytest.raises(VectorMismatch, match=name):
        check_sums(root)


def test_file_that_is_not_listed_fails(root: Path) -> None:
    (root / "corrupt" / "new.bin").write_bytes(b"")

    with pytest.raises(VectorMismatch, match=r"corrupt/new\.bin"):
        check_sums(root)


def test_missing_list_fails(root: Path) -> None:
    (root / SUMS).unlink()

    with pytest.raises(FileNotFoundError):
        check_sums(root)


PROGRAM = """
from pathlib import Path
from tests.conformance.generate import generate
print(len(generate(Path({root!r}))))
"""


def test_generator_writes_once(tiny_model: ModelEntry, decoder: Decoder, tmp_path: Path) -> None:
    """In a process of its own: the tests never import the generator."""
    program = registering(tiny_model) + PROGRAM.format(root=str(tmp_path))

    first = fresh(program)
    assert int(first.stdout) >= 6 + 9
    check_sums(tmp_path)
    folders = sorted((tmp_path / "vectors").iterdir())
    assert len(folders) == 7 + 11
    for folder in folders:
        check_vector(folder, decoder)
    before = sums(tmp_path)
    change_pixel(next(f for f in folders if "tiles" in f.name))
    second = fresh(program, check=False)
    assert second.returncode != 0  # something frozen was changed: nothing is written
    assert "VectorMismatch" in second.stderr
    assert sums(tmp_path) != before


def test_generator_is_never_imported_by_a_test() -> None:
    tests = Path(__file__).parents[1]
    importers = [
        path.name
        for path in tests.rglob("*.py")
        if path.name != Path(__file__).name and "conformance.generate" in path.read_text()
    ]

    assert importers == []
