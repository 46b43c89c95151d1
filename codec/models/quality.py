"""Quality 0..100 of the user onto quality levels of the model, and what a level is worth. Frozen:
part of what a quality means.
"""

from __future__ import annotations

__all__ = ["LAMBDA_MAX", "LAMBDA_MIN", "level_of", "lmbda_of", "quality_of"]

LAMBDA_MIN = 0.0004
LAMBDA_MAX = 0.25


def level_of(quality: float, levels: int) -> int:
    """Level 0..levels-1 of a quality in 0..100; halves go up."""
    return int(quality * (levels - 1) / 100 + 0.5)


def quality_of(level: int, levels: int) -> int:
    """The whole quality nearest to a level; `level_of` maps it back onto the same level."""
    return round(100 * level / (levels - 1))


def lmbda_of(level: int, levels: int) -> float:
    """Rate-distortion weight of a level, bits per pixel per 255^2 MSE, log-spaced from coarse to
    fine.
    """
    return float(LAMBDA_MIN * (LAMBDA_MAX / LAMBDA_MIN) ** (level / (levels - 1)))
