"""Programs in PyTorch, on any device: the same integers as `networks.definition`.

Sums are products of matrices in float64, which holds every integer below 2^53 and so every sum of
SPEC.md exactly, in whatever order a library adds. Everything else is elementwise on integers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from networks.bounds import check
from networks.definition import OCTAVES, SIGMOID, distances, powers
from networks.program import Kind, Operation, Program, Type

__all__ = ["TorchProgram"]

_DTYPES = {Type.U8: torch.uint8, Type.I16: torch.int16, Type.I32: torch.int32}


def _rshift(a: Tensor, s: Tensor) -> Tensor:
    half = torch.where(s > 0, torch.ones_like(s) << (s - 1).clamp(min=0), torch.zeros_like(s))
    return (a + half) >> s


def _sat(a: Tensor) -> Tensor:
    return a.clamp(-32768, 32767)


def _q15(a: Tensor, b: Tensor) -> Tensor:
    return _sat((a * b + 16384) >> 15)


def _sigmoid(g: Tensor) -> Tensor:
    a = torch.maximum(g, _sat(-g))
    t = _sat(2 * (a - 16384))
    p = torch.full_like(g, SIGMOID[0])
    for k in SIGMOID[1:]:
        p = _sat(_q15(p, t) + k)
    p = _q15(p, p)
    p = _q15(p, p)
    return torch.where(g <= 0, p, (32768 - p).clamp(max=32767))


def _glu(x: Tensor) -> Tensor:
    value, gate = x.chunk(2, -1)
    return _q15(value, _sigmoid(gate))


def _fold(x: Tensor, f: int) -> Tensor:
    h, w, c = x.shape
    x = x.reshape(h // f, f, w // f, f, c).permute(0, 2, 1, 3, 4)
    return x.reshape(h // f, w // f, f * f * c)


def _unfold(x: Tensor, u: int) -> Tensor:
    h, w, c = x.shape
    x = x.reshape(h, w, u, u, c // (u * u)).permute(0, 2, 1, 3, 4)
    return x.reshape(h * u, w * u, c // (u * u))


class TorchProgram:
    """A program with its tensors on a device.

    Args:
        program: proved when made.
        device: where to compute.

    Raises:
        InvalidNetwork: the program breaks a rule or a bound.
    """

    def __init__(self, program: Program, device: torch.device) -> None:
        self._types = check(program).types
        self._program = program
        self.has_windows = any(op.kind is Kind.ATTENTION for op in program.operations)
        self._device = device
        self._tensors = [
            [torch.from_numpy(t.astype("int64")).to(device) for t in op.tensors]
            for op in program.operations
        ]

    @torch.inference_mode()
    def __call__(self, inputs: Sequence[Tensor], level: int) -> list[Tensor]:
        """Outputs (h, w, c) of their types, of inputs on the device, at one level."""
        registers: list[Tensor] = [x.to(torch.int64) for x in inputs]
        for op, tensors in zip(self._program.operations, self._tensors, strict=True):
            arguments = [registers[a] for a in op.arguments]
            registers.append(_OPERATIONS[op.kind](op, tensors, level, *arguments))
        return [registers[r].to(_DTYPES[self._types[r]]) for r in self._program.outputs]


def _row(tensor: Tensor, level: int) -> Tensor:
    return tensor[level if len(tensor) > 1 else 0]


def _sums(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.linear(x.double(), weight.double()).to(torch.int64) + bias


def _filter(x: Tensor, weight: Tensor, bias: Tensor, shift: Tensor, limit: int) -> Tensor:
    h, w, _ = x.shape
    padded = F.pad(x, (0, 0, 1, 1, 1, 1))
    a = bias.expand_as(x).clone()
    for k in range(9):
        a += padded[k // 3 : k // 3 + h, k % 3 : k % 3 + w] * weight[k]
    return _rshift(a, shift).clamp(-limit, limit)


def _linear(op: Operation, tensors: list[Tensor], level: int, x: Tensor) -> Tensor:
    fold, unfold, _ = op.parameters
    weight, bias, shift, low, high = tensors
    a = _rshift(_sums(_fold(x, fold), weight, _row(bias, level)), shift)
    return _unfold(torch.minimum(torch.maximum(a, low), high), unfold)


def _depthwise(op: Operation, tensors: list[Tensor], level: int, x: Tensor) -> Tensor:
    weight, bias, shift = tensors
    return _filter(x, weight, _row(bias, level), shift, op.parameters[0])


def _scale(op: Operation, tensors: list[Tensor], level: int, x: Tensor) -> Tensor:
    low, high, _ = op.parameters
    return _rshift(x * _row(tensors[0], level), tensors[1]).clamp(low, high)


def _lookup(op: Operation, tensors: list[Tensor], level: int, x: Tensor) -> Tensor:
    (table,) = tensors
    reach = len(table) // 2
    shift = torch.tensor(op.parameters[0], device=x.device)
    return table[_rshift(x, shift).clamp(-reach, reach) + reach]


def _join(cells: Sequence[Tensor]) -> Tensor:
    return _unfold(torch.cat(list(cells), -1), 2)


def _gated_block(op: Operation, tensors: list[Tensor], level: int, x: Tensor) -> Tensor:
    (
        spatial, spatial_bias, spatial_shift, expand, expand_bias, expand_shift,
        reduce, reduce_bias, reduce_shift, gain,
    ) = tensors  # fmt: skip
    d = _filter(x, spatial, spatial_bias[0], spatial_shift, op.parameters[0])
    value, gate = _rshift(_sums(d, expand, expand_bias[0]), expand_shift).chunk(2, -1)
    limit = op.parameters[1]
    g = _q15(value.clamp(-limit, limit), _sigmoid(_sat(gate)))
    r = _sat(_rshift(_sums(g, reduce, reduce_bias[0]), reduce_shift))
    return _sat(x + _q15(r, _row(gain, level)))


def _attention(op: Operation, tensors: list[Tensor], level: int, x: Tensor) -> Tensor:
    heads, window, shift, limit = op.parameters
    bias, logit_shift = tensors
    height, width, channels = x.shape
    below, right = -(height + shift) % window, -(width + shift) % window
    pads = (shift, right, shift, below)
    inside = F.pad(torch.ones(height, width, dtype=torch.bool, device=x.device), pads)
    padded = F.pad(x, (0, 0, *pads))
    rows, columns = padded.shape[0] // window, padded.shape[1] // window
    depth = channels // (3 * heads)
    parts = padded.reshape(rows, window, columns, window, 3, heads, depth)
    shape = (rows * columns, heads, window * window, depth)
    q, k, v = (t.reshape(shape).double() for t in parts.permute(4, 0, 2, 5, 1, 3, 6))
    a = (q @ k.transpose(-1, -2)).to(torch.int64)
    row, column = np.divmod(np.arange(window * window), window)
    apart = torch.from_numpy(distances(row, column, window)).to(x.device)
    logits = _rshift(a, logit_shift[:, None, None]) + bias[:, apart]
    inside = inside.reshape(rows, window, columns, window).permute(0, 2, 1, 3)
    w = _softmax(logits, inside.reshape(rows * columns, 1, 1, window * window))
    mixed = ((w.double() @ v).to(torch.int64) + 16384) >> 15
    mixed = mixed.clamp(-limit, limit).reshape(rows, columns, heads, window, window, depth)
    out: Tensor = mixed.permute(0, 3, 1, 4, 2, 5).reshape(*padded.shape[:2], channels // 3)
    return out[shift : shift + height, shift : shift + width]


def _softmax(logits: Tensor, inside: Tensor) -> Tensor:
    """`networks.definition.softmax` over the keys that are inside, 0 for others."""
    most = logits.masked_fill(~inside, -(1 << 40)).amax(-1, keepdim=True)
    p = powers((most - logits).clamp(0, OCTAVES * 256 - 1)).masked_fill(~inside, 0)
    r = ((1 << 31) - 1) // p.sum(-1, keepdim=True).clamp(min=1)
    weights: Tensor = ((p * r + (1 << 15)) >> 16).clamp(max=32767)
    return weights


_OPERATIONS: dict[Kind, Callable[..., Tensor]] = {
    Kind.LINEAR: _linear,
    Kind.DEPTHWISE: _depthwise,
    Kind.ADD: lambda op, _t, _l, x, y: (x + y).clamp(*op.parameters),
    Kind.GLU: lambda _o, _t, _l, x: _glu(x),
    Kind.SCALE: _scale,
    Kind.LOOKUP: _lookup,
    Kind.CONCAT: lambda _o, _t, _l, *parts: torch.cat(parts, -1),
    Kind.CELL: lambda op, _t, _l, x: x[op.parameters[0] // 2 :: 2, op.parameters[0] % 2 :: 2],
    Kind.JOIN: lambda _o, _t, _l, *cells: _join(cells),
    Kind.GATED_BLOCK: _gated_block,
    Kind.ATTENTION: _attention,
}
