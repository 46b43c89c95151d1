"""The README's examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.weights
def test_python_example_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert len(blocks) == 1
    monkeypatch.chdir(ROOT)
    scope: dict[str, object] = {}

    exec(compile(blocks[0], "README.md", "exec"), scope)

    assert capsys.readouterr().out.startswith("768 ")
    assert isinstance(scope["small"], bytes)
    assert 8 * len(scope["small"]) / (768 * 512) <= 0.5
