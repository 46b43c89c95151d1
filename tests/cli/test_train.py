"""`codec train`: its options reach the training loop unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A recipe; its content does not matter here."""
    path = tmp_path / "recipe.toml"
    path.write_text("")
    return path


def test_options_reach_the_loop(
    run: Any, monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path
) -> None:
    from codec.train import loop

    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(loop, "run", lambda *args: calls.append(args))

    result = run(
        *("train", "--config", config, "--data", tmp_path, "--data", config, "--minutes", 0.5),
        *("--out", tmp_path / "out", "--device", "cpu", "--validate", tmp_path),
    )

    assert result.exit_code == 0, result.stderr
    assert calls == [(config, [tmp_path, config], 0.5, tmp_path / "out", None, "cpu", tmp_path)]


@pytest.mark.parametrize("missing", ["--config", "--data", "--minutes", "--out"])
def test_missing_option_ends_with_2(run: Any, config: Path, missing: str) -> None:
    options = {"--config": config, "--data": config, "--minutes": 1, "--out": config.parent}
    del options[missing]

    result = run("train", *(part for option in options.items() for part in option))

    assert result.exit_code == 2
    assert missing in result.stderr


def test_no_time_is_no_budget(run: Any, config: Path) -> None:
    result = run("train", "--config", config, "--data", config, "--out", "x", "--minutes", 0)

    assert result.exit_code == 2


def test_training_without_torch_ends_with_2_and_says_what_to_install(
    run: Any, monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    result = run("train", "--config", config, "--data", tmp_path, "--minutes", 1, "--out", tmp_path)

    assert result.exit_code == 2
    assert "codec train needs PyTorch" in result.stderr
    assert "learned-codec[train]" in result.stderr
