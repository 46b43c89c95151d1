"""Strangers' images: refused, failed, poor and too large ones are told apart."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")
pytest.importorskip("bjontegaard", reason="bench extra not installed")

import codec
from bench import strangers
from bench.__main__ import main
from bench.strangers import Outcome
from tests.model_fixtures import synthetic_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture, one in a folder below, a cut file, a text, and noise."""
    found = tmp_path / "strangers"
    (found / "below").mkdir(parents=True)
    Image.fromarray(synthetic_picture(40, 50)).save(found / "a.png")
    Image.fromarray(synthetic_picture(33, 20)).save(found / "below" / "b.bmp")
    (found / "cut.png").write_bytes((found / "a.png").read_bytes()[:300])
    (found / "words.txt").write_text("no picture")
    noise = np.random.default_rng(1).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    Image.fromarray(noise).save(found / "noise.png")
    return found


@pytest.mark.usefixtures("tiny_model")
def test_command_counts_and_names(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    words = ["collections", "--images", str(folder), "--quality", "0", "--out", str(out)]

    with mock.patch.object(sys, "argv", ["bench", *words]):
        result = CliRunner().invoke(main, words)

    assert result.exit_code == 0, result.output
    told = json.loads(out.read_text())
    assert (told["files"], told["coded"], told["refused"]) == (5, 3, 2)
    assert told["failures"] == []
    assert {head.partition(":")[0] for head in told["refusals"]} == {"DamagedImage", "NotAnImage"}
    assert "noise.png" in told["poor"]
    assert told["command"].endswith("collections --images IMAGES --quality 0 --out OUT")


@pytest.mark.parametrize("error", [ValueError("x"), codec.InternalError("y"), MemoryError()])
def test_whatever_else_is_raised_is_a_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(codec, "encode", mock.Mock(side_effect=error))

    told = strangers.summary(strangers.measure(folder, 75, lambda _: None))

    assert len(told["failures"]) == told["files"] == 5
    assert told["failures"][0]["error"] == type(error).__name__
    assert told["refused"] == told["coded"] == 0
    assert "FAILURE  a.png" in strangers.text_of(told)


def test_alike_refusals_are_counted_together() -> None:
    found = [
        Outcome(f"x/{n}.png", 0.1, "UnsupportedImage", f"/some/where/{n}.png: {n} frames")
        for n in (1, 22, 333)
    ]

    assert strangers.summary(found)["refusals"] == {"UnsupportedImage: FILE: N frames": 3}


def test_larger_than_lossless_is_named() -> None:
    found = [
        Outcome("a", 0.1, bytes=90, psnr=40.0, lossless_bytes=80),
        Outcome("b", 0.1, bytes=70, psnr=25.0, lossless_bytes=80),
        Outcome("c", 0.1, bytes=80, psnr=None, lossless_bytes=80),
    ]

    told = strangers.summary(found)

    assert told["larger_than_lossless"] == {"a": [90, 80]}
    assert told["poor"] == {"b": 25.0}
    assert told["exact"] == 1
    assert "1 of 3 larger than lossless" in strangers.text_of(told)
