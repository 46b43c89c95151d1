"""The proof that a program keeps the rules and bounds of SPEC.md: no sum can overflow.

Every register has a type, a number of channels and a range of values; every operation is checked
against those of what it reads, and gives its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from networks.errors import InvalidNetwork
from networks.program import PARAMETERS, TENSORS, Kind, Operation, Program, Tensor, Type, largest

__all__ = ["SUM_LIMIT", "Proof", "check"]

SUM_LIMIT = 1 << 31
"""Magnitudes of sums stay below this."""
LARGEST_FOLD = 16
MAX_CHANNELS = 4096
LARGEST_WINDOW = 16
MAX_HEADS = 256
LOGIT_LIMIT = (1 << 30) - (1 << 15)
"""Magnitudes of products of a query and a key stay below this."""


@dataclass(slots=True)
class Proof:
    """What is known of every register: its type, channels and range of values.

    levels: rows of the tensors that have one for every level; None while no tensor has.
    """

    types: list[Type] = field(default_factory=list)
    channels: list[int] = field(default_factory=list)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    levels: int | None = None

    def give(self, kind: Type, channels: int, low: int, high: int) -> None:
        """The next register. Raises InvalidNetwork where it has too many channels."""
        if channels > MAX_CHANNELS:
            raise InvalidNetwork(
                f"register {len(self.types)} has {channels} channels, at most {MAX_CHANNELS}"
            )
        self.types.append(kind)
        self.channels.append(channels)
        self.ranges.append((low, high))


def check(program: Program, levels: int | None = None) -> Proof:
    """Proves a program.

    Args:
        program: any.
        levels: rows that tensors with a row for every level have; None takes any number, the same
            for all.

    Raises:
        InvalidNetwork: a rule or a bound is broken; the message names the operation.
    """
    proof = Proof(levels=levels)
    for n, given in enumerate(program.inputs):
        low, high = given.type.range if given.type in (Type.U8, Type.I16, Type.I32) else (1, 0)
        if not low <= given.low <= given.high <= high or not 0 < given.channels <= MAX_CHANNELS:
            raise InvalidNetwork(f"input {n}: {given} is not possible")
        proof.give(given.type, given.channels, given.low, given.high)
    for n, op in enumerate(program.operations):
        _Check(proof, op, f"operation {n} ({op.name or op.kind.name.lower()})").check()
    if not program.outputs or max(program.outputs) >= len(proof.types) or min(program.outputs) < 0:
        raise InvalidNetwork("outputs: a register that is not there")
    return proof


class _Check:
    """The check of one operation."""

    def __init__(self, proof: Proof, op: Operation, where: str) -> None:
        self._proof, self._op, self._where = proof, op, where

    def check(self) -> None:
        op, proof = self._op, self._proof
        if any(not 0 <= a < len(proof.types) for a in op.arguments):
            raise self._wrong("reads a register that is not there yet")
        if len(op.parameters) != PARAMETERS[op.kind] or len(op.tensors) != len(TENSORS[op.kind]):
            raise self._wrong("has the wrong number of parameters or tensors")
        wanted = {Kind.ADD: 2, Kind.JOIN: 4}.get(op.kind, 1)
        if (op.kind is Kind.CONCAT and len(op.arguments) < 2) or (
            op.kind is not Kind.CONCAT and len(op.arguments) != wanted
        ):
            raise self._wrong(f"reads {len(op.arguments)} registers")
        getattr(self, f"_{op.kind.name.lower()}")()

    def _wrong(self, what: str) -> InvalidNetwork:
        return InvalidNetwork(f"{self._where}: {what}")

    def _input(self, *types: Type) -> tuple[Type, int, int]:
        """Type, channels and largest magnitude of the first argument."""
        at = self._op.arguments[0]
        kind = self._proof.types[at]
        if kind not in types:
            raise self._wrong(f"cannot read {kind.name.lower()}")
        return kind, self._proof.channels[at], largest(self._proof.ranges[at])

    def _type(self, code: int, *types: Type) -> Type:
        if code not in [int(t) for t in types]:
            raise self._wrong(f"type {code} is not possible here")
        return Type(code)

    def _need(
        self, name: str, shape: tuple[int, ...], *types: Type, leveled: bool = False
    ) -> Tensor:
        """A tensor that must have this shape and type; with rows, of every level or one."""
        tensor = self._op.tensor(name)
        if Type.of(tensor) not in types:
            raise self._wrong(f"{name} is {tensor.dtype}")
        found = tensor.shape
        if leveled:
            count = found[0] if found else 0
            if count > 1 and self._proof.levels is None:
                self._proof.levels = count
            found = found[1:] if count in (1, self._proof.levels) else (-1,)
        if found != shape:
            raise self._wrong(f"{name} has shape {tensor.shape}, expected {shape}")
        return tensor

    def _sums(self, names: tuple[str, str, str], m: int, axis: int) -> None:
        """The bound of the sums of a layer whose inputs reach m."""
        weight, bias, shift = (self._op.tensor(name).astype(np.int64) for name in names)
        if shift.min() < 0 or shift.max() > 31:
            raise self._wrong(f"{names[2]} is outside 0..31")
        half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
        worst = np.abs(weight).sum(axis) * m + np.abs(bias).max(0) + half
        channel = int(worst.argmax())
        if worst[channel] >= SUM_LIMIT:
            raise self._wrong(
                f"sums of channel {channel} of {names[0]} can reach {worst[channel]}, "
                f"expected below 2^31"
            )

    def _limit(self, value: int, name: str) -> int:
        if not 1 <= value <= 32767:
            raise self._wrong(f"{name} {value} is outside 1..32767")
        return value

    def _linear(self) -> None:
        fold, unfold, code = self._op.parameters
        if not (1 <= min(fold, unfold) == 1 and max(fold, unfold) <= LARGEST_FOLD):
            raise self._wrong(f"fold {fold}, unfold {unfold}")
        kind = self._type(code, Type.U8, Type.I16, Type.I32)
        _, channels, m = self._input(Type.U8, Type.I16)
        weight = self._op.tensor("weight")
        outputs = weight.shape[0] if weight.ndim == 2 else 0
        if outputs % (unfold * unfold) or not outputs:
            raise self._wrong(f"{outputs} outputs do not unfold by {unfold}")
        self._need("weight", (outputs, fold * fold * channels), Type.I16, Type.I8)
        self._need("bias", (outputs,), Type.I32, leveled=True)
        self._need("shift", (outputs,), Type.I8)
        low, high = (self._need(name, (outputs,), Type.I32) for name in ("low", "high"))
        least, most = kind.range
        if (low > high).any() or low.min() < least or high.max() > most:
            raise self._wrong("low and high are no range of the type")
        self._sums(("weight", "bias", "shift"), m, 1)
        self._proof.give(kind, outputs // (unfold * unfold), int(low.min()), int(high.max()))

    def _depthwise(self) -> None:
        limit = self._limit(self._op.parameters[0], "limit")
        _, channels, m = self._input(Type.I16)
        self._need("weight", (9, channels), Type.I16)
        self._need("bias", (channels,), Type.I32, leveled=True)
        self._need("shift", (channels,), Type.I8)
        self._sums(("weight", "bias", "shift"), m, 0)
        self._proof.give(Type.I16, channels, -limit, limit)

    def _add(self) -> None:
        low, high = self._op.parameters
        _, channels, _ = self._input(Type.I16)
        other = self._op.arguments[1]
        if (self._proof.types[other], self._proof.channels[other]) != (Type.I16, channels):
            raise self._wrong("adds arrays of different types or channels")
        if not -32768 <= low <= high <= 32767:
            raise self._wrong(f"low {low}, high {high}")
        self._proof.give(Type.I16, channels, low, high)

    def _glu(self) -> None:
        _, channels, m = self._input(Type.I16)
        if channels % 2:
            raise self._wrong(f"{channels} channels have no gates")
        self._proof.give(Type.I16, channels // 2, -m, min(m, 32767))

    def _scale(self) -> None:
        low, high, code = self._op.parameters
        kind = self._type(code, Type.I16, Type.I32)
        least, most = kind.range
        if not least <= low <= high <= most:
            raise self._wrong(f"low {low}, high {high}")
        _, channels, m = self._input(Type.I16, Type.I32)
        factor = self._need("factor", (channels,), Type.I32, leveled=True)
        shift = self._need("shift", (channels,), Type.I8)
        if shift.min() < 0 or shift.max() > 62:
            raise self._wrong("shift is outside 0..62")
        if m * largest([int(factor.min()), int(factor.max())]) + (1 << 61) >= 1 << 63:
            raise self._wrong("a product could reach 2^63")
        self._proof.give(kind, channels, low, high)

    def _lookup(self) -> None:
        _, channels, _ = self._input(Type.I16, Type.I32)
        if not 0 <= self._op.parameters[0] <= 31:
            raise self._wrong(f"shift {self._op.parameters[0]} is outside 0..31")
        size = self._op.tensors[0].size
        table = self._need("table", (size,), Type.I16)
        if size % 2 == 0 or size > 1 << 20:
            raise self._wrong(f"a table of {size} entries has no middle")
        self._proof.give(Type.I16, channels, int(table.min()), int(table.max()))

    def _concat(self) -> None:
        kind, _, _ = self._input(Type.U8, Type.I16, Type.I32)
        parts = self._op.arguments
        if any(self._proof.types[a] is not kind for a in parts):
            raise self._wrong("joins arrays of different types")
        ranges = [self._proof.ranges[a] for a in parts]
        channels = sum(self._proof.channels[a] for a in parts)
        self._proof.give(kind, channels, min(r[0] for r in ranges), max(r[1] for r in ranges))

    def _cell(self) -> None:
        kind, channels, _ = self._input(Type.U8, Type.I16, Type.I32)
        if not 0 <= self._op.parameters[0] <= 3:
            raise self._wrong(f"there is no cell {self._op.parameters[0]}")
        self._proof.give(kind, channels, *self._proof.ranges[self._op.arguments[0]])

    def _join(self) -> None:
        kind, channels, _ = self._input(Type.U8, Type.I16, Type.I32)
        parts = self._op.arguments
        if any((self._proof.types[a], self._proof.channels[a]) != (kind, channels) for a in parts):
            raise self._wrong("joins cells of different types or channels")
        ranges = [self._proof.ranges[a] for a in parts]
        self._proof.give(kind, channels, min(r[0] for r in ranges), max(r[1] for r in ranges))

    def _gated_block(self) -> None:
        filter_limit = self._limit(self._op.parameters[0], "filter_limit")
        value_limit = self._limit(self._op.parameters[1], "value_limit")
        _, channels, m = self._input(Type.I16)
        reduce = self._op.tensor("reduce")
        hidden = reduce.shape[1] if reduce.ndim == 2 else 0
        if not hidden:
            raise self._wrong("has no hidden channels")
        self._need("spatial", (9, channels), Type.I16)
        self._need("spatial_bias", (1, channels), Type.I32)
        self._need("spatial_shift", (channels,), Type.I8)
        self._need("expand", (2 * hidden, channels), Type.I16, Type.I8)
        self._need("expand_bias", (1, 2 * hidden), Type.I32)
        self._need("expand_shift", (2 * hidden,), Type.I8)
        self._need("reduce", (channels, hidden), Type.I16, Type.I8)
        self._need("reduce_bias", (1, channels), Type.I32)
        self._need("reduce_shift", (channels,), Type.I8)
        gain = self._need("gain", (channels,), Type.I16, leveled=True)
        if gain.min() < 0:
            raise self._wrong("a gain is below 0")
        self._sums(("spatial", "spatial_bias", "spatial_shift"), m, 0)
        self._sums(("expand", "expand_bias", "expand_shift"), filter_limit, 1)
        self._sums(("reduce", "reduce_bias", "reduce_shift"), value_limit, 1)
        self._proof.give(Type.I16, channels, -32768, 32767)

    def _attention(self) -> None:
        heads, window, shift, value = self._op.parameters
        limit = self._limit(value, "limit")
        if not (1 <= heads <= MAX_HEADS and 1 <= window <= LARGEST_WINDOW and 0 <= shift < window):
            raise self._wrong(f"heads {heads}, window {window}, shift {shift}")
        _, channels, m = self._input(Type.I16)
        if channels % (3 * heads):
            raise self._wrong(f"{channels} channels are no queries, keys and values of the heads")
        self._need("bias", (heads, (2 * window - 1) ** 2), Type.I16)
        logit = self._need("logit_shift", (heads,), Type.I8)
        if logit.min() < 0 or logit.max() > 30:
            raise self._wrong("logit_shift is outside 0..30")
        half = 1 << max(int(logit.max()) - 1, 0)
        if channels // (3 * heads) * m * m + half >= LOGIT_LIMIT:
            raise self._wrong("a logit could reach 2^30 - 2^15")
        self._proof.give(Type.I16, channels // 3, -limit, limit)
