"""Every codec on a clip of a few small frames; ours and VTM by stand-ins; points and the page."""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="bench extra not installed")
pytest.importorskip("bjontegaard", reason="bench extra not installed")

from click.testing import CliRunner

from bench.__main__ import main
from bench.peers import PeerFailed, PeerMissing
from bench.video import peers, report
from bench.video.clips import Clip, read_clip
from bench.video.measure import measure, run
from bench.video.ours import OursPeer, write_lossless
from bench.video.player import film, near_bytes
from bench.video.points import Book, Point, load_points
from bench.video.programs import Programs, VtmPeer

COLOUR = (1, 1, 1, 1)
OURS = """
import sys, zlib, numpy as np, av
arguments = sys.argv[1:]
if "--version" in arguments:
    print("stand-in 1")
elif "--help" in arguments:
    print("--lowdelay --keyint")
elif arguments[0] == "encode":
    source, out = arguments[1], arguments[arguments.index("-o") + 1]
    assert "--keyint" in arguments
    shift = int(100 - float(arguments[arguments.index("-q") + 1])) // 16
    with av.open(source) as container:
        frames = [f.to_ndarray() for f in container.decode(video=0)]
    data = (np.stack(frames) >> shift << shift).astype(np.uint8)
    head = np.array(data.shape, np.int32).tobytes()
    open(out, "wb").write(head + zlib.compress(data.tobytes(), 9))
else:
    data = open(arguments[1], "rb").read()
    count, rows, width = np.frombuffer(data[:12], np.int32)
    frames = np.frombuffer(zlib.decompress(data[12:]), np.uint8).reshape(count, rows * width)
    with open(arguments[arguments.index("-o") + 1], "wb") as out:
        out.write(b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420mpeg2\\n" % (width, rows * 2 // 3))
        for frame in frames:
            out.write(b"FRAME\\n" + frame.tobytes())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A lossless file of six frames of 176 x 64: noise of low frequency that moves."""
    rng = np.random.default_rng(5)
    picture = rng.integers(30, 220, (24, 60)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    picture = (picture + rng.integers(0, 6, picture.shape)).astype(np.uint8)
    frames = []
    for n in range(6):
        y = picture[n : n + 64, 2 * n : 2 * n + 176]
        frames.append((y, y[::2, ::2] // 2 + 60, 200 - y[::2, ::2] // 2))
    made = Clip(tmp_path / "moving.mkv", frames, Fraction(25), COLOUR, True, "")
    write_lossless(made, made.path)
    return made.path


def program(tmp_path: Path) -> list[str]:
    script = tmp_path / "stand_in.py"
    script.write_text(OURS)
    return [sys.executable, str(script)]


def test_lossless_files_come_back_with_their_colour(path: Path, tmp_path: Path) -> None:
    clip, part = read_clip(path), read_clip(path, 2)

    assert (clip.size, len(clip.frames), clip.whole) == ((176, 64), 6, True)
    assert (len(part.frames), part.whole) == (2, False)
    assert clip.colour == COLOUR
    assert clip.rate == 25
    write_lossless(part, tmp_path / "part.mkv")
    again = read_clip(tmp_path / "part.mkv")
    assert all(
        np.array_equal(a, b)
        for one, other in zip(part.frames, again.frames, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("name", peers.NAMES)
def test_more_bits_give_better_frames(name: str, path: Path) -> None:
    try:
        peer = peers.PyAVPeer(name)
    except PeerMissing as error:
        pytest.skip(str(error))
    clip = read_clip(path)

    fine, coarse = (measure(peer, clip, setting) for setting in (peer.settings[0], 45))

    assert coarse.bytes < fine.bytes
    assert coarse.psnr + 1 < fine.psnr
    assert len(fine.psnr_by_frame) == 6
    assert fine.psnr == pytest.approx((6 * fine.y + fine.u + fine.v) / 8, abs=1e-3)
    assert fine.bpp == 8 * fine.bytes / (6 * 176 * 64)
    assert (fine.text > 0) == name.startswith("x264")


def test_x264_decodes_without_its_text(path: Path) -> None:
    unit = b"\x00\x00\x00\x01"
    text, slice_ = unit + b"\x06\x05\x10options\x80", b"\x00\x00\x01\x65\x88\x00\x00\x03\x01"
    timing = unit + b"\x06\x01\x04time\x80"

    assert peers.without_text(text + timing + slice_) == timing + slice_
    assert peers.without_text(timing + slice_) == timing + slice_


def test_ours_goes_through_the_command_line(path: Path, tmp_path: Path) -> None:
    ours = OursPeer("ours-ld-e9", [20, 90, 50], program(tmp_path))

    assert ours.settings == (90, 50, 20)
    assert ours.version == "stand-in 1"
    for clip in (read_clip(path), read_clip(path, 3)):
        fine, coarse = (measure(ours, clip, setting) for setting in (90, 20))
        assert fine.psnr == 100
        assert coarse.psnr < 40
        assert coarse.bytes < fine.bytes
    with pytest.raises(PeerFailed, match="exit status"):
        ours.decode(peers.Coded(b"no file", 7, 0, 0, 0.0))
    with pytest.raises(ValueError, match="ours-xx"):
        OursPeer("ours-xx")


def test_vtm_is_missing_without_its_programs() -> None:
    with pytest.raises(PeerMissing, match="--vtm-encoder"):
        VtmPeer(Programs())


def test_runs_go_on_and_the_page_has_everything(path: Path, tmp_path: Path) -> None:
    book = Book(tmp_path / "points.json")
    ours = OursPeer("ours-ld", [90, 60, 40, 20], program(tmp_path))
    found: list[peers.VideoPeer] = [ours]
    found += [peers.PyAVPeer(name) for name in ("x265-medium-zl", "x264-medium-zl")]
    lines: list[str] = []

    assert run(found, [path], book, progress=lines.append) == []
    assert len(lines) == 12
    assert run(found, [path], Book(book.path), progress=lines.append) == []
    assert len(lines) == 12
    again = frozenset({"ours-ld"})
    assert run(found, [path], Book(book.path), again=again, progress=lines.append) == []
    assert len(lines) == 16
    with pytest.raises(ValueError, match="6 frames of moving, not 2"):
        run(found, [path], Book(book.path), frames=2)

    points = load_points(book.path)
    assert isinstance(points["ours-ld"]["moving"][0], Point)
    clip = read_clip(path)
    shown = film(clip, ours, 40, found[1:2])
    assert [version.name for version in shown.versions][:2] == ["original", "ours-ld, 40"]
    assert shown.fidelity > 38
    ours_bytes, other = shown.versions[1].bytes, shown.versions[2].bytes
    assert ours_bytes is not None
    assert other is not None
    assert other >= ours_bytes or shown.versions[2].name.endswith(", 8")
    page = tmp_path / "page.html"
    report.write(points, [shown], page, ["A note & more."])
    text = page.read_text()
    assert "<!--" not in text
    assert "A note &amp; more." in text
    assert "data:video/mp4;base64," in text
    assert text.count('class="chart"') == 2
    assert '<tr class="ours"><td>ours-ld</td>' in text


def test_bytes_are_met_from_above(path: Path) -> None:
    clip, peer = read_clip(path), peers.PyAVPeer("x264-medium-zl")
    exact = peer.encode(clip, 30).bytes

    assert near_bytes(peer, clip, exact)[0] == 30
    step, coded = near_bytes(peer, clip, exact + 1)
    assert step == 29
    assert coded.bytes > exact
    assert near_bytes(peer, clip, 10**9)[0] == 8


def test_frames_between_settings() -> None:
    fine = Point(bpp=1, psnr=40, bytes=400, psnr_by_frame=(42.0, 38.0))
    coarse = Point(bpp=0.25, psnr=30, bytes=100, psnr_by_frame=(30.0, 30.0))

    assert report.at_bytes([fine, coarse], 200) == pytest.approx([36, 34])
    assert report.at_bytes([fine, coarse], 401) is None


def test_commands(path: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "out.json", tmp_path / "page.html"
    arguments = ["--clips", str(path), "--frames", "3", "--codecs", "x264-zl,x265-zl,vtm-ld"]

    done = CliRunner().invoke(main, ["video", *arguments, "-o", str(out)])

    assert done.exit_code == 1  # VTM is missing, and named
    assert "vtm-ld: give its programs" in done.output
    assert "BD-rate against x265-medium-zl" in done.output
    assert str(tmp_path) not in json.dumps(json.loads(out.read_text())["runs"])
    done = CliRunner().invoke(main, [
        "video-report", str(out), "--clips", str(path), "--ours", "x265-zl", "--quality", "35",
        "--beside", "x264-zl", "-o", str(page),
    ])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert page.stat().st_size < report.LARGEST
    done = CliRunner().invoke(main, ["video", *arguments[:-1], "nothing", "-o", str(out)])
    assert "no codec is called 'nothing'" in done.output
