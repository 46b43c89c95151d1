"""A part of what `python -m tests.fuzz.video_frames` does at length, and that it finds faults."""

from __future__ import annotations

import pytest

from codec.video.reference import frames, prediction
from tests.fuzz.video_frames import DAMAGED, FRAMES, run


def test_made_up_and_damaged_frames_decode_alike() -> None:
    found = run(first=0, count=5)

    assert found.findings == []
    assert found.sound == 5 * FRAMES
    assert found.damaged == DAMAGED * found.sound
    assert 0 < found.refused < found.damaged


def test_another_sample_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def brighter(*arguments: object) -> object:
        return prediction.predicted(*arguments) | 1  # type: ignore[arg-type]

    monkeypatch.setattr(frames, "predicted", brighter)

    found = run(first=0, count=6)

    assert any("samples that differ" in line for line in found.findings)
