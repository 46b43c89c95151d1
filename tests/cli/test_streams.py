"""Standard streams that are closed, full or named as files, and outputs with odd names."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from codec.cli.jobs import plan

Shell = Callable[[str], "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def shell(tmp_path: Path, photo_path: Path, encoded_path: Path) -> Shell:
    """Runs a line of bash where `codec` is the program, beside photo.png and photo.lic."""

    def call(line: str) -> subprocess.CompletedProcess[bytes]:
        program = shlex.join([sys.executable, "-m", "codec"])
        return subprocess.run(
            ["bash", "-c", f"codec() {{ {program} \"$@\"; }}; {line}"],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path(codec.__file__).parents[1])},
            capture_output=True, check=False, timeout=300,
        )  # fmt: skip

    return call


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_work_is_done_whatever_stream_is_closed(shell: Shell, closed: str, tmp_path: Path) -> None:
    for line in (
        "codec encode photo.png -o out.lic -q 60",
        "codec decode photo.lic -o out.png --progress bar",
        "codec info photo.lic",
        "codec verify photo.lic --against photo.png",
        "codec --version",
    ):
        result = shell(f"{line} {closed}")
        assert result.returncode == 0, (line, result.stderr)
    assert (tmp_path / "out.lic").read_bytes() == (tmp_path / "photo.lic").read_bytes()
    assert (tmp_path / "out.png").exists()
    for line, code in (("codec info", 2), ("codec info no.lic", 1), ("codec info photo.png", 3)):
        result = shell(f"{line} {closed}")
        assert result.returncode == code, (line, result.stderr)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("codec encode photo.png -o - >&-", b"standard output is closed"),
        ("codec encode - -o out.lic <&-", b"standard input is closed"),
        ("codec info - <&-", b"standard input is closed"),
        ("codec encode photo.png -o - >/dev/full", b"No space left"),
        ("codec info photo.lic >/dev/full", b"No space left"),
    ],
)
def test_stream_that_the_work_needs_is_missed(shell: Shell, line: str, said: bytes) -> None:
    result = shell(line)

    assert result.returncode == 1
    assert said in result.stderr
    assert b"internal" not in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        "codec encode photo.png -q 60 -o /dev/stdout",
        "codec encode photo.png -q 60 -o /dev/stdout | cat",
        "codec encode photo.png -q 60 -o /dev/fd/1 | cat",
        "codec encode photo.png -q 60 -o /proc/self/fd/1 | cat",
        "ln -s /dev/stdout link && codec encode photo.png -q 60 -o link | cat",
        "codec encode photo.png -q 60 -o /dev/fd/5 5>&1 | cat",
        "codec encode photo.png -q 60 -o /dev/stdout > out; cat out",
        "codec encode photo.png -q 60 -o /dev/fd/5 5> out; cat out",
        "codec encode photo.png -q 60 -o >(cat > out); while [ ! -s out ]; do sleep 0.1; done; "
        "sleep 0.3; cat out",
        "codec encode /dev/stdin -q 60 -o - < photo.png",
        "cat photo.png | codec encode /dev/stdin -q 60 -o /dev/stdout",
        "mkfifo pipe; cat pipe & codec encode photo.png -q 60 -o pipe; wait",
    ],
)
def test_streams_may_be_named_as_files(shell: Shell, line: str, encoded_bytes: bytes) -> None:
    result = shell(line)

    assert result.returncode == 0, result.stderr
    assert result.stdout == encoded_bytes


def test_standard_output_is_gone_on_with(shell: Shell, encoded_bytes: bytes) -> None:
    result = shell(
        "printf ahead > out; codec encode photo.png -q 60 -o /dev/stdout >> out; cat out"
    )

    assert result.stdout == b"ahead" + encoded_bytes


def test_standard_output_by_its_name_excludes_a_report_there(run: Any, photo_path: Path) -> None:
    assert run("encode", photo_path, "-o", "/dev/stdout", "--json").exit_code == 2


@pytest.mark.parametrize(
    "name", ["a" * 251 + ".lic", "é" * 125 + ".lic", "字" * 83 + ".lic"], ids=len
)
def test_output_may_have_any_name_that_the_system_allows(
    run: Any, photo_path: Path, name: str
) -> None:
    output = photo_path.with_name(name)

    result = run("encode", photo_path, "-o", output)

    assert result.exit_code == 0, result.stderr
    assert output.exists()
    assert run("encode", photo_path, "-o", output.with_name("bbb" + name)).exit_code == 1


def test_names_may_be_any_bytes(shell: Shell) -> None:
    result = shell(
        "codec encode photo.png -o $'\\xff.lic' && codec info $'\\xff.lic' && "
        "codec info --json $'\\xff.lic' && codec verify $'\\xff.lic' && codec info $'\\xfe'"
    )

    assert result.returncode == 1
    assert result.stderr.endswith(b"No such file or directory\n")
    assert b"internal" not in result.stderr


@pytest.mark.parametrize("output", ["photo.png", "./photo.png", "link.png", "hard.png"])
def test_input_is_not_replaced_by_its_output(
    run: Any, photo_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.chdir(photo_path.parent)
    original = photo_path.read_bytes()
    Path("link.png").symlink_to(photo_path)
    Path("hard.png").hardlink_to(photo_path)

    result = run("encode", "photo.png", "-f", "-o", output)

    assert result.exit_code == 1
    assert "--replace-input" in result.stderr
    assert photo_path.read_bytes() == original
    assert run("encode", "photo.png", "--replace-input", "-o", output).exit_code == 1
    assert photo_path.read_bytes() == original
    assert run("encode", "photo.png", "-f", "--replace-input", "-o", output).exit_code == 0
    assert codec.info(output).width == 96


def test_input_is_not_replaced_by_a_batch(run: Any, encoded_path: Path) -> None:
    misnamed = encoded_path.rename(encoded_path.with_name("a.png"))
    original = misnamed.read_bytes()

    result = run("decode", misnamed, "-f", "--output-dir", misnamed.parent)

    assert result.exit_code == 1
    assert misnamed.read_bytes() == original
    assert (
        run("decode", misnamed, "-f", "--replace-input", "--output-dir", misnamed.parent).exit_code
        == 0
    )
    with Image.open(misnamed) as image:
        assert image.size == (96, 80)


def test_colours_are_not_written_as_pgm(run: Any, encoded_path: Path, tmp_path: Path) -> None:
    grey = tmp_path / "grey.lic"
    grey.write_bytes(codec.encode(np.full((9, 9), 60, np.uint8)))
    output = tmp_path / "a.pgm"

    for options in ((), ("--format", "pgm")):
        result = run("decode", encoded_path, "-o", output, *options)
        assert result.exit_code == 2
        assert "grey only" in result.stderr
        assert not output.exists()
    assert run("decode", grey, "-o", output).exit_code == 0
    assert output.read_bytes().startswith(b"P5")


def test_planning_a_batch_takes_linear_time(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        names = [f"{n}.png" for n in range(count)]
        started = time.perf_counter()
        plan(names, None, tmp_path, suffix=".lic", no_output=False)
        return time.perf_counter() - started

    # Sixteen times as many names: some sixteen times as long, and 256 times if it were quadratic.
    seconds(1000)
    assert seconds(80_000) < 80 * max(seconds(5_000), 0.005)
