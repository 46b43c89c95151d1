"""The default transform: a Haar wavelet packet with a linear map behind it, gated depthwise blocks
at 1/8, one latent at 1/16.

    x (H, W, 3) uint8
      stem: fold 8, 192 -> trunk       1/8    192 coefficients, orthonormal at first, and notes
      blocks8 x gated_block            1/8
      down: fold 2, 4 trunk -> M       1/16   starts as the Karhunen-Loeve transform of 16x16 blocks
      gain of the level                       y in symbols

and the mirror image for synthesis. Where the encoder has to cost next to nothing (`linear`), the
analysis is one linear map, after the idea of WaLLoC (Jacobellis, Yadwadkar, arXiv 2412.09405):

    x (H, W, 3) uint8
      down: fold 16, 768 -> M          1/16   a packet of four stages and the map behind it in one
      gain of the level                       y in symbols

What a block of 8x8 pixels holds, a Haar wavelet packet of three
stages holds too: a stem is that packet, an orthonormal change of basis, followed by a linear map
(`haar_packet`; a test shows it). All blocks start as the identity, so an untrained pair is a linear
transform codec of 16x16 blocks; what is learned is learned on top. The linear path is the shortcut
of AuxT (Li et al., ICLR 2025), here as the trunk itself. Its coefficients fill 192 channels of the
trunk; those beyond are notes, in which a block leaves for later ones what corrects no coefficient.

These functions are the graphs: with float layers behind `ops` they train
(`codec.trainable.transforms`), with a recorder they give the programs that run
(`codec.trainable.integers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from codec.transforms.swin import WINDOW, shifted_windows, windows_reach

__all__ = [
    "STEM",
    "STEM_CHANNELS",
    "STRIDE",
    "Operations",
    "WaveletConfig",
    "analyse",
    "analysis_margin",
    "haar_packet",
    "synthesis_margin",
    "synthesise",
]

STRIDE = 16
STEM = 8
STEM_CHANNELS = 3 * STEM * STEM


@dataclass(frozen=True, slots=True)
class WaveletConfig:
    """Sizes: y channels, the number of blocks of each side, channels of the trunk at 1/8 (192 of
    them for coefficients); whether the analysis is one linear map, and has no trunk; how many pairs
    of shifted windows and gated block each trunk ends with (`codec.transforms.swin`).
    """

    latent: int = 320
    analysis8: int = 15
    synthesis8: int = 17
    levels: int = 64
    trunk: int = 256
    linear: bool = False
    windows: int = 0


class Operations(Protocol):
    """What the graphs need; `name` selects a layer. Arrays are whatever the operations are over."""

    def linear(self, name: str, x: Any, fold: int = 1, unfold: int = 1) -> Any:
        """A linear map of squares of `fold` positions to squares of `unfold`."""
        ...

    def gated_block(self, name: str, x: Any) -> Any:
        """x + gain(level) * reduce(GLU(expand(depthwise3x3(x))))."""
        ...

    def scale(self, name: str, x: Any) -> Any:
        """Every channel times its gain at the level."""
        ...

    def attention(self, name: str, x: Any, shift: int) -> Any:
        """Queries, keys and values -> the mean of the values by attention in windows."""
        ...

    def add(self, x: Any, y: Any) -> Any:
        """x + y."""
        ...


def analyse(ops: Operations, config: WaveletConfig, pixels: Any) -> Any:
    """Pixels -> y, in symbols."""
    if config.linear:
        return ops.scale("gain", ops.linear("down", pixels, fold=STRIDE))
    x = ops.linear("stem", pixels, fold=STEM)
    for n in range(config.analysis8):
        x = ops.gated_block(f"trunk8.{n}", x)
    x = shifted_windows(ops, config.windows, x)
    return ops.scale("gain", ops.linear("down", x, fold=STRIDE // STEM))


def synthesise(ops: Operations, config: WaveletConfig, y_hat: Any) -> Any:
    """y_hat, in symbols -> pixels."""
    x = ops.linear("up", ops.scale("gain", y_hat), unfold=STRIDE // STEM)
    for n in range(config.synthesis8):
        x = ops.gated_block(f"trunk8.{n}", x)
    x = shifted_windows(ops, config.windows, x)
    return ops.linear("stem", x, unfold=STEM)


def analysis_margin(config: WaveletConfig) -> int:
    """Latents around a window that its own depend on: the 3x3 reach of every block at 1/8."""
    return _margin(config, config.analysis8)


def synthesis_margin(config: WaveletConfig) -> int:
    """Latents around a window that its pixels depend on."""
    return _margin(config, config.synthesis8)


def _margin(config: WaveletConfig, blocks: int) -> int:
    """With shifted windows it is whole ones, as the area around which it lies has to be."""
    per = STRIDE // STEM
    margin = -(-(blocks + windows_reach(config.windows)) // per)
    whole = WINDOW // per if config.windows else 1
    return -(-margin // whole) * whole


def haar_packet(stages: int = 3) -> NDArray[np.float64]:
    """The two-dimensional Haar wavelet packet of a square of 2^stages pixels a side, as an
    orthonormal matrix (coefficients, pixels), pixels row by row.

    Every stage splits every band into sums and differences of neighbours, along rows and columns:
    the full packet, not the low band alone. Source: Coifman, Wickerhauser, Entropy-based algorithms
    for best basis selection, IEEE Trans. Information Theory 38(2), 1992.
    """
    one: NDArray[np.float64] = np.ones((1, 1))
    split = np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2.0)
    for _ in range(stages):
        one = np.asarray(np.kron(split, one))
    return np.asarray(np.kron(one, one))
