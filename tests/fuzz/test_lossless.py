"""A part of what `python -m tests.fuzz.lossless` does at length."""

from __future__ import annotations

import pytest

from bench.peers.exact import takes
from tests.fuzz.lossless import run

_MISSING = [name for name in ("lossless", "near_lossless") if not takes(name)]


@pytest.mark.skipif(bool(_MISSING), reason=f"codec.encode has no option {' or '.join(_MISSING)}")
def test_pictures_of_every_kind_come_back() -> None:
    found = run(first=0, count=300)

    assert found.findings == []
    assert found.coded > 200
