"""Python code in a process of its own, with the small model registered if that is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from codec.models.registry import ModelEntry

__all__ = ["WITHOUT_TORCH", "fresh", "loaded_after", "registering"]

ROOT = Path(__file__).parents[1]

WITHOUT_TORCH = """
import sys
class _Hiding:
    def __init__(self, finder):
        self._finder = finder
    def find_spec(self, name, path=None, target=None):
        hidden = name.split(".")[0] == "torch"
        return None if hidden else self._finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self._finder, name)
sys.meta_path[:] = [_Hiding(finder) for finder in sys.meta_path]
"""
"""Code after which PyTorch is as if it were not installed."""


def registering(entry: ModelEntry) -> str:
    """Code that makes a model the only one registered beside the predictive coder."""
    fields = ", ".join(f"{f}={getattr(entry, f)!r}" for f in ModelEntry.__slots__)
    return (
        "from codec.models import registry\n"
        f"entry = registry.ModelEntry({fields})\n"
        "coder = registry.predictive()\n"
        "registry.entries = lambda: (coder, entry)\n"
    )


def fresh(code: str, *, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a new process, where warnings are errors as in the tests."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, check=False, timeout=300, cwd=ROOT,
        env=os.environ | environment,
    )  # fmt: skip
    if check:
        assert result.returncode == 0, result.stderr
    return result


def loaded_after(code: str) -> set[str]:
    """Names of the modules that a new process has loaded after some code."""
    text = fresh(f"import sys\n{code}\nprint('\\n'.join(['---', *sys.modules]))").stdout
    return set(text.rpartition("---")[2].split())
