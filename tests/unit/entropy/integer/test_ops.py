"""NumpyOps, the normative definition, against definitions slower still: loops and fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.export.integer_layers import IntegerNetwork, output_range
from entropy.integer.ops import NumpyOps, shift_round
from networks.train.spec import ACT_MAX, COMPAND_SIZE


def rounded(value: int, shift: int) -> int:
    """value / 2^shift to the nearest integer, halves up."""
    return floor(Fraction(value, 2**shift) + Fraction(1, 2)) if shift else value


@given(value=st.integers(-(2**24), 2**24), shift=st.integers(0, 23))
def test_shift_round_is_the_nearest_with_halves_up(value: int, shift: int) -> None:
    found = shift_round(np.array([value], dtype=np.int64), np.array([shift], dtype=np.int64))

    assert found.tolist() == [rounded(value, shift)]


def test_shift_round_of_halves() -> None:
    x = np.array([-6, -5, -3, -2, -1, 0, 1, 2, 3, 5, 6], dtype=np.int64)

    one, two = np.array(1, dtype=np.int64), np.array(2, dtype=np.int64)
    assert shift_round(x, one).tolist() == [-3, -2, -1, -1, 0, 0, 1, 1, 2, 3, 3]
    assert shift_round(x, two).tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2]
    assert shift_round(x, np.array(0, dtype=np.int64)).tolist() == x.tolist()


def activations(seed: int, *shape: int) -> np.ndarray:
    """Activations of which a third are at an end of their range."""
    random = np.random.default_rng(seed)
    x = random.integers(-ACT_MAX, ACT_MAX + 1, shape)
    ends = random.choice([-ACT_MAX, ACT_MAX], shape)
    return np.where(random.random(shape) < 0.3, ends, x).astype(np.int64)


@pytest.mark.parametrize("name", ["signed", "relu", "head.0.mean.0", "head.0.index.0"])
@pytest.mark.parametrize("level", [0, 3])
def test_linear_equals_a_triple_loop(network: IntegerNetwork, name: str, level: int) -> None:
    layer = network.layers[name]
    low, high = output_range(layer.spec)
    x = activations(level, 1, 3, 4, layer.spec.inputs)

    found = NumpyOps(network, level).linear(name, x)

    bias = layer.bias[level if layer.spec.leveled else 0].tolist()
    for place in np.ndindex(3, 4):
        vector = x[0][place].tolist()
        for o in range(layer.spec.outputs):
            acc = bias[o]
            for i, weight in enumerate(layer.weight[o].tolist()):
                acc += weight * vector[i]
            expected = min(high, max(low, rounded(acc, int(layer.shift[o]))))
            assert found[0][place][o] == expected


def test_depthwise_equals_a_loop_over_taps(network: IntegerNetwork) -> None:
    layer = network.layers["spatial"]
    x = activations(1, 2, 3, 5, 6)

    found = NumpyOps(network, 2).depthwise("spatial", x)

    for b, row, column, c in np.ndindex(2, 3, 5, 6):
        acc = int(layer.bias[0, c])
        for i, j in np.ndindex(3, 3):
            y, z = row + i - 1, column + j - 1
            if 0 <= y < 3 and 0 <= z < 5:  # outside is zero
                acc += int(layer.weight[c, i, j]) * int(x[b, y, z, c])
        expected = min(ACT_MAX, max(-ACT_MAX, rounded(acc, int(layer.shift[c]))))
        assert found[b, row, column, c] == expected


def test_head_is_its_two_linear_layers(network: IntegerNetwork) -> None:
    ops, x = NumpyOps(network, 1), activations(3, 1, 2, 2, 6)

    mean, index = ops.head("head.0", 0, x)

    assert np.array_equal(mean, ops.linear("head.0.mean.0", x))
    assert np.array_equal(index, ops.linear("head.0.index.0", x))


def test_add_saturates(network: IntegerNetwork) -> None:
    ops = NumpyOps(network, 0)
    x = np.array([ACT_MAX, ACT_MAX, -ACT_MAX, -ACT_MAX, 5], dtype=np.int64)
    y = np.array([1, -1, -1, 1, -7], dtype=np.int64)

    assert ops.add(x, y).tolist() == [ACT_MAX, ACT_MAX - 1, -ACT_MAX, -ACT_MAX + 1, -2]
    assert ops.add(x, y, relu=True).tolist() == [ACT_MAX, ACT_MAX - 1, 0, 0, 0]


def test_from_z_scales_and_saturates(network: IntegerNetwork) -> None:
    z = np.array([0, 1, -1, 127, 128, -128, 32000, -32000], dtype=np.int64)

    found = NumpyOps(network, 0).from_z(z)

    assert found.tolist() == [0, 8, -8, 1016, ACT_MAX, -ACT_MAX, ACT_MAX, -ACT_MAX]


def test_from_y_takes_the_shifts_and_the_table_of_its_group(network: IntegerNetwork) -> None:
    y = np.array([[-(2**20), -2048], [-2047, 0], [2047, 2048], [37, 2**20]], dtype=np.int64)
    last = COMPAND_SIZE - 1
    for group in range(4):
        found = NumpyOps(network, 0).from_y(y, group)
        assert found.shape == (4, 4)
        for n, c in np.ndindex(4, 2):
            value = int(y[n, c])
            linear = rounded(value, int(network.input_shifts[2 * group + c]))
            assert found[n, c] == min(ACT_MAX, max(-ACT_MAX, linear))
            assert found[n, 2 + c] == network.compand[min(last, max(-last, value)) + last]


def test_shuffle_puts_channel_quarters_at_offsets(network: IntegerNetwork) -> None:
    x = np.arange(2 * 3 * 4 * 8, dtype=np.int64).reshape(2, 3, 4, 8)

    found = NumpyOps(network, 0).shuffle(x)

    assert found.shape == (2, 6, 8, 2)
    for b, row, column, c in np.ndindex(2, 6, 8, 2):
        quarter = 2 * (row % 2) + column % 2
        assert found[b, row, column, c] == x[b, row // 2, column // 2, 2 * quarter + c]


@settings(deadline=None, max_examples=20)
@given(h=st.integers(1, 4), w=st.integers(1, 4), c=st.integers(1, 3))
def test_join_undoes_the_cells(network: IntegerNetwork, h: int, w: int, c: int) -> None:
    from entropy.models.quadtree import cell

    x = np.arange(2 * 2 * h * 2 * w * c, dtype=np.int64).reshape(2, 2 * h, 2 * w, c)

    assert np.array_equal(NumpyOps(network, 0).join([cell(x, k) for k in range(4)]), x)
