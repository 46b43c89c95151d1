"""Attention in shifted windows as it trains: float layers behind `codec.transforms.swin`.

Arrays are (B, H, W, C). Logits are natural; in integers they count octaves
(`networks/SPEC.md`, attention).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from codec.trainable.blocks import OUT_SCALE, LevelGain
from codec.transforms.swin import HEAD, WINDOW
from networks import definition

__all__ = ["BranchGain", "EnterLinear", "WindowAttention", "WindowBias", "attend", "distances"]

OUTSIDE = -1e4
"""Logit of a position outside the picture."""


class EnterLinear(nn.Linear):
    """A linear map of inputs of known size, which `scale` divides by."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.register_buffer("scale", torch.ones(inputs))
        self.scale: Tensor
        nn.init.normal_(self.weight, std=inputs**-0.5)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight / self.scale, self.bias)


class BranchGain(LevelGain):
    """A gain of the level times OUT_SCALE."""

    def forward(self, level: Tensor) -> Tensor:
        """level (B,) int64 -> (B, channels)."""
        return super().forward(level) * OUT_SCALE


class WindowBias(nn.Module):
    """Attention in windows: what distance adds to a logit, by head; (heads, 15 * 15)."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(heads, (2 * WINDOW - 1) ** 2))
        self.register_buffer("distances", distances(), persistent=False)
        self.distances: Tensor

    def forward(self, x: Tensor, shift: int) -> Tensor:
        """x (B, H, W, 3 * heads * HEAD): queries, keys, values -> (B, H, W, heads * HEAD)."""
        return attend(x, self.table[:, self.distances], shift)


class WindowAttention(nn.Module):
    """The layers of one block: `enter`, `bias`, `leave` and `gain`; `leave` begins at zero."""

    def __init__(self, channels: int, inner: int, levels: int) -> None:
        super().__init__()
        self.enter = EnterLinear(channels, 3 * inner)
        self.bias = WindowBias(inner // HEAD)
        self.leave = nn.Linear(inner, channels)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.gain = BranchGain(channels, levels)


def distances() -> Tensor:
    """(64, 64) which entry of a table of 15 x 15 a query and a key of a window have."""
    row, column = np.divmod(np.arange(WINDOW**2), WINDOW)
    return torch.from_numpy(definition.distances(row, column, WINDOW))


def attend(x: Tensor, bias: Tensor, shift: int) -> Tensor:
    """Attention in windows.

    Args:
        x: (B, H, W, 3 D): queries, keys and values of D channels, D a multiple of HEAD.
        bias: (heads, 64, 64), by query and key.
        shift: of the grid of windows, to the top and to the left.

    Returns: (B, H, W, D). Logits are products of queries and keys over sqrt(HEAD), and the bias;
        positions outside the array are asked nothing.
    """
    b, h, w, channels = x.shape
    inner = channels // 3
    heads = inner // HEAD
    below, right = -(h + shift) % WINDOW, -(w + shift) % WINDOW
    pads = (shift, right, shift, below)
    padded = F.pad(x, (0, 0, *pads)) if any(pads) else x
    rows, columns = (n // WINDOW for n in padded.shape[1:3])
    parts = padded.reshape(b, rows, WINDOW, columns, WINDOW, 3, heads, HEAD)
    shape = (b * rows * columns, heads, WINDOW**2, HEAD)
    q, k, v = (t.reshape(shape) for t in parts.permute(5, 0, 1, 3, 6, 2, 4, 7))
    mask = bias[None]
    if any(pads):
        outside = F.pad(x.new_zeros(1, h, w), pads, value=OUTSIDE)
        outside = outside.reshape(1, rows, WINDOW, columns, WINDOW).permute(0, 1, 3, 2, 4)
        outside = outside.reshape(rows * columns, 1, 1, WINDOW**2).repeat(b, 1, 1, 1)
        mask = mask + outside
    mask = mask.expand(shape[0], heads, WINDOW**2, WINDOW**2).to(q.dtype)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    out = out.reshape(b, rows, columns, heads, WINDOW, WINDOW, HEAD).permute(0, 1, 4, 2, 5, 3, 6)
    out = out.reshape(b, rows * WINDOW, columns * WINDOW, inner)
    return out[:, shift : shift + h, shift : shift + w]
