"""Programs: a network as a list of integer operations, with the weights it computes with.

    inputs ──► registers 0 .. n-1        every operation reads registers and writes the next one
    linear, depthwise, add, glu, scale, lookup, concat, cell, join, gated_block, attention
    outputs ◄── registers

SPEC.md is normative. A program is recorded from the code that trains the network
(`networks.record`), stored with the weights (`networks.weights_file`), and run by the compiled
core, by NumPy (`networks.definition`) or by PyTorch (`networks.on_torch`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks.errors import InvalidNetwork

__all__ = ["TENSORS", "Input", "Kind", "Operation", "Program", "Tensor", "Type"]

Tensor = NDArray[Any]


class Type(IntEnum):
    """Element types of arrays and tensors, with their codes in a file."""

    U8 = 1
    I16 = 2
    I32 = 3
    I8 = 4
    F32 = 5

    @property
    def dtype(self) -> np.dtype[Any]:
        """As NumPy has it, little-endian."""
        return np.dtype(_DTYPES[self])

    @property
    def range(self) -> tuple[int, int]:
        """Least and greatest value; of integers."""
        limits = np.iinfo(self.dtype)
        return int(limits.min), int(limits.max)

    @staticmethod
    def of(array: Tensor) -> Type:
        """The type of an array. Raises InvalidNetwork for types that no file holds."""
        for kind, name in _DTYPES.items():
            if array.dtype == np.dtype(name):
                return kind
        raise InvalidNetwork(f"a tensor of {array.dtype} cannot be stored")


_DTYPES = {Type.U8: "u1", Type.I16: "<i2", Type.I32: "<i4", Type.I8: "i1", Type.F32: "<f4"}


class Kind(IntEnum):
    """The operations of SPEC.md, with their codes in a file."""

    LINEAR = 1
    DEPTHWISE = 2
    ADD = 3
    GLU = 4
    SCALE = 5
    LOOKUP = 6
    CONCAT = 7
    CELL = 8
    JOIN = 9
    GATED_BLOCK = 10
    ATTENTION = 11


TENSORS: dict[Kind, tuple[str, ...]] = {
    Kind.LINEAR: ("weight", "bias", "shift", "low", "high"),
    Kind.DEPTHWISE: ("weight", "bias", "shift"),
    Kind.ADD: (),
    Kind.GLU: (),
    Kind.SCALE: ("factor", "shift"),
    Kind.LOOKUP: ("table",),
    Kind.CONCAT: (),
    Kind.CELL: (),
    Kind.JOIN: (),
    Kind.GATED_BLOCK: (
        "spatial", "spatial_bias", "spatial_shift", "expand", "expand_bias", "expand_shift",
        "reduce", "reduce_bias", "reduce_shift", "gain",
    ),
    Kind.ATTENTION: ("bias", "logit_shift"),
}  # fmt: skip
"""Names of an operation's tensors, in the order of the file."""

PARAMETERS: dict[Kind, int] = {
    Kind.LINEAR: 3,
    Kind.DEPTHWISE: 1,
    Kind.ADD: 2,
    Kind.GLU: 0,
    Kind.SCALE: 3,
    Kind.LOOKUP: 1,
    Kind.CONCAT: 0,
    Kind.CELL: 1,
    Kind.JOIN: 0,
    Kind.GATED_BLOCK: 2,
    Kind.ATTENTION: 4,
}
"""How many parameters an operation has."""


@dataclass(frozen=True, slots=True)
class Input:
    """An array that a program is given: its type, channels, and the range of its values."""

    type: Type
    channels: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One step of a program.

    kind: what is computed. arguments: registers it reads. parameters: integers, as SPEC.md orders
    them. tensors: as `TENSORS` orders them. name: for people and messages, of the layer it came
    from.
    """

    kind: Kind
    arguments: tuple[int, ...]
    parameters: tuple[int, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    name: str = ""

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name."""
        return self.tensors[TENSORS[self.kind].index(name)]


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A network: inputs, operations in order, and the registers that it gives back.

    Rules and bounds are proved by `networks.bounds.check`, which whoever makes or loads a program
    calls.
    """

    inputs: tuple[Input, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[int, ...]

    def describe(self) -> str:
        """One line an operation, for people."""
        lines = [f"r{n} = input {i.type.name.lower()} x {i.channels}, {i.low}..{i.high}"
                 for n, i in enumerate(self.inputs)]  # fmt: skip
        for n, op in enumerate(self.operations, len(self.inputs)):
            reads = ", ".join(f"r{a}" for a in op.arguments)
            sizes = ", ".join("x".join(map(str, t.shape)) for t in op.tensors[:1])
            given = ", ".join(map(str, op.parameters))
            lines.append(
                f"r{n} = {op.kind.name.lower()}({reads}) [{given}] {sizes} {op.name}".rstrip()
            )
        return "\n".join([*lines, "give " + ", ".join(f"r{r}" for r in self.outputs)])


def rows(tensor: Tensor, level: int) -> Tensor:
    """The row of a tensor at a level: its only one, or the one of that number."""
    found: Tensor = tensor[level if len(tensor) > 1 else 0]
    return found


def largest(values: Sequence[int]) -> int:
    """The largest magnitude of a range."""
    return max(abs(v) for v in values)
