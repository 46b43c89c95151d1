"""The decoder's cost: every multiplication of a matrix product or convolution, counted as it runs.

Counted while one tile of 768 x 512 pixels is decoded: hyper-synthesis, context, heads, synthesis.
Elementwise work and table lookups are not multiply-accumulates and are left out, as everywhere in
the literature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from codec.trainable.model import ImageConfig
from codec.models.weights import ModelWeights, load_model
from codec.transforms import kernels
from codec.transforms.inference import Synthesiser
from entropy.integer import compiled_ops
from entropy.models.latent_codec import LatentCodec
from tests.model_fixtures import TINY, random_model, weights_of

WIDTH, HEIGHT = 768, 512
BUDGET = 50_000.0
"""DESIGN section 3: at most 50 kMAC per pixel."""


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, macs: Counter[str], part: str) -> Iterator[None]:
    """Adds the multiply-accumulates of the block to macs[part]; PyTorch has to make them."""
    functional: Any = torch.nn.functional
    linear, conv2d = functional.linear, functional.conv2d

    def counting_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        macs[part] += x.numel() // x.shape[-1] * weight.numel()
        result: Tensor = linear(x, weight, bias)
        return result

    def counting_conv2d(x: Tensor, weight: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        out: Tensor = conv2d(x, weight, *args, **kwargs)
        macs[part] += out.numel() * weight[0].numel()
        return out

    with monkeypatch.context() as patch:
        patch.setattr(functional, "linear", counting_linear)
        patch.setattr(functional, "conv2d", counting_conv2d)
        for name in ("matmul", "mm", "bmm", "addmm", "einsum", "conv1d"):
            patch.setattr(torch, name, None)  # whoever starts to use these has to count them here
        yield


def decoder_macs(weights: ModelWeights, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Multiply-accumulates per part of decoding one tile of WIDTH x HEIGHT pixels."""
    monkeypatch.setattr(kernels, "fits", lambda *args: False)
    monkeypatch.setattr(kernels, "map_fits", lambda *args: False)
    monkeypatch.setattr(compiled_ops, "fits", lambda *args: False)
    config = weights.config
    codec = LatentCodec(config.entropy, weights.network, weights.tables, torch.device("cpu"))
    h, w = HEIGHT // 16, WIDTH // 16
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(h, w, config.entropy.latent, generator=generator)
    z = torch.zeros(h // 4, w // 4, config.entropy.hyper)
    payload, _ = codec.compress(y, z, 30, weights.dead_zone)
    synthesise = Synthesiser(
        config.transform, weights.floats["synthesis"], 30, torch.get_default_dtype()
    )
    macs: Counter[str] = Counter()
    with counted(monkeypatch, macs, "entropy model"):
        y_hat = codec.decompress(payload, h, w, 30)
    with counted(monkeypatch, macs, "synthesis"):
        synthesise(y_hat)
    return macs


def expected_macs(config: ImageConfig) -> dict[str, float]:
    """The same per pixel, from the recipe."""
    t, e = config.transform, config.entropy
    c, m = e.hidden, e.latent
    block = 9 * c + 2 * c * 2 * c  # depthwise, expand, reduce
    at64 = e.hyper * c + block + c * 4 * c
    at32 = block + c * 4 * c
    contexts = 3 * (c * c + block)  # steps 1 to 3
    embeds = 3 * (2 * m // 4) * c  # per position: one group at each step but the last
    heads = 4 * 2 * c * (m // 4)
    at16 = c * c + block + contexts + embeds + heads

    def gated(channels: int, hidden: int) -> int:
        return 9 * channels + 3 * channels * hidden

    up = m * 4 * t.trunk
    return {
        "entropy model": at64 / 64**2 + at32 / 32**2 + at16 / 16**2,
        "synthesis": (t.synthesis16 * gated(m, m) + up) / 16**2
        + (t.synthesis8 * gated(t.trunk, 192) + t.trunk * 192) / 8**2,
    }


def per_pixel(macs: Counter[str]) -> dict[str, float]:
    return {part: count / (WIDTH * HEIGHT) for part, count in macs.items()}


def test_counting_agrees_with_the_recipe(
    tiny_weights: ModelWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = per_pixel(decoder_macs(tiny_weights, monkeypatch))

    assert found == pytest.approx(expected_macs(TINY))


def test_default_recipe_is_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = weights_of(random_model(ImageConfig()))

    found = per_pixel(decoder_macs(weights, monkeypatch))

    print({part: f"{count / 1000:.2f} kMAC/px" for part, count in found.items()})
    assert found == pytest.approx(expected_macs(ImageConfig()))
    assert sum(found.values()) <= BUDGET


@pytest.mark.weights
def test_registered_model_is_within_the_budget() -> None:
    from codec.models import registry

    config = load_model(registry.default("wavelet")).config
    found = expected_macs(config)

    print({part: f"{count / 1000:.2f} kMAC/px" for part, count in found.items()})
    assert sum(found.values()) <= BUDGET
