"""Quality 0..100 of the user onto quality levels of the model. Frozen: part of what a quality
means.
"""

from __future__ import annotations

__all__ = ["level_of", "quality_of"]


def level_of(quality: float, levels: int) -> int:
    """Level 0..levels-1 of a quality in 0..100; halves go up."""
    return int(quality * (levels - 1) / 100 + 0.5)


def quality_of(level: int, levels: int) -> int:
    """The whole quality nearest to a level; `level_of` maps it back onto the same level."""
    return round(100 * level / (levels - 1))
