"""y4m: read from files and pipes, written exactly, damage named."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest

from bitstream.video import Chroma
from codec.errors import CodecError, LimitExceeded, UnreadableVideo, UnsupportedVideo
from codec.options import Limits
from codec.video.inputs import SourceOptions
from codec.video.types import VideoFrame
from codec.video.y4m import Y4mSource, Y4mWriter


def source(data: bytes, **options: object) -> Y4mSource:
    return Y4mSource(io.BytesIO(data), SourceOptions(**options))  # type: ignore[arg-type]


def stream(header: str, sizes: list[int], frames: int = 3) -> bytes:
    rng = np.random.default_rng(2)
    pictures = [rng.bytes(sum(sizes)) for _ in range(frames)]
    return header.encode() + b"\n" + b"".join(b"FRAME\n" + data for data in pictures)


@pytest.mark.parametrize(
    ("header", "sizes", "chroma"),
    [
        ("YUV4MPEG2 W6 H4 F25:1 Ip A1:1 C420jpeg", [24, 6, 6], Chroma.YUV420),
        ("YUV4MPEG2 W5 H3 F30000:1001 C420mpeg2 XYSCSS=420MPEG2", [15, 6, 6], Chroma.YUV420),
        ("YUV4MPEG2 W5 H3 F24:1 A4:3 C444", [15, 15, 15], Chroma.YUV444),
        ("YUV4MPEG2 W1 H1 F1:1", [1, 1, 1], Chroma.YUV420),
        ("YUV4MPEG2 W4 H4 F25:1 C420 XCOLORRANGE=FULL", [16, 4, 4], Chroma.YUV420),
    ],
)
def test_there_and_back(header: str, sizes: list[int], chroma: Chroma) -> None:
    data = stream(header, sizes)

    read = source(data)
    frames = list(read)
    out = io.BytesIO()
    writer = Y4mWriter(out, read.head, Fraction(*read.head.frame_rate))
    for frame in frames:
        writer.write(frame.planes)

    assert read.head.chroma == chroma
    assert read.head.full_range == ("FULL" in header)
    assert [frame.pts for frame in frames] == [0, 1, 2]
    body = data[data.index(b"\n") + 1 :]
    assert out.getvalue().split(b"\n", 1)[1] == body
    again = source(out.getvalue())
    assert again.head == read.head


def test_facts() -> None:
    head = source(stream("YUV4MPEG2 W5 H3 F30000:1001 Ip A4:3 C420", [15, 6, 6])).head

    assert (head.width, head.height, head.aspect) == (5, 3, (4, 3))
    assert (head.time_base, head.frame_rate) == ((1001, 30000), (30000, 1001))


def test_grey_gets_neutral_chroma() -> None:
    read = source(stream("YUV4MPEG2 W5 H3 F25:1 Cmono", [15]))

    for frame in read:
        assert frame.planes[1].shape == (2, 3)
        assert (frame.planes[1] == 128).all()


def test_parameters_of_pictures_are_skipped() -> None:
    data = b"YUV4MPEG2 W2 H2 F25:1\nFRAME Xabc\n" + bytes(6) + b"FRAME I\n" + bytes(6)

    assert len(list(source(data))) == 2


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("YUV4MPEG2 W4 H4 F25:1 It", "interlaced.*bwdif"),
        ("YUV4MPEG2 W4 H4 F25:1 Im", "interlaced"),
        ("YUV4MPEG2 W4 H4 F25:1 C420p10", "8 bits.*yuv420p"),
        ("YUV4MPEG2 W4 H4 F25:1 Cmono16", "8 bits"),
        ("YUV4MPEG2 W4 H4 F25:1 C422", "C422.*yuv444p"),
        ("YUV4MPEG2 W20000 H4 F25:1", "16384"),
    ],
)
def test_refused_by_name(header: str, what: str) -> None:
    with pytest.raises(UnsupportedVideo, match=what):
        source(stream(header, [1]))


@pytest.mark.parametrize(
    "header",
    ["YUV4MPEG2", "YUV4MPEG2 W4", "YUV4MPEG2 Wx H4", "YUV4MPEG2 W0 H4", "YUV4MPEG3 W4 H4"],
)
def test_headers_that_make_no_sense(header: str) -> None:
    with pytest.raises(UnreadableVideo):
        source(stream(header, [1]))


def test_limits() -> None:
    with pytest.raises(LimitExceeded):
        source(b"YUV4MPEG2 W16000 H16000\n", limits=Limits(max_pixels=10**6))


@pytest.mark.parametrize("cut", [1, 5, 7, 20])
def test_truncation(cut: int) -> None:
    data = stream("YUV4MPEG2 W4 H4 F25:1", [16, 4, 4])

    with pytest.raises(UnreadableVideo, match=r"damaged.*--recover"):
        list(source(data[:-cut]))
    read = source(data[:-cut], recover=True)
    assert len(list(read)) == 2
    assert "before is taken" in read.notes[0]


def test_no_pictures() -> None:
    with pytest.raises(UnreadableVideo, match="no pictures"):
        list(source(b"YUV4MPEG2 W4 H4 F25:1\n"))


def test_header_without_end() -> None:
    with pytest.raises(UnreadableVideo):
        source(b"YUV4MPEG2 W4 H4 " + b"X" * 5000)


def test_flipped_bits_give_one_error_or_pictures() -> None:
    data = stream("YUV4MPEG2 W6 H4 F25:1 Ip A1:1 C420jpeg", [24, 6, 6])
    for at in range(len(data)):
        for bit in (1, 64):
            changed = bytearray(data)
            changed[at] ^= bit
            try:
                frames = list(source(bytes(changed)))
            except CodecError:
                continue
            assert all(isinstance(frame, VideoFrame) for frame in frames)
