"""Quality 0..100 of the user onto quality levels of the model, and what a level is worth. Frozen:
part of what a quality means.
"""

from __future__ import annotations

__all__ = ["LAMBDA_MAX", "LAMBDA_MIN", "PHOTOGRAPHS_DB", "level_of", "lmbda_of", "quality_of"]

LAMBDA_MIN = 0.0004
LAMBDA_MAX = 0.25
PHOTOGRAPHS_DB = (25.9, 27.4, 29.0, 30.8, 33.0, 35.2, 37.4, 39.7, 41.7)
"""Mean PSNR of Kodak's photographs at nine equal steps from the first level to the last, of models
tuned for PSNR.
"""


def level_of(quality: float, levels: int) -> int:
    """Level 0..levels-1 of a quality in 0..100; halves go up."""
    return int(quality * (levels - 1) / 100 + 0.5)


def quality_of(level: int, levels: int) -> int:
    """The whole quality nearest to a level; `level_of` maps it back onto the same level."""
    return round(100 * level / (levels - 1))


def lmbda_of(
    level: int, levels: int, ends: tuple[float, float] = (LAMBDA_MIN, LAMBDA_MAX)
) -> float:
    """Rate-distortion weight of a level, bits per pixel per 255^2 MSE, log-spaced from coarse to
    fine; ends: of the first and the last level.
    """
    low, high = ends
    return float(low * (high / low) ** (level / (levels - 1)))
