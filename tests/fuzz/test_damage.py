"""A part of what `python -m tests.fuzz.damage` does at length."""

from __future__ import annotations

import pytest

from tests.fuzz.damage import run


@pytest.mark.weights
def test_damaged_files_raise_codec_errors_alone() -> None:
    survived, tried = run(first=0, count=1500)

    assert tried > 100  # the entropy decoder was reached
    assert survived < tried
