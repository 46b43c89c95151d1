"""Limits of the caller act on reading and on writing alike, and before the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import codec
from codec.cli.main import cli
from codec.errors import LimitExceeded
from codec.frame.model import FrameModel
from codec.models.registry import ModelEntry

LONG = np.zeros((1, 32769, 3), np.uint8)
ANY = codec.Limits(max_dimension=0)
PIXELS = np.zeros((64, 128, 3), np.uint8)


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch, tiny_model: ModelEntry) -> None:
    """Fails if a picture is encoded."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the work was begun")

    monkeypatch.setattr(FrameModel, "encode", fail)


def test_raised_limits_reach_the_writer(tiny_model: ModelEntry) -> None:
    data = codec.encode(LONG, limits=ANY)

    assert data == codec.Encoder(limits=ANY).encode(LONG)
    assert codec.info(data, limits=ANY).width == 32769
    assert codec.decode(data, limits=ANY).shape == LONG.shape
    assert codec.verify(data, LONG, limits=ANY).width == 32769


def test_raised_limits_reach_the_search_for_a_target(tiny_model: ModelEntry) -> None:
    assert codec.encode(LONG, limits=ANY, target_psnr=1)
    assert codec.encode(LONG[:, :32768], target_bpp=9)


def test_limit_of_the_command_line_reaches_the_writer(tmp_path: Path) -> None:
    source, file, output = (tmp_path / name for name in ("a.png", "a.lic", "b.png"))
    Image.fromarray(np.zeros((8, 40000, 3), np.uint8)).save(source)

    def run(*arguments: object) -> int:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments]).exit_code

    assert run("encode", source, "-o", file) == 5
    assert run("encode", source, "-o", file, "--max-dimension", 0) == 0
    assert run("decode", file, "-o", output) == 5
    assert run("decode", file, "-o", output, "--max-dimension", 40000) == 0
    assert run("info", file, "--max-dimension", 0) == 0
    assert run("verify", file, "--against", source, "--max-dimension", 0) == 0


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("limits", "options"),
    [
        (codec.Limits(max_dimension=127), {}),
        (codec.Limits(max_pixels=64 * 128 - 1), {}),
        (codec.Limits(max_tiles=1), {"tile": 64}),
        (codec.Limits(max_metadata_bytes=9), {}),
    ],
)
def test_limits_act_before_the_work(limits: codec.Limits, options: dict[str, Any]) -> None:
    picture = codec.Picture(PIXELS, icc=bytes(10))

    with pytest.raises(LimitExceeded):
        codec.encode(picture, limits=limits, **options)
    with pytest.raises(LimitExceeded):
        codec.Encoder(limits=limits).encode_picture(picture, codec.EncoderOptions(**options))


def test_limit_on_the_file_acts_on_what_is_written(tiny_model: ModelEntry) -> None:
    with pytest.raises(LimitExceeded):
        codec.encode(PIXELS, limits=codec.Limits(max_file_bytes=20))
