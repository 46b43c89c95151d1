"""The wavelet transforms at run time: one level folded into the weights, pixels as uint8 at the
border.

    pixels uint8 (H, W, 3) --Analyser--> y (H/16, W/16, latent)      H, W multiples of 16
    y_hat (h, w, latent)  --Synthesiser--> pixels uint8 (16h, 16w, 3)

The trunk, to which every block adds, stays float32 and so do the linear maps between resolutions;
only the inside of the blocks may run in bfloat16. That keeps decoded pixels within 1 of 255 of each
other whatever the precision.

`MARGIN` latents around a window are enough for the inside of the window to come out as in the whole
image.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from codec.transforms import kernels
from codec.transforms.blocks import interpolate_gain, shuffle, unshuffle
from codec.transforms.kernels import BlockWeights, FusedMap, Team
from codec.transforms.wavelet import STEM, WaveletConfig

__all__ = ["Analyser", "Synthesiser", "analysis_margin", "synthesis_margin"]

Weights = dict[str, Tensor]


def analysis_margin(config: WaveletConfig) -> int:
    """Latents around a window that its own latents depend on: 3x3 reach of every block, at 1/8 and
    1/16.
    """
    return config.analysis16 + -(-config.analysis8 // 2)


def synthesis_margin(config: WaveletConfig) -> int:
    """Latents around a window that its pixels depend on."""
    return config.synthesis16 + -(-config.synthesis8 // 2)


class _Block:
    """GatedBlock with the gain of one level folded into `reduce`, by PyTorch."""

    def __init__(self, weights: BlockWeights, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.weights = BlockWeights(*(w.to(dtype) for w in weights))

    def __call__(self, x: Tensor) -> Tensor:
        """Adds the block's branch to x (1, H, W, C) float32, in place."""
        w = self.weights
        planes = x.to(self.dtype).permute(0, 3, 1, 2)
        groups = len(w.spatial_bias)
        h = F.conv2d(planes, w.spatial, w.spatial_bias, padding=1, groups=groups)
        h = F.glu(F.linear(h.permute(0, 2, 3, 1), w.expand, w.expand_bias), -1)
        return x.add_(F.linear(h, w.reduce, w.reduce_bias))


class _Trunk:
    """All blocks at one resolution, of one level: compiled ones where the machine has them."""

    def __init__(
        self,
        weights: Weights,
        prefix: str,
        count: int,
        level: int,
        levels: int,
        dtype: torch.dtype,
    ) -> None:
        blocks = [_at_level(weights, f"{prefix}.{i}", level, levels) for i in range(count)]
        self._fused: list[kernels.FusedBlock] = []
        self._blocks: list[_Block] = []
        if all(kernels.fits(block, dtype) for block in blocks):
            self._fused = [kernels.FusedBlock(block, dtype) for block in blocks]
        else:
            self._blocks = [_Block(block, dtype) for block in blocks]

    def __call__(self, x: Tensor, team: Team | None) -> Tensor:
        """x (H, W, C) float32, which is used up, through all blocks."""
        if self._fused:
            assert team is not None  # there are threads where there are compiled blocks
            return kernels.run(self._fused, x, team)
        for block in self._blocks:
            x = block(x[None])[0]
        return x


class _Map:
    """shuffle(linear(unshuffle(x, fold)), unfold), compiled where the machine has it.

    Args:
        matrix, offset: (outputs, inputs) and (outputs,) float32.
        dtypes: of the input and of the output; uint8 comes out rounded to the nearest.
    """

    def __init__(
        self,
        matrix: Tensor,
        offset: Tensor,
        fold: int = 1,
        unfold: int = 1,
        dtypes: tuple[torch.dtype, torch.dtype] = (torch.float32, torch.float32),
    ) -> None:
        self._matrix, self._offset = matrix, offset
        self._fold, self._unfold, self._dtype = fold, unfold, dtypes[1]
        self._fused: FusedMap | None = None
        if kernels.map_fits(matrix, unfold, dtypes):
            self._fused = FusedMap(matrix, offset, fold, unfold, self._dtype)

    def __call__(self, x: Tensor, team: Team | None) -> Tensor:
        """x (H, W, C), H and W multiples of fold."""
        if self._fused is not None:
            assert team is not None  # as above
            return self._fused(x, team)
        out = F.linear(unshuffle(x[None], self._fold).float(), self._matrix, self._offset)
        if self._dtype == torch.uint8:
            out = out.round_().clamp_(0, 255).to(torch.uint8)
        return shuffle(out, self._unfold)[0]


def _at_level(weights: Weights, prefix: str, level: int, levels: int) -> BlockWeights:
    gain = interpolate_gain(weights[f"{prefix}.gain.log_gain"], levels)[level]
    return BlockWeights(
        weights[f"{prefix}.spatial"],
        weights[f"{prefix}.spatial_bias"],
        weights[f"{prefix}.expand.weight"],
        weights[f"{prefix}.expand.bias"],
        weights[f"{prefix}.reduce.weight"] * gain[:, None],
        weights[f"{prefix}.reduce.bias"] * gain,
    )


class Analyser:
    """g_a of one quality level; `weights` are those of `Analysis`, float32, on the device to run
    on.
    """

    def __init__(
        self, config: WaveletConfig, weights: Weights, level: int, dtype: torch.dtype
    ) -> None:
        stem = weights["stem.weight"]
        offset = weights["stem.bias"] - 0.5 * stem.sum(1)
        self._stem = _Map(stem / 255.0, offset, fold=STEM, dtypes=(torch.uint8, torch.float32))
        args = (level, config.levels, dtype)
        self._trunk8 = _Trunk(weights, "trunk8", config.analysis8, *args)
        self._down = _Map(weights["down.weight"], weights["down.bias"], fold=2)
        self._trunk16 = _Trunk(weights, "trunk16", config.analysis16, *args)
        self._gain = interpolate_gain(weights["gain.log_gain"], config.levels)[level]

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> Tensor:
        """pixels (H, W, 3) uint8, H and W multiples of 16 -> y (H/16, W/16, latent) float32."""
        team = kernels.team(pixels.device)
        h = self._down(self._trunk8(self._stem(pixels, team), team), team)
        return self._trunk16(h, team).mul_(self._gain)


class Synthesiser:
    """g_s of one quality level; `weights` are those of `Synthesis`, float32, on the device to run
    on.
    """

    def __init__(
        self, config: WaveletConfig, weights: Weights, level: int, dtype: torch.dtype
    ) -> None:
        self._gain = interpolate_gain(weights["gain.log_gain"], config.levels)[level]
        args = (level, config.levels, dtype)
        self._trunk16 = _Trunk(weights, "trunk16", config.synthesis16, *args)
        self._up = _Map(weights["up.weight"], weights["up.bias"], unfold=2)
        self._trunk8 = _Trunk(weights, "trunk8", config.synthesis8, *args)
        self._stem = _Map(
            weights["stem.weight"] * 255.0,
            weights["stem.bias"] * 255.0 + 127.5,
            unfold=STEM,
            dtypes=(torch.float32, torch.uint8),
        )

    @torch.inference_mode()
    def __call__(self, y_hat: Tensor) -> Tensor:
        """y_hat (h, w, latent) float32 -> pixels (16h, 16w, 3) uint8, rounded to the nearest."""
        team = kernels.team(y_hat.device)
        h = self._trunk16(y_hat * self._gain, team)
        return self._stem(self._trunk8(self._up(h, team), team), team)
