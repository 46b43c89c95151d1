"""Pictures one after another: from a pipe or a file to numbered files, and back to a pipe."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.cli.jobs import numbered
from codec.image.picture import Picture
from codec.image.pnm import pnm_bytes, read_next
from codec.options import Limits


def frames(count: int = 3, channels: int = 3) -> list[np.ndarray]:
    """Pictures that differ."""
    y, x = np.mgrid[:24, :40]
    return [
        np.stack([(x * (c + 1) + y + 20 * n).astype(np.uint8) for c in range(channels)], axis=2)
        for n in range(count)
    ]


def stream(arrays: list[np.ndarray], pam: bool = False) -> bytes:
    return b"".join(pnm_bytes(Picture.from_numpy(array), pam=pam) for array in arrays)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.weights
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pipe_becomes_numbered_files(run: Any, tmp_path: Path, channels: int) -> None:
    arrays = frames(channels=channels)

    result = run(
        "encode", "-", "-o", tmp_path / "f-%03d.lic", "-q", 60, input=stream(arrays, channels == 4)
    )

    assert result.exit_code == 0, result.stderr
    assert names(tmp_path) == ["f-001.lic", "f-002.lic", "f-003.lic"]
    for name, array in zip(names(tmp_path), arrays, strict=True):
        assert (tmp_path / name).read_bytes() == codec.encode(array, quality=60)
    assert "3 pictures, " in result.stderr


@pytest.mark.weights
def test_pipe_and_files_into_a_folder(run: Any, tmp_path: Path) -> None:
    many, one = tmp_path / "many.ppm", tmp_path / "one.ppm"
    many.write_bytes(stream(frames(2)))
    one.write_bytes(stream(frames(1)))
    out = tmp_path / "out"
    out.mkdir()

    result = run("encode", many, one, "-", "--output-dir", out, input=stream(frames(2)))

    assert result.exit_code == 0, result.stderr
    assert names(out) == [
        "frame-00001.lic",
        "frame-00002.lic",
        "many-00001.lic",
        "many-00002.lic",
        "one.lic",
    ]


@pytest.mark.weights
def test_file_in_a_tree_keeps_its_time(run: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    source = tmp_path / "in" / "100%d.ppm"
    source.write_bytes(stream(frames(2)))
    os.utime(source, (10**9, 10**9))

    result = run("encode", tmp_path / "in", "--output-dir", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    assert names(tmp_path / "out") == ["100%d-00001.lic", "100%d-00002.lic"]
    assert {path.stat().st_mtime for path in (tmp_path / "out").iterdir()} == {10**9}


@pytest.mark.weights
@pytest.mark.parametrize("kind", ["ppm", "pam"])
def test_files_become_a_stream_on_stdout(run: Any, tmp_path: Path, kind: str) -> None:
    run("encode", "-", "-o", tmp_path / "%d.lic", input=stream(frames()))
    paths = sorted(tmp_path.iterdir())

    result = run("decode", *paths, "-o", "-", "--format", kind)

    assert result.exit_code == 0, result.stderr
    found = io.BytesIO(result.stdout_bytes)
    for path in paths:
        picture = read_next(found, Limits())
        assert picture is not None
        assert np.array_equal(picture.samples, codec.decode(path))
    assert read_next(found, Limits()) is None


@pytest.mark.weights
def test_decoding_to_numbered_files(run: Any, tmp_path: Path) -> None:
    run("encode", "-", "-o", tmp_path / "%d.lic", input=stream(frames(2)))

    result = run("decode", tmp_path / "2.lic", tmp_path / "1.lic", "-o", tmp_path / "x%02d.png")

    assert result.exit_code == 0, result.stderr
    assert names(tmp_path) == ["1.lic", "2.lic", "x01.png", "x02.png"]


def test_png_files_cannot_follow_one_another(run: Any, tmp_path: Path) -> None:
    result = run("decode", "a.lic", "b.lic", "-o", "-", "--format", "png")

    assert result.exit_code == 2
    assert "--output-dir" in result.stderr


@pytest.mark.parametrize("way", ["pipe", "file"])
def test_several_pictures_and_one_name_are_refused(run: Any, tmp_path: Path, way: str) -> None:
    data = stream(frames(2))
    source = tmp_path / "a.ppm"
    source.write_bytes(data)
    output = tmp_path / "a.lic"

    given = ("-",) if way == "pipe" else (source,)
    result = run("encode", *given, "-o", output, input=data)

    assert result.exit_code == 2
    assert "-o frame-%05d.lic" in result.stderr
    assert not output.exists()


@pytest.mark.weights
def test_damage_in_a_stream_keeps_what_was_before(run: Any, tmp_path: Path) -> None:
    data = stream(frames(3))

    cut = run("encode", "-", "-o", tmp_path / "%d.lic", input=data[:-1])
    garbage = run("encode", "-", "-o", tmp_path / "g%d.lic", input=stream(frames(1)) + b"what")

    assert (cut.exit_code, garbage.exit_code) == (3, 3)
    assert names(tmp_path) == ["1.lic", "2.lic", "g1.lic"]
    assert "it ends after" in cut.stderr


@pytest.mark.weights
def test_existing_outputs_in_a_stream(run: Any, tmp_path: Path) -> None:
    (tmp_path / "1.lic").write_bytes(b"old")
    pattern, data = tmp_path / "%d.lic", stream(frames(2))

    refused = run("encode", "-", "-o", pattern, input=data)
    skipped = run("encode", "-", "-o", pattern, "--skip-existing", input=data)

    assert (refused.exit_code, skipped.exit_code) == (1, 0)
    assert (tmp_path / "1.lic").read_bytes() == b"old"
    assert names(tmp_path) == ["1.lic", "2.lic"]


@pytest.mark.weights
def test_other_types_on_stdin_are_one_picture(run: Any, photo_path: Path, tmp_path: Path) -> None:
    result = run("encode", "-", "-o", tmp_path / "x%d.lic", input=photo_path.read_bytes())

    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "x1.lic").exists()
    assert run("encode", "-", "-o", tmp_path / "y%d.lic", input=b"").exit_code == 3


def test_numbers_in_names() -> None:
    assert numbered("a%d/b-%05d.lic", 7) == "a%d/b-00007.lic"
    assert numbered("%d.lic", 12) == "12.lic"


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no peak of memory to read")
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    code = (
        "import re, sys; from codec.cli.main import cli\n"
        "try: cli.main(['encode', '-', '-o', sys.argv[1], '-q', '20', '-j', '1'])\n"
        "except SystemExit as end:\n"
        "    status = open('/proc/self/status').read()\n"
        "    print(end.code, re.search(r'VmHWM:\\s+(\\d+)', status)[1])"
    )
    array = np.zeros((400, 600, 3), np.uint8)
    peaks = []
    for count in (8, 40):  # the first few settle what is kept between pictures
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path / f"{count}-%d.lic"],
            input=stream([array]) * count, capture_output=True, check=True,
        )  # fmt: skip
        status, peak = done.stdout.split()
        assert status == b"0", done.stderr
        peaks.append(int(peak) * 1024)

    assert peaks[1] - peaks[0] < 4 * array.nbytes
