"""A part of what `python -m tests.fuzz.video_container` does at length."""

from __future__ import annotations

from tests.fuzz.video_container import check_input, originals, run


def test_originals_are_whole() -> None:
    assert all(check_input(data)[1] for data in originals())


def test_damaged_videos_raise_named_errors_alone() -> None:
    survived, tried = run(first=0, count=1000)

    assert 0 < survived < tried
