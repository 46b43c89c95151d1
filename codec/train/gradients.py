"""Loss and gradients of one batch; on a GPU recorded once for every shape and replayed."""

from __future__ import annotations

import torch
from torch import Tensor

from codec.train import parallel
from codec.train.config import TrainConfig
from codec.train.losses import visual
from codec.trainable.distortion import squared_error
from codec.trainable.model import ImageModel, lambdas
from codec.trainable.precision import multiplies_bfloat16
from codec.trainable.vector_model import VectorModel

__all__ = ["METRICS", "Gradients"]

METRICS = ("loss", "bpp", "mse", "z_bpp", "norm", "skipped")
"""What a step measures. After a gradient that is not finite all are 0 but skipped, which is 1."""
WARM_UP = 2
"""Batches before a recording: kernels are compiled and libraries make their workspaces."""


class Gradients:
    """Leaves clipped gradients in the parameters, and in `skip` a 1 where they are to be ignored.

    Nothing here asks the device for a number. On a GPU the two thousand small kernels of a step are
    recorded as one graph, so it waits neither for Python nor between them.
    """

    def __init__(
        self, model: ImageModel | VectorModel, config: TrainConfig, device: torch.device
    ) -> None:
        self.model, self.config, self.device = model, config, device
        self.lambdas = lambdas(model.config.levels).to(device)
        middle = self.lambdas[len(self.lambdas) // 2]
        self.weights = (self.lambdas / middle) ** -config.level_weight
        self.visual = visual(config, model.config.levels)
        if self.visual is not None:
            self.visual.to(device)
        self.amp = config.amp and multiplies_bfloat16(device)
        self.skip = torch.zeros((), device=device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._recorded: tuple[object, ...] = ()
        self._inputs = (torch.empty(0), torch.empty(0), torch.empty(0))
        self._metrics = torch.empty(0)

    def __call__(self, x: Tensor, level: Tensor, mask: Tensor) -> Tensor:
        """x (B, side, side, 3) uint8, level (B,) int64, mask (B, side, side) float32 of what was
        drawn -> METRICS as a float32 vector.
        """
        if self.device.type != "cuda":
            return self._run(x, level, mask)
        kind = (*x.shape, *self.model.recorded)
        if kind != self._recorded:
            self._record(x, level, mask)
            self._recorded = kind
        for to, value in zip(self._inputs, (x, level, mask), strict=True):
            to.copy_(value)
        assert self._graph is not None
        self._graph.replay()
        return self._metrics.clone()

    def _run(self, x: Tensor, level: Tensor, mask: Tensor) -> Tensor:
        c, pixels = self.config, x.shape[1] * x.shape[2]
        planes = x.float() / 255
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.amp, cache_enabled=False
        ):
            x_hat, y_bits, z_bits = self.model(planes, level)
        mse = squared_error(x_hat, planes)
        bpp = (y_bits + z_bits) / pixels
        distortion = mse if self.visual is None else self.visual(x_hat, planes, level, mask)
        cost = bpp + self.lambdas[level] * distortion
        weights = self.weights[level]
        if c.crop_weight:
            weights = weights * cost.detach() ** -c.crop_weight
            weights = weights / weights.mean()
        loss = (cost * weights).mean()
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        parallel.average(p.grad for p in self.model.parameters())
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), c.clip, foreach=True)
        bad = ~norm.isfinite()
        self.skip.copy_(bad)
        found = [loss, bpp.mean(), mse.mean(), z_bits.mean() / pixels, norm]
        metrics = torch.stack([*(value.detach().float() for value in found), self.skip.float()])
        metrics[:-1].masked_fill_(bad, 0.0)
        return metrics

    def _record(self, x: Tensor, level: Tensor, mask: Tensor) -> None:
        self._graph = None
        self.model.zero_grad(set_to_none=True)
        self._inputs = x.clone(), level.clone(), mask.clone()
        side: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._run(*self._inputs)
        torch.cuda.current_stream().wait_stream(side)
        self.model.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._metrics = self._run(*self._inputs)
