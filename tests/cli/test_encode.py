"""`codec encode`: where input comes from, where output goes, and what is refused at once."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from networks.native import instruction_set
from tests.fresh import WITHOUT_TORCH, fresh


def test_output_equals_that_of_the_api(run: Any, photo_path: Path, encoded_bytes: bytes) -> None:
    output = photo_path.with_name("out.bin")

    result = run("encode", photo_path, "-o", output, "-q", 60)

    assert result.exit_code == 0, result.stderr
    assert output.read_bytes() == encoded_bytes
    assert result.stdout == ""


def test_summary_line_has_size_bpp_ratio_and_time(
    run: Any, photo_path: Path, encoded_bytes: bytes
) -> None:
    result = run("encode", photo_path, "-o", photo_path.with_name("out.bin"), "-q", 60)

    lines = result.stderr.splitlines()
    assert len(lines) == 1
    size = len(encoded_bytes)
    for part in (
        f"{size} bytes",
        f"{8 * size / 96 / 80:.3f} bpp",
        f"{96 * 80 * 3 / size:.1f}:1",
        " s",
    ):
        assert part in lines[0]


def test_quiet_says_nothing(run: Any, photo_path: Path) -> None:
    result = run("encode", photo_path, "-o", photo_path.with_name("out.bin"), "--quiet")

    assert (result.exit_code, result.output) == (0, "")


def test_verbose_tells_where_it_computes(run: Any, photo_path: Path) -> None:
    result = run("encode", photo_path, "-o", "-", "--device", "cpu", "-v")

    assert f"codec: info: device cpu, kernels {instruction_set()}" in result.stderr


@pytest.mark.parametrize("option", [("--precision", "float32"), ("--device", "tpu")])
def test_option_that_is_not_there_ends_with_2(
    run: Any, photo_path: Path, option: tuple[str, str]
) -> None:
    result = run("encode", photo_path, "-o", "-", *option)

    assert result.exit_code == 2
    assert result.stdout_bytes == b""


def test_refinement_without_torch_ends_with_2(photo_path: Path, tmp_path: Path) -> None:
    arguments = ["encode", str(photo_path), "-o", str(tmp_path / "out.lic"), "--effort", "9"]
    code = f"from codec.cli.main import cli; cli.main({arguments!r}, prog_name='codec')"

    result = fresh(WITHOUT_TORCH + code, check=False)

    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "effort 9 needs PyTorch" in result.stderr
    assert not (tmp_path / "out.lic").exists()


def test_stdin_and_stdout_give_the_same_bytes_as_paths(
    run: Any, photo_path: Path, encoded_bytes: bytes
) -> None:
    result = run("encode", "-", "-o", "-", "-q", 60, input=photo_path.read_bytes())

    assert result.exit_code == 0, result.stderr
    assert result.stdout_bytes == encoded_bytes


def test_pipes_of_a_real_process_carry_nothing_but_data(
    spawn: Any, photo_path: Path, encoded_bytes: bytes
) -> None:
    result = spawn("encode", "-", "-o", "-", "-q", "60", "-v", input=photo_path.read_bytes())

    assert result.returncode == 0, result.stderr
    assert result.stdout == encoded_bytes


def test_default_quality_is_75(run: Any, photo_path: Path, photo: np.ndarray) -> None:
    output = photo_path.with_name("out.bin")

    run("encode", photo_path, "-o", output)

    assert output.read_bytes() == codec.encode(photo, quality=75)


def test_threads_do_not_change_the_bytes(run: Any, photo_path: Path) -> None:
    outputs = [photo_path.with_name(f"{threads}.bin") for threads in (1, 2)]

    for threads, output in zip((1, 2), outputs, strict=True):
        assert run("encode", photo_path, "-o", output, "-j", threads).exit_code == 0

    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize("size", ["900B", "0.9kB"])
def test_target_size_is_kept(run: Any, photo_path: Path, size: str) -> None:
    output = photo_path.with_name("out.bin")

    result = run("encode", photo_path, "-o", output, "--target-size", size)

    assert result.exit_code == 0, result.stderr
    assert output.stat().st_size <= 900


def test_target_bpp_and_psnr_are_kept(run: Any, photo_path: Path, photo: np.ndarray) -> None:
    output = photo_path.with_name("out.bin")

    assert run("encode", photo_path, "-o", output, "--target-bpp", 1).exit_code == 0
    assert codec.info(output).bpp <= 1
    assert run("encode", photo_path, "-fo", output, "--target-psnr", 30).exit_code == 0
    psnr = codec.verify(output, photo).psnr
    assert psnr is not None
    assert psnr >= 30


def test_target_ssimulacra2_is_kept(run: Any, photo_path: Path, photo: np.ndarray) -> None:
    output = photo_path.with_name("out.bin")

    assert run("encode", photo_path, "-o", output, "--target-ssimulacra2", 60).exit_code == 0
    score = codec.verify(output, photo).ssimulacra2
    assert score is not None
    assert score >= 60
    result = run("encode", photo_path, "-fo", output, "--target-ssimulacra2", 60, "-q", 50)
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr


def test_unreachable_target_writes_nothing(run: Any, photo_path: Path) -> None:
    output = photo_path.with_name("out.bin")

    result = run("encode", photo_path, "-o", output, "--target-size", "5")

    assert result.exit_code == 1
    assert re.search(r"target is 5 bytes.* \d+ bytes", result.stderr)
    assert not output.exists()


def test_json_report_is_alone_on_stdout(run: Any, photo_path: Path, encoded_bytes: bytes) -> None:
    output = photo_path.with_name("out.bin")

    result = run("encode", photo_path, "-o", output, "-q", 60, "--json")

    report = json.loads(result.stdout)
    assert report["bytes"] == len(encoded_bytes)
    assert (report["input"], report["output"]) == (str(photo_path), str(output))
    assert (report["width"], report["height"], report["quality"]) == (96, 80, 60)
    assert set(report) >= {"bpp", "ratio", "seconds", "level"}


def test_existing_output_is_refused_before_any_work(run: Any, tmp_path: Path) -> None:
    output = tmp_path / "out.bin"
    output.write_bytes(b"old")

    result = run("encode", tmp_path / "missing.png", "-o", output)

    assert result.exit_code == 1
    assert "-f" in result.stderr
    assert "missing" not in result.stderr
    assert output.read_bytes() == b"old"


@pytest.mark.parametrize("flag", ["-f", "-y", "--force"])
def test_existing_output_is_replaced_when_asked(run: Any, photo_path: Path, flag: str) -> None:
    output = photo_path.with_name("out.bin")
    output.write_bytes(b"old")

    assert run("encode", photo_path, "-o", output, flag).exit_code == 0
    assert output.read_bytes() != b"old"


def test_last_of_force_and_no_overwrite_counts(run: Any, photo_path: Path) -> None:
    output = photo_path.with_name("out.bin")
    output.write_bytes(b"old")

    assert run("encode", photo_path, "-o", output, "-f", "-n").exit_code == 1
    assert output.read_bytes() == b"old"


def test_failure_leaves_existing_output_and_no_temporary_file(run: Any, tmp_path: Path) -> None:
    source, output = tmp_path / "bad.png", tmp_path / "out.bin"
    source.write_bytes(b"not an image")
    output.write_bytes(b"old")

    assert run("encode", source, "-o", output, "-f").exit_code == 3
    assert output.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.png", "out.bin"]


def image_file(mode: str, kind: str, **options: Any) -> bytes:
    """A small image file of some mode."""
    buffer = io.BytesIO()
    Image.new(mode, (8, 8)).save(buffer, kind, **options)
    return buffer.getvalue()


def animation() -> bytes:
    """A GIF file of two frames."""
    buffer = io.BytesIO()
    frames = [Image.new("L", (8, 8), shade) for shade in (0, 99)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        (image_file("I;16", "PNG"), 2, "16-bit"),
        (image_file("CMYK", "JPEG"), 2, "CMYK"),
        (image_file("F", "TIFF"), 2, "32-bit"),
        (animation(), 2, "animated"),
        (b"plain text", 3, "not an image"),
        (b"", 3, "empty"),
        (image_file("RGB", "BMP")[:-60], 3, "damaged"),
    ],
    ids=["16-bit", "cmyk", "float", "animated", "text", "empty", "truncated"],
)
def test_bad_images_are_named_and_leave_no_output(
    run: Any, tmp_path: Path, data: bytes, code: int, text: str
) -> None:
    source, output = tmp_path / "in.png", tmp_path / "out.bin"
    source.write_bytes(data)

    result = run("encode", source, "-o", output)

    assert result.exit_code == code
    assert text in result.stderr
    assert str(source) in result.stderr
    assert "Traceback" not in result.stderr
    assert not output.exists()


def test_image_over_the_limits_ends_with_5(run: Any, photo_path: Path) -> None:
    output = photo_path.with_name("out.bin")

    for option in (("--max-pixels", 100), ("--max-dimension", 90)):
        result = run("encode", photo_path, "-o", output, *option)
        assert result.exit_code == 5
        assert option[0] in result.stderr
    assert not output.exists()


def test_missing_input_ends_with_1(run: Any, tmp_path: Path) -> None:
    result = run("encode", tmp_path / "no.png", "-o", tmp_path / "out.bin")

    assert result.exit_code == 1
    assert "no.png: No such file" in result.stderr


@pytest.mark.parametrize("option", [("-m", "no-such"), ("-p", "no-such")])
def test_unknown_model_ends_with_4(run: Any, photo_path: Path, option: tuple[str, str]) -> None:
    result = run("encode", photo_path, "-o", photo_path.with_name("out.bin"), *option)

    assert result.exit_code == 4
    assert "no-such" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.png"],
        ["a.png", "b.png", "-o", "out"],
        ["a.png", "-o", "out", "--output-dir", "."],
        ["-", "--output-dir", "missing"],
        ["a.png", "--output-dir", "missing"],
        ["a.png", "x/a.jpg", "--output-dir", "."],
        ["a.png", "a.png", "--output-dir", "."],
        ["a.png", "-o", "out", "-q", "101"],
        ["a.png", "-o", "out", "-q", "high"],
        ["a.png", "-o", "out", "-q", "50", "--target-bpp", "1"],
        ["a.png", "-o", "out", "--target-size", "big"],
        ["a.png", "-o", "out", "--strip", "gps"],
        ["a.png", "-o", "out", "--device", "tpu"],
        ["a.png", "-o", "out", "-j", "-1"],
        ["a.png", "-o", "out", "--tile", "100"],
        ["a.png", "-o", "-", "--json"],
        ["a.png", "-o", "out", "--no-output"],
        ["a.png", "-o", "out", "--lossless", "-q", "50"],
    ],
)
def test_wrong_usage_ends_with_2(
    run: Any, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run("encode", *arguments)

    assert result.exit_code == 2, result.stderr
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_binary_data_do_not_go_to_a_terminal(photo_path: Path) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "codec", "encode", str(photo_path), "-o", "-"]
    result = subprocess.run(
        command, stdout=terminal, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(terminal)
    os.close(controller)

    assert result.returncode == 2
    assert b"terminal" in result.stderr


def test_ignore_alpha_drops_it(run: Any, tmp_path: Path) -> None:
    source, output = tmp_path / "in.png", tmp_path / "out.bin"
    Image.new("RGBA", (16, 16), (1, 2, 3, 4)).save(source)

    assert run("encode", source, "-o", output).exit_code == 0
    assert codec.info(output).alpha
    assert run("encode", source, "-fo", output, "--ignore-alpha").exit_code == 0
    assert not codec.info(output).alpha


def test_strip_leaves_metadata_out_but_the_orientation(run: Any, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jpg", tmp_path / "out.bin"
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 8, "Maker"
    Image.new("RGB", (16, 16)).save(source, exif=exif, icc_profile=b"icc" * 9)

    assert run("encode", source, "-o", output, "--strip", "exif,icc").exit_code == 0

    found = codec.info(output)
    assert (found.icc_bytes, found.exif_bytes, found.orientation) == (0, 26, 8)


def test_repeat_and_no_output_time_the_work(run: Any, photo_path: Path, tmp_path: Path) -> None:
    result = run("encode", photo_path, "--no-output", "--repeat", 2)

    assert result.exit_code == 0, result.stderr
    assert "bpp" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [photo_path.name]


def test_progress_goes_to_stderr_as_asked(run: Any, photo_path: Path) -> None:
    command = ["encode", photo_path, "-o", "-", "--quiet"]
    plain = run(*command)

    bar = run(*command, "--progress", "bar")
    as_json = run(*command, "--progress", "json")

    assert plain.stderr == ""
    assert bar.stdout_bytes == as_json.stdout_bytes == plain.stdout_bytes
    assert "100 %" in bar.stderr
    rows = [json.loads(line) for line in as_json.stderr.splitlines()]
    assert rows[-1] == {"file": str(photo_path), "percent": 100}
    assert [row["percent"] for row in rows] == sorted({row["percent"] for row in rows})


def test_effort_makes_another_file_that_decodes(run: Any, photo_path: Path) -> None:
    direct, refined = (photo_path.with_name(f"{effort}.lic") for effort in (7, 8))
    for effort, path in ((7, direct), (8, refined)):
        result = run("encode", photo_path, "-o", path, "-q", 60, "--effort", effort, "--threads", 1)
        assert result.exit_code == 0, result.stderr

    assert direct.read_bytes() != refined.read_bytes()
    assert codec.decode(refined).shape == codec.decode(direct).shape


@pytest.mark.parametrize("effort", ["0", "11", "x"])
def test_effort_out_of_range_is_wrong_usage(run: Any, photo_path: Path, effort: str) -> None:
    result = run("encode", photo_path, "-o", "-", "-e", effort)

    assert result.exit_code == 2
    assert "--effort" in result.stderr
