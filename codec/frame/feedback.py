"""Feedback: latents coded later answer what quantisation left of those before, effort 8 and up.

What one symbol leaves, others can in part make good, since their pictures overlap. Which symbol is
chosen can no more be foreseen than noise, so this is for the one coding that counts: after a step
of the context its symbols are settled, and the targets of the steps that follow move against what
they changed in the gradient of the distortion. Refinement (`codec.frame.refine`) does not find
that: each of its steps chooses anew, and what was answered is gone. The decoder knows nothing of
it.

Before a latent is chosen, it counts as what it is likely to become: as itself, or, where nothing
would be coded for it, as its mean. So an answer is to the surprise alone.

Sources: Babai, On Lovasz' lattice reduction and the nearest lattice point problem, Combinatorica 6,
1986 (coordinate by coordinate, those to come corrected for those that are settled); Frantar et al.,
OPTQ, ICLR 2023 (the same for a quadratic error and the weights of networks; arXiv 2210.17323).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from codec.frame.model import Segments
from codec.frame.refine import CURVATURE, Distortion
from entropy.models.partition import joined, split
from entropy.models.quadtree import GROUPS, ORDER, STEPS

__all__ = ["GRADIENTS", "Feedback", "expected"]

SHARE = 0.6
"""Of the way that would make good what is left if one latent alone answered it; many do."""

GRADIENTS = STEPS
"""Of the distortion that an answer takes: one at first, one after every step but the last."""


class Feedback:
    """The answer of one tile: what a step decodes to -> the targets to go on with.

    Args:
        distortion: of the tile.
        y: (h, w, latent) float32 in symbol units, what its symbols are chosen for at first.
        likely: like y, what every latent is likely to decode to (`expected`).
    """

    @torch.inference_mode(False)
    def __init__(self, distortion: Distortion, y: Tensor, likely: Tensor) -> None:
        self._distortion = distortion
        self._y = split(y[None])
        self._known = split(likely[None])
        self._before = self._ways()

    @torch.inference_mode(False)
    def __call__(self, step: int, y_hat: Tensor) -> Sequence[Tensor]:
        """Args:
            step: of the context, 0..2, in turn.
            y_hat: (4 cells, h/2, w/2, latent/4), what it decodes to.

        Returns: targets of all steps, as `split` has them.
        """
        self._known[step] = y_hat[None].clone()
        ways = zip(self._y, self._ways(), self._before, strict=True)
        return [y + SHARE * (way - before) for y, way, before in ways]

    @torch.enable_grad()
    def _ways(self) -> list[Tensor]:
        """From every latent, to where it would have been better for the distortion."""
        known = [part.detach().requires_grad_() for part in self._known]
        bits = self._distortion(joined([part.unbind(1) for part in known]))
        return [grad / -CURVATURE for grad in torch.autograd.grad(bits, known)]


def expected(y: Tensor, segments: Segments, y_hat: Tensor) -> Tensor:
    """What latents are likely to decode to before they are chosen, of one choice, like y.

    Args:
        y: (h, w, latent), targets.
        segments: what would be coded for them.
        y_hat: (h, w, latent), what that would decode to.
    """
    height, width, latent = y.shape
    shape = 1, len(ORDER[0]), height // 2, width // 2, latent // GROUPS
    parts = [torch.from_numpy(symbols != 0).view(shape) for symbols, _ in segments[1:]]
    coded = joined([part.unbind(1) for part in parts])
    return torch.where(coded[0].to(y.device), y, y_hat)
