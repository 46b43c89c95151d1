"""The normative definition of every operation of SPEC.md, in NumPy and 64-bit integers.

Slow and short. Every other backend must give the same integers; the tests compare them with this
one. Arrays are (h, w, c); inside they are int64, and what a program gives back has its declared
type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks.bounds import check
from networks.program import Kind, Operation, Program, Tensor, rows

__all__ = ["GATE_BITS", "distances", "powers", "run", "sigmoid"]

Ints = NDArray[np.int64]

GATE_BITS = 12
"""A gate counts 2^-12."""
OCTAVES = 16
"""Below the largest logit; what is farther counts nothing."""
SIGMOID = (877, -2136, -1055, 5850, -11668, 11992)
"""Coefficients of the fourth root, highest power first, in 2^-15."""


def rshift(a: Ints, s: Ints | int) -> Ints:
    """Division by 2^s to the nearest, halves up; s = 0 changes nothing."""
    s = np.asarray(s, dtype=np.int64)
    half = np.where(s > 0, np.int64(1) << np.maximum(s - 1, 0), 0)
    return np.asarray((a + half) >> s)


def sat(a: Ints) -> Ints:
    """Clamped to 16 bits."""
    return a.clip(-32768, 32767)


def q15(a: Ints, b: Ints) -> Ints:
    """Product of two fractions of 2^15."""
    return sat(rshift(a * b, 15))


def sigmoid(g: Ints) -> Ints:
    """Logistic function of gates in 2^-12, as fractions of 2^15."""
    a = np.maximum(g, sat(-g))
    t = sat(2 * (a - 16384))
    p = np.full_like(g, SIGMOID[0])
    for k in SIGMOID[1:]:
        p = sat(q15(p, t) + k)
    p = q15(p, p)
    p = q15(p, p)
    return np.where(g <= 0, p, np.minimum(32768 - p, 32767))


def fold(x: Ints, f: int) -> Ints:
    """Space to depth: (h, w, c) -> (h/f, w/f, f f c), positions of a square row by row."""
    h, w, c = x.shape
    x = x.reshape(h // f, f, w // f, f, c).transpose(0, 2, 1, 3, 4)
    return x.reshape(h // f, w // f, f * f * c)


def unfold(x: Ints, u: int) -> Ints:
    """Depth to space, the inverse of `fold`."""
    h, w, c = x.shape
    x = x.reshape(h, w, u, u, c // (u * u)).transpose(0, 2, 1, 3, 4)
    return x.reshape(h * u, w * u, c // (u * u))


def _wide(tensor: Tensor) -> Ints:
    return tensor.astype(np.int64)


def _linear(x: Ints, weight: Tensor, bias: Ints, shift: Tensor) -> Ints:
    return rshift(x @ _wide(weight).T + bias, _wide(shift))


def _depthwise(x: Ints, weight: Tensor, bias: Ints, shift: Tensor, limit: int) -> Ints:
    h, w, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    a = np.zeros_like(x) + bias
    for k in range(9):
        a += padded[k // 3 : k // 3 + h, k % 3 : k % 3 + w] * _wide(weight[k])
    return rshift(a, _wide(shift)).clip(-limit, limit)


def _glu(x: Ints) -> Ints:
    value, gate = np.split(x, 2, axis=-1)
    return q15(value, sigmoid(gate))


def linear(op: Operation, level: int, x: Ints) -> Ints:
    """Operation 1."""
    f, u, _ = op.parameters
    weight, bias, shift, low, high = op.tensors
    a = _linear(fold(x, f), weight, _wide(rows(bias, level)), shift)
    return unfold(a.clip(_wide(low), _wide(high)), u)


def depthwise(op: Operation, level: int, x: Ints) -> Ints:
    """Operation 2."""
    weight, bias, shift = op.tensors
    return _depthwise(x, weight, _wide(rows(bias, level)), shift, op.parameters[0])


def add(op: Operation, level: int, x: Ints, y: Ints) -> Ints:
    """Operation 3."""
    low, high = op.parameters
    return np.asarray((x + y).clip(low, high))


def glu(op: Operation, level: int, x: Ints) -> Ints:
    """Operation 4."""
    return _glu(x)


def scale(op: Operation, level: int, x: Ints) -> Ints:
    """Operation 5."""
    factor, shift = op.tensors
    low, high, _ = op.parameters
    return np.asarray(rshift(x * _wide(rows(factor, level)), _wide(shift)).clip(low, high))


def lookup(op: Operation, level: int, x: Ints) -> Ints:
    """Operation 6."""
    (table,) = op.tensors
    reach = len(table) // 2
    return np.asarray(_wide(table)[rshift(x, op.parameters[0]).clip(-reach, reach) + reach])


def concat(op: Operation, level: int, *parts: Ints) -> Ints:
    """Operation 7."""
    return np.concatenate(parts, axis=-1)


def cell(op: Operation, level: int, x: Ints) -> Ints:
    """Operation 8."""
    (c,) = op.parameters
    return x[c // 2 :: 2, c % 2 :: 2]


def join(op: Operation, level: int, *cells: Ints) -> Ints:
    """Operation 9."""
    h, w, c = cells[0].shape
    x = np.stack(cells, 2).reshape(h, w, 2, 2, c).transpose(0, 2, 1, 3, 4)
    return x.reshape(2 * h, 2 * w, c)


def gated_block(op: Operation, level: int, x: Ints) -> Ints:
    """Operation 10."""
    (
        spatial, spatial_bias, spatial_shift, expand, expand_bias, expand_shift,
        reduce, reduce_bias, reduce_shift, gain,
    ) = op.tensors  # fmt: skip
    filter_limit, value_limit = op.parameters
    d = _depthwise(x, spatial, _wide(spatial_bias[0]), spatial_shift, filter_limit)
    e = _linear(d, expand, _wide(expand_bias[0]), expand_shift)
    value, gate = np.split(e, 2, axis=-1)
    g = q15(value.clip(-value_limit, value_limit), sigmoid(sat(gate)))
    r = sat(_linear(g, reduce, _wide(reduce_bias[0]), reduce_shift))
    return sat(x + q15(r, _wide(rows(gain, level))))


def powers(t: Any) -> Any:
    """2^14 times 2^(-t / 256), of an array of NumPy or PyTorch."""
    f = t & 255
    return (16384 - ((11003 * f - ((2811 * f * f) >> 8)) >> 8)) >> (t >> 8)


def softmax(logits: Ints) -> Ints:
    """Weights in 2^-15 of logits (..., keys) in 2^-8 octaves."""
    p = powers(np.minimum(logits.max(-1, keepdims=True) - logits, OCTAVES * 256 - 1))
    r = ((1 << 31) - 1) // p.sum(-1, keepdims=True)
    return np.asarray(np.minimum(rshift(p * r, 16), 32767))


def distances(row: Ints, column: Ints, window: int) -> Ints:
    """Entry of the table of distances by query and key, of positions of one window."""
    apart = (row[:, None] - row + window - 1) * (2 * window - 1)
    return np.asarray(apart + column[:, None] - column + window - 1)


def attention(op: Operation, level: int, x: Ints) -> Ints:
    """Operation 11."""
    heads, window, shift, limit = op.parameters
    bias, logit_shift = (_wide(t) for t in op.tensors)
    height, width, channels = x.shape
    q, k, v = x.reshape(height, width, 3, heads, channels // (3 * heads)).transpose(2, 3, 0, 1, 4)
    out = np.zeros_like(v)
    for top in range(-shift, height, window):
        for left in range(-shift, width, window):
            rows = np.arange(max(top, 0), min(top + window, height))
            columns = np.arange(max(left, 0), min(left + window, width))
            if not rows.size or not columns.size:
                continue
            row, column = (n.ravel() for n in np.meshgrid(rows, columns, indexing="ij"))
            a = q[:, row, column] @ k[:, row, column].transpose(0, 2, 1)
            w = softmax(
                rshift(a, logit_shift[:, None, None]) + bias[:, distances(row, column, window)]
            )
            mixed = rshift(w @ v[:, row, column], 15)
            out[:, row, column] = mixed.clip(-limit, limit)
    return np.asarray(out.transpose(1, 2, 0, 3).reshape(height, width, channels // 3))


OPERATIONS: dict[Kind, Callable[..., Ints]] = {
    Kind.LINEAR: linear,
    Kind.DEPTHWISE: depthwise,
    Kind.ADD: add,
    Kind.GLU: glu,
    Kind.SCALE: scale,
    Kind.LOOKUP: lookup,
    Kind.CONCAT: concat,
    Kind.CELL: cell,
    Kind.JOIN: join,
    Kind.GATED_BLOCK: gated_block,
    Kind.ATTENTION: attention,
}


def run(program: Program, inputs: Sequence[Tensor], level: int) -> list[Tensor]:
    """What a program computes at one level.

    Args:
        program: as `networks.bounds.check` accepts it.
        inputs: arrays (h, w, c) of the types and within the ranges that it declares.
        level: quality level.

    Returns: its outputs, of their types.

    Raises:
        InvalidNetwork: the program breaks a rule or a bound.
    """
    types = check(program).types
    registers: list[Ints] = [array.astype(np.int64) for array in inputs]
    for op in program.operations:
        registers.append(OPERATIONS[op.kind](op, level, *(registers[a] for a in op.arguments)))
    return [registers[r].astype(types[r].dtype) for r in program.outputs]
