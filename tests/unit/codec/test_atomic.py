"""Atomic writing: a complete file or none, and never over something that was not to be replaced."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from codec.errors import OutputError, OutputExists
from codec.image.atomic import atomic_write, check_target


def test_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"

    with atomic_write(target) as file:
        file.write(b"abc")
        assert not target.exists()

    assert target.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_remains_after_an_exception(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with atomic_write(tmp_path / "out.bin") as file:
            file.write(b"abc")
            raise error

    with pytest.raises(error):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_untouched_by_a_failure(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")

    def fail() -> None:
        with atomic_write(target, force=True) as file:
            file.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_existing_file_is_refused_before_the_block(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")

    with pytest.raises(OutputExists, match="-f"), atomic_write(target):
        pytest.fail("the block must not run")

    assert target.read_bytes() == b"old"


def test_file_that_appears_meanwhile_is_refused_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"

    def race() -> None:
        with atomic_write(target) as file:
            file.write(b"new")
            target.write_bytes(b"other")

    with pytest.raises(OutputExists):
        race()

    assert target.read_bytes() == b"other"
    assert list(tmp_path.iterdir()) == [target]


def test_file_system_without_links_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(os, "link", no_link)
    target = tmp_path / "out.bin"

    with atomic_write(target) as file:
        file.write(b"abc")
    with pytest.raises(OutputExists), atomic_write(tmp_path / "other") as file:
        (tmp_path / "other").write_bytes(b"theirs")

    assert target.read_bytes() == b"abc"
    assert (tmp_path / "other").read_bytes() == b"theirs"


def test_force_replaces(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")

    with atomic_write(target, force=True, sync=True) as file:
        file.write(b"new")

    assert target.read_bytes() == b"new"


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    previous = os.umask(0o027)
    try:
        with atomic_write(target) as file:
            file.write(b"abc")
    finally:
        os.umask(previous)

    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_symbolic_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "out.bin", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)

    with atomic_write(link, force=True) as file:
        file.write(b"new")

    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder"):
        check_target(tmp_path, force=True)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        check_target(tmp_path / "no" / "out.bin")


def test_device_is_written_directly() -> None:
    with atomic_write("/dev/null") as file:
        file.write(b"abc")

    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_long_names_are_written(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250)

    with atomic_write(target) as file:
        file.write(b"abc")

    assert target.read_bytes() == b"abc"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_no_file_remains_after_a_signal(tmp_path: Path, sent: signal.Signals) -> None:
    code = (
        "import sys, time, signal\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "from codec.image.atomic import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'abc'); file.flush(); print('ready', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "out.bin")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == b"ready\n"
        assert len(list(tmp_path.iterdir())) == 1
        time.sleep(0.05)
        process.send_signal(sent)
        assert process.wait(30) != 0

    assert list(tmp_path.iterdir()) == []


def test_folder_of_the_process_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with atomic_write(tmp_path / "out.bin") as file:
        file.write(b"abc")
    with pytest.raises(OutputError, match="folder"):
        check_target("out.bin")

    assert (tmp_path / "out.bin").read_bytes() == b"abc"


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_what_is_no_name_of_a_file_is_refused(path: str) -> None:
    with pytest.raises(OutputError):
        check_target(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_names_the_output() -> None:
    with (
        pytest.raises(OutputError, match=r"/dev/full: No space left"),
        atomic_write("/dev/full", force=True) as file,
    ):
        file.write(bytes(100_000))


def test_other_errors_of_the_block_stay_what_they_are(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError),
        atomic_write(tmp_path / "out") as file,
    ):
        file.write((tmp_path / "missing").read_bytes())
    assert list(tmp_path.iterdir()) == []
