"""RGB to Y, U, V and back: close to the formulas, neutral greys, defined at edges."""

from __future__ import annotations

import numpy as np
import pytest

from codec.errors import OptionError
from codec.video.color import planes_of, rgb_of

WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114)}


def pictures(height: int = 31, width: int = 46) -> np.ndarray:
    """Smooth colours, (h, w, 3)."""
    y, x = np.mgrid[:height, :width]
    planes = [128 + 100 * np.sin(x / (9 + c)) * np.cos(y / (7 + 2 * c)) for c in range(3)]
    return np.stack(planes, axis=2).astype(np.uint8)


@pytest.mark.parametrize("matrix", [1, 5, 6])
@pytest.mark.parametrize("full_range", [False, True])
def test_as_the_formulas_say(matrix: int, full_range: bool) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    kr, kb = WEIGHTS[6 if matrix == 5 else matrix]
    r, g, b = (rgb[:, :, c].astype(float) for c in range(3))
    luma = kr * r + (1 - kr - kb) * g + kb * b
    spans = (255, 255, 0) if full_range else (219, 224, 16)
    expected = (
        luma * spans[0] / 255 + spans[2],
        (b - luma) / (2 - 2 * kb) * spans[1] / 255 + 128,
        (r - luma) / (2 - 2 * kr) * spans[1] / 255 + 128,
    )

    found = planes_of(rgb, subsampled=False, matrix=matrix, full_range=full_range)

    for plane, values in zip(found, expected, strict=True):
        assert np.abs(plane - np.clip(values, 0, 255)).max() < 0.52
    back = rgb_of(found, matrix=matrix, full_range=full_range)
    assert np.abs(back.astype(int) - rgb).max() <= 2


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("subsampled", [False, True])
def test_grey_stays_grey(subsampled: bool, full_range: bool) -> None:
    rgb = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)

    planes = planes_of(rgb, subsampled=subsampled, matrix=1, full_range=full_range)
    back = rgb_of(planes, matrix=1, full_range=full_range)

    assert (planes[1] == 128).all()
    assert (planes[2] == 128).all()
    assert np.abs(back.astype(int) - rgb).max() <= (0 if full_range else 1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2), (3, 1), (5, 7), (31, 46)])
def test_subsampled_of_any_size(height: int, width: int) -> None:
    rgb = pictures(height, width)

    y, u, v = planes_of(rgb, subsampled=True, matrix=1, full_range=False)
    back = rgb_of((y, u, v), matrix=1, full_range=False)

    assert y.shape == (height, width)
    assert u.shape == v.shape == ((height + 1) // 2, (width + 1) // 2)
    assert back.shape == rgb.shape
    assert np.abs(back.astype(int) - rgb).mean() < 6


def test_even_columns_of_chroma_lie_on_those_of_luma() -> None:
    """A step of colour between columns 3 and 4 stays between them."""
    rgb = np.zeros((8, 12, 3), np.uint8)
    rgb[:, 4:, 2] = 200

    _, u, _ = planes_of(rgb, subsampled=True, matrix=1, full_range=True)

    assert u[0, 1] == 128  # column 2: neighbours 1 and 3 are black
    assert u[0, 3] == u[0, 5]  # column 6
    assert u[0, 1] < u[0, 2] < u[0, 3]  # column 4 sees column 3


def test_unknown_matrix() -> None:
    with pytest.raises(OptionError, match="matrix is 1"):
        planes_of(pictures(), subsampled=True, matrix=9, full_range=False)
