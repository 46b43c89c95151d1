"""Refinement: the encoder corrects the latents of the image at hand, effort 8 and up.

The analysis was trained to do well on average, and it cannot know what quantisation leaves. Here
the symbols of one tile are chosen again and again. The gradient at what they stand for says where y
should have been: y_hat - gradient / curvature, a step of Newton's method with the curvature that
the choice of symbols assumes everywhere. y moves a share of the way there, and the next choice
begins at it. The shares are small and fall, for that curvature says nothing of what latents do to
each other. The decoder knows nothing of it all.

The gradient is of the distortion, through the synthesis, and of the bits of other symbols, through
the context. A symbol's own bits are left to its choice, which knows them exactly. z descends by its
gradient, rounded to one of its two neighbours at random, more surely with every step.

Sources: Yang, Bamler, Mandt, Improving inference for neural image compression, NeurIPS 2020,
section 3 (latents as variables, stochastic Gumbel annealing; arXiv 2006.04240); Blumensath, Davies,
Iterative thresholding for sparse approximations, J. Fourier Anal. Appl. 14, 2008 (a gradient step,
then the best point of a discrete set, again and again).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from codec.frame.geometry import ALIGN_PX, LATENT_PX
from codec.models.quality import lmbda_of
from codec.options import MAX_EFFORT
from codec.trainable.distortion import Visual
from codec.trainable.model import ImageModel, lambdas
from codec.trainable.restore import restore
from codec.trainable.weights import TrainedWeights
from codec.transforms.swin import WINDOW
from entropy.models import gaussian
from entropy.models.latent_codec import TRELLIS_WEIGHT
from entropy.models.partition import joined, split
from entropy.models.quantisers import Quantiser, Trellis, noisy_bits

__all__ = ["CURVATURE", "STEPS", "Distortion", "Refiner", "Tile"]

Choose = Callable[[Tensor, Tensor], Tensor]
"""(residual, table index) -> what the symbols chosen for them stand for."""

Distortion = Callable[[Tensor], Tensor]
"""y_hat (1, h, w, latent) of a tile, symbol units -> as many bits as its distortion is worth."""

STEPS = {8: 10, 9: 40, MAX_EFFORT: 160}
"""Steps by effort; below there are none."""
SHARE = 1.0
"""Of the way that y moves at the first of many steps, over the square root of their number; it
falls in a line to zero.
"""
CURVATURE = 2 * TRELLIS_WEIGHT
"""Of the distortion, in bits per squared symbol."""
NOISE = 1.0
"""Width, in symbols, of the noise on y, and of the bin that is charged, where bits are to depend on
mean and scale smoothly.
"""
RATE_Z = 0.02
"""Of Adam, in symbols, at the first step; it falls along a square root to zero."""
SOFT, HARD = 0.5, 0.05
"""Temperature of rounding z at the first and at the last step."""
EDGE = 1e-4
"""z is never nearer to a whole number than this: its logit would be infinite."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A tile and what lies around it.

    pixels: (H, W, 3) uint8, what of the tile lies inside the picture.
    y: (h', w', latent) float32 in symbol units, of the tile and what surrounds it.
    origin: row and column of the tile within `y`.
    level: quality level.
    """

    pixels: Tensor
    y: Tensor
    origin: tuple[int, int]
    level: int

    def latents(self, size: Sequence[int]) -> tuple[slice, slice]:
        """Where in `y` those of the tile are, which has that height and width in latents."""
        rows, columns = map(_span, self.origin, size)
        return rows, columns

    def surrounded(self, y_hat: Tensor) -> Tensor:
        """y_hat (h, w, latent) of the tile -> (h', w', latent), with what is around it in `y`."""
        whole = self.y.clone()
        whole[self.latents(y_hat.shape)] = y_hat
        return whole

    def cut(self, image: Tensor) -> Tensor:
        """(16 h', 16 w', 3) -> (H, W, 3), what lies where `pixels` do."""
        corner = (LATENT_PX * position for position in self.origin)
        rows, columns = map(_span, corner, self.pixels.shape)
        return image[rows, columns]


class Refiner:
    """Refines latents with one model, on one device.

    Args:
        weights: of the model.
        device: where to compute.
        dtype: bfloat16 makes the steps faster; what is coded is the same syntax either way.
    """

    def __init__(self, weights: TrainedWeights, device: torch.device, dtype: torch.dtype) -> None:
        with torch.inference_mode(False):  # whatever mode the caller is in
            self._model = ImageModel(weights.config)
            restore(self._model, weights)
            self._model.to(device).eval().requires_grad_(False)
            trellis = self._model.entropy.trellis
            assert trellis is not None  # registered models have one
            self._choose = _along(trellis)
            self._visual = None
            if weights.distortion is not None:
                self._visual = Visual(weights.distortion, weights.config.levels).to(device)
        self._device, self._dtype = device, dtype

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device

    @property
    def around(self) -> int:
        """Latents around a tile that it wants to know: most of what reaches over its border; whole
        windows of attention.
        """
        return WINDOW // 2 if self._model.config.transform.windows else 1

    @torch.inference_mode(False)
    @torch.enable_grad()
    def __call__(
        self,
        tile: Tile,
        z: Tensor,
        steps: int,
        progress: Callable[[float], object] = lambda share: None,
    ) -> tuple[Tensor, Tensor]:
        """Better y and z of a tile; the same arguments give the same result.

        Args:
            tile: what is to be met.
            z: (h/4, w/4, hyper) float32, of the tile.
            steps: how often the symbols are chosen.
            progress: called with the finished share, 0..1.

        Returns: y (h, w, latent) and z of the tile, float32, to be quantised as any others.
        """
        levels = torch.tensor([tile.level], device=self._device)
        distortion = self.distortion(tile)
        size = [n * ALIGN_PX // LATENT_PX for n in z.shape[:2]]
        best = split(tile.y[tile.latents(size)][None])
        hyper = z[None].clone().requires_grad_()
        optimizer = torch.optim.Adam([hyper], betas=(0.8, 0.99))
        noise = torch.Generator(self._device).manual_seed(0)
        for step in range(steps):
            left = 1 - step / steps
            optimizer.param_groups[0]["lr"] = RATE_Z * left**0.5
            choice = _Choice(self._choose, noise)
            annealed = _annealed(HARD * (SOFT / HARD) ** left, noise)
            with self._autocast():
                code = self._model.entropy.code
                y_hat, y_bits, z_bits = code(best, hyper, levels, choice, annealed)
            cost = y_bits + z_bits + distortion(y_hat)
            optimizer.zero_grad()
            torch.autograd.backward(cost)
            optimizer.step()
            for part, way in zip(best, choice.ways(), strict=True):
                part.add_(way, alpha=SHARE / steps**0.5 * left)
            progress((step + 1) / steps)
        return joined([part.unbind(1) for part in best])[0], hyper.detach()[0]

    @torch.inference_mode(False)
    def distortion(self, tile: Tile) -> Distortion:
        """What the distortion of a tile is worth; differentiable."""
        levels = torch.tensor([tile.level], device=self._device)
        worth = self._worth(tile)

        def bits(y_hat: Tensor) -> Tensor:
            with self._autocast():
                x_hat = self._model.synthesis(tile.surrounded(y_hat[0])[None], levels)[0]
            return worth(tile.cut(x_hat).float().clamp(-0.5, 0.5) + 0.5)

        return bits

    @torch.no_grad()
    def worth(self, decoded: Tensor, tile: Tile) -> float:
        """Bits that the distortion of a decoded tile (H, W, 3), uint8, is worth."""
        if self._visual is None:
            error = decoded.cpu().int() - tile.pixels.cpu().int()
            return float(error.square().sum()) * lmbda_of(tile.level, self._model.config.levels) / 3
        return float(self._worth(tile)(decoded.to(self._device).float() / 255))

    def _worth(self, tile: Tile) -> Callable[[Tensor], Tensor]:
        """The same of samples in 0..1, differentiable."""
        target = tile.pixels.float() / 255
        lmbda = float(lambdas(self._model.config.levels)[tile.level])
        if self._visual is None:
            return lambda x_hat: lmbda * 255.0**2 / 3 * (x_hat - target).square().sum()
        visual, level = self._visual, torch.tensor([tile.level], device=self._device)
        worth = lmbda * target.shape[0] * target.shape[1]
        return lambda x_hat: worth * visual(x_hat[None], target[None], level)[0]

    def _autocast(self) -> torch.autocast:
        amp = self._dtype is torch.bfloat16
        return torch.autocast(self._device.type, torch.bfloat16, enabled=amp)


def _span(begin: int, length: int) -> slice:
    return slice(begin, begin + length)


class _Choice:
    """A quantiser of y that finds out, with a backward pass, where y should have been.

    Args:
        choose: the symbols.
        noise: of the residuals that are charged.
    """

    def __init__(self, choose: Choose, noise: torch.Generator) -> None:
        self._choose, self._noise = choose, noise
        self._changes: list[Tensor] = []
        self._errors: list[Tensor] = []

    def __call__(self, residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        value = self._choose(residual.detach(), index.detach())
        change = torch.zeros_like(value, requires_grad=True)  # y_hat's gradient will be its own
        self._changes.append(change)
        self._errors.append(value - residual.detach())
        bits = noisy_bits(residual, index, NOISE, self._noise)
        # The mean drops out of y_hat: a symbol is chosen for y, whatever the mean.
        return residual + self._errors[-1] + change, bits

    def ways(self) -> list[Tensor]:
        """From y to where it should have been, by step of the context."""
        ways = []
        for error, change in zip(self._errors, self._changes, strict=True):
            assert change.grad is not None  # every symbol is part of the picture
            ways.append(error - change.grad / CURVATURE)
        return ways


def _along(trellis: Trellis) -> Choose:
    return lambda residual, index: trellis(residual, index)[0]


def _annealed(temperature: float, noise: torch.Generator) -> Quantiser:
    """A quantiser that draws the weight of the upper neighbour: Gumbel-softmax of two."""

    def quantise(residual: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        lower = residual.detach().floor()
        above = (residual - lower).clamp(EDGE, 1 - EDGE)
        odds = torch.atanh(above) - torch.atanh(1 - above)
        uniform = torch.rand(residual.shape, generator=noise, device=residual.device)
        # The difference of two Gumbel variables is logistic.
        drawn = torch.logit(uniform, eps=1e-6)
        symbols = lower + torch.sigmoid((odds / temperature + drawn) / temperature)
        return symbols, gaussian.bits(symbols, index)

    return quantise
