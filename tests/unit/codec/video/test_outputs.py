"""Outputs: pictures exact or near, times, rotation, aspect and sound kept; complete or absent."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bitstream.video import AudioPacket
from codec.errors import OptionError, OutputError, OutputExists, UnsupportedVideo
from codec.video.inputs import SourceOptions
from codec.video.opening import open_source
from codec.video.outputs import SinkOptions
from codec.video.sink import crf_of
from codec.video.types import VideoFrame
from codec.video.writing import find_video_format, open_sink
from tests.unit.codec.video.clips import make_clip, picture

UNEVEN = [0, 1, 5, 6, 20, 21, 30, 31, 32, 40]


class Clip:
    """What a source holds."""

    def __init__(self, path: Path | str, **options: Any) -> None:
        with open_source(str(path), SourceOptions(**options)) as source:
            self.head, items = source.head, list(source)
        self.items = items
        self.frames = [item for item in items if isinstance(item, VideoFrame)]
        self.sound = [item for item in items if isinstance(item, AudioPacket)]

    @property
    def times(self) -> list[Fraction]:
        return [frame.pts * Fraction(*self.head.time_base) for frame in self.frames]

    @property
    def ends(self) -> list[Fraction]:
        base = Fraction(*self.head.time_base)
        return [(frame.pts + frame.duration) * base for frame in self.frames]

    def payloads(self, track: int) -> list[bytes]:
        return [packet.payload for packet in self.sound if packet.track == track]

    def heard(self, track: int) -> list[Fraction]:
        base = Fraction(*self.head.tracks[track].time_base)
        return [packet.pts * base for packet in self.sound if packet.track == track]


def through(clip: Clip, target: Path, **options: Any) -> list[str]:
    """Writes a clip; returns the notes."""
    with open_sink(str(target), clip.head, SinkOptions(**options)) as sink:
        for item in clip.items:
            if isinstance(item, VideoFrame):
                sink.write(item)
            else:
                sink.write_audio(item)
    return sink.notes


def largest_error(a: Clip, b: Clip) -> int:
    return max(
        int(np.abs(x.astype(int) - y).max())
        for one, other in zip(a.frames, b.frames, strict=True)
        for x, y in zip(one.planes, other.planes, strict=True)
    )


@pytest.mark.parametrize("suffix", ["mkv", "y4m"])
@pytest.mark.parametrize("kind", ["yuv420p", "yuv444p"])
@pytest.mark.parametrize(("width", "height"), [(64, 48), (33, 17), (1, 1), (2, 3), (130, 66)])
def test_exact_types(tmp_path: Path, suffix: str, kind: str, width: int, height: int) -> None:
    clip = Clip(
        make_clip(tmp_path / "a.mkv", codec="ffv1", kind=kind, width=width, height=height, frames=3)
    )

    through(clip, tmp_path / f"b.{suffix}")
    back = Clip(tmp_path / f"b.{suffix}")

    assert largest_error(clip, back) == 0
    assert back.head.chroma == clip.head.chroma
    assert back.times == clip.times


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", None), ("mov", "h264"), ("mkv", "h264")])
def test_h264_is_near(tmp_path: Path, suffix: str, codec: str | None) -> None:
    clip = Clip(make_clip(tmp_path / "a.mkv", codec="ffv1"))

    through(clip, tmp_path / f"b.{suffix}", codec=codec)
    through(clip, tmp_path / f"c.{suffix}", codec=codec, quality=100)

    assert 0 < largest_error(clip, Clip(tmp_path / f"b.{suffix}")) < 30
    assert largest_error(clip, Clip(tmp_path / f"c.{suffix}")) == 0


def test_h264_of_odd_sides_spreads_chroma(tmp_path: Path) -> None:
    clip = Clip(make_clip(tmp_path / "a.mkv", codec="ffv1", width=33, height=17))

    notes = through(clip, tmp_path / "b.mp4")

    back = Clip(tmp_path / "b.mp4")
    assert "4:4:4" in notes[0]
    assert (back.head.width, back.head.height) == (33, 17)


def test_qualities_of_h264() -> None:
    assert [crf_of(quality) for quality in (100, 95, 75, 1)] == [0, 14, 28, 51]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
@pytest.mark.parametrize("turned", [90, 180, 270])
def test_facts_are_kept(tmp_path: Path, suffix: str, turned: int) -> None:
    clip = Clip(
        make_clip(
            tmp_path / "a.mp4", turned=turned, sample_aspect_ratio=Fraction(4, 3), colorspace=1,
            color_range=2, color_primaries=1, color_trc=1,
        )
    )  # fmt: skip

    notes = through(clip, tmp_path / f"b.{suffix}")
    back = Clip(tmp_path / f"b.{suffix}").head

    names = ["rotation", "aspect", "matrix", "full_range", "primaries", "transfer"]
    if suffix == "mkv":
        names.remove("aspect")
        assert "4:3" in notes[0]
    for name in names:
        assert getattr(back, name) == getattr(clip.head, name), name
    through(clip, tmp_path / "c.mkv", codec="h264")
    assert Clip(tmp_path / "c.mkv").head.aspect == (4, 3)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_uneven_times(tmp_path: Path, suffix: str) -> None:
    clip = Clip(make_clip(tmp_path / "a.mp4", ticks=Fraction(1, 600), times=UNEVEN))

    through(clip, tmp_path / f"b.{suffix}")
    back = Clip(tmp_path / f"b.{suffix}")

    tolerance = Fraction(1, 1999) if suffix == "mkv" else 0
    for time, other in zip(clip.times + clip.ends[:-1], back.times + back.ends[:-1], strict=True):
        assert abs(time - other) <= tolerance
    if suffix != "mkv":
        assert back.ends[-1] == clip.ends[-1]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "y4m"])
def test_ntsc_times(tmp_path: Path, suffix: str) -> None:
    clip = Clip(make_clip(tmp_path / "a.mp4", rate=Fraction(30000, 1001)))

    through(clip, tmp_path / f"b.{suffix}")
    back = Clip(tmp_path / f"b.{suffix}")

    tolerance = Fraction(1, 1999) if suffix == "mkv" else 0
    assert all(abs(a - b) <= tolerance for a, b in zip(clip.times, back.times, strict=True))
    assert back.head.frame_rate == (30000, 1001)


def test_y4m_says_what_it_does_not_keep(tmp_path: Path) -> None:
    clip = Clip(
        make_clip(
            tmp_path / "a.mp4", turned=90, audio=("aac",), ticks=Fraction(1, 600), times=UNEVEN
        )
    )

    notes = through(clip, tmp_path / "b.y4m")

    assert len(notes) == 3
    for word in ("sound", "rotation", "uneven"):
        assert any(word in note for note in notes)


@pytest.mark.parametrize(
    ("suffix", "audio"),
    [
        ("mp4", ("aac", "ac3", "libmp3lame")),
        ("mkv", ("aac", "libopus", "flac", "pcm_s16le", "pcm_s24le", "libmp3lame", "wavpack")),
        ("mov", ("aac", "pcm_s16be", "alac")),
    ],
)
def test_sound_comes_back_packet_by_packet(
    tmp_path: Path, suffix: str, audio: tuple[str, ...]
) -> None:
    clip = Clip(
        make_clip(tmp_path / f"a.{suffix}", audio=audio, frames=25, languages=("deu", "fra"))
    )

    through(clip, tmp_path / f"b.{suffix}")
    back = Clip(tmp_path / f"b.{suffix}")

    first = min(clip.heard(n)[0] for n in range(len(audio)))
    moved = back.times[0]  # mkv has no times below 0: all move alike
    assert moved == (max(-first, 0) if suffix == "mkv" else 0) or abs(moved + first) < 0.0011
    for number, track in enumerate(clip.head.tracks):
        again = back.head.tracks[number]
        assert back.payloads(number) == clip.payloads(number)
        for name in ("codec", "sample_rate", "channels", "extradata"):
            assert getattr(again, name) == getattr(track, name)
        for time, other in zip(clip.heard(number), back.heard(number), strict=True):
            assert abs(other - moved - time) < 0.0021
    if suffix != "mov":
        assert [track.language for track in back.head.tracks[:2]] == ["deu", "fra"]


def test_sound_of_a_transport_stream(tmp_path: Path) -> None:
    clip = Clip(make_clip(tmp_path / "a.ts", audio=("aac",), frames=25))

    through(clip, tmp_path / "b.mp4")
    back = Clip(tmp_path / "b.mp4")

    assert len(back.payloads(0)) == len(clip.payloads(0))
    for payload, other in zip(clip.payloads(0), back.payloads(0), strict=True):
        assert payload.endswith(other)  # less its header, which mp4 has once


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "wavpack"), ("mov", "libopus")])
def test_sound_that_a_type_does_not_hold(tmp_path: Path, suffix: str, codec: str) -> None:
    clip = Clip(make_clip(tmp_path / "a.mkv", audio=(codec,)))

    with pytest.raises((UnsupportedVideo, OutputError), match="--no-audio"):
        through(clip, tmp_path / f"b.{suffix}")
    assert not (tmp_path / f"b.{suffix}").exists()
    through(clip, tmp_path / f"b.{suffix}", audio=False)
    assert Clip(tmp_path / f"b.{suffix}").head.tracks == ()


def test_images(tmp_path: Path) -> None:
    for number in range(3):
        Image.fromarray(picture(number)).save(tmp_path / f"a-{number}.png")
    clip = Clip(tmp_path / "a-%d.png")

    through(clip, tmp_path / "b-%03d.png")

    assert sorted(path.name for path in tmp_path.glob("b-*")) == [
        "b-001.png", "b-002.png", "b-003.png",
    ]  # fmt: skip
    for number in range(3):
        found = np.asarray(Image.open(tmp_path / f"b-{number + 1:03d}.png"))
        assert np.abs(found.astype(int) - picture(number)).max() <= 2


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.y4m", "b-%d.png"])
def test_stopped_runs_leave_nothing(tmp_path: Path, name: str) -> None:
    clip = Clip(make_clip(tmp_path / "a.mkv", codec="ffv1"))

    def stop() -> None:
        with open_sink(str(tmp_path / name), clip.head, SinkOptions()) as sink:
            for item in clip.items[:5]:
                assert isinstance(item, VideoFrame)
                sink.write(item)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mkv"]


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.y4m", "b-%d.png"])
def test_what_is_there_stays(tmp_path: Path, name: str) -> None:
    clip = Clip(make_clip(tmp_path / "a.mkv", codec="ffv1", frames=2))
    there = tmp_path / name.replace("%d", "1")
    there.write_bytes(b"mine")

    with pytest.raises(OutputExists):
        through(clip, tmp_path / name)
    assert there.read_bytes() == b"mine"
    through(clip, tmp_path / name, force=True)
    assert there.read_bytes() != b"mine"


def test_file_objects(tmp_path: Path) -> None:
    clip = Clip(make_clip(tmp_path / "a.mkv", codec="ffv1"))
    for format in ("y4m", "mkv", "mp4"):
        out = io.BytesIO()
        with open_sink(out, clip.head, SinkOptions(format=format)) as sink:
            for item in clip.items:
                assert isinstance(item, VideoFrame)
                sink.write(item)
        (tmp_path / f"b.{format}").write_bytes(out.getvalue())
        assert len(Clip(tmp_path / f"b.{format}").frames) == 10


@pytest.mark.parametrize(
    ("name", "format", "found"),
    [
        ("a.mp4", None, "mp4"), ("a.M4V", None, "mp4"), ("a.mov", None, "mov"),
        ("a.mkv", None, "mkv"), ("a.y4m", None, "y4m"), ("-", None, "y4m"), (None, None, "y4m"),
        ("f/%05d.png", None, "images"), ("a.bin", "mkv", "mkv"), ("-", ".MKV", "mkv"),
    ],
)  # fmt: skip
def test_formats(name: str | None, format: str | None, found: str) -> None:
    assert find_video_format(name, format) == found


@pytest.mark.parametrize(("name", "format"), [("a.png", None), ("a", None), ("a.mkv", "png")])
def test_unknown_formats(name: str, format: str | None) -> None:
    with pytest.raises(OptionError, match="mkv"):
        find_video_format(name, format)


def test_codecs_that_do_not_fit(tmp_path: Path) -> None:
    clip = Clip(make_clip(tmp_path / "a.mkv", codec="ffv1", frames=1))
    for name, codec in (
        ("b.mp4", "ffv1"),
        ("b.mov", "ffv1"),
        ("b.y4m", "h264"),
        ("b-%d.png", "h264"),
    ):
        with pytest.raises(OptionError):
            through(clip, tmp_path / name, codec=codec)
