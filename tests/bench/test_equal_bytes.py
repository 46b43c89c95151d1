"""Others at the bytes of ours: found by bisection, scored, told picture by picture."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")
pytest.importorskip("bjontegaard", reason="bench extra not installed")
pytest.importorskip("ssimulacra2", reason="bench extra not installed")

from bench import equal_bytes, peers
from bench.__main__ import main
from bench.equal_bytes import Version, at_bytes
from tests.model_fixtures import synthetic_picture


def test_other_spends_the_smallest_file_that_is_not_smaller() -> None:
    image, peer = synthetic_picture(64, 96), peers.make("webp")
    sizes = [len(peer.encode(image, q)) for q in range(101)]

    assert len(at_bytes(peer, image, 700)) in [size for size in sizes if size >= 700]
    assert len(at_bytes(peer, image, 10**6)) == sizes[100]
    assert len(at_bytes(peer, image, 1)) == sizes[0]


def test_score_is_highest_for_the_same_picture() -> None:
    score, image = equal_bytes.ssimulacra2(), synthetic_picture(64, 96)

    assert score(image, image) == pytest.approx(100)
    assert score(image, synthetic_picture(64, 96, seed=1)) < 50  # type: ignore[operator]
    assert score(image[:5], image[:5]) is None


@pytest.mark.usefixtures("tiny_model")
def test_command_tells_every_picture(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "equal.json"
    words = ["equal-bytes", "--images", str(images), "--codecs", "webp,avif", "--out", str(out)]

    with mock.patch.object(sys, "argv", ["bench", *words]):
        result = CliRunner().invoke(main, words)

    assert result.exit_code == 0, result.output
    told = json.loads(out.read_text())
    assert [row["codec"] for row in told["rows"]] == ["ours", "webp", "avif"] * 3
    assert set(told["versions"]) == {"ours", "webp", "avif"}
    assert "ours better on" in result.output


def test_table_has_means_and_wins() -> None:
    found = [
        [Version("ours", "a", 9, 9, 100, math.inf, 90.0), Version("x", "a", 9, 9, 104, 30.0, 91.0)],
        [Version("ours", "b", 9, 9, 100, 40.0, None), Version("x", "b", 9, 9, 100, 50.0, None)],
    ]

    table = equal_bytes.head(["ours", "x"]) + "".join(map(equal_bytes.line, found))
    lines = (table + equal_bytes.foot(found)).splitlines()

    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == "| a | 100 | exact / 90.0 | 30.00 / 91.0 (+4 % bytes) |"
    assert lines[3] == "| b | 100 | 40.00 | 50.00 |"
    assert lines[4] == "| mean |  | 50.00 / 90.0 | 40.00 / 91.0 |"
    assert lines[5] == "| ours better on |  |  | 1 / 0 of 2 |"
