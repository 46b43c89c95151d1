"""Sources: what is taken, with exact times; what is refused by name; damage."""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bitstream.video import AudioPacket, Chroma
from codec.errors import CodecError, LimitExceeded, UnreadableVideo, UnsupportedVideo
from codec.options import Limits
from codec.video.color import planes_of
from codec.video.inputs import SourceOptions
from codec.video.opening import open_source
from codec.video.types import VideoFrame
from tests.unit.codec.video.clips import make_clip, picture

UNEVEN = [0, 1, 5, 6, 20, 21, 30, 31, 32, 40]


def read(path: Path | str, **options: Any) -> tuple[Any, list[VideoFrame], list[AudioPacket]]:
    """The source, its pictures and its sound."""
    with open_source(str(path), SourceOptions(**options)) as source:
        items = list(source)
    frames = [item for item in items if isinstance(item, VideoFrame)]
    return source, frames, [item for item in items if isinstance(item, AudioPacket)]


def seconds(frames: list[VideoFrame], head: Any) -> list[Fraction]:
    return [frame.pts * Fraction(*head.time_base) for frame in frames]


@pytest.mark.parametrize(
    ("name", "codec", "kind", "chroma", "full"),
    [
        ("a.mp4", "libx264", "yuv420p", Chroma.YUV420, False),
        ("a.mkv", "ffv1", "yuv444p", Chroma.YUV444, False),
        ("a.mov", "mjpeg", "yuvj420p", Chroma.YUV420, True),
        ("a.mov", "mjpeg", "yuvj444p", Chroma.YUV444, True),
        ("a.avi", "mpeg4", "yuv420p", Chroma.YUV420, False),
        ("a.webm", "libvpx-vp9", "yuv420p", Chroma.YUV420, False),
        ("a.nut", "rawvideo", "nv12", Chroma.YUV420, False),
        ("a.mkv", "ffv1", "gray", Chroma.YUV420, True),
        ("a.gif", "gif", "rgb8", Chroma.YUV444, True),
        ("a.mov", "qtrle", "rgb24", Chroma.YUV444, True),
        ("a.ts", "libx264", "yuv420p", Chroma.YUV420, False),
        ("a.h264", "libx264", "yuv420p", Chroma.YUV420, False),
    ],
)
def test_kinds(
    tmp_path: Path, name: str, codec: str, kind: str, chroma: Chroma, full: bool
) -> None:
    source, frames, _ = read(make_clip(tmp_path / name, codec=codec, kind=kind))

    head = source.head
    assert (head.width, head.height) == (64, 48)
    assert (head.chroma, head.full_range) == (chroma, full)
    assert len(frames) == 10
    assert [round(25 * time) for time in seconds(frames, head)] == list(range(10))
    assert Fraction(*head.frame_rate) == 25
    u = (48, 64) if chroma == Chroma.YUV444 else (24, 32)
    for frame in frames:
        assert [plane.shape for plane in frame.planes] == [(48, 64), u, u]
        assert all(plane.flags.c_contiguous for plane in frame.planes)


@pytest.mark.parametrize(("width", "height", "frames"), [(1, 1, 1), (33, 17, 3), (2, 3, 2)])
@pytest.mark.parametrize("kind", ["yuv420p", "yuv444p"])
def test_odd_sizes_are_exact(
    tmp_path: Path, kind: str, width: int, height: int, frames: int
) -> None:
    path = make_clip(
        tmp_path / "a.mkv", codec="ffv1", kind=kind, width=width, height=height, frames=frames,
        colorspace=1, color_range=1,
    )  # fmt: skip

    source, found, _ = read(path)

    assert (source.head.width, source.head.height) == (width, height)
    assert len(found) == frames
    import av

    with av.open(str(path)) as again:
        for frame, other in zip(found, again.decode(video=0), strict=True):
            for plane, theirs in zip(frame.planes, other.planes, strict=True):
                rows = np.frombuffer(theirs, np.uint8).reshape(-1, theirs.line_size)
                assert (rows[: plane.shape[0], : plane.shape[1]] == plane).all()


def test_colours_rotation_and_aspect(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "a.mp4", turned=90, sample_aspect_ratio=Fraction(4, 3), colorspace=1,
        color_range=2, color_primaries=1, color_trc=1,
    )  # fmt: skip

    head = read(path)[0].head

    assert (head.rotation, head.aspect) == (90, (4, 3))
    assert (head.matrix, head.full_range, head.primaries, head.transfer) == (1, True, 1, 1)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_rotation_is_clockwise(tmp_path: Path, turned: int) -> None:
    assert read(make_clip(tmp_path / "a.mp4", turned=turned))[0].head.rotation == turned


@pytest.mark.parametrize(("height", "matrix"), [(48, 6), (720, 1)])
def test_matrix_that_is_not_said_is_the_usual_one(tmp_path: Path, height: int, matrix: int) -> None:
    path = make_clip(tmp_path / "a.mp4", height=height, frames=1)

    assert read(path)[0].head.matrix == matrix


def test_uneven_times_are_exact(tmp_path: Path) -> None:
    ticks = Fraction(1, 600)

    source, frames, _ = read(make_clip(tmp_path / "a.mp4", ticks=ticks, times=UNEVEN))

    assert seconds(frames, source.head) == [time * ticks for time in UNEVEN]
    assert source.head.frame_rate == (0, 1)
    base = Fraction(*source.head.time_base)
    steps = [frame.duration * base for frame in frames[:-1]]
    assert steps == [(b - a) * ticks for a, b in pairwise(UNEVEN)]


def test_ntsc_rate(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", rate=Fraction(30000, 1001))

    source, frames, _ = read(path)

    assert source.head.frame_rate == (30000, 1001)
    assert seconds(frames, source.head)[3] == Fraction(3003, 30000)


@pytest.mark.parametrize(
    ("name", "audio"),
    [
        ("a.mp4", ("aac", "aac")),
        ("a.mkv", ("libopus", "pcm_s16le", "flac")),
        ("a.mov", ("pcm_s16be",)),
        ("a.ts", ("aac",)),
    ],
)
def test_sound_is_taken_packet_by_packet(tmp_path: Path, name: str, audio: tuple[str, ...]) -> None:
    path = make_clip(tmp_path / name, audio=audio, languages=("deu",))

    source, _, packets = read(path)

    import av

    with av.open(str(path)) as again:
        streams = again.streams.audio
        expected = {n: [bytes(p) for p in again.demux(stream) if p.size]
                    for n, stream in enumerate(streams) if again.seek(0) is None}  # fmt: skip
    for number in range(len(audio)):
        own = [packet for packet in packets if packet.track == number]
        assert [packet.payload for packet in own] == expected[number]
        times = [packet.pts for packet in own]
        assert times == sorted(times)
    assert source.head.tracks[0].language == ("" if name == "a.mov" else "deu")
    assert source.head.tracks[0].channels == 2


def test_sound_can_be_left_out(tmp_path: Path) -> None:
    source, _, packets = read(make_clip(tmp_path / "a.mp4", audio=("aac",)), audio=False)

    assert (source.head.tracks, packets) == ((), [])
    assert "sound" in source.notes[0]


def test_codec_of_sound_that_cannot_be_carried(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mov", audio=("pcm_alaw",))

    with pytest.raises(UnsupportedVideo, match=r"pcm_alaw.*--no-audio"):
        read(path)
    assert len(read(path, audio=False)[1]) == 10


@pytest.mark.parametrize(
    ("name", "options", "what"),
    [
        ("a.mkv", {"codec": "ffv1", "kind": "yuv420p10le"}, r"10 bits.*ffmpeg .*yuv420p"),
        ("a.mp4", {"color_trc": 16}, r"HDR \(PQ\).*tonemap"),
        ("a.mp4", {"color_trc": 18}, r"HDR \(HLG\).*tonemap"),
        ("a.mp4", {"colorspace": 9, "color_primaries": 9}, r"BT\.2020.*ffmpeg"),
        ("a.mkv", {"codec": "ffv1", "kind": "yuv422p"}, r"4:2:2.*yuv444p"),
        ("a.mkv", {"codec": "ffv1", "kind": "yuv411p"}, r"4:1:1.*yuv444p"),
        ("a.mp4", {"options": {"flags": "+ildct+ilme", "x264-params": "tff=1"}},
         r"interlaced.*bwdif"),
        ("a.mp4", {"colorspace": 8}, r"YCgCo.*bt709"),
    ],
)  # fmt: skip
def test_refused_by_name(tmp_path: Path, name: str, options: dict[str, Any], what: str) -> None:
    path = make_clip(tmp_path / name, **options)

    with pytest.raises(UnsupportedVideo, match=what) as caught:
        read(path)
    assert caught.value.exit_code == 2


def test_transparency(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("qtrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "argb"
        rgba = np.full((16, 16, 4), 100, np.uint8)
        frame = av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="argb")
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))

    with pytest.raises(UnsupportedVideo, match="--ignore-alpha"):
        read(path)
    assert len(read(path, ignore_alpha=True)[1]) == 1


def test_size_that_changes(tmp_path: Path) -> None:
    both = b"".join(
        make_clip(tmp_path / f"{n}.h264", width=size).read_bytes() for n, size in ((1, 64), (2, 80))
    )
    (tmp_path / "both.h264").write_bytes(both)

    with pytest.raises(UnsupportedVideo, match=r"64x48 to 80x48 at picture \d+.*scale=64:48"):
        read(tmp_path / "both.h264")


def test_times_that_go_backwards(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", codec="ffv1")
    data = path.read_bytes()
    fourth = b"\x81\x00\xa0"  # a block of track 1 at 160 ms
    assert data.count(fourth) == 1
    path.write_bytes(data.replace(fourth, b"\x81\x00\x0a"))

    with pytest.raises(UnreadableVideo, match=r"backwards: picture 4 .* 0\.010 s.*setpts"):
        read(path)
    assert len(read(path, recover=True)[1]) == 4


def test_no_video(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mka"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        out.mux(stream.encode(frame))

    with pytest.raises(UnreadableVideo, match="no video"):
        read(path)


def test_no_pictures(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", codec="ffv1", frames=0, audio=("flac",))

    with pytest.raises(UnreadableVideo, match="no pictures"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"hello" * 100, bytes(4000), b"\x1a\x45\xdf\xa3" * 50])
def test_no_video_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)

    with pytest.raises(UnreadableVideo, match=r"no video|no pictures|damaged"):
        read(tmp_path / "a.mp4")


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts", "avi"])
def test_damaged_sources_raise_one_error_or_give_pictures(tmp_path: Path, suffix: str) -> None:
    codec = "mpeg4" if suffix == "avi" else "libx264"
    audio = ("mp2",) if suffix == "avi" else ("aac",)
    whole = make_clip(tmp_path / f"a.{suffix}", codec=codec, frames=25, audio=audio).read_bytes()
    rng = np.random.default_rng(5)
    path = tmp_path / f"b.{suffix}"
    for number in range(24):
        data = bytearray(whole)
        if number % 2:
            del data[rng.integers(1, len(data)) :]
        else:
            for at in rng.integers(0, len(data), 3):
                data[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        for recover in (False, True):
            try:
                _, frames, _ = read(path, recover=recover)
            except CodecError:
                continue
            assert 0 < len(frames) <= 25


@pytest.mark.parametrize("suffix", ["mkv", "ts"])
def test_truncated_source_is_told_and_recovered(tmp_path: Path, suffix: str) -> None:
    path = make_clip(tmp_path / f"a.{suffix}", frames=50, audio=("aac",))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])

    if suffix == "mkv":  # transport streams do not say how long they are
        with pytest.raises(UnreadableVideo, match=r"truncated.*--recover"):
            read(path)
    assert 0 < len(read(path, recover=True)[1]) < 50


def test_limits(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=1)

    with pytest.raises(LimitExceeded, match="--max-pixels"):
        read(path, limits=Limits(max_pixels=64 * 48 - 1))


def test_file_object_that_cannot_seek(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self._inner = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self._inner.read(min(size, 1000) if size >= 0 else size)

    path = make_clip(tmp_path / "a.mkv", audio=("aac",))
    with open_source(Pipe(path.read_bytes())) as source:  # type: ignore[arg-type]
        items = list(source)

    expected = read(path)
    frames = [item for item in items if isinstance(item, VideoFrame)]
    assert len(frames) == 10
    for frame, other in zip(frames, expected[1], strict=True):
        assert frame.pts == other.pts
        assert (frame.planes[0] == other.planes[0]).all()
    assert len(items) == 10 + len(expected[2])


def test_part_of_a_source(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=100, audio=("aac",), options={"g": "10"})
    whole = read(path)

    source, frames, packets = read(path, start=Fraction(2), duration=Fraction(1))

    assert len(frames) == 25
    assert frames[0].pts == 0
    assert (frames[0].planes[0] == whole[1][50].planes[0]).all()
    assert (frames[-1].planes[0] == whole[1][74].planes[0]).all()
    track = Fraction(*source.head.tracks[0].time_base)
    assert -0.05 < packets[0].pts * track < 0.05
    assert 0.95 < packets[-1].pts * track < 1.0


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(1, 5):
        Image.fromarray(picture(number)).save(tmp_path / f"f-{number:03d}.png")
    return tmp_path


@pytest.mark.parametrize("subsampled", [False, True])
def test_numbered_images(images: Path, subsampled: bool) -> None:
    options = {"rate": Fraction(12), "subsampled": subsampled}

    source, frames, _ = read(images / "f-%03d.png", **options)

    assert (source.frames, len(frames)) == (4, 4)
    assert (source.head.time_base, source.head.frame_rate) == ((1, 12), (12, 1))
    expected = planes_of(
        picture(3), subsampled=subsampled, matrix=1, full_range=source.head.full_range
    )
    for plane, wanted in zip(frames[2].planes, expected, strict=True):
        assert (plane == wanted).all()


def test_images_of_two_sizes(images: Path) -> None:
    Image.fromarray(picture(0, 32, 48)).save(images / "f-003.png")

    with pytest.raises(UnsupportedVideo, match="one size"):
        read(images / "f-%03d.png")


@pytest.mark.parametrize(("orientation", "turned"), [(1, 0), (6, 90), (3, 180), (8, 270)])
def test_images_that_are_turned(tmp_path: Path, orientation: int, turned: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    for number in range(2):
        Image.fromarray(picture(number)).save(tmp_path / f"{number}.png", exif=exif)

    assert read(tmp_path / "%d.png")[0].head.rotation == turned

    Image.fromarray(picture(1)).save(tmp_path / "1.png")
    if turned:
        with pytest.raises(UnsupportedVideo, match="otherwise than the first"):
            read(tmp_path / "%d.png")


def test_images_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableVideo, match="there is no"):
        read(tmp_path / "f-%03d.png")


def test_pictures_of_a_pipe_need_no_pyav(tmp_path: Path) -> None:
    from tests.fresh import loaded_after

    loaded = loaded_after(
        "import io\nfrom codec.video.opening import open_source\n"
        "data = b'YUV4MPEG2 W2 H2 F25:1 C420\\nFRAME\\n' + bytes(6)\n"
        "assert len(list(open_source(io.BytesIO(data)))) == 1"
    )
    assert not {name for name in loaded if name.split(".")[0] in ("av", "torch")}
