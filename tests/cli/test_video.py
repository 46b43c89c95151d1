"""Videos on the command line: there and back, pipes, parts, options, damage, stopped runs."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import codec
from codec.cli.video_options import starts_video
from codec.video.opening import open_source
from tests.unit.codec.video.clips import make_clip, picture
from tests.unit.codec.video.conftest import stand_in
from tests.unit.codec.video.test_outputs import Clip, largest_error

__all__ = ["stand_in"]

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", audio=("aac", "aac"), frames=50)


@pytest.fixture
def coded(run: Any, clip: Path) -> Path:
    target = clip.with_suffix(".licv")
    result = run("encode", clip, "-o", target, "--keyint", "10")
    assert result.exit_code == 0, result.stderr
    return target


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_there_and_back(run: Any, clip: Path, coded: Path, tmp_path: Path) -> None:
    for name in ("a.mkv", "a.y4m", "a.mp4", "a.mov"):
        result = run("decode", coded, "-o", tmp_path / name)

        assert result.exit_code == 0, result.stderr
        source, back = Clip(clip), Clip(tmp_path / name)
        exact = name.endswith(("mkv", "y4m"))
        assert largest_error(source, back) <= (0 if exact else 40)
        if name.endswith("y4m"):
            assert "y4m holds no sound" in result.stderr
        else:
            assert [back.payloads(n) for n in (0, 1)] == [source.payloads(n) for n in (0, 1)]
        if not name.endswith("mkv"):
            assert back.times == source.times


def test_what_is_said(run: Any, clip: Path, tmp_path: Path) -> None:
    result = run("encode", clip, "-o", tmp_path / "a.licv", "-q", "40")

    assert "64x48, 50 frames, 2.00 s" in result.stderr
    assert "kbit/s" in result.stderr
    assert result.stdout == ""
    result = run("encode", clip, "-o", tmp_path / "b.licv", "--json", "--quiet", "-q", "40")
    report = json.loads(result.stdout)
    assert (report["frames"], report["tracks"], report["quality"]) == (50, 2, 40)
    assert report["bytes"] == (tmp_path / "b.licv").stat().st_size
    assert (tmp_path / "a.licv").read_bytes() == (tmp_path / "b.licv").read_bytes()


def test_pipes(run: Any, clip: Path, coded: Path, tmp_path: Path) -> None:
    decoded = run("decode", coded, "-o", "-")
    assert decoded.exit_code == 0, decoded.stderr
    assert decoded.stdout_bytes.startswith(b"YUV4MPEG2 W64 H48 F25:1")
    assert "y4m holds no sound" in decoded.stderr

    encoded = run("encode", "-", "-o", tmp_path / "b.licv", input=decoded.stdout_bytes)
    assert encoded.exit_code == 0, encoded.stderr
    again = run("decode", "-", "-o", "-", input=(tmp_path / "b.licv").read_bytes())
    assert again.stdout_bytes == decoded.stdout_bytes
    piped = run("encode", "-", "-o", "-", input=decoded.stdout_bytes)
    assert piped.stdout_bytes == (tmp_path / "b.licv").read_bytes()


def test_a_file_in_a_pipe_that_is_no_y4m(run: Any, tmp_path: Path) -> None:
    data = make_clip(tmp_path / "a.mkv", codec="ffv1").read_bytes()

    result = run("encode", "-", "-o", tmp_path / "a.licv", input=data)

    assert result.exit_code == 0, result.stderr
    with codec.open(tmp_path / "a.licv") as video:
        assert len(video) == 10


def test_part(run: Any, clip: Path, coded: Path, tmp_path: Path) -> None:
    result = run(
        "decode", coded, "-o", tmp_path / "a.mp4", "--start", "0.8", "--duration", "0:00.4"
    )

    assert result.exit_code == 0, result.stderr
    part, whole = Clip(tmp_path / "a.mp4"), Clip(clip)
    assert len(part.frames) == 10
    assert part.times[0] == 0
    assert 0.33 < part.heard(0)[-1] < 0.4
    assert set(part.payloads(0)) <= set(whole.payloads(0))
    assert 0 <= -part.heard(0)[0] < 0.03
    result = run("decode", coded, "-o", tmp_path / "b.y4m", "--start", "0.81", "--duration", "0.4")
    exact = Clip(tmp_path / "b.y4m")
    assert (exact.frames[0].planes[0] == whole.frames[20].planes[0]).all()
    result = run("decode", coded, "-o", tmp_path / "c.mkv", "--start", "100")
    assert result.exit_code == 2
    assert "shorter" in result.stderr
    assert not (tmp_path / "c.mkv").exists()


def test_part_of_the_source(run: Any, clip: Path, tmp_path: Path) -> None:
    result = run("encode", clip, "-o", tmp_path / "a.licv", "--start", "1", "--duration", "0.5")

    assert result.exit_code == 0, result.stderr
    with codec.open(tmp_path / "a.licv") as video:
        assert (len(video), video.duration) == (13, 0.5)  # 0.5 s end within a picture


@pytest.mark.parametrize(("keyint", "keys"), [("10", 5), ("0.2s", 10), ("1s", 2), ("0", 1)])
def test_key_frames(run: Any, clip: Path, tmp_path: Path, keyint: str, keys: int) -> None:
    result = run("encode", clip, "-o", tmp_path / "a.licv", "--keyint", keyint, "--json")

    assert json.loads(result.stdout)["key_frames"] == keys


def test_options_reach_the_encoder(run: Any, clip: Path, tmp_path: Path) -> None:
    run("encode", clip, "-o", tmp_path / "a.licv", "--lowdelay")
    result = run("info", tmp_path / "a.licv", "--json")

    assert json.loads(result.stdout)["reorder"] == 0


def test_target_bit_rate(run: Any, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec="ffv1", frames=120, audio=("aac",))

    result = run("encode", clip, "-o", tmp_path / "a.licv", "--target-bitrate", "500k", "--json")

    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert abs(report["bitrate"] / 500_000 - 1) < 0.03
    assert report["passes"] > 1
    assert "passes" in result.stderr
    size = (tmp_path / "a.licv").stat().st_size
    assert report["bitrate"] == pytest.approx(8 * (size - report["audio_bytes"]) / 4.8, rel=1e-4)


def test_a_bit_rate_that_is_never_needed_is_said(run: Any, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec="ffv1", frames=8)

    result = run("encode", clip, "-o", tmp_path / "a.licv", "--target-bitrate", "900M", "-e", 1)

    assert result.exit_code == 0, result.stderr
    assert "more than it can take" in result.stderr


def test_target_bit_rate_needs_a_file(run: Any, tmp_path: Path) -> None:
    data = b"YUV4MPEG2 W2 H2 F25:1\nFRAME\n" + bytes(6)

    result = run("encode", "-", "-o", tmp_path / "a.licv", "--target-bitrate", "80k", input=data)

    assert result.exit_code == 2
    assert "several times" in result.stderr
    assert names(tmp_path) == []


def test_numbered_images(run: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    for number in range(4):
        Image.fromarray(picture(number)).save(tmp_path / "in" / f"{number:03d}.png")

    result = run("encode", tmp_path / "in" / "%03d.png", "-o", tmp_path / "a.licv", "--fps", 12)
    assert result.exit_code == 0, result.stderr
    listed = run(
        "encode", *sorted((tmp_path / "in").iterdir()), "-o", tmp_path / "b.licv", "--fps", 12
    )
    assert listed.exit_code == 0, listed.stderr
    result = run("decode", tmp_path / "a.licv", "-o", tmp_path / "out" / "%d.png")
    assert result.exit_code == 0, result.stderr

    assert (tmp_path / "a.licv").read_bytes() == (tmp_path / "b.licv").read_bytes()
    assert names(tmp_path / "out") == ["1.png", "2.png", "3.png", "4.png"]
    found = np.asarray(Image.open(tmp_path / "out" / "2.png"))
    assert np.abs(found.astype(int) - picture(1)).max() <= 2


def test_batch(run: Any, clip: Path, tmp_path: Path) -> None:
    other = make_clip(tmp_path / "other.mkv", codec="ffv1")
    for folder in ("out", "back"):
        (tmp_path / folder).mkdir()

    result = run("encode", clip, other, "--output-dir", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    result = run("decode", *sorted((tmp_path / "out").iterdir()), "--output-dir", tmp_path / "back")
    assert result.exit_code == 0, result.stderr

    assert names(tmp_path / "out") == ["clip.licv", "other.licv"]
    assert names(tmp_path / "back") == ["clip.mkv", "other.mkv"]
    assert "2 of 2 files done" in result.stderr


def test_a_hole_in_the_numbers_is_told(run: Any, tmp_path: Path) -> None:
    for number in (1, 2, 4, 5):
        Image.fromarray(picture(number)).save(tmp_path / f"{number:03d}.png")

    result = run("encode", tmp_path / "%03d.png", "-o", tmp_path / "a.licv")

    assert result.exit_code == 0, result.stderr
    assert "003.png: images with higher numbers are left out: 2" in result.stderr
    with codec.open(tmp_path / "a.licv") as video:
        assert len(video) == 2


def test_both_kinds_are_not_mixed(run: Any, clip: Path, coded: Path, tmp_path: Path) -> None:
    image, still, out = tmp_path / "a.png", tmp_path / "a.lic", tmp_path / "out"
    Image.fromarray(picture(0)).save(image)
    still.write_bytes(codec.encode(image))
    out.mkdir()

    for command, inputs in (("encode", [clip, image]), ("decode", [coded, still])):
        for ordered in (inputs, inputs[::-1]):
            result = run(command, *ordered, "--output-dir", out, "--keep-going")
            assert result.exit_code == 2
            assert f"{inputs[0]} is a video and {inputs[1]} a still image" in result.stderr
    assert names(out) == []


def test_videos_in_folders_are_taken_too(run: Any, coded: Path, tmp_path: Path) -> None:
    out, folder = tmp_path / "out", tmp_path / "in"
    out.mkdir()
    folder.mkdir()
    coded.rename(folder / "clip.licv")
    Image.fromarray(picture(0)).save(tmp_path / "a.png")
    (folder / "a.lic").write_bytes(codec.encode(tmp_path / "a.png"))

    result = run("decode", folder, "--output-dir", out)

    assert result.exit_code == 0, result.stderr
    assert names(out) == ["a.png", "clip.mkv"]
    assert "left out" not in result.stderr


def test_several_videos_need_a_folder(run: Any, clip: Path, tmp_path: Path) -> None:
    result = run("encode", clip, clip, "-o", tmp_path / "a.licv")

    assert result.exit_code == 2
    assert "several videos need --output-dir" in result.stderr


def test_a_newer_version_is_told_before_the_suffix(run: Any, coded: Path, tmp_path: Path) -> None:
    data = coded.read_bytes()
    coded.write_bytes(data[:4] + b"\2" + data[5:])

    result = run("decode", coded, "-o", tmp_path / "a.mkv")

    assert result.exit_code == 4
    assert "version" in result.stderr
    assert not (tmp_path / "a.mkv").exists()


def test_an_index_at_the_end_of_a_pipe(clip: Path, tmp_path: Path) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as pipe, os.fdopen(write, "wb") as feed:
        thread = threading.Thread(target=lambda: (feed.write(clip.read_bytes()), feed.close()))
        thread.start()
        with pytest.raises(codec.CodecError, match="faststart"):
            open_source(pipe)
        pipe.read()
        thread.join()


def test_info(run: Any, coded: Path) -> None:
    text = run("info", coded).stdout
    for part in ("64x48, 4:2:0, BT.601, limited range", "50 frames, 0:02", "5, at most 10 frames",
                 "sound 2", "aac, 48000 Hz, stereo"):  # fmt: skip
        assert part in text
    verbose = run("info", "-v", coded).stdout
    assert verbose.count("KEYF") == 5
    assert verbose.count("FRAM") == 45
    found = json.loads(run("info", "--json", "-v", coded).stdout)
    assert (found["kind"], found["frames"], found["key_frames"]) == ("video", 50, 5)
    assert found["bytes"] == coded.stat().st_size
    assert [chunk["name"] for chunk in found["chunks"]][-2:] == ["INDX", "TAIL"]
    assert json.loads(run("info", "--json", "-", input=coded.read_bytes()).stdout)["frames"] == 50


def test_info_of_damage(run: Any, coded: Path) -> None:
    data = coded.read_bytes()
    coded.write_bytes(data[: len(data) // 2])

    result = run("info", coded, "--json")

    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert found["problem"]["error"] == "TruncatedFile"
    assert 10 < found["frames"] < 50


def test_verify(run: Any, clip: Path, coded: Path, tmp_path: Path) -> None:
    result = run("verify", coded)
    assert result.exit_code == 0, result.stderr
    assert "ok, 64x48, 50 frames, 2.00 s" in result.stdout
    result = run("verify", coded, "--against", clip)
    assert "identical to the source, times identical, sound identical" in result.stdout
    run("decode", coded, "-o", tmp_path / "a.mp4")
    result = run("verify", coded, "--against", tmp_path / "a.mp4", "--json")
    found = json.loads(result.stdout)
    assert not found["identical"]
    assert 30 < found["psnr"] < 80
    mixed = (6 * found["psnr_y"] + found["psnr_u"] + found["psnr_v"]) / 8
    assert found["psnr"] == pytest.approx(mixed)
    assert found["worst"] <= found["psnr"]


def test_verify_against_another_video(run: Any, coded: Path, tmp_path: Path) -> None:
    short = make_clip(tmp_path / "a.mkv", codec="ffv1", frames=49)
    wide = make_clip(tmp_path / "b.mkv", codec="ffv1", width=66)

    assert "more" in run("verify", coded, "--against", short).stderr
    result = run("verify", coded, "--against", wide)
    assert result.exit_code == 2
    assert "not the same video" in result.stderr


def test_recover(run: Any, coded: Path, tmp_path: Path) -> None:
    data = bytearray(coded.read_bytes())
    chunks = json.loads(run("info", "--json", "-v", coded).stdout)["chunks"]
    frames = [chunk for chunk in chunks if chunk["name"] == "FRAM"]
    data[frames[20]["offset"] + 30] ^= 1
    coded.write_bytes(data)

    result = run("decode", coded, "-o", tmp_path / "a.y4m")
    assert result.exit_code == 3
    assert not (tmp_path / "a.y4m").exists()
    result = run("decode", coded, "-o", tmp_path / "a.y4m", "--recover")
    assert result.exit_code == 0, result.stderr
    assert "damaged at byte" in result.stderr
    assert 35 < len(Clip(tmp_path / "a.y4m").frames) < 50


def test_recover_of_the_source(run: Any, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mkv", codec="ffv1", frames=50)
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])

    result = run("encode", source, "-o", tmp_path / "a.licv")
    assert result.exit_code == 3
    assert "--recover" in result.stderr
    assert names(tmp_path) == ["a.mkv"]
    result = run("encode", source, "-o", tmp_path / "a.licv", "--recover")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("options", "code", "what"),
    [
        (("--lossless",), 2, "does not concern videos"),
        (("--target-bpp", "1"), 2, "does not concern videos"),
        (("--strip", "all"), 2, "does not concern videos"),
        (("--target-bitrate", "80k", "-q", "5"), 2, "excludes"),
        (("--target-bitrate", "fast"), 2, "no bit rate"),
        (("--keyint", "often"), 2, "--keyint"),
        (("--keyint", "-5"), 2, "--keyint"),
        (("--start", "x"), 2, "no time"),
        (("--fps", "0"), 2, "above 0"),
        (("--no-audio", "--quiet"), 0, ""),
    ],
)
def test_options(
    run: Any, clip: Path, tmp_path: Path, options: tuple[str, ...], code: int, what: str
) -> None:
    result = run("encode", clip, "-o", tmp_path / "a.licv", *options)

    assert result.exit_code == code, result.stderr
    assert what in result.stderr
    assert (tmp_path / "a.licv").exists() == (code == 0)


def test_options_of_videos_with_pictures(run: Any, tmp_path: Path) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "a.png")

    result = run("encode", tmp_path / "a.png", "-o", tmp_path / "a.lic", "--lowdelay")

    assert result.exit_code == 2
    assert "name the output OUT.licv" in result.stderr
    assert names(tmp_path) == ["a.png"]


def test_numbered_output_is_refused(run: Any, clip: Path, tmp_path: Path) -> None:
    result = run("encode", clip, "-o", tmp_path / "f-%03d.lic")

    assert result.exit_code == 2
    assert "image2pipe" in result.stderr


def test_a_picture_becomes_a_video_of_one(run: Any, tmp_path: Path) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "a.png")

    result = run("encode", tmp_path / "a.png", "-o", tmp_path / "a.licv")

    assert result.exit_code == 0, result.stderr
    with codec.open(tmp_path / "a.licv") as video:
        assert len(video) == 1


def test_what_is_there_stays(run: Any, clip: Path, coded: Path) -> None:
    data = coded.read_bytes()
    result = run("encode", clip, "-o", coded)
    assert result.exit_code == 1
    assert coded.read_bytes() == data
    assert run("encode", clip, "-o", coded, "-f", "-q", "10").exit_code == 0
    assert run("decode", coded, "-o", clip).exit_code == 1
    assert run("decode", coded, "-o", coded, "-f", "--format", "mkv").exit_code == 1


@pytest.mark.parametrize(
    "content", [b"", b"YUV4MPEG2 W2 H2 F25:1\n", b"YUV4MPEG2 W2 H2 F25:1\nFRAME\n12"]
)
def test_bad_input_leaves_nothing(run: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.y4m").write_bytes(content)

    result = run("encode", tmp_path / "a.y4m", "-o", tmp_path / "a.licv")

    assert result.exit_code == 3
    assert result.stderr.startswith("codec: error: ")
    assert names(tmp_path) == ["a.y4m"]


def test_damaged_files_give_one_error(run: Any, coded: Path, tmp_path: Path) -> None:
    data = coded.read_bytes()
    rng = np.random.default_rng(8)
    path = tmp_path / "b.licv"
    for number in range(30):
        changed = bytearray(data)
        if number % 2:
            del changed[rng.integers(1, len(data)) :]
        else:
            changed[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        for command in (("verify", path), ("decode", path, "-o", tmp_path / "b.y4m")):
            result = run(*command)
            # by content: what does not begin like a video is decoded, and refused, as a picture
            assert result.exit_code in (2, 3, 4, 5), result.stderr
            assert "internal error" not in result.stderr
            assert not (tmp_path / "b.y4m").exists()


def test_progress(run: Any, clip: Path, tmp_path: Path) -> None:
    result = run("encode", clip, "-o", tmp_path / "a.licv", "--progress", "json", "--quiet")

    last = json.loads(result.stderr.splitlines()[-1])
    assert (last["frames"], last["of"], last["percent"]) == (50, 50, 100)
    assert last["fps"] > 0
    assert last["left"] == 0
    bar = run("decode", tmp_path / "a.licv", "-o", tmp_path / "a.mkv", "--progress", "bar")
    assert "50/50 frames" in bar.stderr
    assert "frames/s" in bar.stderr


@pytest.mark.parametrize(
    ("name", "codec_", "video"),
    [("a.mp4", "libx264", True), ("a.mkv", "ffv1", True), ("a.avi", "mpeg4", True),
     ("a.ts", "libx264", True), ("a.h264", "libx264", True), ("a.mov", "mjpeg", True),
     ("a.nut", "ffv1", True), ("a.webm", "libvpx-vp9", True), ("a.flv", "libx264", True)],
)  # fmt: skip
def test_videos_are_told_by_content(tmp_path: Path, name: str, codec_: str, video: bool) -> None:
    kind = "yuvj420p" if codec_ == "mjpeg" else "yuv420p"

    head = make_clip(tmp_path / name, codec=codec_, kind=kind).read_bytes()[:400]

    assert starts_video(head) == video


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tiff", "a.gif", "a.bmp", "a.ppm"])
def test_pictures_are_no_videos(tmp_path: Path, name: str) -> None:
    Image.fromarray(picture(0)).save(tmp_path / name)

    assert not starts_video((tmp_path / name).read_bytes()[:400])


def test_broken_output_is_told(run: Any, coded: Path) -> None:
    result = run("decode", coded, "-o", os.path.join("no", "such", "folder.mkv"))

    assert result.exit_code == 1
    assert "does not exist" in result.stderr
