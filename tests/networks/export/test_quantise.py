"""Integers of float layers: near them, within the bound of the sums, and back again."""

from __future__ import annotations

import numpy as np
import pytest

from networks import definition
from networks.bounds import check
from networks.errors import InvalidNetwork
from networks.export.quantise import LARGEST, from_linear, to_linear, unit_of
from networks.program import Input, Kind, Operation, Program, Type

INPUTS, OUTPUTS, LEVELS = 40, 24, 3


def layer(seed: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Matrix, biases of levels, and units of channels that differ a thousandfold."""
    random = np.random.default_rng(seed)
    matrix = random.normal(0, spread, (OUTPUTS, INPUTS))
    bias = random.normal(0, spread, (LEVELS, OUTPUTS))
    units = 10 ** random.uniform(-4, -1, INPUTS), 10 ** random.uniform(-4, -1, OUTPUTS)
    matrix *= units[1][:, None] / units[0][None]  # so that outputs have the size of their units
    return matrix, bias * units[1] * 1000, units


def program_of(sums: object, magnitude: int) -> Program:
    """The layer as a program over inputs up to a magnitude."""
    given = Input(Type.I16, INPUTS, -magnitude, magnitude)
    ends = (np.full(OUTPUTS, end, np.int32) for end in Type.I32.range)
    tensors = (sums.weight, sums.bias, sums.shift, *ends)  # type: ignore[attr-defined]
    op = Operation(Kind.LINEAR, (0,), (1, 1, int(Type.I32)), tensors)
    return Program((given,), (op,), (1,))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("seed", range(3))
def test_integers_compute_the_layer(bits: int, seed: int) -> None:
    matrix, bias, units = layer(seed)
    sums = to_linear(matrix, bias, units, LARGEST, bits)
    program = program_of(sums, LARGEST)
    x = np.random.default_rng(seed).integers(-LARGEST, LARGEST, (2, 3, INPUTS)).astype(np.int16)

    (found,) = definition.run(program, [x], 1)

    wanted = ((x * units[0]) @ matrix.T + bias[1]) / units[1]
    assert sums.weight.dtype == (np.int8 if bits == 8 else np.int16)
    error = np.sqrt(np.square(found - wanted).mean() / np.square(wanted).mean())
    assert error < (2e-2 if bits == 8 else 5e-4)


@pytest.mark.parametrize("spread", [1e-6, 1.0, 20.0])
@pytest.mark.parametrize("magnitude", [255, LARGEST])
@pytest.mark.parametrize("bits", [8, 16])
def test_sums_stay_within_the_bound_and_use_it(spread: float, magnitude: int, bits: int) -> None:
    matrix, bias, units = layer(5, spread)

    sums = to_linear(matrix, bias, units, magnitude, bits)

    check(program_of(sums, magnitude))
    weight = np.abs(sums.weight.astype(np.int64))
    worst = weight.sum(1) * magnitude + np.abs(sums.bias.astype(np.int64)).max(0)
    full = weight.max(1) >= (1 << (bits - 2)) - 1  # or the weights fill their type,
    full |= sums.shift == 28  # or there is no larger shift
    assert (full | (worst > 0.4 * 2**31)).all()


def test_floats_come_back() -> None:
    matrix, bias, units = layer(7)
    sums = to_linear(matrix, bias, units, LARGEST)

    again, offset = from_linear(sums, units)

    step = units[1] * 2.0 ** -sums.shift.astype(float)
    assert (np.abs(again - matrix) <= 0.51 * step[:, None] / units[0][None]).all()
    assert (np.abs(offset - bias) <= 0.51 * step[None]).all()


def test_a_channel_of_zeros_stays_zero() -> None:
    matrix, bias, units = layer(8)
    matrix[3], bias[:, 3] = 0, 0

    sums = to_linear(matrix, bias, units, LARGEST)

    assert not sums.weight[3].any()
    assert not sums.bias[:, 3].any()
    check(program_of(sums, LARGEST))


def test_rounding_can_be_chosen() -> None:
    matrix, bias, units = layer(9)

    down = to_linear(matrix, bias, units, LARGEST, rounder=np.floor)
    nearest = to_linear(matrix, bias, units, LARGEST)

    assert np.array_equal(down.shift, nearest.shift)
    assert set(np.unique(nearest.weight - down.weight)) == {0, 1}


def test_outputs_that_do_not_fit_are_refused_by_their_channel() -> None:
    matrix, bias, units = layer(10)
    matrix[5] *= 1e9

    with pytest.raises(InvalidNetwork, match="channel 5: its outputs do not fit 32 bits"):
        to_linear(matrix, bias, units, LARGEST)


def test_units_leave_the_headroom_that_is_asked_for() -> None:
    largest = np.array([2.0, 0.5, 0.0])

    unit = unit_of(largest, 1000, 1.5)

    assert (largest * 1.5 / unit)[:2].tolist() == pytest.approx([1000, 1000])
    assert unit[2] == pytest.approx(2e-6 * 1.5 / 1000)  # nothing was seen
    assert unit_of(np.zeros(2), 10, 1.0).min() > 0
