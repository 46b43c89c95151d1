"""Our codec alone: every instruction set, small pictures, and processes with their memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import own
from networks.native import instruction_sets
from tests.model_fixtures import synthetic_picture


@pytest.mark.usefixtures("tiny_model")
def test_every_instruction_set_is_measured_and_the_bytes_agree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CODEC_ISA", "scalar")

    rows = own.in_process(synthetic_picture(48, 64), repeat=1)

    fast = [name for name in instruction_sets() if name != "scalar"] or ["scalar"]
    assert [row["kernels"] for row in rows] == [name for name in fast for _ in own.LEVELS]
    assert len({(row["level"], row["bytes"]) for row in rows}) == len(own.LEVELS)
    assert min(row["encode_mp_s"] for row in rows) > 0
    assert os.environ["CODEC_ISA"] == "scalar"  # as it was


@pytest.mark.usefixtures("tiny_model")
def test_small_pictures_are_measured_in_milliseconds() -> None:
    found = own.small(synthetic_picture(64, 96), repeat=1)

    assert 0 < found["encode_ms"] < 1000
    assert 0 < found["decode_ms"] < 1000


def test_peak_memory_is_that_of_the_process(tmp_path: Path) -> None:
    small, large = (
        own._peak_kb([sys.executable, "-c", f"x = b'x' * ({size} << 20)"]) for size in (1, 101)
    )

    assert 95 * 1024 < large - small < 110 * 1024
    with pytest.raises(subprocess.CalledProcessError):
        own._peak_kb([sys.executable, "-c", "raise SystemExit(3)"])
