"""`codec verify`: what it measures, and that it finds what is wrong."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec


def test_intact_file_is_ok(run: Any, encoded_path: Path) -> None:
    result = run("verify", encoded_path)

    assert result.exit_code == 0, result.stderr
    assert "ok, 96x80, 1 tile," in result.stdout


def test_digest_is_that_of_the_decoded_samples(run: Any, encoded_path: Path) -> None:
    expected = hashlib.sha256(codec.decode(encoded_path).tobytes()).hexdigest()

    text = run("verify", encoded_path).stdout
    data = json.loads(run("verify", encoded_path, "--json", "--threads", 1).stdout)

    assert data["digest"] == expected
    assert f"pixels {expected[:16]}\n" in text


def test_source_gives_psnr(
    run: Any, encoded_path: Path, photo_path: Path, photo: np.ndarray
) -> None:
    expected = codec.verify(encoded_path, photo).psnr

    text = run("verify", encoded_path, "--against", photo_path).stdout
    data = json.loads(run("verify", encoded_path, "--against", photo_path, "--json").stdout)

    assert f"PSNR {expected:.3f} dB" in text
    assert "MS-SSIM not defined below 161 px" in text
    assert f"SSIMULACRA2 {data['ssimulacra2']:.2f}" in text
    assert data["psnr"] == pytest.approx(expected)
    assert (data["ok"], data["identical"], data["ms_ssim"]) == (True, False, None)


def test_small_pictures_have_no_ssimulacra2(run: Any, tmp_path: Path) -> None:
    image = np.arange(7 * 30, dtype=np.uint8).reshape(7, 30)
    source, file = tmp_path / "a.png", tmp_path / "a.lic"
    Image.fromarray(image).save(source)
    file.write_bytes(codec.encode(image, quality=30))

    text = run("verify", file, "--against", source).stdout
    data = json.loads(run("verify", file, "--against", source, "--json").stdout)

    assert "SSIMULACRA2 not defined below 8 px" in text
    assert data["ssimulacra2"] is None


def test_ms_ssim_is_stated_for_larger_images(run: Any, tmp_path: Path) -> None:
    y, x = np.mgrid[:170, :180]
    image = np.dstack([x, y, (x + y) // 2]).astype(np.uint8)
    source, file = tmp_path / "a.png", tmp_path / "a.lic"
    Image.fromarray(image).save(source)
    file.write_bytes(codec.encode(image, quality=60))

    data = json.loads(run("verify", file, "--against", source, "--json").stdout)

    assert 0.5 < data["ms_ssim"] <= 1


def test_source_from_standard_input(run: Any, encoded_path: Path, photo_path: Path) -> None:
    result = run("verify", encoded_path, "--against", "-", input=photo_path.read_bytes())

    assert result.exit_code == 0, result.stderr
    assert "PSNR" in result.stdout


def test_damaged_tile_is_found(run: Any, encoded_path: Path, encoded_bytes: bytes) -> None:
    encoded_path.write_bytes(encoded_bytes[:-1] + bytes([encoded_bytes[-1] ^ 1]))

    result = run("verify", encoded_path)

    assert result.exit_code == 3
    assert "TILE" in result.stderr
    assert result.stdout == ""


def test_source_of_another_size_ends_with_2(run: Any, encoded_path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    Image.new("RGB", (5, 5)).save(other)

    result = run("verify", encoded_path, "--against", other)

    assert result.exit_code == 2
    assert "5x5" in result.stderr


def test_two_standard_inputs_end_with_2(run: Any) -> None:
    assert run("verify", "-", "--against", "-").exit_code == 2
