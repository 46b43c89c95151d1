"""The quadtree: the order in which groups and cells are decoded, and what a step may look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from codec.models.weights import ModelWeights
from entropy.integer.ops import NumpyOps
from networks.train.spec import MEAN_BITS
from entropy.models.quadtree import (
    GROUPS,
    ORDER,
    STEPS,
    Context,
    EntropyConfig,
    cell,
    hyper_synthesis,
    layer_specs,
)


def test_every_position_codes_every_group_once() -> None:
    for position in range(4):
        assert sorted(ORDER[step][position] for step in range(STEPS)) == list(range(GROUPS))


def test_every_step_codes_every_group_at_one_cell() -> None:
    for order in ORDER:
        assert sorted(order) == list(range(GROUPS))


def test_after_the_first_step_the_neighbours_know_the_other_groups() -> None:
    """What a position codes second is known to its diagonal neighbours, and so on around it."""
    partners = []
    for step in range(1, STEPS):
        # cell c codes at `step` the group that cell c ^ k coded at step 0, for one k a step
        (k,) = {c ^ ORDER[0].index(group) for c, group in enumerate(ORDER[step])}
        partners.append(k)
    assert sorted(partners) == [1, 2, 3]  # beside, below, diagonal: each once
    assert partners[0] == 3  # the four diagonal neighbours surround a position: they go first


def test_cells_take_each_position_once() -> None:
    x = np.arange(4 * 6).reshape(1, 4, 6, 1)

    parts = [cell(x, c) for c in range(4)]

    assert [p.shape for p in parts] == [(1, 2, 3, 1)] * 4
    assert sorted(np.concatenate([p.ravel() for p in parts])) == list(range(24))
    assert [int(p[0, 0, 0, 0]) for p in parts] == [0, 1, 6, 7]


def test_layer_specs_hold_every_layer_that_runs() -> None:
    """A network of nothing but `layer_specs` runs, and each of its layers is used."""
    config = EntropyConfig(latent=8, hidden=4, hyper=2, levels=2)
    specs = layer_specs(config)
    used: list[str] = []

    class Recorder:
        """`Ops` of the right shapes."""

        def linear(self, name: str, x: Any) -> Any:
            used.append(name)
            assert specs[name].kind == "linear"
            assert x.shape[-1] == specs[name].inputs
            return np.zeros((*x.shape[:-1], specs[name].outputs))

        def depthwise(self, name: str, x: Any) -> Any:
            used.append(name)
            assert specs[name].kind == "depthwise"
            assert x.shape[-1] == specs[name].inputs
            return x

        def head(self, name: str, group: int, x: Any) -> tuple[Any, Any]:
            return self.linear(f"{name}.mean.{group}", x), self.linear(f"{name}.index.{group}", x)

        def add(self, x: Any, y: Any, relu: bool = False) -> Any:
            return x + y

        def from_z(self, z_symbols: Any) -> Any:
            return z_symbols

        def from_y(self, y_hat: Any, group: int) -> Any:
            return np.concatenate([y_hat, y_hat], -1)

        def shuffle(self, x: Any) -> Any:
            b, h, w, c = x.shape
            return np.zeros((b, 2 * h, 2 * w, c // 4))

        def join(self, cells: list[Any]) -> Any:
            b, h, w, c = cells[0].shape
            return np.zeros((b, 2 * h, 2 * w, c))

    ops = Recorder()
    context = Context(ops, hyper_synthesis(ops, np.zeros((1, 2, 3, 2))))
    for step in range(STEPS):
        shapes = {(m.shape, i.shape) for m, i in context.parameters(step)}
        assert shapes == {((1, 4, 6, 2), (1, 4, 6, 2))}
        if step + 1 < STEPS:
            context.update(step, [np.zeros((1, 4, 6, 2))] * 4)

    assert set(used) == set(specs)


@pytest.mark.parametrize("step", range(1, STEPS))
def test_a_step_sees_what_was_decoded_before_it(tiny_weights: ModelWeights, step: int) -> None:
    """Another symbol at any earlier step changes the parameters: no step is blind."""
    for changed in range(step):
        runs: list[np.ndarray] = []
        for value in (0, 40):
            ops = NumpyOps(tiny_weights.network, 20)
            context = Context(ops, hyper_synthesis(ops, np.zeros((1, 2, 2, 8), dtype=np.int64)))
            for k in range(step):
                y_hat = [np.zeros((1, 4, 4, 8), dtype=np.int64) for _ in range(4)]
                if k == changed:
                    y_hat[2][0, 1, 1] = value << MEAN_BITS
                context.update(k, y_hat)
            runs.append(np.concatenate([m for m, _ in context.parameters(step)]))
        assert not np.array_equal(runs[0], runs[1])
