"""Several inputs: one output each, what stops a batch and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    """Three images, the second of which is none."""
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path in paths:
        Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(path)
    paths[1].write_bytes(b"not an image")
    (tmp_path / "out").mkdir()
    return paths


def names(folder: Path) -> list[str]:
    """The files of a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_each_input_gets_its_output(run: Any, inputs: list[Path], tmp_path: Path) -> None:
    result = run("encode", inputs[0], inputs[2], "--output-dir", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    assert names(tmp_path / "out") == ["a.lic", "c.lic"]
    assert "2 of 2 files done" in result.stderr


def test_batch_stops_at_the_first_error(run: Any, inputs: list[Path], tmp_path: Path) -> None:
    result = run("encode", *inputs, "--output-dir", tmp_path / "out")

    assert result.exit_code == 1
    assert names(tmp_path / "out") == ["a.lic"]
    assert "b.png: not an image" in result.stderr
    assert "1 of 3 files done, 1 failed, 1 not tried" in result.stderr


def test_keep_going_does_the_rest(run: Any, inputs: list[Path], tmp_path: Path) -> None:
    result = run("encode", *inputs, "--output-dir", tmp_path / "out", "--keep-going")

    assert result.exit_code == 1
    assert names(tmp_path / "out") == ["a.lic", "c.lic"]
    assert "2 of 3 files done, 1 failed" in result.stderr


def test_existing_output_stops_a_batch_before_any_work(
    run: Any, inputs: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "out" / "c.lic").write_bytes(b"old")

    result = run("encode", inputs[0], inputs[2], "--output-dir", tmp_path / "out")

    assert result.exit_code == 1
    assert names(tmp_path / "out") == ["c.lic"]


def test_keep_going_counts_existing_output_as_failure(
    run: Any, inputs: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "out" / "a.lic").write_bytes(b"old")

    result = run("encode", inputs[0], inputs[2], "--output-dir", tmp_path / "out", "--keep-going")

    assert result.exit_code == 1
    assert (tmp_path / "out" / "a.lic").read_bytes() == b"old"
    assert names(tmp_path / "out") == ["a.lic", "c.lic"]


def test_skip_existing_leaves_it_and_does_the_rest(
    run: Any, inputs: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "out" / "a.lic").write_bytes(b"old")

    result = run(
        "encode", inputs[0], inputs[2], "--output-dir", tmp_path / "out", "--skip-existing"
    )

    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out" / "a.lic").read_bytes() == b"old"
    assert "1 of 2 files done, 1 skipped" in result.stderr


def test_decoding_a_batch_makes_png_unless_said_otherwise(
    run: Any, inputs: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("encode", inputs[0], inputs[2], "--output-dir", out)

    first = run("decode", out / "a.lic", out / "c.lic", "--output-dir", out)
    second = run("decode", out / "a.lic", "--output-dir", out, "--format", "jpg")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert names(out) == ["a.jpg", "a.lic", "a.png", "c.lic", "c.png"]
