"""Graphics are made where the programs for them are, and what is lacking is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import graphics
from bench.graphics import browser, charts, clones, documents, reduced, terminal
from bench.graphics.base import NotMade, save
from bench.graphics.pages import pages


def test_photographs_in_few_colours(tmp_path: Path) -> None:
    made = reduced.make(tmp_path, None)

    counts = {
        f.stem: len(Image.open(f).convert("RGB").getcolors(10**6)) for f in tmp_path.iterdir()
    }
    assert len(made) == 5
    assert counts["dither-floyd-steinberg-2"] == 2
    assert counts["dither-bayer-8"] <= 8
    assert counts["dither-colours-64"] <= 64


def test_charts_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="bench extra not installed")

    made = charts.make(tmp_path)

    assert len(made) == 5
    with Image.open(tmp_path / "chart-bars.png") as image:
        assert image.mode == "RGB"
        assert np.array(image).std() > 20


def test_documents_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("reportlab", reason="bench extra not installed")
    pytest.importorskip("pypdfium2", reason="bench extra not installed")

    documents.make(tmp_path)

    with Image.open(tmp_path / "page-text-one-bit.png") as image:
        assert len(image.getcolors()) == 2


def test_pages_are_documents() -> None:
    pytest.importorskip("pygments", reason="bench extra not installed")

    found = pages()

    assert len(found) == 10
    assert all(page.html.startswith("<!doctype html>") for page in found.values())


def test_files_come_out_of_a_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    (clone / "png" / "more").mkdir(parents=True)
    (clone / "png" / "more" / "a.png").write_bytes(b"any bytes")
    (clone / "other.txt").write_text("not taken")
    git = ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)

    told = clones.collection("pngsuite", clone, tmp_path / "out")

    assert told[0].startswith("1 files in out")
    files = [f for f in (tmp_path / "out").rglob("*") if f.is_file()]
    assert [f.read_bytes() for f in files] == [b"any bytes"]


def test_what_is_lacking_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(graphics.charts, "make", lambda folder: ["a chart"])
    monkeypatch.setattr(graphics.documents, "make", lambda folder: [])
    monkeypatch.setattr(graphics.reduced, "make", lambda folder, photographs: [])

    made, problems = graphics.gather(tmp_path, {}, None)

    assert made == ["charts: a chart"]
    assert [line.partition(":")[0] for line in problems] == [
        "browser", "terminal", "spyder", "pillow", "pngsuite",
    ]  # fmt: skip
    assert "chromium or chromium-browser or google-chrome is not installed" in problems[0]
    for make in (browser.make, terminal.make):
        with pytest.raises(NotMade):
            make(tmp_path)


def test_alpha_is_laid_on_white(tmp_path: Path) -> None:
    save(Image.new("RGBA", (2, 2), (255, 0, 0, 0)), tmp_path / "x.png")

    with Image.open(tmp_path / "x.png") as image:
        assert image.getpixel((0, 0)) == (255, 255, 255)
