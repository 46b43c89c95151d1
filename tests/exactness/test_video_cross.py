"""Videos on processors that this one is not: the same samples in emulators, with their kernels and
with plain C++.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.networks.cross_builds import TARGETS, Replay

pytest.importorskip("codec.video._video", reason="needs the compiled core")
pytestmark = [pytest.mark.slow, pytest.mark.weights]


@pytest.mark.parametrize("target", TARGETS)
def test_samples_are_the_same(target: str, tmp_path: Path) -> None:
    replay = Replay(target)
    if replay.missing():
        pytest.skip(replay.missing())
    from tests.exactness.video_replay import replay_files

    program = replay.build_video(tmp_path)
    files = replay_files(tmp_path)

    for kernels in ("scalar", target):
        assert replay.run(program, kernels, files) == f"{len(files)} files\n"
