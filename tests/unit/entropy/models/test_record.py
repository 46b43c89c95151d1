"""Recorded programs compute what quantisation-aware training does, integer for integer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

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
from entropy.models.record import Y_HAT_RANGE, Z_RANGE, integer_network_of, programs
from networks import definition
from networks.bounds import check
from networks.export.convert import integer_network
from networks.export.integer_layers import IntegerNetwork
from networks.native import NativeProgram
from networks.program import Kind, Program, Type
from networks.train.spec import ACT_BITS, ACT_MAX, INDEX_MAX, MEAN_BITS
from networks.train.training import TrainingOps
from networks.weights_file import read, write
from tests.networks.trained import integers, trained

LEVELS = 16
CONFIG = EntropyConfig(latent=16, hidden=12, hyper=4, levels=LEVELS)
SPECS = layer_specs(CONFIG)
NAMES = [
    "hyper_synthesis",
    *(f"context.{k}" for k in range(STEPS)),
    *(f"embed.{k}" for k in range(STEPS - 1)),
]


def model(seed: int) -> tuple[TrainingOps, IntegerNetwork, dict[str, Program]]:
    """Trained layers, their integers, and what is recorded with them."""
    ops = trained(SPECS, CONFIG.latent, LEVELS, seed)
    with torch.no_grad():  # each mean goes back by the shift its channel came in with
        for step in range(STEPS):
            for group in range(GROUPS):
                part = ops.input_exponents[group * CONFIG.group : (group + 1) * CONFIG.group]
                ops.layer(f"head.{step}.mean.{group}").exponent.copy_(part)
    network = integer_network(ops, SPECS)
    return ops, network, programs(CONFIG, network)


def values(x: np.ndarray, bits: int) -> Tensor:
    """Integers (h, w, c) as training has them: (1, h, w, c), in units of 2^-bits."""
    return torch.from_numpy(x[None]).float() / 2**bits


def same(found: Tensor, bits: int, expected: np.ndarray) -> bool:
    return np.array_equal(integers(found, bits)[0], expected)


@pytest.mark.parametrize("level", [0, 7, LEVELS - 1])
@pytest.mark.parametrize("size", [(4, 4), (12, 8)])
@pytest.mark.parametrize("spread", [40, 32768])
def test_programs_equal_the_exact_mode_of_training(
    level: int, size: tuple[int, int], spread: int
) -> None:
    ops, _, found = model(level)
    ops.bind(torch.tensor([level]))
    random = np.random.default_rng(level)
    (h, w), group = size, CONFIG.group

    def run(name: str, *inputs: np.ndarray) -> list[np.ndarray]:
        return definition.run(found[name], inputs, level)

    z = random.integers(-spread, spread, (h // 4, w // 4, CONFIG.hyper)).astype(np.int32)
    (prior,) = run("hyper_synthesis", z)
    prior_trained = hyper_synthesis(ops, values(z, 0))
    assert same(prior_trained, ACT_BITS, prior)
    assert len(np.unique(prior)) > 10  # it does something

    known: list[np.ndarray] = []
    known_trained: Tensor | None = None
    seen: set[int] = set()
    for step in range(STEPS):
        heads = run(f"context.{step}", prior, *known)
        heads_trained = parameters(ops, step, prior_trained, known_trained)
        cells = []
        for head, (mean, index) in zip(heads, heads_trained, strict=True):
            assert same(mean, MEAN_BITS, head[..., :group])
            assert same(index, 0, head[..., group:])
            seen.update(np.unique(head[..., group:]).tolist())
            symbols = random.integers(-60, 61, head[..., :group].shape, dtype=np.int32)
            symbols[0, 0] *= 200  # beyond the table of companding
            cells.append(head[..., :group] + (symbols << MEAN_BITS))
        if step + 1 < STEPS:
            known_trained = update(ops, step, known_trained, [values(c, MEAN_BITS) for c in cells])
            known = run(f"embed.{step}", *cells, *known)
            assert same(known_trained, ACT_BITS, known[0])
    assert len(seen) > 3
    assert max(seen) <= INDEX_MAX


def test_compiled_core_runs_the_programs_alike() -> None:
    _, _, found = model(3)
    random = np.random.default_rng(0)
    for name, program in found.items():
        sides = (2, 3) if name == "hyper_synthesis" else (4, 6)
        inputs = [
            random.integers(i.low, i.high, (*sides, i.channels), endpoint=True).astype(i.type.dtype)
            for i in program.inputs
        ]
        if name.startswith("embed."):  # cells have half the sides of what is known
            inputs[:4] = [np.ascontiguousarray(x[:2, :3]) for x in inputs[:4]]
        expected = definition.run(program, inputs, 5)
        for ours, theirs in zip(NativeProgram(program)(inputs, 5), expected, strict=True):
            assert np.array_equal(ours, theirs)


def test_every_program_is_proved_and_has_its_inputs() -> None:
    _, _, found = model(0)

    assert list(found) == NAMES
    for program in found.values():
        check(program, LEVELS)
    (z,) = found["hyper_synthesis"].inputs
    assert (z.type, z.channels, z.low, z.high) == (Type.I32, CONFIG.hyper, -Z_RANGE, Z_RANGE)
    for step in range(STEPS):
        inputs = found[f"context.{step}"].inputs
        assert [i.channels for i in inputs] == [CONFIG.hidden] * (2 if step else 1)
        assert {(i.low, i.high) for i in inputs} == {(-ACT_MAX, ACT_MAX)}
        assert len(found[f"context.{step}"].outputs) == 4
    for step in range(STEPS - 1):
        cells, known = found[f"embed.{step}"].inputs[:4], found[f"embed.{step}"].inputs[4:]
        assert {(i.channels, i.high) for i in cells} == {(CONFIG.group, Y_HAT_RANGE)}
        assert [i.channels for i in known] == [CONFIG.hidden] * (1 if step else 0)


def test_every_layer_is_in_some_program() -> None:
    _, network, found = model(0)
    used = {op.name for program in found.values() for op in program.operations}

    joined = {name.replace(".mean.", ".").replace(".index.", ".") for name in network.layers}
    own = {"from_z", "compand", *(f"from_y.{group}" for group in range(GROUPS))}
    assert used - {""} == joined | own


def test_means_and_indexes_are_one_layer() -> None:
    """Half as many operations; of levels where the index is."""
    _, network, found = model(1)
    heads = [op for op in found["context.2"].operations if op.name.startswith("head.")]

    assert [op.name for op in heads] == [f"head.2.{group}" for group in ORDER[2]]
    assert {op.kind for op in heads} == {Kind.LINEAR}
    mean = network.layers["head.2.mean.1"]
    (op,) = [op for op in heads if op.name == "head.2.1"]
    bias = op.tensor("bias")
    assert bias.shape == (LEVELS, 2 * CONFIG.group)
    assert (bias[:, : CONFIG.group] == mean.bias[0]).all()


def same_arrays(found: IntegerNetwork, wanted: IntegerNetwork) -> bool:
    ours, theirs = found.arrays(), wanted.arrays()
    return ours.keys() == theirs.keys() and all(
        array.dtype == theirs[name].dtype and np.array_equal(array, theirs[name])
        for name, array in ours.items()
    )


@pytest.mark.parametrize("stored", [False, True])
def test_layers_come_back_from_the_programs(stored: bool) -> None:
    _, network, found = model(2)
    if stored:
        entries = read(write(found), LEVELS)
        found = {name: e for name, e in entries.items() if isinstance(e, Program)}

    again = integer_network_of(CONFIG, found, LEVELS)

    assert again.levels == network.levels
    assert same_arrays(again, network)


def test_programs_of_other_networks_are_left_alone() -> None:
    """The transforms may have layers of the same names."""
    _, network, found = model(2)
    other = model(9)[2]["hyper_synthesis"]

    again = integer_network_of(CONFIG, {**found, "analysis": other}, LEVELS)

    assert same_arrays(again, network)


def test_a_program_that_is_missing_is_noticed() -> None:
    _, _, found = model(2)
    del found["context.3"]

    with pytest.raises(KeyError, match=r"context\.3|head\.3"):
        integer_network_of(CONFIG, found, LEVELS)
