"""Refinement: never worse by what it minimises, the same syntax, the same bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import bitstream
import codec
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.frame.encodings import Encodings
from codec.frame.refine import CURVATURE, _Choice
from codec.image.metrics import psnr
from codec.image.picture import Picture
from codec.image.ssimulacra2 import ssimulacra2
from codec.models.quality import lmbda_of
from codec.models.registry import ModelEntry
from codec.options import EncoderOptions
from tests.model_fixtures import synthetic_picture

STEPS = "codec.frame.refined.STEPS"
LEVEL = 40

pytestmark = pytest.mark.usefixtures("tiny_model")


@pytest.fixture
def encoder(tiny_model: ModelEntry) -> Encoder:
    """Of one thread: PyTorch's wait for each other where the processor is busy."""
    return Encoder(threads=1)


def cost(data: bytes, picture: Any, level: int) -> float:
    """Bits plus lmbda times the squared error, of the whole file."""
    decoded = Decoder().decode(data).astype(float)
    squares = float(((decoded - picture) ** 2).sum())
    return 8 * len(data) + lmbda_of(level, 64) * squares / 3


@pytest.mark.parametrize("effort", range(1, 8))
def test_up_to_7_all_efforts_are_alike(encoder: Encoder, effort: int) -> None:
    picture = synthetic_picture(40, 70)

    assert encoder.encode(picture, effort=effort) == encoder.encode(picture)


@pytest.mark.parametrize(("level", "share"), [(5, 0.995), (LEVEL, 0.997), (63, 0.995)])
def test_refined_file_costs_less(encoder: Encoder, level: int, share: float) -> None:
    picture = synthetic_picture(96, 128, seed=5)

    direct, refined = (encoder.encode(picture, level=level, effort=e) for e in (7, 8))

    assert cost(refined, picture, level) < share * cost(direct, picture, level)


def test_way_leads_to_the_optimum_where_the_curvature_is_right() -> None:
    """And a symbol's own bits, which its choice has weighed, do not turn it."""
    generator = torch.Generator().manual_seed(1)
    y, best = torch.randn(2, 1, 4, 3, 3, 2, generator=generator)
    mean = torch.full_like(y, 0.3)
    choice = _Choice(lambda residual, index: residual.round(), generator)

    value, bits = choice(y - mean, torch.full_like(y, 20.0))
    y_hat = mean + value
    (CURVATURE / 2 * (y_hat - best).square().sum() + bits.sum()).backward()

    torch.testing.assert_close(y_hat, mean + (y - mean).round())
    torch.testing.assert_close(choice.ways()[0], best - y)


@pytest.mark.parametrize(("size", "channels"), [((1, 1), 3), ((70, 33), 1), ((66, 130), 4)])
def test_any_size_and_tile_decodes(
    encoder: Encoder, size: tuple[int, int], channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STEPS, {8: 2})
    picture = synthetic_picture(*size, channels)

    data = encoder.encode(picture, level=LEVEL, tile=64, effort=8)

    assert Decoder().decode(data).shape == picture.shape


def test_no_tile_gets_worse(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where refinement fails the direct pass stands."""
    monkeypatch.setattr("codec.frame.refine.SHARE", -50.0)
    monkeypatch.setattr("codec.frame.feedback.SHARE", -50.0)
    monkeypatch.setattr(STEPS, {8: 2})
    picture = synthetic_picture(64, 100)

    direct, refined = (encoder.encode(picture, level=LEVEL, tile=64, effort=e) for e in (7, 8))

    assert refined == direct


@pytest.mark.parametrize(
    "target",
    [{"target_size": 160}, {"target_psnr": 31.0}, {"target_ssimulacra2": 65.0}],
    ids=str,
)
def test_targets_are_kept_with_few_refined_files(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, target: dict[str, Any]
) -> None:
    refined: list[int] = []
    encode = Encodings._encode

    def counted(encodings: Encodings, level: int, measure: str | None) -> None:
        if encodings._refiner is not None:
            refined.append(level)
        encode(encodings, level, measure)

    monkeypatch.setattr(Encodings, "_encode", counted)
    monkeypatch.setattr(STEPS, {8: 2})
    picture = synthetic_picture(64, 64)

    data = encoder.encode(picture, effort=8, **target)

    level = bitstream.read_header(data).level
    assert 1 < len(refined) <= 4
    if "target_size" in target:
        assert len(data) <= 160 < len(encoder.encode(picture, level=level + 1, effort=8))
        return
    ((name, least),) = target.items()
    below = encoder.encode(picture, level=level - 1, effort=8)
    measure = psnr if name == "target_psnr" else ssimulacra2
    found = [measure(picture, Decoder().decode(file)) for file in (below, data)]
    assert found[0] < least <= found[1]


def test_threads_do_not_change_the_bytes(
    tiny_model: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STEPS, {8: 3})
    picture = synthetic_picture(64, 100)

    one, two = (Encoder(threads=n).encode(picture, level=LEVEL, tile=64, effort=8) for n in (1, 2))

    assert one == two


def test_calls_and_objects_agree_in_any_mode_of_the_caller(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STEPS, {8: 3})
    picture = synthetic_picture(64, 64)

    data = codec.encode(picture, level=LEVEL, effort=8, threads=1)

    assert data == encoder.encode(picture, level=LEVEL, effort=8)
    with torch.inference_mode():
        assert data == Encoder(threads=1).encode(picture, level=LEVEL, effort=8)


def test_progress_moves_within_a_tile(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STEPS, {8: 4})
    told: list[float] = []
    picture = Picture(samples=np.ascontiguousarray(synthetic_picture(64, 128)))

    encoder.encode_picture(picture, EncoderOptions(level=3, tile=64, effort=8), told.append)

    assert told == sorted(told)
    assert len(set(told)) >= 8
    assert told[-1] == 1.0


def test_refining_is_repeatable_and_costs_no_more_at_a_narrow_edge(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STEPS, {8: 4})
    picture = synthetic_picture(35, 70, seed=4)

    direct, refined = (encoder.encode(picture, level=LEVEL, effort=e) for e in (7, 8))

    assert cost(refined, picture, LEVEL) <= cost(direct, picture, LEVEL)
    assert encoder.encode(picture, level=LEVEL, effort=8) == refined


def test_threads_of_torch_are_put_back(
    tiny_model: ModelEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STEPS, {8: 1})
    before = torch.get_num_threads()

    Encoder(threads=before + 1).encode(synthetic_picture(8, 8), level=1, effort=8)

    assert torch.get_num_threads() == before
