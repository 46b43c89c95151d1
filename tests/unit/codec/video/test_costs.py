"""What decoding costs: pictures for a seek, multiplications for a pixel, memory for a clip."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest

import codec
from codec.video import filter as filter_module
from codec.video.coder import FrameCoder, inter_entry
from networks import weights_file
from networks.program import Program
from tests.exactness.video_clips import moving, same
from tests.fresh import fresh
from tests.unit.codec.test_macs import macs

pytest.importorskip("codec.video._video", reason="needs the compiled core")
pytestmark = pytest.mark.weights

KEYINT = 9
BUDGET = 60_000.0
"""Multiply-accumulates a pixel of an inter frame."""
FEW_MEGABYTES = 6


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the frames whose decisions are read, and those whose samples are made."""
    counts: Counter[str] = Counter()
    for name in ("parse", "reconstruct"):
        method = getattr(FrameCoder, name)

        def counting(*args: object, name: str = name, method: object = method) -> object:
            counts[name] += 1
            return method(*args)  # type: ignore[operator]

        monkeypatch.setattr(FrameCoder, name, counting)
    return counts


@pytest.mark.parametrize("lowdelay", [False, True], ids=["pyramid", "low delay"])
def test_a_seek_decodes_at_most_one_key_frame_interval(
    counted: Counter[str], lowdelay: bool
) -> None:
    out = io.BytesIO()
    with codec.VideoWriter(out, level=30, effort=1, lowdelay=lowdelay, keyint=KEYINT) as writer:
        for planes in moving(31, 48, 32):
            writer.append(planes)
    with codec.open(io.BytesIO(out.getvalue())) as video:
        played = [frame.planes for frame in video]
        assert len(played) == 31
        assert counted == {"parse": 31, "reconstruct": 31}

        for number in (17, 30, 0, 26, 8, 9, 10, 3, 18, 29):
            counted.clear()
            assert same(video[number].planes, played[number])
            assert max(counted.values()) <= KEYINT
        counted.clear()
        assert same(video.at(0.72).planes, played[18])
        assert max(counted.values()) <= KEYINT


def filter_macs() -> float:
    """Of the registered filter, for a pixel of 4:2:0 (of 4:4:4 it has as many)."""
    program = weights_file.read(inter_entry().path.read_bytes()).get("filter")
    assert isinstance(program, Program)
    return macs(program, [(64, 128), (32, 64)]) / (64 * 128)


def prediction_macs(subsampled: bool) -> float:
    """At most, of blocks of 8x8 with two references and four neighbours that overlap each."""

    def block(width: int, height: int, taps: int) -> int:
        """Both filters: along rows, of taps - 1 rows more; then along columns."""
        return width * (height + taps - 1) * taps + width * height * taps

    cell, taps = (4, 4) if subsampled else (8, 8)
    planes = [(8, 8), *2 * [(cell, taps)]]
    total = 0
    for side, length in planes:
        strips = 2 * block(side // 2, side, length) + 2 * block(side, side // 2, length)
        blending = 4 * side * side // 2
        total += 2 * (block(side, side, length) + strips) + blending
    return total / 64


def transform_macs(subsampled: bool) -> float:
    """At most: all squares of 32x32 (chroma of 4:2:0 16x16 beside them), all coefficients coded."""
    return 2 * 32 + (2 * 2 * 32 / 4 if subsampled else 2 * 2 * 32)


@pytest.mark.parametrize("subsampled", [True, False], ids=["420", "444"])
def test_inter_frames_stay_in_the_budget(subsampled: bool) -> None:
    learned = filter_macs()
    rest = prediction_macs(subsampled) + transform_macs(subsampled)

    assert rest < 1000
    assert learned + rest < BUDGET


def test_the_filter_has_the_multiplications_that_its_shape_says() -> None:
    config = filter_module.FilterConfig()

    # scaling is elementwise: two of them, of one factor a channel
    scaling = 2 * config.trunk / filter_module.FOLD**2
    assert filter_macs() == filter_module.macs_per_pixel(config) - scaling


PEAK = """
status = open("/proc/self/status").read()  # what getrusage says is the parent's where that has more
print(int(status.split("VmHWM:")[1].split()[0]))
"""
ENCODING = """
import codec
from tests.exactness.video_clips import moving
with codec.VideoWriter({path!r}, level=30, effort=1, threads=1{options}) as writer:
    for planes in moving({count}, 64, 48):
        writer.append(planes)
"""
DECODING = """
import codec
with codec.open({path!r}, threads=1) as video:
    assert sum(1 for frame in video) == {count}
"""


@pytest.mark.parametrize("options", ["", ", lowdelay=True, keyint=0"], ids=["pyramid", "low delay"])
def test_memory_does_not_grow_with_the_clip(tmp_path: Path, options: str) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell memory")
    peaks: dict[str, list[float]] = {"encoding": [], "decoding": []}
    for count in (30, 300):
        path = str(tmp_path / f"{count}.licv")
        for name, code in (("encoding", ENCODING), ("decoding", DECODING)):
            program = code.format(path=path, count=count, options=options) + PEAK
            peaks[name].append(int(fresh(program).stdout) / 1024)

    for short, long in peaks.values():
        assert long < short + FEW_MEGABYTES, peaks
