"""The profile vq: latents at 1/16 as code vectors at two scales, and what codes their numbers.

    y (h, w, M) ── gain, linear ─► e (h, w, D) ── fold 2, linear ─► a (h/2, w/2, D)
    a ─ nearest of the coarse vectors ─► linear, unfold 2 ─► what they say of e
    e - that ─ nearest of the fine vectors                                  (a residual quantiser)
    the sum of both ── linear ─► y_hat (h, w, M)

The transforms are those of `codec.transforms.wavelet`. Sources: residual quantisation, Juang, Gray,
Multiple stage vector quantization for speech coding, ICASSP 1982; codebooks at two scales, Razavi,
van den Oord, Vinyals, Generating diverse high-fidelity images with VQ-VAE-2, NeurIPS 2019.

These functions are the graphs, as in `codec.transforms.wavelet`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from codec.transforms.wavelet import WaveletConfig

__all__ = ["SIBLINGS", "VectorConfig", "conceal", "expand", "index", "leave", "project"]

SIBLINGS = 4
"""Fine vectors below a coarse one."""


@dataclass(frozen=True, slots=True)
class VectorConfig:
    """Sizes.

    transform: of the analysis and of the synthesis. landed: the model whose analysis it is. at:
        the level at which that runs.
    channels: of a code vector, D. coarse, fine: how many vectors there are.
    lambdas: by level, from coarse to fine, squared distance that a bit is worth where the encoder
        chooses vectors (entropy-constrained: Chou, Lookabaugh, Gray, IEEE Trans. ASSP 37(1), 1989).
    hidden: channels of the network that guesses fine vectors. concealing, blocks: channels and
        depth of the one that guesses what is lost.
    """

    transform: WaveletConfig = field(default_factory=WaveletConfig)
    landed: str = "wavelet-11"
    at: int = 16
    channels: int = 32
    coarse: int = 1024
    fine: int = 2048
    lambdas: tuple[float, ...] = (12.0, 7.7, 5.0, 3.2, 2.1, 1.35, 0.87, 0.56, 0.36)
    hidden: int = 96
    concealing: int = 96
    blocks: int = 4

    @property
    def levels(self) -> int:
        """Of quality."""
        return len(self.lambdas)


class Operations(Protocol):
    """What the graphs need; `name` selects a layer."""

    def linear(self, name: str, x: Any, fold: int = 1, unfold: int = 1) -> Any:
        """A linear map of squares of `fold` positions to squares of `unfold`."""
        ...

    def gated_block(self, name: str, x: Any) -> Any:
        """x + gain * reduce(GLU(expand(depthwise3x3(x))))."""
        ...

    def scale(self, name: str, x: Any) -> Any:
        """Every channel times its gain."""
        ...

    def glu(self, x: Any) -> Any:
        """The first half of the channels times the sigmoid of the second."""
        ...

    def concat(self, parts: list[Any]) -> Any:
        """Channels one after another."""
        ...


def project(ops: Operations, y: Any) -> tuple[Any, Any]:
    """y (h, w, M) -> e (h, w, D), a (h/2, w/2, D)."""
    e = ops.linear("project", ops.scale("enter", y))
    return e, ops.linear("gather", e, fold=2)


def expand(ops: Operations, a: Any) -> Any:
    """Coarse vectors (h/2, w/2, D) -> what they say of e (h, w, D)."""
    return ops.linear("expand", a, unfold=2)


def leave(ops: Operations, e: Any) -> Any:
    """Sums of code vectors (h, w, D) -> y_hat (h, w, M)."""
    return ops.linear("leave", e)


def index(ops: Operations, coarse: Any, known: Any) -> Any:
    """Coarse vectors (h, w, D) and the fine ones below them that are known, zero where they are not
    (h, w, 4 D) -> logits of the fine vectors of the next sibling (h, w, K).
    """
    x = ops.glu(ops.linear("enter", ops.concat([coarse, known])))
    x = ops.glu(ops.linear("middle", x))
    return ops.linear("logits", x)


def conceal(ops: Operations, config: VectorConfig, e: Any, mask: Any) -> Any:
    """Sums of code vectors (h, w, D), zero where they are lost, and whether they arrived (h, w, 1)
    -> guesses of all of them (h, w, D).
    """
    x = ops.linear("enter", ops.concat([e, mask]), fold=2)
    for n in range(config.blocks):
        x = ops.gated_block(f"blocks.{n}", x)
    return ops.linear("leave", x, unfold=2)
