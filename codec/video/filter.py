"""The learned filter of decoded frames: what a quantiser did to a frame, estimated and taken back.

    luma   (H, W, 2)      reconstruction - 512, reconstruction - prediction
    chroma (H/2, W/2, 4)  the same of U and V: two reconstructions, two differences
      enter: fold 4 and fold 2, 32 and 16 -> trunk    1/4    coefficients of 4x4 blocks, and notes
      gain of the level                                      counted in steps of the quantiser
      blocks x gated_block                            1/4
      gain of the level                                      back to samples
      leave: unfold 4 and unfold 2             corrections (H, W, 1) and (H/2, W/2, 2)

Samples have 10 bits. A correction is added to the reconstruction, and the sum clamped to 0..1023,
by whoever runs the network; H and W are multiples of 8. The difference to the prediction says where
the quantiser has left residuals and where a block was copied, so the network can tell an edge of a
block from an edge of the picture.

`correct` is the graph: with float layers behind `ops` it trains (`codec.train.video`), with a
recorder it gives the program that runs (`codec.train.video.export`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

__all__ = [
    "ALIGNMENT",
    "CHROMA_INPUT",
    "CORRECTION_LIMIT",
    "DIFFERENCE_LIMIT",
    "LEVELS",
    "LUMA_INPUT",
    "MIDDLE",
    "PROGRAM",
    "FilterConfig",
    "Operations",
    "correct",
    "macs_per_pixel",
    "step_of_level",
]

PROGRAM = "filter"
"""Name of the program in a weights file."""
LEVELS = 64
"""Levels of quality; 63 is the finest."""
ALIGNMENT = 8
"""Heights and widths of what is filtered are multiples of this."""
MIDDLE = 512
"""Taken from reconstructions of 10 bits."""
DIFFERENCE_LIMIT = 1023
"""Magnitude of a difference to the prediction."""
CORRECTION_LIMIT = 255
"""Largest magnitude of a correction, in quarters of a step of 8-bit samples."""
LUMA_INPUT = 2
CHROMA_INPUT = 4
"""Channels of the inputs."""
FOLD = 4
"""Luma samples a side of a position of the trunk."""


@dataclass(frozen=True, slots=True)
class FilterConfig:
    """Sizes: channels of the trunk, hidden channels of a block, blocks."""

    trunk: int = 64
    hidden: int = 96
    blocks: int = 10


class Operations(Protocol):
    """What the graph needs; `name` selects a layer. Arrays are whatever the operations are over."""

    def linear(self, name: str, x: Any, fold: int = 1, unfold: int = 1) -> Any:
        """A linear map of squares of `fold` positions to squares of `unfold`."""
        ...

    def add(self, x: Any, y: Any) -> Any:
        """x + y."""
        ...

    def gated_block(self, name: str, x: Any) -> Any:
        """x + gain(level) * reduce(GLU(expand(depthwise3x3(x))))."""
        ...

    def scale(self, name: str, x: Any) -> Any:
        """Every channel times its gain at the level."""
        ...


def correct(ops: Operations, config: FilterConfig, luma: Any, chroma: Any) -> tuple[Any, Any]:
    """Corrections (H, W, 1) and (H/2, W/2, 2) of luma (H, W, 2) and chroma (H/2, W/2, 4)."""
    x = ops.add(
        ops.linear("enter_luma", luma, fold=FOLD),
        ops.linear("enter_chroma", chroma, fold=FOLD // 2),
    )
    x = ops.scale("enter", x)
    for n in range(config.blocks):
        x = ops.gated_block(f"trunk4.{n}", x)
    x = ops.scale("leave", x)
    return (
        ops.linear("leave_luma", x, unfold=FOLD),
        ops.linear("leave_chroma", x, unfold=FOLD // 2),
    )


def macs_per_pixel(config: FilterConfig) -> float:
    """Multiplications for each luma sample."""
    ends = FOLD**2 * (LUMA_INPUT + 1) + (FOLD // 2) ** 2 * (CHROMA_INPUT + 2)
    block = 9 + 3 * config.hidden
    return config.trunk * (ends + 2 + config.blocks * block) / FOLD**2


def step_of_level(level: int) -> float:
    """Step of the quantiser, in steps of 8-bit samples, of a frame of that level."""
    return float(2.0 ** ((59 - level) / 6))
