"""Shifted windows of attention: what the profile swin adds to the end of each trunk.

    x at 1/8
      attention in windows of 8 x 8 positions, every second time shifted by half a window
      gated block
      ... and so on, `count` pairs

Every position of a window asks all others of it (queries, keys, values; heads of 32 channels); a
learned bias says how much their distance counts. Windows lie on the grid of the picture, so what
they see does not depend on tiles, and those that reach beyond the picture see what there is. There
is no normalisation, as in the blocks around them. All of it begins as the identity: training only
adds to the model that it starts from.

Source: Liu et al., Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, ICCV
2021, section 3.2 (arXiv 2103.14030).
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["HEAD", "SHIFT", "WINDOW", "WindowOperations", "shifted_windows", "windows_reach"]

WINDOW = 8
"""Positions along a side of a window: 64 pixels at 1/8, so a picture's latents hold whole ones."""
SHIFT = WINDOW // 2
"""Of every second block."""
HEAD = 32
"""Channels of a head."""


class WindowOperations(Protocol):
    """What the graph needs; `name` selects a layer. Arrays are whatever the operations are over."""

    def linear(self, name: str, x: Any, fold: int = 1, unfold: int = 1) -> Any:
        """A linear map of every position."""
        ...

    def attention(self, name: str, x: Any, shift: int) -> Any:
        """Queries, keys and values -> the mean of the values by attention in windows."""
        ...

    def scale(self, name: str, x: Any) -> Any:
        """Every channel times its gain at the level."""
        ...

    def add(self, x: Any, y: Any) -> Any:
        """x + y."""
        ...

    def gated_block(self, name: str, x: Any) -> Any:
        """x + gain(level) * reduce(GLU(expand(depthwise3x3(x))))."""
        ...


def shift_of(n: int) -> int:
    """By how much the windows of block n are shifted."""
    return SHIFT * (n % 2)


def shifted_windows(ops: WindowOperations, count: int, x: Any) -> Any:
    """`count` pairs of attention and gated block, over (h, w, trunk)."""
    for n in range(count):
        name = f"windows.{n}"
        seen = ops.attention(f"{name}.bias", ops.linear(f"{name}.enter", x), shift_of(n))
        branch = ops.scale(f"{name}.gain", ops.linear(f"{name}.leave", seen))
        x = ops.gated_block(f"after.{n}", ops.add(x, branch))
    return x


def windows_reach(count: int) -> int:
    """Positions around an area of whole windows that `count` pairs look at: a gated block one more,
    attention up to the end of a window.
    """
    reach = 0
    for n in reversed(range(count)):
        reach += 1
        reach += (shift_of(n) - reach) % WINDOW
    return reach
