"""Recorder: runs the code of a network and keeps the operations, instead of computing them.

The graph of a network exists once, as Python code written against a small set of operations. With
float layers behind them it trains; with a `Recorder` behind them it gives a `Program`, whose
integers come from `Layers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from networks.program import TENSORS, Input, Kind, Operation, Program, Tensor, Type

__all__ = ["Layer", "Layers", "Recorder"]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The integers of one layer: tensors by their names in SPEC.md, and the parameters that are the
    layer's own (limits, types), in the order of SPEC.md.
    """

    tensors: Mapping[str, Tensor]
    parameters: tuple[int, ...] = ()


Layers = Mapping[str, Layer]


@dataclass(slots=True)
class Recorder:
    """Operations over register numbers."""

    layers: Layers
    inputs: list[Input] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)

    def input(self, kind: Type, channels: int, low: int, high: int) -> int:
        """An array that the program is given; all of them before the first operation."""
        assert not self.operations
        self.inputs.append(Input(kind, channels, low, high))
        return len(self.inputs) - 1

    def program(self, outputs: Sequence[int]) -> Program:
        """What was recorded."""
        return Program(tuple(self.inputs), tuple(self.operations), tuple(outputs))

    def _give(
        self, kind: Kind, arguments: Sequence[int], parameters: tuple[int, ...], name: str = ""
    ) -> int:
        tensors: tuple[Tensor, ...] = ()
        if TENSORS[kind]:
            layer = self.layers[name]
            tensors = tuple(layer.tensors[part] for part in TENSORS[kind])
            parameters = (*parameters, *layer.parameters)
        return self._append(Operation(kind, tuple(arguments), parameters, tensors, name))

    def _append(self, op: Operation) -> int:
        self.operations.append(op)
        return len(self.inputs) + len(self.operations) - 1

    def linear(self, name: str, x: int, fold: int = 1, unfold: int = 1) -> int:
        """A linear map of squares of `fold` positions to squares of `unfold`."""
        return self._give(Kind.LINEAR, [x], (fold, unfold), name)

    def depthwise(self, name: str, x: int) -> int:
        """A 3x3 filter of every channel."""
        return self._give(Kind.DEPTHWISE, [x], (), name)

    def add(self, x: int, y: int, low: int = -32768, high: int = 32767) -> int:
        """x + y, clamped."""
        return self._give(Kind.ADD, [x, y], (low, high))

    def glu(self, x: int) -> int:
        """The first half of the channels times the sigmoid of the second."""
        return self._give(Kind.GLU, [x], ())

    def scale(self, name: str, x: int) -> int:
        """Every channel times a factor of the level."""
        return self._give(Kind.SCALE, [x], (), name)

    def lookup(self, name: str, x: int) -> int:
        """A function of one number, by table."""
        return self._give(Kind.LOOKUP, [x], (), name)

    def concat(self, parts: Sequence[int]) -> int:
        """Channels one after another."""
        return self._give(Kind.CONCAT, parts, ())

    def cell(self, x: int, index: int) -> int:
        """The positions of one cell of every 2x2 square."""
        return self._give(Kind.CELL, [x], (index,))

    def join(self, cells: Sequence[int]) -> int:
        """The array of which these are the four cells."""
        return self._give(Kind.JOIN, cells, ())

    def gated_block(self, name: str, x: int) -> int:
        """x + gain * reduce(glu(expand(depthwise(x))))."""
        return self._give(Kind.GATED_BLOCK, [x], (), name)

    def attention(self, name: str, x: int, shift: int) -> int:
        """Attention in windows; the layer has heads, window and limit."""
        layer = self.layers[name]
        heads, window, limit = layer.parameters
        tensors = tuple(layer.tensors[part] for part in TENSORS[Kind.ATTENTION])
        given = (heads, window, shift, limit)
        return self._append(Operation(Kind.ATTENTION, (x,), given, tensors, name))
