"""The trainable image model: transform and entropy model joined, from pixels to bits and pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from codec.models.quality import LAMBDA_MAX, LAMBDA_MIN
from codec.trainable.transforms import Analysis, Synthesis
from codec.transforms.wavelet import WaveletConfig
from entropy.coder.states import FEW_STATES
from entropy.models.hyperprior import HyperpriorModel
from entropy.models.quadtree import EntropyConfig


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """Recipe of an image model."""

    transform: WaveletConfig = field(default_factory=WaveletConfig)
    entropy: EntropyConfig = field(default_factory=EntropyConfig)

    @property
    def levels(self) -> int:
        return self.entropy.levels

    def with_trellis(self, step: int) -> ImageConfig:
        """This recipe with that `trellis_step` of its entropy model; none has the small trellis."""
        states = self.entropy.trellis_states if step else FEW_STATES
        entropy = replace(self.entropy, trellis_step=step, trellis_states=states)
        return replace(self, entropy=entropy)


def lambdas(levels: int) -> Tensor:
    """(levels,) rate-distortion weights, bits per pixel per 255^2 MSE, log-spaced from coarse to
    fine.
    """
    ratio = LAMBDA_MAX / LAMBDA_MIN
    return LAMBDA_MIN * ratio ** (torch.arange(levels) / (levels - 1))


class ImageModel(nn.Module):
    """x -> (x_hat, bits): the whole codec as one differentiable function."""

    def __init__(self, config: ImageConfig) -> None:
        super().__init__()
        self.config = config
        self.analysis = Analysis(config.transform)
        self.synthesis = Synthesis(config.transform)
        self.entropy = HyperpriorModel(config.entropy)

    def forward(self, x: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (B, H, W, 3) in 0..1, H and W multiples of 64; level (B,) int64.

        Returns: x_hat like x (not clamped), bits of y (B,), bits of z (B,).
        """
        y = self.analysis(x - 0.5, level)
        amp = torch.is_autocast_enabled(x.device.type) and not self.entropy.ops.exact
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=amp):
            y_hat, y_bits, z_bits = self.entropy(y, level)
        x_hat = self.synthesis(y_hat, level)
        return x_hat.float() + 0.5, y_bits, z_bits

    def prepare(self, exact: bool, few_states: bool) -> None:
        """How the next steps train: the entropy networks with the integers that decode or in
        floats, along few states of the trellis or all.
        """
        self.entropy.ops.exact = exact
        if self.entropy.trellis is not None:
            states = FEW_STATES if few_states else self.config.entropy.trellis_states
            self.entropy.trellis.states = states

    def entropy_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters that have a learning rate of their own."""
        return self.entropy.parameters()

    @property
    def recorded(self) -> tuple[object, ...]:
        """What a recording of a step on a GPU holds for, beside its shapes."""
        trellis = self.entropy.trellis
        return self.entropy.ops.exact, trellis and trellis.states
