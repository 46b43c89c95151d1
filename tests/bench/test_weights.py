"""Weights files against each other: the same weights are worth nothing, worse ones cost rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from bench.__main__ import main
from bench.weights import measure
from codec.trainable.weights import TrainedWeights
from tests.model_fixtures import file_of, save_pictures

LEVELS = (4, 24, 44)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    save_pictures(folder, (70, 100), (70, 100))
    return folder


@pytest.fixture
def file(tmp_path: Path, tiny_weights: TrainedWeights) -> Path:
    path = tmp_path / "good.weights"
    path.write_bytes(file_of(tiny_weights))
    return path


def test_worse_weights_cost_rate(
    tmp_path: Path, images: Path, file: Path, tiny_weights: TrainedWeights
) -> None:
    synthesis = tiny_weights.floats["synthesis"]
    noise = 0.003 * torch.randn(synthesis["stem.weight"].shape, generator=torch.manual_seed(0))
    bent = synthesis | {"stem.weight": synthesis["stem.weight"] + noise}
    worse = tmp_path / "worse.weights"
    worse.write_bytes(
        file_of(replace(tiny_weights, floats=tiny_weights.floats | {"synthesis": bent}))
    )

    first, same, other = measure([file, file, worse], images, levels=LEVELS)

    assert first.rate == 0
    assert same.rate == pytest.approx(0, abs=0.05)
    assert first.curve == same.curve
    assert other.curve.bpp == first.curve.bpp
    assert other.curve.psnr < first.curve.psnr
    assert other.rate > 1


def test_command_tells_the_first_and_the_others(images: Path, file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"no checkpoint")

    done = CliRunner().invoke(main, ["weights", str(file), "--images", str(images), "--every", "2"])
    failed = CliRunner().invoke(main, ["weights", str(broken), "--images", str(images)])

    assert done.exit_code == 0, done.output
    assert "| good.weights | +0.00 % |" in done.output
    assert failed.exit_code == 1
    assert "checkpoint" in failed.output
