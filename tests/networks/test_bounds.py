"""Sums, ranges and levels beyond a bound are refused by name, in Python and the compiled core."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from networks.bounds import check
from networks.errors import InvalidNetwork
from networks.program import Input, Kind, Operation, Program, Tensor, Type
from tests.networks import cases
from tests.networks.broken import BOTH, PLAIN, changed, over, with_tensor

I16 = Input(Type.I16, 4, -32768, 32767)


@BOTH
@pytest.mark.parametrize("name", cases.PROGRAMS)
def test_programs_that_keep_the_rules_are_taken(prove: Any, name: str) -> None:
    prove(cases.program_of(name))


def sum_of_one_channel(shift: int, excess: int, kind: Kind) -> Program:
    """A layer whose sums of channel 1 reach 2^31 - 1 + excess: weights, bias and rounding."""
    half = (1 << shift) >> 1
    weight = np.zeros((2, 9), np.int16)
    weight[1, :2] = 32767, -20000
    given = Input(Type.I16, 9 if kind is Kind.LINEAR else 2, -32768, 5)
    bias = np.array([[7, -(2**31 - 1 + excess - 52767 * 32768 - half)]], np.int32)
    shifts = np.array([0, shift], np.int8)
    if kind is Kind.DEPTHWISE:
        tensors: tuple[Tensor, ...] = (np.ascontiguousarray(weight.T), bias, shifts)
        return cases.one(given, Operation(kind, (0,), (100,), tensors))
    ends = np.full(2, -9, np.int32), np.full(2, 9, np.int32)
    return cases.one(
        given, Operation(kind, (0,), (1, 1, int(Type.I16)), (weight, bias, shifts, *ends))
    )


@BOTH
@pytest.mark.parametrize("kind", [Kind.LINEAR, Kind.DEPTHWISE])
@pytest.mark.parametrize("shift", [0, 1, 17, 29])
@pytest.mark.parametrize("excess", [-1, 0, 1, 2])
def test_the_bound_of_sums_is_sharp(prove: Any, kind: Kind, shift: int, excess: int) -> None:
    program = sum_of_one_channel(shift, excess, kind)

    if excess < 1:
        prove(program)
    else:
        with pytest.raises(InvalidNetwork, match=r"operation 0.*channel 1.* can reach 2"):
            prove(program)


@BOTH
@pytest.mark.parametrize("row", range(3))
def test_biases_of_every_level_count(prove: Any, row: int) -> None:
    program = sum_of_one_channel(3, 0, Kind.LINEAR)

    def levels(bias: Tensor) -> Tensor:
        rows = np.zeros((3, 2), np.int32)
        rows[row] = bias[0]
        rows[row, 1] -= 1
        return rows

    with pytest.raises(InvalidNetwork, match="channel 1"):
        prove(with_tensor(program, "bias", levels))


@BOTH
def test_the_most_negative_numbers_count_with_their_magnitude(prove: Any) -> None:
    program = sum_of_one_channel(0, 0, Kind.LINEAR)
    idle = with_tensor(with_tensor(program, "weight", np.zeros_like), "bias", np.zeros_like)
    prove(idle)

    def lowest(array: Tensor) -> Tensor:
        array = np.zeros_like(array)
        array[0, :2] = np.iinfo(array.dtype).min
        return array

    for name in ("weight", "bias"):
        with pytest.raises(InvalidNetwork, match=r"channel 0.* can reach 2"):
            prove(with_tensor(idle, name, lowest))


@BOTH
@pytest.mark.parametrize("part", ["spatial", "expand", "reduce"])
def test_every_sum_of_a_block_is_proved(prove: Any, part: str) -> None:
    program = cases.program_of(PLAIN["gated_block"])

    def huge(weight: Tensor) -> Tensor:
        return np.full_like(weight, 32767)

    with pytest.raises(InvalidNetwork, match=r"operation 0.*sums of channel"):
        prove(with_tensor(over(program, replace(program.inputs[0], low=-32768)), part, huge))


@BOTH
@pytest.mark.parametrize(
    "given",
    [
        Input(Type.I8, 4, -5, 5), Input(Type.F32, 4, 0, 1), Input(Type.U8, 4, -1, 5),
        Input(Type.U8, 4, 0, 256), Input(Type.I16, 4, -32769, 0), Input(Type.I16, 4, 0, 32768),
        Input(Type.I16, 4, 5, 4), Input(Type.I16, 0, 0, 1), Input(Type.I16, 4097, 0, 1),
    ],
)  # fmt: skip
def test_impossible_inputs_are_refused(prove: Any, given: Input) -> None:
    with pytest.raises(InvalidNetwork, match="input"):
        prove(Program((given,), (Operation(Kind.CELL, (0,), (0,)),), (0,)))


@BOTH
@pytest.mark.parametrize("outputs", [(), (2,), (0, 65535)])
def test_outputs_must_be_registers(prove: Any, outputs: tuple[int, ...]) -> None:
    with pytest.raises(InvalidNetwork, match="outputs"):
        prove(replace(cases.program_of("cell-0"), outputs=outputs))


@BOTH
def test_tensors_with_rows_for_different_levels_are_refused(prove: Any) -> None:
    gain = [cases.scale(np.random.default_rng(0), 4, Type.I16, rows) for rows in (1, 3, 3, 2)]
    chained = [replace(op, arguments=(n,)) for n, op in enumerate(gain)]

    prove(Program((I16,), tuple(chained[:3]), (3,)))
    with pytest.raises(InvalidNetwork):
        prove(Program((I16,), tuple(chained), (4,)))


def test_the_number_of_levels_can_be_asked_for() -> None:
    program = cases.program_of("scale-widens")

    check(program, cases.LEVELS)
    check(cases.program_of("scale"), 64)
    with pytest.raises(InvalidNetwork, match=r"operation 0 \(scale\): factor has shape \(3, 37\)"):
        check(program, 64)


def test_the_message_names_the_layer() -> None:
    program = changed(sum_of_one_channel(0, 1, Kind.LINEAR), name="stem")

    with pytest.raises(InvalidNetwork, match=r"operation 0 \(stem\): sums of channel 1 of weight"):
        check(program)


def test_the_proof_says_what_every_register_holds() -> None:
    program = cases.small_network()

    proof = check(program)

    assert proof.types == [Type.U8, Type.I32, *[Type.I16] * 6]
    assert proof.channels == [3, 8, 8, 8, 8, 8, 16, 8]
    assert proof.ranges[2] == (-2000, 2000)
    assert proof.ranges[4] == (-30000, 30000)
    assert proof.ranges[6] == (-32768, 32767)
    assert proof.levels == cases.LEVELS
