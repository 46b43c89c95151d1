"""Areas, windows and the latent grid; the mapping of quality onto levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.frame.geometry import (
    ALIGN_PX,
    LATENT_PX,
    WINDOW_PX,
    Area,
    covering,
    latent_size,
    windows,
)
from codec.models.quality import level_of, quality_of

areas = st.builds(Area, *[st.integers(0, 40)] * 2, *[st.integers(1, 40)] * 2)


@pytest.mark.parametrize(
    ("pixels", "latents"), [(1, 4), (16, 4), (64, 4), (65, 8), (768, 48), (769, 52), (32768, 2048)]
)
def test_latent_size_is_a_multiple_of_a_hyper_latent(pixels: int, latents: int) -> None:
    assert latent_size(pixels) == latents


@given(pixels=st.integers(1, 1 << 30))
def test_latents_cover_the_pixels_with_less_than_one_hyper_latent_more(pixels: int) -> None:
    covered = latent_size(pixels) * LATENT_PX

    assert 0 <= covered - pixels < ALIGN_PX
    assert covered % ALIGN_PX == 0


@given(area=areas, margin=st.integers(0, 9))
def test_grown_stays_inside_its_bounds(area: Area, margin: int) -> None:
    bounds = Area(0, 0, 80, 80)

    grown = area.grown(margin, bounds)

    assert grown.x == max(0, area.x - margin)
    assert grown.y == max(0, area.y - margin)
    assert grown.right == min(80, area.right + margin)
    assert grown.bottom == min(80, area.bottom + margin)


@given(a=areas, b=areas)
def test_overlap_is_the_common_positions(a: Area, b: Area) -> None:
    def positions(area: Area) -> set[tuple[int, int]]:
        return {(x, y) for x in range(area.x, area.right) for y in range(area.y, area.bottom)}

    assert positions(a.overlap(b)) == positions(a) & positions(b)


@given(x=st.integers(0, 300), y=st.integers(0, 300), w=st.integers(1, 300), h=st.integers(1, 300))
def test_covering_is_the_smallest_that_covers(x: int, y: int, w: int, h: int) -> None:
    area = covering(x, y, w, h)

    assert area.x * LATENT_PX <= x < (area.x + 1) * LATENT_PX
    assert (area.right - 1) * LATENT_PX < x + w <= area.right * LATENT_PX
    assert area.y * LATENT_PX <= y < (area.y + 1) * LATENT_PX
    assert (area.bottom - 1) * LATENT_PX < y + h <= area.bottom * LATENT_PX


@given(area=areas, side_px=st.sampled_from([64, 128, 256]))
def test_windows_cut_an_area_along_the_grid(area: Area, side_px: int) -> None:
    seen = np.zeros((100, 100), dtype=int)
    side = side_px // LATENT_PX

    for window in windows(area, side_px):
        seen[window.slices(Area(0, 0, 100, 100))] += 1
        assert window.x // side == (window.right - 1) // side
        assert window.y // side == (window.bottom - 1) // side

    expected = np.zeros_like(seen)
    expected[area.slices(Area(0, 0, 100, 100))] = 1
    assert np.array_equal(seen, expected)


def test_slices_count_from_the_origin() -> None:
    assert Area(5, 7, 2, 3).slices(Area(4, 5, 10, 10)) == (slice(2, 5), slice(1, 3))


def test_windows_hold_whole_hyper_latents() -> None:
    assert WINDOW_PX % ALIGN_PX == 0


@pytest.mark.parametrize("levels", [2, 16, 64])
def test_quality_of_a_level_gives_that_level(levels: int) -> None:
    for level in range(levels):
        assert level_of(quality_of(level, levels), levels) == level
    assert quality_of(0, levels) == 0
    assert quality_of(levels - 1, levels) == 100


def test_quality_is_frozen() -> None:
    """What a quality means in existing scripts may never change."""
    assert [level_of(q, 64) for q in range(0, 101, 5)] == [
        0, 3, 6, 9, 13, 16, 19, 22, 25, 28, 32, 35, 38, 41, 44, 47, 50, 54, 57, 60, 63,
    ]  # fmt: skip
    assert level_of(100, 64) == 63
    assert level_of(99.3, 64) == 63
    assert level_of(99.2, 64) == 62


@given(a=st.floats(0, 100), b=st.floats(0, 100))
def test_higher_quality_is_never_a_lower_level(a: float, b: float) -> None:
    low, high = sorted([a, b])

    assert 0 <= level_of(low, 64) <= level_of(high, 64) <= 63
