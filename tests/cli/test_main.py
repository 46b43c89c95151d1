"""The program as a whole: help, versions, signals, pipes, and errors nobody foresaw."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import codec
from codec.cli import info as info_module
from networks.native import instruction_sets

COMMANDS = ["encode", "decode", "info", "verify", "models", "train"]


def test_bare_command_shows_help_and_ends_with_2(run: Any) -> None:
    result = run()

    assert result.exit_code == 2
    assert result.stdout == ""
    assert all(command in result.stderr for command in COMMANDS)


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_goes_to_stdout(run: Any, command: str, flag: str) -> None:
    result = run(*filter(None, [command, flag]))

    assert result.exit_code == 0
    assert "Usage: codec" in result.stdout
    assert result.stderr == ""


def test_expert_options_are_only_in_the_whole_help(run: Any) -> None:
    assert "--level" not in run("encode", "--help").stdout
    assert "--level" in run("encode", "--help-all").stdout
    assert "--level" not in run("encode", "--help").stdout
    everything = run("--help-all")
    assert everything.exit_code == 0
    assert all(f"codec {command}" in everything.stdout for command in COMMANDS)
    assert "--level" in everything.stdout


def test_version_says_what_is_built(run: Any) -> None:
    result = run("--version")

    assert result.exit_code == 0
    for part in (f"codec {codec.__version__}", "file format 1", "models:", "wavelet-11 (id 11)"):
        assert part in result.stdout
    assert "kernels" not in result.stdout


def test_verbose_version_tells_the_kernels(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    every = instruction_sets()
    for name in every:
        monkeypatch.setenv("CODEC_ISA", name)

        lines = run("--version", "-v").stdout.splitlines()

        others = ", ".join(other for other in every if other != name) or "none"
        assert lines[2].startswith(f"kernels: {name} (CODEC_ISA chooses; here run too: {others})")
        assert lines[3].startswith("CUDA range coder: ")
        assert "PyTorch: installed" in lines[3]


@pytest.mark.parametrize("command", ["encode", "decode", "verify", "--version"])
def test_unknown_kernels_end_with_2(
    run: Any, monkeypatch: pytest.MonkeyPatch, command: str, photo_path: Path, encoded_path: Path
) -> None:
    monkeypatch.setenv("CODEC_ISA", "avx1024")
    arguments = {
        "encode": (photo_path, "-o", "-"),
        "decode": (encoded_path, "-o", "-", "--format", "png"),
        "verify": (encoded_path,),
        "--version": ("-v",),
    }

    result = run(command, *arguments[command])

    assert result.exit_code == 2
    assert "CODEC_ISA=avx1024" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["no-such-command"], ["info"], ["info", "--no-such-flag"]])
def test_wrong_usage_ends_with_2(run: Any, arguments: list[str]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert "Usage" in result.stderr
    assert result.stdout == ""


def test_double_dash_ends_the_options(run: Any, tmp_path: Path) -> None:
    result = run("info", "--", "--json")

    assert result.exit_code == 1
    assert "--json: No such file" in result.stderr


def test_models_are_listed(run: Any) -> None:
    import json

    from codec.models import registry

    rows = json.loads(run("models", "--json").stdout)
    text = run("models").stdout

    assert [row["id"] for row in rows] == [entry.id for entry in registry.entries()]
    assert sum(row["default"] for row in rows) == len(
        {(row["profile"], row["tune"]) for row in rows}
    )
    assert all(row["name"] in text for row in rows)


def test_unforeseen_error_is_reported_as_ours(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(info_module, "describe", fail)

    quiet, verbose = run("info", tmp_path), run("info", "-v", tmp_path)

    assert quiet.exit_code == verbose.exit_code == 1
    assert "internal error (please report): ZeroDivisionError: oops" in quiet.stderr
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in verbose.stderr


def test_closed_pipe_is_quiet(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "codec", "--help-all"]

    result = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)

    assert (result.returncode, result.stderr) == (1, b"")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_the_program_and_leave_nothing(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    pipe, output = tmp_path / "pipe", tmp_path / "out.bin"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "codec", "encode", str(pipe), "-o", str(output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        with pipe.open("wb") as file:  # opens when the program waits for its input
            file.write(b"\x89PNG")
            file.flush()
            process.send_signal(number)
        # The end of the input wakes the program if the signal came just before it began to wait.
        assert process.wait(60) == code
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()

    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_module_and_command_are_the_same(spawn: Any) -> None:
    result = spawn("--help")

    assert result.returncode == 0
    assert result.stdout.startswith(b"Usage: codec ")


def test_weights_of_a_model_are_written(run: Any, tmp_path: Path) -> None:
    import hashlib

    from codec.models import registry

    entry, path = registry.predictive(), tmp_path / "model.weights"

    written = run("models", entry.name, "-o", path)
    again = run("models", entry.name, "-o", path)
    forced = run("models", entry.name, "-f", "-o", path)

    assert (written.exit_code, again.exit_code, forced.exit_code) == (0, 1, 0)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry.sha256
    assert entry.name in run("models", entry.name).stdout
    for wrong, code in ((["-o", path], 2), ([entry.name, "--json", "-o", path], 2), (["x"], 4)):
        assert run("models", *wrong).exit_code == code
