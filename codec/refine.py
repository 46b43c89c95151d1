"""Refinement: the encoder descends on the latents of the image at hand, effort 8 and up.

The analysis was trained to do well on average. Here y and z of one tile are themselves the
variables, and rate + lmbda * distortion of the real synthesis and entropy model is what falls.
While it falls, rounding is a random choice between the two neighbours that grows harder with every
step; along the trellis the choice is a search already, and passed straight through. The decoder
knows nothing of it.

Source: Yang, Bamler, Mandt, Improving inference for neural image compression, NeurIPS 2020, section
3 (stochastic Gumbel annealing, arXiv 2006.04240).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from codec.models.geometry import ALIGN_PX, LATENT_PX
from codec.models.image import ImageModel, lambdas
from codec.models.restore import restore
from codec.models.weights import ModelWeights
from codec.options import MAX_EFFORT
from entropy.models import gaussian
from entropy.models.quantisers import NOISE, Quantiser, Trellis

__all__ = ["STEPS", "Refiner"]

STEPS = {8: 20, 9: 80, MAX_EFFORT: 320}
"""Steps of descent by effort; below there are none."""
RATE_Y, RATE_Z = 0.1, 0.03
"""Of Adam, in symbols, at the first of many steps, over the square root of their number; the rates
fall along a square root to zero.
"""
RATE_TRELLIS = 0.04
"""The same for y along the trellis."""
SOFT, HARD = 0.5, 0.05
"""Temperature of rounding at the first and at the last step."""
LEAK = 0.05
"""Slope inside the dead zone: small, so that what is zero stays so, but not for ever."""
EDGE = 1e-4
"""A residual is never nearer to a whole number than this: its logit would be infinite."""


class Refiner:
    """Refines latents with one model, on one device.

    Args:
        weights: of the model.
        device: where to compute.
        dtype: bfloat16 makes the steps faster; what is coded is the same syntax either way.
    """

    def __init__(self, weights: ModelWeights, device: torch.device, dtype: torch.dtype) -> None:
        with torch.inference_mode(False):  # whatever mode the caller is in
            self._model = ImageModel(weights.config)
            restore(self._model, weights)
            self._model.to(device).eval().requires_grad_(False)
        self._dead_zone = weights.dead_zone.to(device)
        self._device, self._dtype = device, dtype

    @torch.inference_mode(False)
    @torch.enable_grad()
    def __call__(
        self,
        pixels: Tensor,
        y: Tensor,
        z: Tensor,
        origin: tuple[int, int],
        level: int,
        steps: int,
        progress: Callable[[float], None] = lambda share: None,
    ) -> tuple[Tensor, Tensor]:
        """Better y and z of a tile; the same arguments give the same result.

        Args:
            pixels: (H, W, 3) uint8, what of the tile lies inside the picture.
            y: (h', w', latent) float32 in symbol units, of the tile and what surrounds it.
            z: (h/4, w/4, hyper) float32, of the tile.
            origin: row and column of the tile within `y`.
            level: quality level.
            steps: of descent.
            progress: called with the finished share, 0..1.

        Returns: y (h, w, latent) and z of the tile, float32, to be rounded as any others.
        """
        model, amp = self._model, self._dtype is torch.bfloat16
        levels = torch.tensor([level], device=self._device)
        lmbda = float(lambdas(model.config.levels)[level])
        target = pixels.float() / 255 - 0.5
        size = [n * ALIGN_PX // LATENT_PX for n in z.shape[:2]]
        inside = (slice(None), *map(_span, origin, size))
        rows, columns = map(_span, [LATENT_PX * o for o in origin], pixels.shape[:2])
        around = y[None].clone()
        best = around[inside].clone().requires_grad_()
        hyper = z[None].clone().requires_grad_()
        optimizer = torch.optim.Adam([{"params": [best]}, {"params": [hyper]}], betas=(0.8, 0.99))
        zones = [self._dead_zone, torch.zeros_like(self._dead_zone)]  # of y, of z
        trellis = model.entropy.trellis
        rate_y = RATE_Y if trellis is None else RATE_TRELLIS
        rates = [rate / steps**0.5 for rate in (rate_y, RATE_Z)]
        noise = torch.Generator(self._device).manual_seed(0)
        for step in range(steps):
            left = 1 - step / steps
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * left**0.5
            temperature = HARD * (SOFT / HARD) ** left
            quantisers = [_annealed(temperature, zone, noise) for zone in zones]
            if trellis is not None:
                quantisers[0] = _along(trellis, noise)
            with torch.autocast(self._device.type, torch.bfloat16, enabled=amp):
                y_hat, y_bits, z_bits = model.entropy.code(best, hyper, levels, *quantisers)
                whole = around.clone()
                whole[inside] = y_hat
                x_hat = model.synthesis(whole, levels)[0, rows, columns]
            error = (x_hat.float().clamp(-0.5, 0.5) - target).square().sum()
            # Bits of the tile, plus as many as the distortion is worth.
            cost = y_bits + z_bits + lmbda * 255.0**2 / 3 * error
            optimizer.zero_grad()
            cost.backward()
            optimizer.step()
            progress((step + 1) / steps)
        return best.detach()[0], hyper.detach()[0]


def _span(begin: int, length: int) -> slice:
    return slice(begin, begin + length)


def _along(trellis: Trellis, noise: torch.Generator) -> Quantiser:
    """The trellis, straight-through, charged as in training: its choice is a search already."""

    def quantise(residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        value, _ = trellis(residual, index)
        uniform = torch.rand(residual.shape, generator=noise, device=residual.device)
        return value, gaussian.bits(residual + (uniform - 0.5) * NOISE, index, NOISE)

    return quantise


def _annealed(temperature: float, dead_zone: Tensor, noise: torch.Generator) -> Quantiser:
    """A quantiser that draws the weight of the upper neighbour: Gumbel-softmax of two.

    dead_zone: by table index, the one that the symbols will meet in the end.
    """

    def quantise(residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        zone = dead_zone[index.detach().round().long()]
        magnitude = residual.abs()
        shrunk = torch.where(magnitude > zone, magnitude - zone, LEAK * magnitude)
        place = shrunk * residual.detach().sign()
        lower = place.detach().floor()
        above = (place - lower).clamp(EDGE, 1 - EDGE)
        odds = torch.atanh(above) - torch.atanh(1 - above)
        uniform = torch.rand(residual.shape, generator=noise, device=residual.device)
        # The difference of two Gumbel variables is logistic.
        drawn = torch.logit(uniform, eps=1e-6)
        symbols = lower + torch.sigmoid((odds / temperature + drawn) / temperature)
        return symbols, gaussian.bits(symbols, index)

    return quantise
