"""`codec.open` and `codec.VideoWriter`: a sequence of pictures with times, and how one is made."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import codec
from codec.errors import CodecError, NotOurFile, OptionError, OutputExists, TruncatedFile
from codec.video.color import planes_of
from codec.video.encoding import encode_source
from codec.video.inputs import SourceOptions
from codec.video.opening import open_source
from codec.video.options import VideoOptions
from tests.unit.codec.video.clips import make_clip, picture
from tests.unit.codec.video.stand_in import VideoDecoder

pytestmark = pytest.mark.usefixtures("stand_in")

FRAMES = 60


def write(target: Path | io.BytesIO, frames: int = FRAMES, **options: object) -> None:
    with codec.VideoWriter(target, **{"fps": 25, "keyint": 12} | options) as writer:  # type: ignore
        for number in range(frames):
            writer.append(picture(number))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "a.licv")
    return tmp_path / "a.licv"


def is_picture(frame: codec.VideoReader, number: int) -> bool:
    planes = planes_of(picture(number), subsampled=True, matrix=1, full_range=False)
    return all((a == b).all() for a, b in zip(frame.planes, planes, strict=True))


def test_iteration(path: Path) -> None:
    with codec.open(path) as video:
        frames = list(video)

        assert len(video) == len(frames) == FRAMES
        assert (video.size, video.fps, video.duration, video.tracks) == ((64, 48), 25, 2.4, ())
    assert [frame.number for frame in frames] == list(range(FRAMES))
    assert [frame.time for frame in frames] == [n / 25 for n in range(FRAMES)]
    assert all(is_picture(frame, n) for n, frame in enumerate(frames))
    assert frames[3].array.shape == (48, 64, 3)
    assert np.abs(frames[3].array.astype(int) - picture(3)).mean() < 3


def test_any_order(path: Path) -> None:
    rng = np.random.default_rng(1)
    with codec.open(path) as video:
        for number in [*rng.integers(0, FRAMES, 60), 5, 5, 4, 6, 59, 0, 58, 59]:
            frame = video[int(number)]
            assert frame.number == number
            assert is_picture(frame, int(number))
        assert is_picture(video[-1], FRAMES - 1)
        assert is_picture(video[-FRAMES], 0)
        with pytest.raises(IndexError):
            video[FRAMES]
        with pytest.raises(IndexError):
            video[-FRAMES - 1]


@pytest.mark.parametrize("lowdelay", [False, True])
def test_at_most_one_key_frame_interval_is_decoded(tmp_path: Path, lowdelay: bool) -> None:
    write(tmp_path / "a.licv", lowdelay=lowdelay)
    with codec.open(tmp_path / "a.licv") as video:
        for number in (37, 59, 0, 12, 23, 11, 13, 14, 36):
            before = VideoDecoder.decoded
            assert is_picture(video[number], number)
            assert VideoDecoder.decoded - before <= 12
        before = VideoDecoder.decoded
        for number in range(36, 60):
            assert is_picture(video[number], number)
        assert VideoDecoder.decoded - before <= 24  # going on costs one picture each


def test_slices(path: Path) -> None:
    with codec.open(path) as video:
        part = video[10:20:3]
        assert len(part) == 4
        assert [frame.number for frame in part] == [10, 13, 16, 19]
        assert [frame.number for frame in part[1:3]] == [13, 16]
        assert part[-1].number == 19
        assert [frame.number for frame in video[-2:]] == [58, 59]
        assert [frame.number for frame in video[3:0:-1]] == [3, 2, 1]
        assert len(video[5:5]) == 0


def test_at_a_time(path: Path) -> None:
    with codec.open(path) as video:
        for seconds, number in ((0, 0), (0.039, 0), (0.04, 1), (1.0, 25), (1.01, 25), (2.39, 59)):
            assert video.at(seconds).number == number
        assert video.at(0.5).number == 12
        assert all(video.at(frame.time).number == frame.number for frame in video)
        for wrong in (2.4, 100, -1, float("nan"), "x"):
            if wrong == -1:
                assert video.at(wrong).number == 0
                continue
            with pytest.raises(OptionError):
                video.at(wrong)  # type: ignore[arg-type]


def test_uneven_times(tmp_path: Path) -> None:
    times = [0, 7, 8, 30, 31, 90, 200, 201]
    with codec.VideoWriter(
        tmp_path / "a.licv", fps=25, time_base=Fraction(1, 90), keyint=3
    ) as writer:
        for number, pts in enumerate(times):
            writer.append(picture(number), pts=pts, duration=20 if pts == 201 else None)

    with codec.open(tmp_path / "a.licv") as video:
        assert [frame.pts for frame in video] == times
        assert [frame.duration for frame in video] == [7, 1, 22, 1, 59, 110, 1, 20]
        for number, pts in enumerate(times):
            assert video.at(Fraction(pts, 90)).number == number
            assert video.at(Fraction(2 * pts + 1, 180)).number == number
        assert video.duration == pytest.approx(221 / 90)


@pytest.mark.parametrize("fps", [Fraction(1, 3600), 1e-9])
def test_few_pictures_a_second(tmp_path: Path, fps: float) -> None:
    write(tmp_path / "a.licv", 2, fps=fps)

    with codec.open(tmp_path / "a.licv") as video:
        assert video.fps == float(fps)
        assert video.duration == pytest.approx(2 / fps)


def test_threads_share_a_reader(path: Path) -> None:
    with codec.open(path) as video, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: video[n].array, range(0, FRAMES, 7)))
        assert all(np.array_equal(a, video[7 * n].array) for n, a in enumerate(found))


@pytest.mark.parametrize("fps", [30000 / 1001, 29.97, "30000/1001", Fraction(30000, 1001)])
def test_rates(tmp_path: Path, fps: float | str | Fraction) -> None:
    write(tmp_path / "a.licv", 3, fps=fps)
    with codec.open(tmp_path / "a.licv") as video:
        assert video.head.frame_rate == (30000, 1001)
        assert video[2].time == pytest.approx(2002 / 30000)


@pytest.mark.parametrize("chroma", ["420", "444"])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (48, 64)])
def test_kinds(tmp_path: Path, chroma: str, full_range: bool, height: int, width: int) -> None:
    rgb = picture(1, width, height)
    options = {"chroma": chroma, "full_range": full_range, "matrix": 6, "rotation": 90}
    with codec.VideoWriter(tmp_path / "a.licv", aspect=4 / 3, **options) as writer:  # type: ignore
        writer.append(rgb)
        writer.append(planes_of(rgb, subsampled=chroma == "420", matrix=6, full_range=full_range))
        writer.append(rgb[:, :, 0])

    with codec.open(tmp_path / "a.licv") as video:
        assert (video.head.rotation, video.head.aspect) == (90, (4, 3))
        assert video.head.full_range == full_range
        assert (video[0].planes[0] == video[1].planes[0]).all()
        assert (video[2].planes[1] == 128).all()
        assert video[0].array.shape == (height, width, 3)


def test_streams() -> None:
    out = io.BytesIO()
    write(out, 5)
    out.seek(0)
    with codec.open(out) as video:
        assert len(video) == 5
    assert not out.closed


def test_writer_says_what_it_wrote(tmp_path: Path) -> None:
    with codec.VideoWriter(tmp_path / "a.licv", keyint=4) as writer:
        for number in range(10):
            writer.append(picture(number))
    assert (writer.coded.frames, writer.coded.keys, writer.coded.seconds) == (10, 3, 0.4)
    assert writer.coded.bytes == (tmp_path / "a.licv").stat().st_size


def test_writer_refuses(tmp_path: Path) -> None:
    target = tmp_path / "a.licv"
    for options in (
        {"fps": 0}, {"fps": "x"}, {"chroma": "422"}, {"matrix": 9}, {"rotation": 45},
        {"quality": 101}, {"quality": 5, "level": 5}, {"time_base": Fraction(0)},
        {"time_base": "x"}, {"aspect": float("nan")}, {"fps": 1e-12},
    ):  # fmt: skip
        with pytest.raises(OptionError):
            codec.VideoWriter(target, **options)  # type: ignore[arg-type]
    with pytest.raises(OptionError):
        codec.VideoWriter(3)  # type: ignore[arg-type]
    target.write_bytes(b"mine")
    with pytest.raises(OutputExists):
        codec.VideoWriter(target, force=False)


def wrong(picture_: object, **more: object) -> Callable[[codec.VideoWriter], None]:
    return lambda writer: writer.append(picture_, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "act",
    [
        wrong(picture(0, 32, 48)),
        wrong(picture(0).astype(np.uint16)),
        wrong(np.zeros((48, 64, 4), np.uint8)),
        wrong(np.zeros((48, 64, 2, 2), np.uint8)),
        wrong(np.zeros((0, 64, 3), np.uint8)),
        wrong((np.zeros((48, 64), np.uint8),) * 3),
        wrong(picture(0), pts=0),
        wrong(picture(0), pts=-1),
        wrong("picture"),
    ],
)
def test_writer_refuses_pictures_and_leaves_nothing(
    tmp_path: Path, act: Callable[[codec.VideoWriter], None]
) -> None:
    writer = codec.VideoWriter(tmp_path / "a.licv", time_base=Fraction(1, 25))
    writer.append(picture(0))
    writer.append(picture(1))
    with pytest.raises(OptionError):
        act(writer)
    writer.append(picture(2))  # what was refused changes nothing
    writer.abort()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OptionError, match="closed"):
        writer.append(picture(3))


def test_writer_without_pictures(tmp_path: Path) -> None:
    def nothing() -> None:
        with codec.VideoWriter(tmp_path / "a.licv"):
            pass

    with pytest.raises(OptionError, match="at least one picture"):
        nothing()
    assert list(tmp_path.iterdir()) == []


def test_writer_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    def stop() -> None:
        with codec.VideoWriter(tmp_path / "a.licv") as writer:
            writer.append(picture(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert list(tmp_path.iterdir()) == []


def test_sound(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", audio=("aac", "aac"), frames=50, languages=("deu",))
    with (
        open_source(str(clip), SourceOptions()) as source,
        (tmp_path / "a.licv").open("wb") as file,
    ):
        coded = encode_source(source, file, VideoOptions(keyint=10))
    with codec.open(tmp_path / "a.licv") as video:
        tracks = video.tracks
        packets = list(video.audio(1))
        assert [track.codec for track in tracks] == ["aac", "aac"]
        assert len(packets) > 80
        assert video[30].number == 30
        with pytest.raises(OptionError):
            next(video.audio(2))
    assert coded.audio_bytes > 0
    assert coded.bytes == (tmp_path / "a.licv").stat().st_size


def test_sound_stands_behind_the_key_frame_that_it_is_heard_with(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", audio=("aac",), frames=50)
    with (
        open_source(str(clip), SourceOptions()) as source,
        (tmp_path / "a.licv").open("wb") as file,
    ):
        encode_source(source, file, VideoOptions(keyint=10))
    from bitstream.video import AudioPacket, VideoStreamReader

    with (tmp_path / "a.licv").open("rb") as file:
        reader = VideoStreamReader(file)
        base = Fraction(*reader.head.time_base)
        ticks = Fraction(*reader.head.tracks[0].time_base)
        key = Fraction(-1)
        for packet in reader:
            if isinstance(packet, AudioPacket):
                assert packet.pts * ticks >= key or key == 0
            elif packet.key:
                key = packet.pts * base


def test_files_that_are_no_videos(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello" * 100)
    with pytest.raises(NotOurFile):
        codec.open(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        codec.open(tmp_path / "b")
    with pytest.raises(OptionError):
        codec.open(3)  # type: ignore[arg-type]


def test_still_images_are_no_videos(tmp_path: Path) -> None:
    (tmp_path / "a.lic").write_bytes(codec.encode(picture(0), lossless=True))
    with pytest.raises(CodecError):
        codec.open(tmp_path / "a.lic")


def test_closed_reader(path: Path) -> None:
    with codec.open(path) as video:
        assert video[0].number == 0
    with pytest.raises(OptionError, match="closed"):
        video[1]


def damaged(data: bytes) -> Iterator[bytes]:
    rng = np.random.default_rng(4)
    for number in range(60):
        changed = bytearray(data)
        if number % 3 == 0:
            del changed[rng.integers(1, len(data)) :]
        else:
            for at in rng.integers(0, len(data), 1 + number % 2):
                changed[at] ^= 1 << int(rng.integers(8))
        yield bytes(changed)


def test_damage_is_one_named_error_and_never_a_wrong_picture(tmp_path: Path) -> None:
    out = io.BytesIO()
    write(out, 30)
    recovered = 0
    for data in damaged(out.getvalue()):
        for recover in (False, True):
            try:
                with codec.open(io.BytesIO(data), recover=recover) as video:
                    for frame in video:
                        # with what is lost, numbers move; the times tell which picture it is
                        assert is_picture(frame, frame.pts)
                        recovered += recover
            except CodecError:
                continue
    assert recovered > 600


def test_truncated(path: Path) -> None:
    data = path.read_bytes()
    cut = data[: len(data) // 2]
    with pytest.raises(TruncatedFile):
        codec.open(io.BytesIO(cut))
    with codec.open(io.BytesIO(cut), recover=True) as video:
        assert 10 < len(video) < 50
        assert all(is_picture(frame, frame.number) for frame in video)


def test_stills_load_no_video() -> None:
    from tests.fresh import loaded_after

    loaded = loaded_after("import codec, numpy\ncodec.decode(codec.encode("
                          "numpy.zeros((8, 8, 3), 'u1'), lossless=True))")  # fmt: skip

    assert not {name for name in loaded if name.startswith(("codec.video", "bitstream.video"))}
