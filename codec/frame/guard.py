"""The last resort of an encoder outside the compiled core: a tile that would come back worse than
its mean colour alone is coded as that. The same integers as cpp/frame/guard.cpp, which says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codec.frame.geometry import LATENT_PX

if TYPE_CHECKING:
    from codec.frame.model import FrameModel
    from codec.frame.on_torch import TorchFrameModel

__all__ = ["as_one_colour", "mean_colour_of_doubtful", "squared_error"]

Pixels = NDArray[np.uint8]
FINE_PERCENT, FLAT_VARIANCE = 42, 259
"""Share of the variance within blocks of 8 x 8 from which on a tile is looked at, and squared
distance from the mean colour up to which it is.
"""


def as_one_colour(
    model: FrameModel | TorchFrameModel, colour: Pixels, height: int, width: int, level: int,
    threads: int = 0,
) -> tuple[bytes, NDArray[np.int32]]:  # fmt: skip
    """Payload and y_hat of a tile of height x width latents that is one colour (3,)."""
    plane = np.broadcast_to(colour, (height * LATENT_PX, width * LATENT_PX, 3))
    y = model.analyse(plane, (0, 0, width, height), level, threads)
    z = model.hyper_analyse(y, level, threads)
    payload, y_hat, _ = model.compress(y, z, level, threads=threads)
    return payload, y_hat


def squared_error(a: Pixels, b: Pixels) -> int:
    """Sum over all samples of two pictures of one shape."""
    return int(((a.astype(np.int64) - b) ** 2).sum())


def _spread(part: NDArray[np.uint8]) -> int:
    """Squared distances from the mean, summed over all samples, rounded down by channel."""
    samples = part.reshape(-1, 3).astype(np.int64)
    sums, squares = samples.sum(0), (samples**2).sum(0)
    return int((squares - sums * sums // len(samples)).sum())


def mean_colour_of_doubtful(part: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The mean colour of a tile that the transform may not carry, None of all others."""
    height, width = part.shape[:2]
    within = sum(
        _spread(part[y : y + 8, x : x + 8]) for y in range(0, height, 8) for x in range(0, width, 8)
    )
    spread = _spread(part)
    fine = within * 100 >= spread * FINE_PERCENT
    if spread == 0 or not (fine or spread <= FLAT_VARIANCE * part.size):
        return None
    count = height * width
    sums = part.reshape(-1, 3).sum(0, dtype=np.int64)
    colour: NDArray[np.uint8] = ((2 * sums + count) // (2 * count)).astype(np.uint8)
    return colour
