"""The training recipe: read from TOML, and refused where it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from codec.errors import OptionError
from codec.train.config import TrainConfig, read_config


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_fields_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "x"\ntotal_minutes = 9\nbatch = 2\npatch = 64\namp = false')

    config = read_config(path)

    assert config == TrainConfig(name="x", total_minutes=9, batch=2, patch=64, amp=False)


def test_empty_recipe_is_the_default(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, "")) == TrainConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate = 1", "unknown key 'learning_rate'; known: name, "),
        ('batch = "8"', "batch must be int"),
        ("batch = 8.5", "batch must be int"),
        ("name = 3", "name must be str"),
        ("lr = true", "lr must be float"),
        ("batch = true", "batch must be int"),
        ('optimizer = "sgd"', "soap or adamw, found 'sgd'"),
        ("patch = 100", "patch must be a positive multiple of 64, found 100"),
        ("patch = 0", "patch must be a positive multiple of 64"),
        ("late_patch = -64", "late_patch must be a positive multiple of 64"),
        ("batch = 0", "batch"),
        ("late_batch = -1", "late_batch"),
        ("total_minutes = 0", "total_minutes"),
        ("total_minutes = nan", "total_minutes"),
        ("batch = ", "recipe.toml"),
    ],
)
def test_wrong_recipe_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        read_config(write(tmp_path, text))


def test_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"recipe\.toml"):
        read_config(tmp_path / "recipe.toml")


def test_recipe_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(OptionError, match=r"recipe\.toml"):
        read_config(path)
