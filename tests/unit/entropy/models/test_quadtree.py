"""The quadtree: the order in which groups and cells are decoded, and what a step may look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from codec.trainable.weights import TrainedWeights
from entropy.models.quadtree import (
    GROUPS,
    ORDER,
    STEPS,
    EntropyConfig,
    hyper_synthesis,
    layer_specs,
    parameters,
    update,
)
from entropy.models.record import programs
from networks import definition
from networks.train.spec import ACT_MAX, MEAN_BITS


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


class Shapes:
    """`Ops` that compute zeros of the right shapes, and note which layers they use."""

    def __init__(self, config: EntropyConfig) -> None:
        self._specs = layer_specs(config)
        self.used: list[str] = []

    def _layer(self, name: str, kind: str, x: Any) -> None:
        self.used.append(name)
        assert self._specs[name].kind == kind
        assert x.shape[-1] == self._specs[name].inputs

    def linear(self, name: str, x: Any, unfold: int = 1) -> Any:
        self._layer(name, "linear", x)
        h, w, _ = x.shape
        return np.zeros((h * unfold, w * unfold, self._specs[name].outputs // unfold**2))

    def depthwise(self, name: str, x: Any) -> Any:
        self._layer(name, "depthwise", x)
        return x

    def head(self, name: str, group: int, x: Any) -> tuple[Any, Any]:
        return self.linear(f"{name}.mean.{group}", x), self.linear(f"{name}.index.{group}", x)

    def add(self, x: Any, y: Any, relu: bool = False) -> Any:
        assert x.shape == y.shape
        return x + y

    def from_z(self, z_symbols: Any) -> Any:
        return z_symbols

    def from_y(self, y_hat: Any, group: int) -> Any:
        return np.concatenate([y_hat, y_hat], -1)

    def cell(self, x: Any, index: int) -> Any:
        return x[index // 2 :: 2, index % 2 :: 2]

    def join(self, cells: list[Any]) -> Any:
        h, w, c = cells[0].shape
        return np.zeros((2 * h, 2 * w, c))


def test_layer_specs_hold_every_layer_that_runs() -> None:
    """A network of nothing but `layer_specs` runs, and each of its layers is used."""
    config = EntropyConfig(latent=8, hidden=4, hyper=2, levels=2)
    ops, known = Shapes(config), None
    prior = hyper_synthesis(ops, np.zeros((2, 3, 2)))
    assert prior.shape == (8, 12, 4)
    for step in range(STEPS):
        shapes = {(m.shape, i.shape) for m, i in parameters(ops, step, prior, known)}
        assert shapes == {((4, 6, 2), (4, 6, 2))}
        if step + 1 < STEPS:
            known = update(ops, step, known, [np.zeros((4, 6, 2))] * 4)

    assert set(ops.used) == set(layer_specs(config))


@pytest.mark.parametrize("step", range(1, STEPS))
def test_a_step_sees_what_was_decoded_before_it(tiny_weights: TrainedWeights, step: int) -> None:
    """Another symbol at any earlier step changes the parameters: no step is blind."""
    config = tiny_weights.config.entropy
    found = programs(config, tiny_weights.network)

    def run(name: str, *inputs: np.ndarray) -> list[np.ndarray]:
        return definition.run(found[name], inputs, 20)

    (prior,) = run("hyper_synthesis", np.zeros((2, 2, config.hyper), np.int32))
    assert np.abs(prior).max() <= ACT_MAX
    for changed in range(step):
        runs: list[np.ndarray] = []
        for value in (0, 40):
            known: list[np.ndarray] = []
            for k in range(step):
                y_hat = [np.zeros((4, 4, config.group), np.int32) for _ in range(4)]
                if k == changed:
                    y_hat[2][1, 1] = value << MEAN_BITS
                known = run(f"embed.{k}", *y_hat, *known)
            runs.append(np.stack(run(f"context.{step}", prior, *known)))
        assert not np.array_equal(runs[0], runs[1])
