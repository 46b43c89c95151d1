"""Every video that any landed version wrote decodes as it did then; corrupt ones are refused."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import codec
from codec.errors import CodecError
from networks import native
from tests.conformance.harness import EXPECTED, SUMS, VectorMismatch, check_sums, sums

pytest.importorskip("codec.video._video", reason="needs the compiled core")

from tests.conformance.video_harness import (
    VIDEO,
    VIDEO_INPUT,
    by_coder,
    by_reference,
    check_vector,
)

VECTORS = sorted(p for p in (VIDEO / "vectors").glob("*") if p.is_dir())
CORRUPT = sorted((VIDEO / "corrupt").glob("*.bin"))
SMALL = "1x1", "1x1-444", "odd", "uneven-times"
"""Those that the slow definition decodes in the tests; the generator has it decode all."""

pytestmark = pytest.mark.weights


def test_vectors_are_there_and_unchanged() -> None:
    check_sums(VIDEO)
    assert len(VECTORS) >= 15
    assert len(CORRUPT) >= 22


@pytest.mark.parametrize("folder", VECTORS, ids=lambda p: p.name)
def test_vector_decodes_as_written_down(folder: Path) -> None:
    check_vector(folder)


@pytest.mark.parametrize("kernels", native.instruction_sets())
def test_every_vector_decodes_with_every_kind_of_kernels(
    kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEC_ISA", kernels)

    for folder in VECTORS:
        check_vector(folder, partial(by_coder, threads=3), public=False)


@pytest.mark.parametrize("case", SMALL)
def test_vector_is_what_the_definition_gives(case: str) -> None:
    """By the coder in Python, and the networks of NumPy: not what one build did."""
    found = [folder for folder in VECTORS if folder.name.split("-", 2)[2] == case]
    assert found
    for folder in found:
        check_vector(folder, by_reference, public=False)


@pytest.mark.parametrize("path", CORRUPT, ids=lambda p: p.stem)
def test_corrupt_file_is_refused_by_name(path: Path) -> None:
    expected = json.loads((VIDEO / "corrupt" / EXPECTED).read_text())[path.name]

    def play() -> None:
        with codec.open(io.BytesIO(path.read_bytes())) as video:
            for _ in video:
                pass

    with pytest.raises(CodecError) as caught:
        play()
    assert type(caught.value).__name__ == expected


def change_sample(folder: Path, kind: str = "shown") -> None:
    values = json.loads((folder / EXPECTED).read_text())
    values["frames"][1][kind] = values["frames"][1][kind][::-1]
    (folder / EXPECTED).write_text(json.dumps(values))


def change_last_bits(folder: Path) -> None:
    change_sample(folder, "wide")


def change_head(folder: Path) -> None:
    values = json.loads((folder / EXPECTED).read_text())
    values["head"]["matrix"] = 5
    (folder / EXPECTED).write_text(json.dumps(values))


def change_sound(folder: Path) -> None:
    values = json.loads((folder / EXPECTED).read_text())
    del values["sound"][-1]
    (folder / EXPECTED).write_text(json.dumps(values))


def change_file(folder: Path) -> None:
    other = next(f for f in VECTORS if f.name.endswith("-keys"))
    shutil.copy(other / VIDEO_INPUT, folder / VIDEO_INPUT)


@pytest.mark.parametrize(
    "change", [change_sample, change_last_bits, change_head, change_sound, change_file]
)
def test_tampered_vector_fails(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """The test itself: whatever is tampered with, it must fail."""
    source = next(f for f in VECTORS if f.name.endswith("-sound"))
    folder = tmp_path / "vectors" / source.name
    shutil.copytree(source, folder)
    (tmp_path / SUMS).write_text(sums(tmp_path))
    check_vector(folder)

    change(folder)

    with pytest.raises(VectorMismatch, match=source.name):
        check_vector(folder)
    with pytest.raises(VectorMismatch, match=source.name):
        check_sums(tmp_path)


def test_vectors_stay_small() -> None:
    assert sum(p.stat().st_size for p in VIDEO.rglob("*") if p.is_file()) < 300_000
