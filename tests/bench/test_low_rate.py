"""Code vectors beside others at their bytes, whole and with packets lost."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import codec
from bench.__main__ import main
from bench.low_rate import LOST, VQ, table, with_losses

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    with Image.open(Path(__file__).parents[2] / "examples" / "kodim23.png") as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(photo[:256, :256]).save(folder / "a.png")
    return folder


def test_as_many_packets_are_lost_as_was_asked(photo: np.ndarray) -> None:
    data = codec.encode(photo, profile=VQ, level=4)

    assert with_losses(data, 0.0, random.Random(1)) == data
    for share in (0.2, 1.0):
        damaged = with_losses(data, share, random.Random(1))
        assert len(damaged) == len(data)
        with pytest.raises(codec.CodecError):
            codec.decode(damaged)
        assert codec.decode(damaged, conceal=True).shape == photo.shape
    with pytest.raises(ValueError, match="one tile"):
        with_losses(codec.encode(photo, profile=VQ, level=4, tile=128), 0.2, random.Random(1))


def test_a_table_and_all_rows(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    options = ["--levels", "1,8", "--codecs", "wavelet,webp", "--metrics", "psnr-hvs"]

    result = CliRunner().invoke(
        main, ["low-rate", "--images", str(pictures), "--out", str(out), *options]
    )

    assert result.exit_code == 0, result.output
    rows = json.loads(out.read_text())
    assert [row["codec"] for row in rows] == [VQ, LOST, "wavelet", "webp"] * 2
    assert all(row["psnr-hvs"] > 5 for row in rows)
    whole, lost = rows[4:6]
    assert lost["psnr"] <= whole["psnr"]
    assert table(rows) in result.output


def test_what_is_not_there_is_named(pictures: Path) -> None:
    for wrong in (["--codecs", "nothing"], ["--levels", "x"], ["--levels", "99"]):
        result = CliRunner().invoke(main, ["low-rate", "--images", str(pictures), *wrong])
        assert result.exit_code == 1
        assert "Error" in result.output
