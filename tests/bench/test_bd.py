"""BD-rate: worked examples of the literature, and what is no curve."""

from __future__ import annotations

import pytest

pytest.importorskip("bjontegaard", reason="bench extra not installed")

from bench.bd import Curve, compare
from bench.summary import hull, published

EVERYTHING = (1e-9, 1e9)
EXAMPLES = [
    # rate (kbit/s), PSNR of anchor and test, BD-rate in percent, BD-PSNR in dB
    # Sample of the widely used Bjontegaard_metric script (after VCEG-M33, cubic).
    ((686.76, 309.58, 157.11, 85.95), (40.28, 37.18, 34.24, 31.42),
     (893.34, 407.8, 204.93, 112.75), (40.39, 37.21, 34.17, 31.24), 31.397),
    # Test 1 of the FAU-LMS bjontegaard package (JVET-T2010 sheet), cubic.
    ((9487.76, 4593.60, 2486.44, 1358.24), (40.037, 38.615, 36.845, 34.851),
     (9787.80, 4469.00, 2451.52, 1356.24), (40.121, 38.651, 36.970, 34.987), -4.420),
]  # fmt: skip


def rising(rates: tuple[float, ...], psnr: tuple[float, ...]) -> Curve:
    return Curve(tuple(reversed(rates)), tuple(reversed(psnr)))


@pytest.mark.parametrize(("r1", "q1", "r2", "q2", "expected"), EXAMPLES)
def test_worked_examples(
    r1: tuple[float, ...],
    q1: tuple[float, ...],
    r2: tuple[float, ...],
    q2: tuple[float, ...],
    expected: float,
) -> None:
    """PCHIP is within a tenth of a point of the cubic polynomial on these smooth curves."""
    delta = compare(rising(r1, q1), rising(r2, q2), EVERYTHING)

    assert delta.rate == pytest.approx(expected, abs=0.1)
    assert delta.agrees
    assert delta.overlap > 0.9


def test_curve_against_itself_is_zero_and_half_the_rate_is_minus_fifty() -> None:
    anchor = published()[0].curve()
    half = Curve(tuple(b / 2 for b in anchor.bpp), anchor.psnr)

    assert compare(anchor, anchor).rate == pytest.approx(0, abs=0.02)
    assert compare(anchor, half).rate == pytest.approx(-50, abs=0.05)
    assert compare(anchor, half).psnr > 0


def test_published_ladder_stands_where_the_field_puts_it() -> None:
    """Figures of the literature for these very points, PCHIP over the common range."""
    curves = {r.codec: r.curve() for r in published()}

    def rate(name: str) -> float:
        return compare(curves_vtm, curves[name], EVERYTHING).rate

    curves_vtm = published()[0].curve()
    assert rate("bmshj2018-hyperprior") == pytest.approx(30.5, abs=0.3)
    assert rate("ELIC") == pytest.approx(-7.0, abs=0.3)
    assert rate("MLIC++") == pytest.approx(-15.0, abs=0.3)
    assert rate("JPEG") == pytest.approx(208, abs=3)


@pytest.mark.parametrize(
    ("bpp", "psnr"),
    [
        ((0.1,), (30.0,)),
        ((0.1, 0.2), (30.0,)),
        ((0.2, 0.1), (30.0, 31.0)),
        ((0.1, 0.2), (3.0, 3.0)),
    ],
)
def test_what_is_no_curve_is_refused(bpp: tuple[float, ...], psnr: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="curve"):
        Curve(bpp, psnr)


def test_curves_without_common_quality_are_refused() -> None:
    low, high = Curve((0.2, 0.4), (20.0, 25.0)), Curve((0.2, 0.4), (30.0, 35.0))

    with pytest.raises(ValueError, match="no common quality"):
        compare(low, high)


def test_rates_outside_the_range_are_refused() -> None:
    with pytest.raises(ValueError, match="no part between"):
        Curve((3.0, 4.0), (30.0, 35.0)).within(0.1, 1.5)


def test_hull_drops_points_that_spend_more_for_less() -> None:
    points = [(0.2, 31.0), (0.1, 30.0), (0.3, 30.5), (0.4, 33.0), (0.5, float("inf"))]

    assert hull(points) == Curve((0.1, 0.2, 0.4), (30.0, 31.0, 33.0))
