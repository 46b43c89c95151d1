"""--tune on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.weights


@pytest.fixture
def picture(tmp_path: Path, photo: np.ndarray) -> Path:
    path = tmp_path / "in.png"
    Image.fromarray(photo).save(path)
    return path


def test_encode_info_decode_verify(run: Any, picture: Path, tmp_path: Path) -> None:
    out, back = tmp_path / "out.lic", tmp_path / "back.png"

    assert run("encode", picture, "-o", out, "--tune", "visual", "-q", 50).exit_code == 0

    assert "tune visual" in run("info", out).stdout
    assert json.loads(run("info", "--json", out).stdout)["tune"] == "visual"
    assert run("decode", out, "-o", back).exit_code == 0
    verified = run("verify", out, "--against", picture)
    assert all(name in verified.stdout for name in ("PSNR", "SSIMULACRA2"))


def test_models_are_listed_with_their_tunes(run: Any) -> None:
    rows = json.loads(run("models", "--json").stdout)

    assert [r["tune"] for r in rows if r["profile"] == "wavelet" and r["default"]] == [
        "psnr", "visual",
    ]  # fmt: skip
    assert "visual" in run("models").stdout


def test_unknown_tunes_are_refused_before_anything_is_read(run: Any, tmp_path: Path) -> None:
    result = run("encode", tmp_path / "none.png", "-o", tmp_path / "o.lic", "--tune", "nicer")

    assert result.exit_code == 2
    assert "'nicer' is not one of 'psnr', 'visual'" in result.stderr
    assert not (tmp_path / "o.lic").exists()


def test_videos_have_no_tune(run: Any, tmp_path: Path) -> None:
    clip = tmp_path / "clip.y4m"
    clip.write_bytes(b"YUV4MPEG2 W16 H16 F25:1 C420\nFRAME\n" + bytes(384))

    refused = run("encode", clip, "-o", tmp_path / "c.licv", "--tune", "visual")

    assert refused.exit_code == 2
    assert "--tune does not concern videos" in refused.stderr
