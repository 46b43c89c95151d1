"""SSIMULACRA2: how alike two pictures look, as people judge it; in the compiled core.

A score of 90 stands for no difference that people see, 70 for one they see when they look for it,
50 for a slight annoyance, below 0 for ruins.

Source: github.com/cloudinary/ssimulacra2, version 2.1; J. Sneyers, Cloudinary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks.errors import NetworkError
from networks.native import thread_count

try:
    from codec.image import _metrics as _module
except ImportError as error:  # a plain checkout, or a build for another Python
    _reason: str | None = str(error)
else:
    _reason = None

__all__ = ["SSIMULACRA2_MIN_SIDE", "ssimulacra2"]

SSIMULACRA2_MIN_SIDE = 8
"""In pixels, of the definition."""


def ssimulacra2(original: NDArray[Any], distorted: NDArray[Any], threads: int = 0) -> float | None:
    """SSIMULACRA2 of two pictures: 100 for equal ones, without a lower limit.

    Samples are taken as sRGB, whatever their colour profile says. The two do not stand for each
    other: edges that were added weigh other than edges that were lost.

    Agrees with the authors' program to 0.01; that rounds more. It takes 6 to 7.5 bytes of memory
    for each pixel besides the pictures. The score does not depend on the number of threads; on
    another machine the last of its digits may be another one.

    Args:
        original, distorted: of one height and width and one dtype, uint8 or uint16 (of which all 16
            bits are used), shape (H, W), (H, W, 1) or (H, W, 3). Grey stands for three equal
            planes.
        threads: of the processor, 0 for all.

    Returns:
        The score, or None if a side is below `SSIMULACRA2_MIN_SIDE`: it is not defined there.

    Raises:
        ValueError: the pictures are not of one size and dtype, or of none of those shapes.
        NetworkError: the compiled core is missing.
    """
    a, b = _planes(original), _planes(distorted)
    if a.shape[:2] != b.shape[:2]:
        raise ValueError(f"images of one size are needed, not {a.shape} and {b.shape}")
    if a.dtype != b.dtype or a.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"two uint8 or two uint16 images are needed, not {a.dtype} and {b.dtype}")
    if min(a.shape[:2]) < SSIMULACRA2_MIN_SIDE:
        return None
    if _reason is not None:
        raise NetworkError(f"the compiled core codec.image._metrics cannot be loaded: {_reason}")
    return _module.ssimulacra2(a, b, min(thread_count(threads), _module.MOST_THREADS))


def _planes(samples: NDArray[Any]) -> NDArray[Any]:
    """The samples with an axis of channels."""
    planes = samples[..., None] if samples.ndim == 2 else samples
    if planes.ndim != 3 or planes.shape[2] not in (1, 3):
        raise ValueError(f"an image of one or three planes is needed, not shape {samples.shape}")
    return np.ascontiguousarray(planes)
