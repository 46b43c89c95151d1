"""Size and quality of the shipped model on a real photo, pinned: both ways, bytes and dB."""

from __future__ import annotations

import numpy as np
import pytest

from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.image.metrics import psnr
from codec.models import registry
from codec.models.quality import lmbda_of

QUALITIES = (10, 50, 90)
PINS: dict[str, dict[int, tuple[int, float]]] = {
    "vq-17": {10: (515, 22.07), 50: (1008, 24.2), 90: (1586, 25.42)},
    "visual-16": {10: (2596, 29.52), 50: (8608, 34.84), 90: (29030, 40.02)},
    "wavelet-light-15": {10: (2454, 28.63), 50: (9180, 34.6), 90: (31580, 39.1)},
    "wavelet-11": {10: (2436, 30.38), 50: (8522, 36.02), 90: (31389, 41.2)},
}
"""model -> quality -> (bytes, dB) of examples/kodim23.png. A failing test prints the row to add."""

pytestmark = pytest.mark.weights


def measured(photo: np.ndarray, model: str) -> dict[int, tuple[int, float]]:
    encoder, decoder = Encoder(model=model), Decoder()
    result = {}
    for quality in QUALITIES:
        file = encoder.encode(photo, quality=quality)
        result[quality] = (len(file), round(psnr(photo, decoder.decode(file)), 2))
    return result


@pytest.mark.parametrize(
    "name", [e.name for e in registry.entries() if e.default and e.tune != registry.NONE]
)
def test_size_and_quality_are_as_pinned(photo: np.ndarray, name: str) -> None:
    found = measured(photo, name)

    assert name in PINS, f'add to PINS: "{name}": {found}'
    assert found == PINS[name]


def test_one_model_spans_the_rates_of_use(photo: np.ndarray) -> None:
    encoder, pixels = Encoder(), photo.shape[0] * photo.shape[1]

    rates = [8 * len(encoder.encode(photo, quality=q)) / pixels for q in (0, 100)]

    assert rates[0] <= 0.08
    assert rates[1] >= 0.85  # kodim23 is smooth: about half of the mean of Kodak


def test_refinement_and_its_feedback_pay(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bits plus lambda times the squared error of a crop, at effort 8 against one pass."""
    picture, level = np.ascontiguousarray(photo[128:320, 256:512]), 40
    encoder, decoder = Encoder(threads=1), Decoder()

    def cost(effort: int) -> float:
        file = encoder.encode(picture, level=level, effort=effort)
        squares = float(((decoder.decode(file).astype(float) - picture) ** 2).sum())
        return 8 * len(file) + lmbda_of(level, 64) * squares / 3

    answered, direct = cost(8), cost(7)
    monkeypatch.setattr("codec.frame.feedback.SHARE", 0.0)

    assert answered < 0.97 * direct
    assert answered < 0.999 * cost(8)
