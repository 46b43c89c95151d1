"""The training recipe: read from TOML, and refused where it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

import codec.train
from codec.errors import OptionError
from codec.train.config import TrainConfig, read_config

RECIPES = Path(codec.train.__file__).parent


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_fields_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'name = "x"\ntotal_minutes = 9\nrefresh = 7\namp = false\n'
        "stages = [[0, 2, 64], [0.5, 1, 128]]",
    )

    config = read_config(path)

    stages = ((0.0, 2, 64), (0.5, 1, 128))
    assert config == TrainConfig(name="x", total_minutes=9, refresh=7, amp=False, stages=stages)
    assert [config.stage(p) for p in (0.0, 0.49, 0.5, 1.0)] == [
        (2, 64),
        (2, 64),
        (1, 128),
        (1, 128),
    ]


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_of_the_package_are_in_order(path: Path) -> None:
    config = read_config(path)

    assert config.name in ("wavelet", "visual", "wavelet-light", "swin", "vq")
    assert config.trellis_step > 0 or config.profile == "vq"


def test_empty_recipe_is_the_default(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, "")) == TrainConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate = 1", "unknown key 'learning_rate'; known: name, "),
        ('refresh = "8"', "refresh must be int"),
        ("refresh = 8.5", "refresh must be int"),
        ("name = 3", "name must be str"),
        ("lr = true", "lr must be float"),
        ("refresh = true", "refresh must be int"),
        ('optimizer = "sgd"', "soap or adamw, found 'sgd'"),
        ("stages = 3", r"stages must be \[\[from, batch, patch\], \.\.\.\], found 3"),
        ("stages = [[0, 8]]", "stages must be"),
        ("stages = [[0, 8.5, 64]]", "stages must be"),
        ("stages = [[true, 8, 64]]", "stages must be"),
        ("stages = []", "begin at 0"),
        ("stages = [[0.1, 8, 64]]", "begin at 0"),
        ("stages = [[0, 8, 64], [0.8, 8, 64], [0.5, 8, 64]]", "rise"),
        ("stages = [[0, 8, 100]]", "side must be a positive multiple of 64, found 100"),
        ("stages = [[0, 8, 0]]", "side must be a positive multiple of 64"),
        ("stages = [[0, 8, 64], [0.5, 8, -64]]", "side must be a positive multiple of 64"),
        ("stages = [[0, 0, 64]]", "crops per step must be above 0, found 0"),
        ("stages = [[0, 8, 64], [0.5, -1, 64]]", "crops per step"),
        ("total_minutes = 0", "total_minutes"),
        ("total_minutes = nan", "total_minutes"),
        ("refresh = ", "recipe.toml"),
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
