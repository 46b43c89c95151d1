"""Lossless codecs side by side: exact, measured, failures named, tables made from the JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")
pytest.importorskip("bjontegaard", reason="bench extra not installed")

from bench import lossless, lossless_table
from bench.__main__ import main
from bench.images import image_files
from bench.peers import PeerMissing, exact
from bench.pictures import picture
from tests.bench.stand_in_codec import stand_in_codec

PEERS = ("png", "webp", "jxl-e3", "ffv1")


@pytest.fixture(autouse=True)
def _all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command binds its process to a core; the tests' process stays free."""
    monkeypatch.setattr(lossless, "use_cores", lambda count: None)


def bench(*arguments: str | Path) -> tuple[int, str]:
    words = [str(argument) for argument in arguments]
    with mock.patch.object(sys, "argv", ["bench", *words]):
        result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


@pytest.mark.parametrize("name", PEERS)
def test_peer_gives_back_every_picture(name: str) -> None:
    peer = exact.make(name)
    seeds = [s for s in range(0, 120, 3) if picture(s)[1].shape[2:] == (3,)]

    for samples in (picture(seed)[1] for seed in seeds):
        if samples.dtype == np.uint8:
            image = samples.astype(np.uint8)
            assert np.array_equal(peer.decode(peer.encode(image)), image)


def test_png_takes_grey_and_palettes_where_they_do() -> None:
    random = np.random.default_rng(1)
    few = random.integers(0, 256, (8, 3), dtype=np.uint8)[random.integers(0, 8, (64, 64))]
    grey = random.integers(0, 256, (64, 64, 1), dtype=np.uint8).repeat(3, 2)

    sizes = [len(exact.make("png").encode(image)) for image in (few, grey)]

    assert sizes[0] < 64 * 64  # three bits would do
    assert sizes[1] < 64 * 64 * 2


def test_ours_is_named_where_this_version_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "takes", lambda option: False)

    with pytest.raises(PeerMissing, match="no option 'lossless'"):
        exact.make("ours")
    with pytest.raises(PeerMissing, match="no option 'near_lossless'"):
        exact.make("ours-e3", near=2)


def test_command_measures_and_tells(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_codec(monkeypatch)
    out = tmp_path / "lossless.json"

    code, text = bench(
        "lossless", "--images", images, "--codecs", "png,ours,ours-e3", "--out", out, "--title", "x"
    )

    assert code == 0, text
    told = json.loads(out.read_text())
    assert [row["codec"] for row in told["rows"]] == ["png", "ours", "ours-e3"]
    assert told["images"] == ["0.png", "1.png", "2.png"]
    assert told["title"] == "x"
    assert told["failures"] == told["missing"] == []
    assert all(row["psnr"] is None and row["largest_error"] == 0 for row in told["rows"])
    png = told["rows"][0]
    sizes = [8 * p["bytes"] / p["width"] / p["height"] for p in png["pictures"]]
    assert png["bpp"] == pytest.approx(sum(sizes) / 3, abs=1e-4)
    assert png["encode_mp_s"] > 0
    assert lossless.read_rows(out)[1].bytes == told["rows"][1]["bytes"]


def test_inexact_codec_is_a_failure(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in_codec(monkeypatch, fault=1)

    rows, failures = lossless.measure([exact.make("ours")], image_files(images), 0, lambda _: None)

    assert len(failures) == 3
    assert "off by up to 1, allowed 0" in failures[0]
    assert rows[0].largest_error == 1


def test_near_lossless_measures_error_and_psnr(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_codec(monkeypatch)
    out = tmp_path / "near.json"

    code, text = bench("lossless", "--images", images, "--near-lossless", "3", "--out", out)

    assert code == 0, text
    (row,) = json.loads(out.read_text())["rows"]
    assert row["codec"] == "ours, error 3"
    assert row["largest_error"] == 1
    assert row["psnr"] > 70


def test_document_is_filled_from_the_json(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_codec(monkeypatch)
    folder = tmp_path / "results"
    for name in ("photographs", "graphics"):
        file = folder / f"{name}.json"
        bench("lossless", "--images", images, "--codecs", "png,ours", "--out", file,
              "--title", f"3 {name}")  # fmt: skip
    bench("lossless", "--images", images, "--near-lossless", "2", "--codecs", "ours",
          "--out", folder / "near-2.json", "--title", "3 photographs")  # fmt: skip
    document = tmp_path / "README.md"
    document.write_text(f"before\n{lossless_table.BEGIN}old\n{lossless_table.END}after\n")

    code, text = bench("readme", folder, document)

    assert code == 0, text
    written = document.read_text()
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "old" not in written
    assert "| codec | 3 graphics | 3 photographs | encode | decode |" in written
    assert "| **ours** |" in written
    assert "largest error 2" in written


def test_document_without_marks_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text("nothing\n")

    code, text = bench("readme", tmp_path, document)

    assert code == 1
    assert "a document without" in text


def test_list_names_the_images(images: Path, tmp_path: Path) -> None:
    names, out = tmp_path / "held-out.txt", tmp_path / "out.json"
    names.write_text("2.png\n0.png\n")
    words = ("lossless", "--images", images, "--codecs", "png", "--names", names)

    code, text = bench(*words, "--out", out)

    assert code == 0, text
    assert json.loads(out.read_text())["images"] == ["2.png", "0.png"]
    names.write_text("2.png\nabsent.png\n")
    code, text = bench(*words)
    assert code == 1
    assert "held-out.txt: not in the folder: absent.png" in text


def test_codecs_of_an_earlier_run_are_taken_over(images: Path, tmp_path: Path) -> None:
    first, out = tmp_path / "first.json", tmp_path / "out.json"
    words = ("lossless", "--images", images)
    bench(*words, "--codecs", "png,jxl-e3", "--out", first)

    code, text = bench(*words, "--codecs", "ffv1,png", "--others", first, "--out", out)

    assert code == 0, text
    told, before = json.loads(out.read_text()), json.loads(first.read_text())
    assert [row["codec"] for row in told["rows"]] == ["ffv1", "png", "jxl-e3"]
    assert told["rows"][2] == before["rows"][1]
    assert [run["command"] for run in told["earlier_runs"]] == [before["command"]]
    code, text = bench(*words, "--every", "2", "--codecs", "png", "--others", first)
    assert code == 1
    assert "first.json: of other images" in text
