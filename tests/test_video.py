"""Videos through the real coder: there and back, seeking, pipes between processes, stopped runs."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.video.color import planes_of
from tests.unit.codec.video.clips import make_clip, picture

ROOT = Path(__file__).parents[1]
BUILT = importlib.util.find_spec("codec.video._video") is not None

pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(not BUILT, reason="needs the compiled core"),
]


def program(*args: object, **kwargs: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "codec", *(str(arg) for arg in args)]
    return subprocess.run(command, capture_output=True, check=False, timeout=300, **kwargs)


def write(count: int, width: int = 64, height: int = 48, **options: Any) -> bytes:
    out = io.BytesIO()
    with codec.VideoWriter(out, **{"effort": 2} | options) as writer:
        for number in range(count):
            writer.append(picture(number, width, height))
    return out.getvalue()


def planes(video: codec.VideoReader) -> list[tuple[np.ndarray, ...]]:
    return [frame.planes for frame in video]


def same(a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]) -> bool:
    return all((x == y).all() for x, y in zip(a, b, strict=True))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = float(np.square(a.astype(int) - b).mean())
    return 10 * np.log10(255 * 255 / max(error, 1e-3))


@pytest.mark.parametrize("chroma", ["420", "444"])
@pytest.mark.parametrize(("width", "height", "count"), [(64, 48, 12), (33, 17, 3), (1, 1, 2)])
def test_there_and_back(chroma: str, width: int, height: int, count: int) -> None:
    data = write(count, width, height, chroma=chroma, quality=80)

    with codec.open(io.BytesIO(data)) as video:
        assert len(video) == count
        for frame in video:
            source = planes_of(
                picture(frame.number, width, height), subsampled=chroma == "420", matrix=1,
                full_range=False,
            )  # fmt: skip
            assert psnr(frame.planes[0], source[0]) > 30


@pytest.mark.parametrize("lowdelay", [False, True])
def test_seeking_gives_what_playing_gives(lowdelay: bool) -> None:
    data = write(30, lowdelay=lowdelay, keyint=9)
    with codec.open(io.BytesIO(data)) as video:
        played = planes(video)
    with codec.open(io.BytesIO(data), threads=1) as video:
        for number in (29, 0, 17, 8, 9, 10, 26, 27, 5, 28):
            assert same(video[number].planes, played[number])
        assert same(video.at(0.4).planes, played[10])


def test_bytes_do_not_depend_on_threads() -> None:
    assert write(12, threads=1) == write(12, threads=2)


def test_higher_quality_is_bigger_and_better() -> None:
    sizes, qualities = [], []
    for quality in (10, 50, 90):
        data = write(6, quality=quality)
        with codec.open(io.BytesIO(data)) as video:
            source = planes_of(picture(5), subsampled=True, matrix=1, full_range=False)
            qualities.append(psnr(video[5].planes[0], source[0]))
        sizes.append(len(data))
    assert sizes == sorted(sizes)
    assert qualities == sorted(qualities)


@pytest.mark.slow
def test_programs_there_and_back(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", audio=("aac",), frames=20, turned=90)

    for args in (
        ("encode", clip, "-o", tmp_path / "a.licv", "-e", 2),
        ("decode", tmp_path / "a.licv", "-o", tmp_path / "a.mkv"),
        ("decode", tmp_path / "a.licv", "-o", tmp_path / "a.y4m"),
        ("verify", tmp_path / "a.licv", "--against", clip),
    ):
        result = program(*args)
        assert result.returncode == 0, result.stderr
    assert b"times identical, sound identical" in result.stdout
    result = program("verify", tmp_path / "a.licv", "--against", tmp_path / "a.mkv")
    assert b"identical to the source" in result.stdout
    piped = program("decode", "-", "-o", "-", input=(tmp_path / "a.licv").read_bytes())
    assert piped.stdout == (tmp_path / "a.y4m").read_bytes()
    again = program("encode", "-", "-o", "-", "-e", 2, input=piped.stdout)
    with codec.open(io.BytesIO(again.stdout)) as video:
        assert len(video) == 20


@pytest.mark.slow
def test_target_bit_rate(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec="ffv1", width=160, height=96, frames=60)

    result = program("encode", clip, "-o", tmp_path / "a.licv", "-e", 1, "--target-bitrate", "60k")

    assert result.returncode == 0, result.stderr
    rate = 8 * (tmp_path / "a.licv").stat().st_size / 2.4
    assert abs(rate / 60_000 - 1) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_encoding_leaves_nothing(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "codec", "encode", "-", "-o", str(tmp_path / "a.licv")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"YUV4MPEG2 W64 H48 F25:1\n")
        for n in range(20):
            data = planes_of(picture(n), subsampled=True, matrix=1, full_range=False)
            process.stdin.write(b"FRAME\n" + b"".join(plane.tobytes() for plane in data))
        process.stdin.flush()
        for _ in range(600):  # until the file is begun
            if os.listdir(tmp_path):
                break
            time.sleep(0.1)
        time.sleep(0.3)
        process.send_signal(number)
        process.wait(60)
        assert process.returncode == 128 + number
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_reader_of_a_pipe_that_goes_away(tmp_path: Path) -> None:
    (tmp_path / "a.licv").write_bytes(write(60))
    command = [sys.executable, "-m", "codec", "decode", str(tmp_path / "a.licv"), "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        process.wait(60)
        assert b"internal error" not in process.stderr.read()


def test_decoding_loads_no_pyav_and_no_encoder(tmp_path: Path) -> None:
    (tmp_path / "a.licv").write_bytes(write(3))
    from tests.fresh import loaded_after

    loaded = loaded_after(
        f"import codec\nwith codec.open({str(tmp_path / 'a.licv')!r}) as video:\n"
        f"    assert len([frame.array for frame in video]) == 3"
    )

    foreign = ("av", "torch", "click", "codec.cli", "codec.train", "codec.video.source",
               "codec.video.encoder", "codec.encoder")  # fmt: skip
    assert not {n for n in loaded for f in foreign if n == f or n.startswith(f + ".")}


def test_python_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "video.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", text, re.S)
    monkeypatch.chdir(tmp_path)

    exec(compile(block, "video.md", "exec"), {"arrays": [picture(n) for n in range(8)]})

    with codec.open("clip.licv") as video:
        assert (len(video), video.fps) == (8, 25)
        assert video[7].time == float(Fraction(7, 25))
