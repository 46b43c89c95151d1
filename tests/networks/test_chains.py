"""Layers in a row, which the compiled core computes some rows at a time, give what they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from networks import definition
from networks.bounds import check
from networks.native import NativeProgram, instruction_sets
from networks.program import Input, Kind, Operation, Program, Type
from tests.networks import cases

WIDE = (-32768, 32767)
STEPS = ("down", "up", "flat", "filter", "block")


def chain(steps: tuple[str, ...], seed: int, channels: int = 5) -> Program:
    """These layers one after another: "down" folds by 2, "up" unfolds by 2, "flat" does neither."""
    random = np.random.default_rng(seed)
    program = Program((Input(Type.I16, channels, *WIDE),), (), (0,))
    for n, step in enumerate(steps):
        proof = check(program)
        given_ = Input(Type.I16, proof.channels[n], *proof.ranges[n])
        if step == "filter":
            op = cases.depthwise(random, given_)
        elif step == "block":
            op = cases.gated_block(random, given_, 4, rows=cases.LEVELS)
        else:
            fold, unfold = {"down": (2, 1), "up": (1, 2), "flat": (1, 1)}[step]
            outputs = channels * unfold**2
            op = cases.linear(random, given_, outputs, fold=fold, unfold=unfold)
        operations = (*program.operations, replace(op, arguments=(n,)))
        program = Program(program.inputs, operations, (n + 1,))
    return program


def inputs_for(steps: tuple[str, ...], height: int, width: int, seed: int) -> np.ndarray:
    """An input whose sides are so many times what the layers fold."""
    depth, deepest = 0, 0
    for step in steps:
        depth += {"down": 1, "up": -1}.get(step, 0)
        deepest = max(deepest, depth)
    random = np.random.default_rng(seed)
    shape = (height << deepest, width << deepest, 5)
    return random.integers(*WIDE, shape, endpoint=True).astype(np.int16)


@settings(max_examples=60)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=2, max_size=6).map(tuple),
    height=st.integers(1, 40),
    width=st.sampled_from([1, 2, 7, 64]),
    threads=st.sampled_from([1, 3]),
    seed=st.integers(0, 2**16),
)
def test_layers_in_a_row_equal_the_definition(
    steps: tuple[str, ...], height: int, width: int, threads: int, seed: int
) -> None:
    assume(steps.count("up") < 3)
    program, level = chain(steps, seed), seed % cases.LEVELS
    x = inputs_for(steps, height, width, seed)

    (found,) = NativeProgram(program)([x], level, threads)

    assert np.array_equal(found, definition.run(program, [x], level)[0])


@pytest.mark.parametrize("kernels", instruction_sets())
@pytest.mark.parametrize("size", [(301, 1), (1, 301), (150, 20), (3, 1100)])
@pytest.mark.parametrize(
    "steps",
    [
        ("down", "block", "block", "block", "down"),
        ("up", "block", "block", "up"),
        ("filter", "filter", "filter", "filter"),
        ("down", "filter", "up", "filter", "down"),
    ],
    ids="-".join,
)
def test_tall_and_wide_pictures_equal_the_definition(
    steps: tuple[str, ...], size: tuple[int, int], kernels: str
) -> None:
    program = chain(steps, 1)
    x = inputs_for(steps, *size, 2)

    (found,) = NativeProgram(program, kernels)([x], 1)

    assert np.array_equal(found, definition.run(program, [x], 1)[0])


def test_what_others_read_is_kept_whole() -> None:
    """A register in the middle is an output, or is read again later on."""
    plain = chain(("filter", "flat", "block", "filter"), 3)
    again = Operation(Kind.ADD, (2, 4), WIDE)
    programs = [
        replace(plain, outputs=(4, 2)),
        replace(plain, outputs=(3, 3, 4)),
        Program(plain.inputs, (*plain.operations, again), (5,)),
    ]
    x = inputs_for(("flat",), 70, 30, 4)
    for program in programs:
        found = NativeProgram(program)([x], 0)
        expected = definition.run(program, [x], 0)
        for ours, theirs in zip(found, expected, strict=True):
            assert np.array_equal(ours, theirs)


def test_the_input_stays_as_it_is() -> None:
    x = inputs_for(("flat",), 90, 30, 5)
    before = x.copy()

    NativeProgram(chain(("filter", "filter", "block"), 5))([x], 0)

    assert np.array_equal(x, before)


@pytest.mark.parametrize("steps", [("down", "down"), ("filter", "down", "down"), ("flat", "down")])
def test_sides_that_a_fold_does_not_divide_are_refused(steps: tuple[str, ...]) -> None:
    folds = 2 ** steps.count("down")
    for shape in ((folds + 1, folds), (folds, folds + 1), (folds // 2, folds)):
        with pytest.raises(ValueError, match="no multiples of the fold"):
            NativeProgram(chain(steps, 0))([np.zeros((*shape, 5), np.int16)], 0)


def test_pictures_without_rows_give_none() -> None:
    program = chain(("down", "filter", "block"), 0)

    (found,) = NativeProgram(program)([np.zeros((0, 4, 5), np.int16)], 0)

    assert found.shape == (0, 2, 5)
