"""What eyes see of structure: similarity at several scales, and colour without detail, in PyTorch.

Sources: Wang et al., Multiscale structural similarity (Asilomar 2003): the scales and their
exponents; Wang and Shang, Spatial pooling strategies for perceptual image quality assessment (ICIP
2006), section 3: weights by local information.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from codec.image.metrics import SCALE_WEIGHTS, WINDOW_SIGMA, WINDOW_TAPS

__all__ = ["SMALLEST_SIDE", "low_pass_error", "luma", "luma_first", "similarity"]

C1, C2 = 0.01**2, 0.03**2
"""Of samples in 0..1."""
NOISE = 0.001
"""Variance below which a place tells nothing: of noise of 8 in 255."""
SMALLEST_SIDE = 2 ** (len(SCALE_WEIGHTS) - 1) * WINDOW_TAPS
"""Of a picture that has all scales."""
LUMA = (0.2126, 0.7152, 0.0722)
"""BT.709."""
COLOUR_SHARE = 1 / 3
"""Of the squared error of a colour difference, against that of luma: twice what video is judged by,
(6 Y + Cb + Cr) / 8, with which colours of flat areas shift.
"""


def luma(x: Tensor) -> Tensor:
    """(B, H, W, 3) RGB -> (B, 1, H, W)."""
    return (x @ x.new_tensor(LUMA))[:, None]


def luma_first(difference: Tensor) -> Tensor:
    """Squared error of luma and COLOUR_SHARE of those of Cb and Cr: (B, H, W, 3) RGB -> (B, H, W).

    A grey difference counts as its mean square does.
    """
    y = difference @ difference.new_tensor(LUMA)
    red, blue = 2 * (1 - LUMA[0]), 2 * (1 - LUMA[2])
    cr, cb = (difference[..., 0] - y) / red, (difference[..., 2] - y) / blue
    return y.square() + COLOUR_SHARE * (cr.square() + cb.square())


def _blur(x: Tensor) -> Tensor:
    """Means under the Gaussian window, where it fits: (B, 1, H, W) -> (B, 1, H - 10, W - 10)."""
    along = torch.arange(WINDOW_TAPS, device=x.device, dtype=x.dtype) - WINDOW_TAPS // 2
    kernel = torch.exp(-along.square() / (2 * WINDOW_SIGMA**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    count = x.shape[1]
    kernel = kernel.expand(count, 1, 1, WINDOW_TAPS)
    return F.conv2d(F.conv2d(x, kernel, groups=count), kernel.transpose(2, 3), groups=count)


def similarity(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """MS-SSIM, and the same with every place weighted by what it tells; means over the planes.

    Args:
        a, b: (B, C, H, W) in about 0..1, sides of at least SMALLEST_SIDE.

    Returns: two times (B,), 1 for equal planes. The weight of a place is log((1 + var a / NOISE)
        (1 + var b / NOISE)), as a constant.
    """
    batch, planes, height, width = a.shape
    a, b = (x.reshape(batch * planes, 1, height, width) for x in (a, b))
    plain = weighted = torch.ones(len(a), device=a.device)
    last = len(SCALE_WEIGHTS) - 1
    for scale, exponent in enumerate(SCALE_WEIGHTS):
        means = _blur(torch.cat([a, b, a * a, b * b, a * b], 1))
        mean_a, mean_b, aa, bb, ab = means.unbind(1)
        var_a, var_b = aa - mean_a.square(), bb - mean_b.square()
        found = (2 * (ab - mean_a * mean_b) + C2) / (var_a + var_b + C2)
        if scale == last:
            found = found * (2 * mean_a * mean_b + C1) / (mean_a.square() + mean_b.square() + C1)
        with torch.no_grad():
            told = (var_a.clamp(min=0) / NOISE).log1p() + (var_b.clamp(min=0) / NOISE).log1p()
            told = told + 0.1
            told = told / told.sum((1, 2), keepdim=True)
        plain = plain * found.mean((1, 2)).clamp(min=1e-3) ** exponent
        weighted = weighted * (found * told).sum((1, 2)).clamp(min=1e-3) ** exponent
        if scale < last:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return plain.view(batch, planes).mean(1), weighted.view(batch, planes).mean(1)


def low_pass_error(difference: Tensor) -> Tensor:
    """Mean absolute error of means over 4 x 4 and 16 x 16 pixels.

    difference: (B, H, W, 3), sides multiples of 16. Returns (B,).
    """
    planes = F.avg_pool2d(difference.permute(0, 3, 1, 2), 4)
    return planes.abs().mean((1, 2, 3)) + F.avg_pool2d(planes, 4).abs().mean((1, 2, 3))
