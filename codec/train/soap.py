"""SOAP: Adam in the slowly updated eigenbasis of Shampoo's preconditioner, for matrices.

Matrices of one shape are updated together as one batch, since a step is many small products. Every
side of at most `max_side` is preconditioned. Both moments live in the eigenbasis and are carried
over when the basis is refreshed: the first exactly, the second as variances of uncorrelated
directions. (With the second one left as it is, a refresh that turns the basis far gives updates a
hundred times too large: the loss jumped at step 20, and now and then ever after.)

Source: Vyas et al., SOAP: Improving and Stabilizing Shampoo using Adam, 2024, algorithm 3 (arXiv
2409.11321); its effect on learned image compression: arXiv 2601.20769.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from codec.trainable.precision import half

SIDES = (-2, -1)
FIRST_ITERATIONS = 10


class Soap(torch.optim.Optimizer):
    """groups: matrices and their step size; betas: moments; shampoo_beta: covariances; refresh:
    steps between basis updates.
    """

    def __init__(
        self,
        groups: Iterable[tuple[list[nn.Parameter], float]],
        betas: tuple[float, float] = (0.95, 0.95),
        shampoo_beta: float = 0.9,
        eps: float = 1e-8,
        refresh: int = 10,
        max_side: int = 400,
    ) -> None:
        batches: dict[tuple[float, torch.Size], list[nn.Parameter]] = {}
        for params, lr in groups:
            for p in params:
                batches.setdefault((lr, p.shape), []).append(p)
        defaults = {
            "betas": betas, "shampoo_beta": shampoo_beta, "eps": eps,
            "refresh": refresh, "max_side": max_side,
        }  # fmt: skip
        super().__init__([{"params": b, "lr": lr} for (lr, _), b in batches.items()], defaults)
        self.found_inf: Tensor | None = None
        """Where a step is to change no parameter: a scalar on their device."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every parameter."""
        for group in self.param_groups:
            self._update(group)

    def _update(self, group: dict[str, Any]) -> None:
        params = group["params"]
        grad = torch.stack([p.grad if p.grad is not None else torch.zeros_like(p) for p in params])
        if self.found_inf is not None:
            grad.masked_fill_(self.found_inf > 0, 0.0)
        state = self.state[params[0]]
        if not state:
            state["step"] = 0
            state["m"], state["v"] = torch.zeros_like(grad), torch.zeros_like(grad)
            for side in SIDES:
                n = grad.shape[side]
                if n <= group["max_side"]:
                    zeros = torch.zeros(len(params), n, n, device=grad.device)
                    state[f"cov{side}"] = zeros
                    state[f"basis{side}"] = zeros + torch.eye(n, device=grad.device)
        state["step"] += 1
        t, (b1, b2) = state["step"], group["betas"]
        if t % 2 == 1:
            _track(grad, state, group["shampoo_beta"])
        if t == 1 or t % group["refresh"] == 0:
            _refresh(state, first=t == 1)
        if t == 1:
            return  # the first gradient only sets up the basis
        g = _rotate(grad, state, torch.float32, back=False)
        m, v = state["m"], state["v"]
        m.lerp_(g, 1 - b1)
        v.mul_(b2).addcmul_(g, g, value=1 - b2)
        scale = group["lr"] * (1 - b2**t) ** 0.5 / (1 - b1**t)
        # In a basis that stands still |m| <= sqrt(v) where the betas are equal; beyond that is an
        # artefact of a refresh. An update needs no more than bfloat16, the gradient does.
        ratio = (m / v.sqrt().add_(group["eps"])).clamp_(-1, 1)
        update = _rotate(ratio, state, half(ratio.device), back=True).float()
        if self.found_inf is not None:
            update.masked_fill_(self.found_inf > 0, 0.0)
        torch._foreach_add_(params, list(update.unbind(0)), alpha=-scale)


def _track(grad: Tensor, state: dict[str, Any], beta: float) -> None:
    """Covariances of the gradient, every other step: they change slowly, so bfloat16 does."""
    few = grad.to(half(grad.device))
    if "cov-2" in state:
        state["cov-2"].lerp_((few @ few.mT).float(), 1 - beta)
    if "cov-1" in state:
        state["cov-1"].lerp_((few.mT @ few).float(), 1 - beta)


def _refresh(state: dict[str, Any], first: bool) -> None:
    """One step of orthogonal iteration; some, from the identity, the first time."""
    for side in SIDES:
        if f"cov{side}" not in state:
            continue
        cov, old = state[f"cov{side}"], state[f"basis{side}"]
        if first:  # no eigendecomposition: on a covariance of low rank it does not always converge
            scale = cov.abs().amax((1, 2), keepdim=True) + 1e-30
            for _ in range(FIRST_ITERATIONS):
                old = _orthonormal(cov / scale @ old)
            state[f"basis{side}"] = old.contiguous()
            continue
        # On a GPU `_orthonormal` needs the digits.
        image = cov.double() @ old.double() if cov.is_cuda else cov @ old
        order = (old * image).sum(-2).argsort(-1, descending=True)  # by Rayleigh quotient
        columns = order[:, None, :].expand_as(old)
        old, image = old.gather(-1, columns), image.gather(-1, columns)
        rows = order[:, :, None] if side == -2 else order[:, None, :]
        new = _orthonormal(image)
        change = new.mT @ old
        for key, turn in (("m", change), ("v", change.square())):
            ordered = state[key].gather(side, rows.expand_as(state[key]))
            state[key] = turn @ ordered if side == -2 else ordered @ turn.mT
        state[f"basis{side}"] = new


def _orthonormal(x: Tensor) -> Tensor:
    """(batch, n, n) -> float32 orthonormal columns; the first k span what those of x do.

    On a GPU by Cholesky, three times over with a shift (Fukaya et al., Shifted Cholesky QR, SIAM J.
    Sci. Comput. 42(1), 2020): one matrix after the other is what its QR would take.
    """
    if x.is_cuda:
        return _orthonormal_by_cholesky(x)
    q: Tensor = torch.linalg.qr(x).Q
    return q


def _orthonormal_by_cholesky(x: Tensor) -> Tensor:
    q = x.double()
    q = q / q.norm(dim=-2, keepdim=True).clamp_min(1e-300)
    n = q.shape[-1]
    eye = torch.eye(n, dtype=q.dtype, device=q.device)
    for shift in (1e-10 * n, 1e-15 * n, 1e-15 * n, 0.0):
        factor = torch.linalg.cholesky_ex(q.mT @ q + shift * eye).L
        q = torch.linalg.solve_triangular(factor.mT, q, upper=True, left=False)
    fine = q.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
    return torch.where(fine, q, eye).float()


def _rotate(x: Tensor, state: dict[str, Any], dtype: torch.dtype, back: bool) -> Tensor:
    """Into the eigenbasis, or back out of it."""
    x = x.to(dtype)
    if "basis-2" in state:
        q = state["basis-2"].to(dtype)
        x = (q if back else q.mT) @ x
    if "basis-1" in state:
        q = state["basis-1"].to(dtype)
        x = x @ (q.mT if back else q)
    return x
