"""Folders as inputs: the tree and the times are kept, what is no picture is left out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from codec.cli.jobs import Job, plan
from codec.cli.trees import find_inputs
from codec.cli.video_options import starts_video
from codec.image.files import is_image

OLD = 1_000_000_000_123_456_789
"""Nanoseconds since 1970: a day in 2001."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """a.png, 2024/b.jpg, 2024/may/c.png and two files that are no pictures."""
    root = tmp_path / "in"
    (root / "2024" / "may").mkdir(parents=True)
    for name in ("a.png", "2024/b.jpg", "2024/may/c.png"):
        Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(root / name)
        os.utime(root / name, ns=(OLD, OLD))
    (root / "notes.txt").write_text("no picture")
    (root / "2024" / "empty").write_bytes(b"")
    return root


def files(folder: Path) -> list[str]:
    """The files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found)


@pytest.mark.weights
def test_tree_and_times_are_kept_there_and_back(run: Any, tree: Path, tmp_path: Path) -> None:
    out, back = tmp_path / "out", tmp_path / "back"

    there = run("encode", tree, "--output-dir", out)
    again = run("decode", out, "--output-dir", back)

    assert (there.exit_code, again.exit_code) == (0, 0), there.stderr + again.stderr
    assert files(out) == ["2024/b.lic", "2024/may/c.lic", "a.lic"]
    assert files(back) == ["2024/b.png", "2024/may/c.png", "a.png"]
    for folder in (out, back):
        assert {(folder / name).stat().st_mtime_ns for name in files(folder)} == {OLD}
    assert "3 of 3 files done" in there.stderr
    assert "3 pictures, " in there.stderr
    assert " bpp, " in there.stderr
    assert "2 files left out, no pictures or videos" in there.stderr
    assert "left out" not in again.stderr


@pytest.mark.weights
def test_second_run_does_what_is_new(run: Any, tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("encode", tree / "2024", "--output-dir", out)

    refused = run("encode", tree / "2024", "--output-dir", out)
    skipped = run("encode", tree / "2024", "--output-dir", out, "--skip-existing")
    forced = run("encode", tree / "2024", "--output-dir", out, "-f")

    assert (refused.exit_code, skipped.exit_code, forced.exit_code) == (1, 0, 0)
    assert "0 of 2 files done, 2 skipped" in skipped.stderr
    assert "2 of 2 files done" in forced.stderr


def test_same_name_with_another_suffix_is_refused_with_a_way_out(
    run: Any, tree: Path, tmp_path: Path
) -> None:
    (tree / "a.jpg").write_bytes((tree / "2024" / "b.jpg").read_bytes())

    result = run("encode", tree, "--output-dir", tmp_path / "out")

    assert result.exit_code == 2
    assert "would both become" in result.stderr
    assert "--full-names" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.weights
def test_full_names_keep_both(run: Any, tree: Path, tmp_path: Path) -> None:
    (tree / "a.jpg").write_bytes((tree / "2024" / "b.jpg").read_bytes())
    out = tmp_path / "out"

    result = run("encode", tree, "--output-dir", out, "--full-names")

    assert result.exit_code == 0, result.stderr
    assert files(out) == ["2024/b.jpg.lic", "2024/may/c.png.lic", "a.jpg.lic", "a.png.lic"]


@pytest.mark.weights
def test_damaged_picture_fails_and_the_rest_is_done(run: Any, tree: Path, tmp_path: Path) -> None:
    (tree / "2024" / "b.jpg").write_bytes((tree / "2024" / "b.jpg").read_bytes()[:100])

    result = run("encode", tree, "--output-dir", tmp_path / "out", "--keep-going")

    assert result.exit_code == 1
    assert files(tmp_path / "out") == ["2024/may/c.lic", "a.lic"]
    assert "2 of 3 files done, 1 failed" in result.stderr


@pytest.mark.weights
def test_links_to_folders_are_not_followed_and_said(run: Any, tree: Path, tmp_path: Path) -> None:
    (tree / "2024" / "loop").symlink_to(tree, target_is_directory=True)
    (tree / "link.png").symlink_to(tree / "2024" / "may" / "c.png")
    (tree / "nowhere.png").symlink_to(tree / "missing.png")
    os.mkfifo(tree / "pipe")

    result = run("encode", tree, "--output-dir", tmp_path / "out")

    assert result.exit_code == 0, result.stderr
    assert files(tmp_path / "out") == ["2024/b.lic", "2024/may/c.lic", "a.lic", "link.lic"]
    assert "loop is a link to a folder: not followed" in result.stderr
    assert "4 files left out" in result.stderr


@pytest.mark.weights
def test_output_folder_inside_the_input_is_left_out(run: Any, tree: Path) -> None:
    out = tree / "lic"
    run("encode", tree, "--output-dir", out)

    result = run("decode", tree, "--output-dir", tree / "lic" / "png")
    again = run("encode", tree, "--output-dir", out, "-f")

    assert "3 of 3 files done" in result.stderr
    assert files(out / "png") == ["lic/2024/b.png", "lic/2024/may/c.png", "lic/a.png"]
    assert "3 of 3 files done" in again.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_unreadable_folder_stops_or_is_counted(run: Any, tree: Path, tmp_path: Path) -> None:
    (tree / "2024").chmod(0)
    try:
        stopped = run("encode", tree, "--output-dir", tmp_path / "a")
        counted = run("encode", tree, "--output-dir", tmp_path / "b", "--keep-going")
    finally:
        (tree / "2024").chmod(0o755)

    assert (stopped.exit_code, counted.exit_code) == (1, 1)
    assert not (tmp_path / "a").exists()
    assert files(tmp_path / "b") == ["a.lic"]
    assert "2024: Permission denied" in counted.stderr


def test_unreadable_folder_is_noted(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def scan(path: str) -> Any:
        if path.endswith("2024"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("os.scandir", scan)

    found = find_inputs([str(tree)], None, tree, is_image, starts_video, keep_going=True)

    assert [Path(path).name for path in found.sources] == ["a.png"]
    assert [problem.filename for problem in found.problems] == [str(tree / "2024")]
    with pytest.raises(PermissionError):
        find_inputs([str(tree)], None, tree, is_image, starts_video, keep_going=False)


@pytest.mark.parametrize(
    ("options", "text"),
    [(["-o", "x.lic"], "give --output-dir"), ([], "say where")],
)
def test_folder_needs_an_output_folder(run: Any, tree: Path, options: list[str], text: str) -> None:
    result = run("encode", tree, *options)

    assert result.exit_code == 2
    assert text in result.stderr


def test_folder_without_pictures_does_nothing(run: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("text")

    result = run("encode", tmp_path / "in", "--output-dir", tmp_path)

    assert result.exit_code == 0
    assert "0 pictures, 0 bytes in" in result.stderr
    assert "1 file left out" in result.stderr


def test_planning_takes_linear_time(tmp_path: Path) -> None:
    inputs = [f"{n}.png" for n in range(20_000)]
    started = time.monotonic()

    jobs = plan(inputs, None, tmp_path, suffix=".lic", no_output=False)

    assert time.monotonic() - started < 5
    assert jobs[7] == Job("7.png", str(tmp_path / "7.lic"))


@pytest.fixture
def clips(tree: Path) -> Path:
    """The tree, with two clips of two pictures."""
    plane = bytes(64 * 48 * 3 // 2)
    for name in ("2024/clip.y4m", "wide.y4m"):
        (tree / name).write_bytes(b"YUV4MPEG2 W64 H48 F25:1 C420\n" + 2 * (b"FRAME\n" + plane))
        os.utime(tree / name, ns=(OLD, OLD))
    return tree


@pytest.mark.weights
def test_videos_of_a_tree_go_there_and_back(run: Any, clips: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    out, back = tmp_path / "out", tmp_path / "back"

    there = run("encode", clips, "--output-dir", out, "-q", 40)
    again = run("decode", out, "--output-dir", back)

    assert (there.exit_code, again.exit_code) == (0, 0), there.stderr + again.stderr
    assert files(out) == ["2024/b.lic", "2024/clip.licv", "2024/may/c.lic", "a.lic", "wide.licv"]
    assert files(back) == ["2024/b.png", "2024/clip.mkv", "2024/may/c.png", "a.png", "wide.mkv"]
    assert (out / "wide.licv").stat().st_mtime_ns == OLD
    assert "5 of 5 files done" in there.stderr
    assert "3 pictures, 2 videos, " in there.stderr
    assert "2 files left out, no pictures or videos" in there.stderr


@pytest.mark.weights
def test_options_of_videos_take_videos_alone(run: Any, clips: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    out, back = tmp_path / "out", tmp_path / "back"

    there = run("encode", clips, "--output-dir", out, "--lowdelay")
    again = run("decode", out, "--output-dir", back, "--format", "y4m")

    assert (there.exit_code, again.exit_code) == (0, 0), there.stderr + again.stderr
    assert files(out) == ["2024/clip.licv", "wide.licv"]
    assert files(back) == ["2024/clip.y4m", "wide.y4m"]
    assert "3 pictures left out: options of videos were given" in there.stderr
    assert "2 files left out, no pictures or videos" in there.stderr


@pytest.mark.weights
def test_qualities_of_pictures_leave_videos_out(run: Any, clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    there = run("encode", clips, "--output-dir", out, "--lossless")

    assert there.exit_code == 0, there.stderr
    assert files(out) == ["2024/b.lic", "2024/may/c.lic", "a.lic"]
    assert "2 videos left out: --lossless does not concern videos" in there.stderr


@pytest.mark.weights
def test_formats_of_pictures_leave_videos_out(run: Any, clips: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    out, back = tmp_path / "out", tmp_path / "back"
    assert run("encode", clips, "--output-dir", out).exit_code == 0

    again = run("decode", out, "--output-dir", back, "--format", "webp")

    assert again.exit_code == 0, again.stderr
    assert files(back) == ["2024/b.webp", "2024/may/c.webp", "a.webp"]
    assert "2 videos left out: --format, as given, is of pictures" in again.stderr


@pytest.mark.weights
@pytest.mark.parametrize("first", [True, False])
def test_files_beside_folders_may_be_of_both_kinds(
    run: Any, clips: Path, tmp_path: Path, first: bool
) -> None:
    out, clip = tmp_path / "out", tmp_path / "one.y4m"
    (clips / "wide.y4m").rename(clip)
    out.mkdir()
    inputs = [clip, clips] if first else [clips, clip]

    there = run("encode", *inputs, "--output-dir", out)

    assert there.exit_code == 0, there.stderr
    assert files(out) == ["2024/b.lic", "2024/clip.licv", "2024/may/c.lic", "a.lic", "one.licv"]


@pytest.mark.weights
def test_one_failure_among_both_kinds_ends_with_1(run: Any, clips: Path, tmp_path: Path) -> None:
    (clips / "2024" / "clip.y4m").write_bytes(b"YUV4MPEG2 W64 H48 F25:1 C420\nFRAME\nshort")
    (clips / "wide.y4m").unlink()

    stopped = run("encode", clips, "--output-dir", tmp_path / "a")
    counted = run("encode", clips, "--output-dir", tmp_path / "b", "--keep-going")

    assert (stopped.exit_code, counted.exit_code) == (1, 1)
    assert "3 of 4 files done, 1 failed" in counted.stderr
    assert files(tmp_path / "b") == ["2024/b.lic", "2024/may/c.lic", "a.lic"]


@pytest.mark.weights
@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--lossless"], 2, "--lossless does not concern videos"),
        (["-p", "nope"], 4, "there is no profile 'nope'"),
        (["-o", "-"], 2, "give --output-dir"),
        (["-o", "x.licv"], 2, "give --output-dir"),
    ],
)
def test_videos_alone_are_not_lost_silently(
    run: Any, clips: Path, tmp_path: Path, options: list[str], code: int, text: str
) -> None:
    for name in ("a.png", "2024/b.jpg", "2024/may/c.png"):
        (clips / name).unlink()
    there = [] if "-o" in options else ["--output-dir", tmp_path / "out"]

    result = run("encode", clips, *there, *options)

    assert result.exit_code == code, result.stderr
    assert text in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.weights
def test_names_with_a_percent_are_no_patterns(run: Any, clips: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    (clips / "2024").rename(clips / "50%d off")
    (clips / "wide.y4m").rename(clips / "%05d.y4m")

    there = run("encode", clips, "--output-dir", tmp_path / "out")
    again = run("decode", tmp_path / "out", "--output-dir", tmp_path / "back")

    assert (there.exit_code, again.exit_code) == (0, 0), there.stderr + again.stderr
    videos = [name for name in files(tmp_path / "back") if name.endswith("mkv")]
    assert videos == ["%05d.mkv", "50%d off/clip.mkv"]


@pytest.mark.weights
def test_two_videos_of_one_name_are_refused(run: Any, clips: Path, tmp_path: Path) -> None:
    (clips / "wide.mkv").write_bytes((clips / "wide.y4m").read_bytes())

    result = run("encode", clips, "--output-dir", tmp_path / "out")

    assert result.exit_code == 2
    assert "would both become" in result.stderr
    assert not (tmp_path / "out").exists()
