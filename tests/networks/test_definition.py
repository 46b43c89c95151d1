"""The normative definition against definitions slower still: loops and fractions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import exp, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks import definition
from networks.errors import InvalidNetwork
from networks.program import Input, Kind, Operation, Program, Type
from tests.networks import cases


def rounded(value: int, shift: int) -> int:
    """value / 2^shift to the nearest integer, halves up."""
    return floor(Fraction(value, 2**shift) + Fraction(1, 2)) if shift else value


def clamped(value: int, low: int, high: int) -> int:
    return min(high, max(low, value))


@given(value=st.integers(-(2**31), 2**31), shift=st.integers(0, 31))
def test_rshift_is_the_nearest_with_halves_up(value: int, shift: int) -> None:
    found = definition.rshift(np.array([value]), np.array([shift]))

    assert found.tolist() == [rounded(value, shift)]


def test_rshift_of_halves() -> None:
    x = np.array([-6, -5, -3, -2, -1, 0, 1, 2, 3, 5, 6])

    assert definition.rshift(x, 1).tolist() == [-3, -2, -1, -1, 0, 0, 1, 1, 2, 3, 3]
    assert definition.rshift(x, 2).tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2]
    assert definition.rshift(x, 0).tolist() == x.tolist()


@given(a=st.integers(-32768, 32767), b=st.integers(-32768, 32767))
def test_q15_is_a_product_of_fractions(a: int, b: int) -> None:
    found = definition.q15(np.array([a]), np.array([b]))

    assert found.tolist() == [clamped(rounded(a * b, 15), -32768, 32767)]


def test_sigmoid_is_the_logistic_function_of_every_gate() -> None:
    gates = np.arange(-32768, 32768)

    found = definition.sigmoid(gates)

    wanted = np.array([1 / (1 + exp(-g / 4096)) for g in gates.tolist()]) * 32768
    assert np.abs(found - wanted).max() < 11
    assert found.min() >= 0
    assert found.max() <= 32767


@pytest.mark.parametrize("level", range(cases.LEVELS))
@pytest.mark.parametrize("name", [n for n in cases.PROGRAMS if n.startswith("linear")])
def test_linear_equals_loops(name: str, level: int) -> None:
    program = cases.program_of(name)
    op = program.operations[0]
    fold, unfold, _ = op.parameters
    weight, bias, shift, low, high = (t.tolist() for t in op.tensors)
    (x,) = cases.inputs_of(program, 2, 3, "ends", level)

    (found,) = definition.run(program, [x], level)

    row = bias[level if len(bias) > 1 else 0]
    channels = len(weight) // unfold**2
    assert found.shape == (2 * unfold, 3 * unfold, channels)
    for i, j in np.ndindex(2, 3):
        square = x[i * fold : (i + 1) * fold, j * fold : (j + 1) * fold].reshape(-1).tolist()
        for o, weights in enumerate(weight):
            acc = row[o] + sum(w * v for w, v in zip(weights, square, strict=True))
            place, channel = divmod(o, channels)
            y, z = i * unfold + place // unfold, j * unfold + place % unfold
            assert found[y, z, channel] == clamped(rounded(acc, shift[o]), low[o], high[o])


@pytest.mark.parametrize("name", ["depthwise", "depthwise-of-levels"])
def test_depthwise_equals_a_loop_over_taps(name: str) -> None:
    program = cases.program_of(name)
    weight, bias, shift = (t.tolist() for t in program.operations[0].tensors)
    (x,) = cases.inputs_of(program, 3, 5, "random")

    (found,) = definition.run(program, [x], 1)

    row = bias[1 if len(bias) > 1 else 0]
    for i, j, c in np.ndindex(x.shape):
        acc = row[c]
        for k in range(9):
            y, z = i + k // 3 - 1, j + k % 3 - 1
            if 0 <= y < 3 and 0 <= z < 5:  # outside is zero
                acc += weight[k][c] * int(x[y, z, c])
        assert found[i, j, c] == clamped(rounded(acc, shift[c]), -30000, 30000)


def test_add_saturates() -> None:
    program = cases.program_of("add")
    wide = replace(program.inputs[0], channels=1)
    program = replace(program, inputs=(wide, wide))
    x = np.array([32767, 32767, -32768, -32768, 5], np.int16).reshape(1, 5, 1)
    y = np.array([1, -1, -1, 1, -7], np.int16).reshape(1, 5, 1)

    (found,) = definition.run(program, [x, y], 0)

    assert found.dtype == np.int16
    assert found.reshape(-1).tolist() == [32767, 32766, -32768, -32767, -2]


def test_glu_is_value_times_sigmoid_of_the_gate() -> None:
    program = cases.program_of("glu")
    (x,) = cases.inputs_of(program, 4, 4, "random")

    (found,) = definition.run(program, [x], 0)

    half = x.shape[-1] // 2
    value, gate = x[..., :half] / 1.0, x[..., half:] / 4096
    assert np.abs(found - value / (1 + np.exp(-gate))).max() <= 11


@pytest.mark.parametrize("name", [n for n in cases.PROGRAMS if n.startswith("scale")])
@pytest.mark.parametrize("how", ["random", "top", "bottom"])
def test_scale_equals_fractions(name: str, how: str) -> None:
    program = cases.program_of(name)
    op = program.operations[0]
    low, high, _ = op.parameters
    factor, shift = (t.tolist() for t in op.tensors)
    (x,) = cases.inputs_of(program, 2, 2, how)

    (found,) = definition.run(program, [x], 2)

    row = factor[2 if len(factor) > 1 else 0]
    for i, j, c in np.ndindex(x.shape):
        assert found[i, j, c] == clamped(rounded(int(x[i, j, c]) * row[c], shift[c]), low, high)


def test_lookup_takes_the_nearest_entry_and_the_last_beyond() -> None:
    table = np.array([10, 20, 30, 40, 50], np.int16)
    given_ = Input(Type.I32, 1, -(2**31), 2**31 - 1)
    program = cases.one(given_, Operation(Kind.LOOKUP, (0,), (3,), (table,)))
    x = np.array([-(2**31), -21, -12, -4, 0, 3, 4, 11, 12, 2**31 - 1], np.int32).reshape(1, -1, 1)

    (found,) = definition.run(program, [x], 0)

    assert found.reshape(-1).tolist() == [10, 10, 20, 30, 30, 30, 40, 40, 50, 50]


def test_concat_puts_channels_one_after_another() -> None:
    program = cases.program_of("concat")
    parts = cases.inputs_of(program, 2, 3, "random")

    (found,) = definition.run(program, parts, 0)

    assert np.array_equal(found, np.concatenate(parts, -1))
    assert found.dtype == np.int32


def test_cells_take_each_position_once_and_join_undoes_them() -> None:
    given_ = Input(Type.I16, 1, -32768, 32767)
    cut = Program(
        (given_,), tuple(Operation(Kind.CELL, (0,), (c,)) for c in range(4)), (1, 2, 3, 4)
    )
    glue = Program((given_,) * 4, (Operation(Kind.JOIN, (0, 1, 2, 3)),), (4,))
    x = np.arange(24, dtype=np.int16).reshape(4, 6, 1)

    parts = definition.run(cut, [x], 0)

    assert [int(p[0, 0, 0]) for p in parts] == [0, 1, 6, 7]
    assert [p.shape for p in parts] == [(2, 3, 1)] * 4
    assert np.array_equal(definition.run(glue, parts, 0)[0], x)


@pytest.mark.parametrize("name", [n for n in cases.PROGRAMS if n.startswith("gated")])
def test_gated_block_is_its_parts(name: str) -> None:
    """The same with a filter, two linear layers and a glu, and the last line by hand."""
    program = cases.program_of(name)
    op, given_ = program.operations[0], program.inputs[0]
    filter_limit, value_limit = op.parameters
    hidden, wide = op.tensor("reduce").shape[1], np.int32
    low = np.repeat(np.array([-value_limit, -32768], wide), hidden)
    high = np.repeat(np.array([value_limit, 32767], wide), hidden)
    ends = (np.full(given_.channels, -32768, wide), np.full(given_.channels, 32767, wide))
    expand = (op.tensor("expand"), op.tensor("expand_bias"), op.tensor("expand_shift"), low, high)
    reduce = (op.tensor("reduce"), op.tensor("reduce_bias"), op.tensor("reduce_shift"), *ends)
    # Two programs: of a glu the second cannot know how small its values are.
    first = Program(
        (given_,),
        (
            Operation(Kind.DEPTHWISE, (0,), (filter_limit,), op.tensors[:3]),
            Operation(Kind.LINEAR, (1,), (1, 1, int(Type.I16)), expand),
            Operation(Kind.GLU, (2,)),
        ),
        (3,),
    )
    values = Input(Type.I16, hidden, -value_limit, value_limit)
    second = cases.one(values, Operation(Kind.LINEAR, (0,), (1, 1, int(Type.I16)), reduce))
    for level in range(cases.LEVELS):
        (x,) = cases.inputs_of(program, 4, 5, "random", level)
        (branch,) = definition.run(second, definition.run(first, [x], level), level)
        gain = op.tensor("gain")[level if len(op.tensor("gain")) > 1 else 0].tolist()
        (found,) = definition.run(program, [x], level)

        for i, j, c in np.ndindex(x.shape):
            step = clamped(rounded(int(branch[i, j, c]) * gain[c], 15), -32768, 32767)
            assert found[i, j, c] == clamped(int(x[i, j, c]) + step, -32768, 32767)


ATTENTION = ("attention", "attention-shifted", "attention-many-heads", "attention-one-channel")


@pytest.mark.parametrize("name", ATTENTION)
@pytest.mark.parametrize("how", ["random", "ends"])
def test_attention_equals_loops(name: str, how: str) -> None:
    program = cases.program_of(name, 3)
    (x,) = cases.inputs_of(program, 9, 11, how)
    heads, window, shift, limit = program.operations[0].parameters
    bias, logit_shift = (t.tolist() for t in program.operations[0].tensors)
    third = x.shape[2] // 3
    depth, side = third // heads, 2 * window - 1

    (found,) = definition.run(program, [x], 0)

    random = np.random.default_rng(4)
    for _ in range(12):
        row, column, head = (
            int(random.integers(9)),
            int(random.integers(11)),
            int(random.integers(heads)),
        )
        at = head * depth
        query = x[row, column, at : at + depth].tolist()
        keys = [
            (i, j)
            for i in range(9)
            for j in range(11)
            if (i + shift) // window == (row + shift) // window
            and (j + shift) // window == (column + shift) // window
        ]
        logits = []
        for i, j in keys:
            key = x[i, j, third + at : third + at + depth].tolist()
            product = sum(a * b for a, b in zip(query, key, strict=True))
            apart = side * (row - i + window - 1) + column - j + window - 1
            logits.append(rounded(product, logit_shift[head]) + bias[head][apart])
        powers = []
        for logit in logits:
            t = min(max(logits) - logit, 4095)
            f = t % 256
            powers.append(
                (16384 - floor(Fraction(11003 * f - 2811 * f * f // 256, 256))) >> t // 256
            )
        part = (2**31 - 1) // sum(powers)
        weights = [min(rounded(p * part, 16), 32767) for p in powers]
        for c in range(depth):
            values = [int(x[i, j, 2 * third + at + c]) for i, j in keys]
            mean = rounded(sum(w * v for w, v in zip(weights, values, strict=True)), 15)
            assert found[row, column, at + c] == clamped(mean, -limit, limit)


def test_attention_of_an_array_without_positions_is_one_too() -> None:
    torch = pytest.importorskip("torch")
    from networks.native import NativeProgram
    from networks.on_torch import TorchProgram

    for name in ("attention", "attention-shifted"):
        program = cases.program_of(name)
        for shape in ((0, 5, 192), (7, 0, 192), (0, 0, 192)):
            x = np.zeros(shape, np.int16)
            assert definition.run(program, [x], 0)[0].shape == (*shape[:2], 64)
            assert NativeProgram(program)([x], 0)[0].shape == (*shape[:2], 64)
            on_torch = TorchProgram(program, torch.device("cpu"))
            assert tuple(on_torch([torch.from_numpy(x)], 0)[0].shape) == (*shape[:2], 64)


def test_weights_of_attention_are_near_those_of_powers_of_two() -> None:
    logits = np.random.default_rng(5).integers(-3000, 3000, (200, 64))

    found = definition.softmax(logits) / 2**15

    exact = np.exp2(logits / 256 - (logits / 256).max(-1, keepdims=True))
    exact /= exact.sum(-1, keepdims=True)
    assert np.abs(found - exact).max() < 0.003
    assert np.abs(found.sum(-1) - 1).max() < 0.001


def test_a_program_that_breaks_a_bound_is_not_run() -> None:
    program = cases.one(cases.program_of("add").inputs[0], Operation(Kind.GLU, (0,)))
    (x,) = cases.inputs_of(program, 1, 1, "top")

    with pytest.raises(InvalidNetwork, match=r"operation 0 \(glu\): 37 channels have no gates"):
        definition.run(program, [x], 0)
