"""The Gaussian of training and tables against the textbook formula in double precision."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from entropy.models import gaussian


def mass(symbol: float, scale: float) -> float:
    """Gaussian mass of the unit bin around `symbol`, from the side where erfc is accurate."""
    near, far = (abs(symbol) - 0.5) / scale, (abs(symbol) + 0.5) / scale
    return 0.5 * (math.erfc(near * math.sqrt(0.5)) - math.erfc(far * math.sqrt(0.5)))


@pytest.mark.parametrize("index", [0.0, 3.0, 20.5, 40.0, 63.0])
def test_bits_are_the_code_length_of_the_unit_bin(index: float) -> None:
    scale = 0.11 * math.exp(0.1 * index)
    residuals = torch.tensor([0.0, 0.25, -0.25, 1.0, -1.0, 2.5, 7.0, -30.0, 100.0])

    found = gaussian.bits(residuals, torch.full_like(residuals, index))

    for residual, value in zip(residuals.tolist(), found.tolist(), strict=True):
        likelihood = max(mass(residual, scale), gaussian.LIKELIHOOD_MIN)
        assert value == pytest.approx(-math.log2(likelihood), rel=2e-3, abs=1e-5)


@pytest.mark.parametrize("width", [0.75, 1.0, 1.5])
@pytest.mark.parametrize("index", [10.0, 40.0])
def test_bits_of_neighbouring_bins_of_any_width_are_those_of_one_distribution(
    index: float, width: float
) -> None:
    residuals = torch.arange(-400, 401) * width

    bits = gaussian.bits(residuals, torch.full_like(residuals, index), width)

    assert float(torch.exp2(-bits).sum()) == pytest.approx(1.0, abs=1e-4)
    narrow, wide = (
        float(gaussian.bits(torch.zeros(1), torch.full((1,), index), w)) for w in (0.5, 1)
    )
    assert narrow > wide


def test_bits_are_symmetric_and_bounded() -> None:
    residuals = torch.linspace(-500, 500, 2001)
    index = torch.full_like(residuals, 17.0)

    bits = gaussian.bits(residuals, index)

    assert torch.allclose(bits, bits.flip(0))
    assert bool((bits >= 0).all())
    assert float(bits.max()) == pytest.approx(-math.log2(gaussian.LIKELIHOOD_MIN))


def test_bits_have_gradients_that_shrink_a_scale_that_is_too_wide() -> None:
    index = torch.tensor([50.0], requires_grad=True)

    gaussian.bits(torch.zeros(1), index).sum().backward()  # type: ignore[no-untyped-call]

    assert index.grad is not None
    assert float(index.grad) > 0


def test_scale_and_index_are_inverse() -> None:
    indexes = torch.arange(gaussian.SCALE_LEVELS).float()

    scales = gaussian.scale_of(indexes)

    assert float(scales[0]) == pytest.approx(0.11)
    assert float(scales[-1]) == pytest.approx(60.0, rel=1e-2)
    found = [gaussian.index_of(float(s)) for s in scales]
    assert found == pytest.approx(indexes.tolist(), abs=1e-4)


@pytest.mark.parametrize("table", [0, 1, 10, 33, 63])
def test_pmf_is_the_mass_of_every_symbol(table: int) -> None:
    scale = 0.11 * math.exp(0.1 * table)
    radius = gaussian.radius(table)

    pmf = gaussian.pmf(table, radius)

    assert pmf.shape == (2 * radius + 1,)
    expected = [mass(symbol, scale) for symbol in range(-radius, radius + 1)]
    # the middle bin has its two edges on both sides of zero
    expected[radius] = 1 - math.erfc(0.5 / scale * math.sqrt(0.5))
    assert pmf == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("table", range(0, gaussian.SCALE_LEVELS, 3))
def test_pmf_sums_to_nearly_one_and_is_symmetric(table: int) -> None:
    pmf = gaussian.pmf(table, gaussian.radius(table))

    assert 1 - 1e-8 < pmf.sum() <= 1 + 1e-12
    assert np.allclose(pmf, pmf[::-1], rtol=1e-9, atol=0)
    assert (pmf >= 0).all()
    assert pmf.argmax() == gaussian.radius(table)


def test_radius_holds_six_standard_deviations() -> None:
    for table in range(gaussian.SCALE_LEVELS):
        assert gaussian.radius(table) >= 6 * 0.11 * math.exp(0.1 * table)


def test_dead_zone_is_where_zero_and_one_cost_the_same() -> None:
    """A residual at the edge: bits and 6 / ln 2 times the squared error are equal for 0 and 1."""
    zones = gaussian.dead_zones(1.0)
    for table in range(14, 64):
        r = 0.5 + float(zones[table])
        index = torch.tensor(float(table))
        zero, one = (
            float(gaussian.bits(torch.tensor(q), index)) + 6 / math.log(2) * (q - r) ** 2
            for q in (0.0, 1.0)
        )
        assert zero == pytest.approx(one, abs=1e-3)


def test_dead_zone_narrows_with_the_scale_and_grows_with_its_strength() -> None:
    half = gaussian.dead_zones(0.5)

    assert torch.all(half.diff() <= 0)
    assert float(half.max()) == gaussian.WIDEST_DEAD_ZONE
    assert 0 < float(half[-1]) < 0.001
    assert torch.all(gaussian.dead_zones(0.0) == 0)
    assert torch.all(gaussian.dead_zones(1.0) >= half)


def test_strayed_symbol_is_led_back() -> None:
    """Below the floor of the likelihood the bits are constant, their gradient is not zero."""
    residual = torch.tensor([40.0, -40.0], requires_grad=True)
    index = torch.zeros(2, requires_grad=True)

    bits = gaussian.bits(residual, index)
    bits.sum().backward()

    assert torch.allclose(bits, torch.full((2,), -math.log2(gaussian.LIKELIHOOD_MIN)))
    assert residual.grad is not None
    assert index.grad is not None
    assert torch.allclose(residual.grad, torch.tensor([1.0, -1.0]) / gaussian.SCALE_MIN)
    assert torch.all(index.grad < 0)  # a larger scale is wanted


@pytest.mark.parametrize("width", [1.0, 0.75])
def test_bits_on_a_gpu_are_the_same_and_so_are_their_gradients(width: float) -> None:
    """Without a GPU in Triton's interpreter: near the mean, in the tail, and beyond the floor."""
    pytest.importorskip("triton", reason="needs Triton, which has no build for this platform")
    from entropy.models.gaussian_triton import Bits

    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator().manual_seed(0)
    index = torch.rand(3, 700, generator=generator) * 63
    spread = torch.tensor([[1.0], [4.0], [12.0]])
    residual = torch.randn(3, 700, generator=generator) * spread * gaussian.scale_of(index)
    residual[:, :3] = torch.tensor([0.0, 0.5, -0.5])
    leaves = [t.double().requires_grad_() for t in (residual, index)]
    wanted = gaussian.bits(leaves[0], leaves[1], width)
    grad = torch.rand(3, 700, generator=generator)

    mine = [t.to(device).requires_grad_() for t in (residual, index)]
    constants = (gaussian.SCALE_MIN, gaussian.SCALE_STEP, gaussian.LIKELIHOOD_MIN, gaussian.TAIL)
    found = Bits.apply(*mine, width, *constants)

    sure = wanted < 24  # near the floor of 1e-9 float32 has no digits left
    assert torch.allclose(found.cpu().double()[sure], wanted[sure], rtol=1e-3, atol=2e-4)
    assert bool((found.cpu()[~sure] > 23).all())
    gradients = torch.autograd.grad(found, mine, grad.to(device))
    by_reference = torch.autograd.grad(wanted, leaves, grad.double())
    for a, b in zip(gradients, by_reference, strict=True):
        assert bool(a.isfinite().all())
        body = sure & (residual != 0)  # where |residual| has a slope
        assert torch.allclose(a.cpu().double()[body], b[body], rtol=2e-2, atol=2e-3)
    beyond = residual.abs() > 13 * gaussian.scale_of(index)
    assert beyond.any()
    assert torch.allclose(gradients[0].cpu()[beyond].double(), by_reference[0][beyond], rtol=1e-3)
