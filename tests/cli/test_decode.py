"""`codec decode`: every output format, crops, and files that are not what they should be."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bitstream
import codec


def pixels_of(file: Path | io.BytesIO) -> np.ndarray:
    """The pixels of an image file."""
    with Image.open(file) as image:
        return np.array(image)


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.ppm"])
def test_output_equals_that_of_the_api(
    run: Any, encoded_path: Path, encoded_bytes: bytes, name: str
) -> None:
    output = encoded_path.with_name(name)

    result = run("decode", encoded_path, "-o", output)

    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert np.array_equal(pixels_of(output), codec.decode(encoded_bytes))


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_outputs_stay_close(
    run: Any, encoded_path: Path, encoded_bytes: bytes, name: str
) -> None:
    output = encoded_path.with_name(name)

    assert run("decode", encoded_path, "-o", output).exit_code == 0

    difference = pixels_of(output).astype(int) - codec.decode(encoded_bytes)
    assert np.abs(difference).mean() < 4


def test_output_quality_changes_the_size(run: Any, encoded_path: Path) -> None:
    sizes = []
    for quality in (20, 95):
        output = encoded_path.with_name(f"{quality}.jpg")
        assert run("decode", encoded_path, "-o", output, "--output-quality", quality).exit_code == 0
        sizes.append(output.stat().st_size)

    assert sizes[0] < sizes[1]


def test_stdin_and_stdout_carry_nothing_but_data(spawn: Any, encoded_bytes: bytes) -> None:
    result = spawn("decode", "-", "-o", "-", "--format", "ppm", "-v", input=encoded_bytes)

    assert result.returncode == 0, result.stderr
    assert np.array_equal(pixels_of(io.BytesIO(result.stdout)), codec.decode(encoded_bytes))
    assert len(result.stdout) == len(b"P6\n96 80\n255\n") + 96 * 80 * 3


def test_crop_decodes_that_part(run: Any, encoded_path: Path, encoded_bytes: bytes) -> None:
    output = encoded_path.with_name("part.png")

    result = run("decode", encoded_path, "-o", output, "--crop", "10,20,30,40")

    assert result.exit_code == 0, result.stderr
    expected = codec.decode(encoded_bytes, crop=(10, 20, 30, 40))
    assert np.array_equal(pixels_of(output), expected)


@pytest.mark.parametrize("crop", ["90,0,10,10", "0,0,0,0", "1,2,3", "a,b,c,d"])
def test_wrong_crop_ends_with_2(run: Any, encoded_path: Path, crop: str) -> None:
    output = encoded_path.with_name("part.png")

    assert run("decode", encoded_path, "-o", output, "--crop", crop).exit_code == 2
    assert not output.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.lic"],
        ["a.lic", "-o", "-"],
        ["a.lic", "-o", "out.xyz"],
        ["a.lic", "-o", "out"],
        ["a.lic", "-o", "out.png", "--format", "bmp"],
        ["a.lic", "b.lic", "-o", "out.png"],
        ["a.lic", "-o", "out.png", "--output-quality", "0"],
        ["a.lic", "-o", "-", "--format", "png", "--json"],
    ],
)
def test_wrong_usage_ends_with_2(
    run: Any, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run("decode", *arguments)

    assert result.exit_code == 2, result.stderr
    assert list(tmp_path.iterdir()) == []


def test_format_overrules_the_suffix(run: Any, encoded_path: Path) -> None:
    output = encoded_path.with_name("image.dat")

    assert run("decode", encoded_path, "-o", output, "--format", "webp").exit_code == 0
    assert output.read_bytes()[8:12] == b"WEBP"


@pytest.fixture
def with_alpha(tmp_path: Path, photo: np.ndarray) -> Path:
    """A file with an alpha plane."""
    path = tmp_path / "alpha.lic"
    path.write_bytes(codec.encode(np.dstack([photo, photo[..., 0]]), quality=30))
    return path


def test_alpha_that_jpeg_cannot_hold_is_refused(run: Any, with_alpha: Path) -> None:
    output = with_alpha.with_name("a.jpg")

    refused = run("decode", with_alpha, "-o", output)

    assert refused.exit_code == 2
    assert "--ignore-alpha" in refused.stderr
    assert not output.exists()
    assert run("decode", with_alpha, "-o", output, "--ignore-alpha").exit_code == 0


def test_alpha_comes_back_exactly(run: Any, with_alpha: Path, photo: np.ndarray) -> None:
    output = with_alpha.with_name("a.png")

    assert run("decode", with_alpha, "-o", output).exit_code == 0
    assert np.array_equal(pixels_of(output)[..., 3], photo[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_and_icc_travel_through(run: Any, tmp_path: Path, orientation: int) -> None:
    source, middle, output = (tmp_path / name for name in ("in.jpg", "out.lic", "out.jpg"))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (24, 16), (9, 99, 200)).save(source, exif=exif, icc_profile=b"icc" * 99)

    assert run("encode", source, "-o", middle).exit_code == 0
    assert run("decode", middle, "-o", output).exit_code == 0

    with Image.open(source) as before, Image.open(output) as after:
        assert after.size == before.size == (24, 16)
        assert after.getexif()[0x0112] == orientation
        assert after.info["exif"] == before.info["exif"]
        assert after.info["icc_profile"] == before.info["icc_profile"]


def test_warning_of_lost_metadata_is_shown(run: Any, tmp_path: Path) -> None:
    source, middle = tmp_path / "in.png", tmp_path / "out.lic"
    Image.new("RGB", (16, 16)).save(source, icc_profile=b"icc" * 9)
    run("encode", source, "-o", middle)

    loud = run("decode", middle, "-o", tmp_path / "a.ppm")
    stripped = run("decode", middle, "-o", tmp_path / "b.ppm", "--strip", "icc")

    assert "codec: warning: ppm holds no metadata: ICC left out" in loud.stderr
    assert "codec: warning" not in stripped.stderr


def test_json_report(run: Any, encoded_path: Path, encoded_bytes: bytes) -> None:
    result = run("decode", encoded_path, "-o", encoded_path.with_name("a.png"), "--json")

    report = json.loads(result.stdout)
    assert (report["bytes"], report["width"], report["height"]) == (len(encoded_bytes), 96, 80)


def test_report_of_a_crop_is_of_the_whole_file(
    run: Any, encoded_path: Path, encoded_bytes: bytes
) -> None:
    output = encoded_path.with_name("a.png")

    result = run("decode", encoded_path, "-o", output, "--crop", "1,2,3,4", "--json")

    report = json.loads(result.stdout)
    assert report["crop"] == [1, 2, 3, 4]
    assert report["bpp"] == codec.info(encoded_bytes).bpp


def test_existing_output_is_refused(run: Any, encoded_path: Path) -> None:
    output = encoded_path.with_name("a.png")
    output.write_bytes(b"old")

    assert run("decode", encoded_path, "-o", output).exit_code == 1
    assert output.read_bytes() == b"old"
    assert run("decode", encoded_path, "-o", output, "-f").exit_code == 0


def damaged(data: bytes, position: int) -> bytes:
    """The file with one bit flipped."""
    changed = bytearray(data)
    changed[position] ^= 0x10
    return bytes(changed)


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (lambda data: b"hello world", 3, "not a file of this format"),
        (lambda data: b"", 3, "end"),
        (lambda data: data[:-1], 3, "at byte"),
        (lambda data: data[: len(data) // 2], 3, "TILE"),
        (lambda data: data + b"x", 3, "at byte"),
        (lambda data: damaged(data, len(data) - 1), 3, "TILE"),
        (lambda data: damaged(data, 10), 3, "HEAD"),
        (lambda data: data[:4] + b"\x63" + data[5:], 4, "version"),
    ],
    ids=[
        "foreign",
        "empty",
        "one-byte-short",
        "half",
        "trailing",
        "flipped-tile",
        "flipped-head",
        "version",
    ],
)
def test_damaged_files_are_named_and_leave_no_output(
    run: Any, tmp_path: Path, encoded_bytes: bytes, change: Any, code: int, text: str
) -> None:
    source, output = tmp_path / "in.lic", tmp_path / "out.png"
    source.write_bytes(change(encoded_bytes))

    result = run("decode", source, "-o", output)

    assert result.exit_code == code, result.stderr
    assert text in result.stderr
    assert "internal error" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.lic"]


@pytest.mark.parametrize(("field", "value"), [("model_id", 65535), ("weights_hash", b"\0\0\0\0")])
def test_unknown_model_and_wrong_weights_end_with_4(
    run: Any, tmp_path: Path, encoded_bytes: bytes, field: str, value: Any
) -> None:
    read = bitstream.read(encoded_bytes)
    header = dataclasses.replace(read.header, **{field: value})
    source, output = tmp_path / "in.lic", tmp_path / "out.png"
    source.write_bytes(bitstream.write(bitstream.Container(header=header, tiles=list(read.tiles))))

    assert run("decode", source, "-o", output).exit_code == 4
    assert not output.exists()


def test_file_over_the_limits_ends_with_5(run: Any, encoded_path: Path) -> None:
    output = encoded_path.with_name("a.png")

    for option in ("--max-pixels", "--max-dimension"):
        assert run("decode", encoded_path, "-o", output, option, 50).exit_code == 5
    assert not output.exists()
