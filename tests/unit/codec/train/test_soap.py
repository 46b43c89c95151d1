"""SOAP: faster than Adam where the curvature is far from axis-aligned, and resumable."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from codec.train.soap import Soap, _orthonormal_by_cholesky


def quadratic(seed: int = 0, size: int = 24) -> tuple[Tensor, Tensor, Tensor]:
    """(A, B, target) of f(W) = |A (W - target) B|^2 with condition numbers of 100 each, rotated."""
    generator = torch.Generator().manual_seed(seed)

    def rotated(n: int) -> Tensor:
        q = torch.linalg.qr(torch.randn(n, n, generator=generator)).Q
        result: Tensor = q @ torch.diag(torch.logspace(0, -2, n)) @ q.T
        return result

    return rotated(size), rotated(size), torch.randn(size, size, generator=generator)


def minimise(kind: str, steps: int, lr: float) -> float:
    """The loss after so many steps, annealed to rate zero, relative to that at the start."""
    a, b, target = quadratic()
    weight = nn.Parameter(torch.zeros_like(target))
    optimizer: torch.optim.Optimizer
    if kind == "soap":
        optimizer = Soap([([weight], lr)], refresh=5)
    else:
        optimizer = torch.optim.Adam([weight], lr=lr, betas=(0.95, 0.95))
    losses = []
    for n in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - n / steps)
        optimizer.zero_grad()
        loss = (a @ (weight - target) @ b).square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses[-1] / losses[0]


def test_faster_than_adam_on_a_badly_conditioned_quadratic() -> None:
    rates = (0.06, 0.1, 0.2)
    soap = min(minimise("soap", 200, lr) for lr in rates)
    adam = min(minimise("adam", 200, lr) for lr in rates)

    assert soap < 0.2 * adam
    assert soap < 1e-4


def test_matrices_of_one_shape_do_not_mix() -> None:
    """Batching is bookkeeping: together or alone, a matrix takes the same steps."""
    torch.manual_seed(0)
    starts, targets = torch.randn(3, 20, 30), torch.randn(3, 20, 30)

    def run(which: list[int]) -> list[Tensor]:
        params = [nn.Parameter(starts[n].clone()) for n in which]
        optimizer = Soap([(params, 0.01)], refresh=4)
        for _ in range(12):
            optimizer.zero_grad()
            pairs = zip(params, which, strict=True)
            torch.stack([(p - targets[n]).square().sum() for p, n in pairs]).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return [p.detach() for p in params]

    together = run([0, 1, 2])
    for n in range(3):
        assert torch.allclose(run([n])[0], together[n], atol=2e-3)


def test_side_above_the_limit_is_not_preconditioned() -> None:
    weight = nn.Parameter(torch.zeros(30, 12))
    optimizer = Soap([([weight], 0.01)], max_side=20)
    for _ in range(3):
        optimizer.zero_grad()
        (weight - 1).square().sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    state = optimizer.state[weight]
    assert "cov-1" in state
    assert "cov-2" not in state
    assert bool(torch.isfinite(weight).all())
    assert bool((weight != 0).all())


def test_parameter_without_a_gradient_is_left_alone() -> None:
    used, unused = nn.Parameter(torch.ones(8, 8)), nn.Parameter(torch.ones(8, 8))
    optimizer = Soap([([used, unused], 0.1)])
    for _ in range(4):
        optimizer.zero_grad()
        used.square().sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    assert torch.equal(unused, torch.ones(8, 8))
    assert not torch.equal(used, torch.ones(8, 8))


def test_state_survives_saving() -> None:
    a, b, target = quadratic(size=16)
    weight = nn.Parameter(torch.zeros_like(target))
    optimizer = Soap([([weight], 0.03)], refresh=3)

    def step(w: nn.Parameter, o: Soap) -> None:
        o.zero_grad()
        (a @ (w - target) @ b).square().sum().backward()  # type: ignore[no-untyped-call]
        o.step()

    for _ in range(7):
        step(weight, optimizer)
    again = nn.Parameter(weight.detach().clone())
    resumed = Soap([([again], 0.03)], refresh=3)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for _ in range(7):
        step(weight, optimizer)
        step(again, resumed)

    assert torch.equal(again, weight)


def test_update_is_bounded_where_a_refresh_turns_the_basis() -> None:
    """A gradient of one direction, after a first one of another: the refresh gathers in one entry
    what was spread over all, and that entry may still move by the step size only.
    """
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(48, 32))
    soap = Soap([([weight], 1.0)], refresh=10)
    direction = torch.outer(torch.randn(48), torch.randn(32))
    moved = []
    for step in range(10):
        weight.grad = torch.randn(48, 32) if step == 0 else direction.clone()
        before = weight.detach().clone()
        soap.step()
        moved.append(float((weight.detach() - before).norm()))

    assert moved[0] == 0.0
    assert moved[8] > 5.0  # spread over many entries, each within the step size
    assert 0.5 < moved[9] < 2.0


@pytest.mark.parametrize("smallest", [-3, -8, -30])
def test_bases_by_cholesky_are_those_by_householder(smallest: int) -> None:
    """Up to signs; down to covariances that have no rank left."""
    generator = torch.Generator().manual_seed(1)
    turn = torch.linalg.qr(torch.randn(3, 48, 48, generator=generator)).Q.double()
    near = torch.linalg.qr(turn + 0.02 * torch.randn(3, 48, 48, generator=generator)).Q
    image = turn * torch.logspace(0, smallest, 48, dtype=torch.float64) @ turn.mT @ near

    found = _orthonormal_by_cholesky(image)

    assert found.dtype == torch.float32
    assert torch.allclose(found.mT @ found, torch.eye(48), atol=1e-5)
    if smallest > -10:
        wanted = torch.linalg.qr(image).Q
        assert torch.allclose(
            (found.double() * wanted).sum(-2).abs(), torch.ones(3, 48).double(), atol=1e-4
        )


def test_basis_of_a_matrix_without_numbers_is_the_old_axes() -> None:
    bad = torch.full((2, 8, 8), float("nan"))
    bad[1] = torch.eye(8)

    assert torch.equal(_orthonormal_by_cholesky(bad), torch.eye(8).expand(2, 8, 8))


def test_what_is_not_finite_moves_nothing() -> None:
    weight = nn.Parameter(torch.randn(24, 24))
    soap = Soap([([weight], 0.1)], refresh=2)
    soap.found_inf = torch.zeros(())
    for _ in range(3):
        weight.grad = torch.randn(24, 24)
        soap.step()
    before = weight.detach().clone()

    soap.found_inf.fill_(1)
    weight.grad = torch.full((24, 24), float("nan"))
    soap.step()

    assert torch.equal(before, weight)
    soap.found_inf.zero_()
    weight.grad = torch.randn(24, 24)
    soap.step()
    assert bool(weight.isfinite().all())
    assert not torch.equal(before, weight)
