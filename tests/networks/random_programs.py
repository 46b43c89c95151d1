"""Random valid programs with inputs, to compare backends: `random_case(seed)`.

Weights lie near the bound of the sums, values at the ends of their ranges, sizes and channels are
and are not multiples of what kernels compute together. Every program is proved as it grows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from networks import definition
from networks.bounds import LOGIT_LIMIT, SUM_LIMIT, check
from networks.program import Input, Kind, Operation, Program, Tensor, Type, largest
from networks.weights_file import write

__all__ = ["Case", "random_case"]

Ints = NDArray[np.int64]

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 40, 48, 64)
BLOCK_CHANNELS = (5, 8, 16, 24, 32, 32, 48, 64, 64)
"""Of gated blocks: all but the first take the kernels of some instruction set."""
SIDES = (1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 16)
LARGE_SIDES = (24, 31, 40)
"""Of some programs: enough work for several threads."""
SUMS = (Kind.LINEAR, Kind.DEPTHWISE, Kind.GATED_BLOCK)
MOST_INPUTS = 600
"""Of a linear layer."""
MOST_PRODUCTS = 12_000_000
"""Of an operation; the definition is slow."""


@dataclass(frozen=True, slots=True)
class Case:
    """A program, what it is given, and its level; `outputs` by the definition."""

    program: Program
    inputs: list[Tensor]
    level: int
    outputs: list[Tensor]

    def file(self) -> bytes:
        """As tests/cpp/replay_program.cpp reads it."""
        entries: dict[str, Program | Tensor] = {"program": self.program}
        entries["level"] = np.array([self.level], "<i4")
        for prefix, arrays in (("input", self.inputs), ("output", self.outputs)):
            entries |= {f"{prefix}/{n}": array for n, array in enumerate(arrays)}
        return write(entries)


def random_case(seed: int) -> Case:
    """The case of a seed; seeds that follow one another begin with the operations in turn."""
    return _Maker(seed).case()


@dataclass(slots=True)
class _Maker:
    """A program that grows: its inputs and operations, and the sizes of all registers."""

    seed: int
    rng: np.random.Generator = field(init=False)
    levels: int = field(init=False)
    inputs: list[Input] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.levels = self.pick((1, 2, 5))

    def case(self) -> Case:
        """Inputs, one to six operations, one to three outputs."""
        first = Kind(self.seed % len(Kind) + 1)
        self.give_inputs(first)
        self.operation(first)
        for _ in range(self.rng.integers(0, 6)):
            self.operation(Kind(self.pick((*Kind, *SUMS, *SUMS))))
        others = self.rng.integers(0, len(self.sizes), self.rng.integers(0, 3))
        program = self.program((len(self.sizes) - 1, *map(int, others)))
        check(program, self.levels if self.levels > 1 else None)
        arrays = [self.values(given, self.sizes[n]) for n, given in enumerate(program.inputs)]
        level = int(self.rng.integers(self.levels))
        return Case(program, arrays, level, definition.run(program, arrays, level))

    def program(self, outputs: tuple[int, ...]) -> Program:
        return Program(tuple(self.inputs), tuple(self.operations), outputs)

    def pick(self, choices: tuple[int, ...]) -> int:
        return int(self.rng.choice(choices))

    def often(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def give_inputs(self, first: Kind) -> None:
        """One or two inputs, the first of them of a kind that the first operation takes."""
        large = self.seed % 20 in (0, 1, 19) or self.rng.random() < 0.05
        sides = LARGE_SIDES if large else SIDES
        size = self.pick(sides), self.pick(sides)
        if first is Kind.JOIN:
            size = size[0] * 2, size[1] * 2
        for n in range(int(self.rng.integers(1, 3))):
            channels = self.pick(BLOCK_CHANNELS if first is Kind.GATED_BLOCK else CHANNELS)
            if first is Kind.GLU:
                channels *= 2
            if first is Kind.ATTENTION:
                channels *= 3
            types = [Type.I16, Type.I16]
            if n > 0 or first in (Kind.CONCAT, Kind.CELL, Kind.JOIN):
                types += [Type.U8, Type.I32]
            elif first is Kind.LINEAR:
                types += [Type.U8]
            elif first in (Kind.SCALE, Kind.LOOKUP):
                types += [Type.I32]
            kind = Type(self.pick(tuple(types)))
            low, high = kind.range
            if self.often():
                low, high = sorted(map(int, self.rng.integers(low, high, 2, endpoint=True)))
            if first is Kind.ATTENTION and n == 0:
                most = int(((LOGIT_LIMIT - (1 << 21)) / (channels // 3)) ** 0.5)
                low, high = (max(-most, min(end, most)) for end in (low, high))
            self.inputs.append(Input(kind, channels, low, high))
            self.sizes.append(size)

    def values(self, given: Input, size: tuple[int, int]) -> Tensor:
        """Values of an input: of all its range, or at its ends, or all alike."""
        shape = (*size, given.channels)
        ends = [given.low, given.high]
        style = self.rng.integers(4)
        if style == 0:
            values = self.rng.choice(ends, shape)
        elif style == 1:
            values = np.full(shape, self.rng.choice(ends))
        else:
            values = self.rng.integers(given.low, given.high, shape, endpoint=True)
        return values.astype(given.type.dtype)

    def operation(self, kind: Kind) -> None:
        """An operation of this kind, if there is something that it can read."""
        proof = check(self.program((0,)))
        fitting = [r for r in range(len(self.sizes)) if self.can_read(kind, proof.types[r],
                   proof.channels[r], self.sizes[r], largest(proof.ranges[r]))]  # fmt: skip
        if not fitting:
            return
        x = fitting[-1] if self.often() else int(self.rng.choice(fitting))
        alike = [r for r in fitting if self.sizes[r] == self.sizes[x]
                 and proof.types[r] is proof.types[x]]  # fmt: skip
        same = [r for r in alike if proof.channels[r] == proof.channels[x]]
        channels, m = proof.channels[x], largest(proof.ranges[x])
        height, width = self.sizes[x]
        match kind:
            case Kind.LINEAR:
                self.linear(x, channels, m)
            case Kind.DEPTHWISE:
                tensors = self.layer((9, channels), 0, m, Type.I16, self.levels)
                self.add(kind, (x,), (self.limit(),), tensors)
            case Kind.ADD:
                self.add(kind, (x, int(self.rng.choice(same))), self.bounds(Type.I16))
            case Kind.GLU:
                self.add(kind, (x,))
            case Kind.SCALE:
                self.scale(x, channels)
            case Kind.LOOKUP:
                reach = self.pick((0, 1, 7, 300))
                table = self.rng.integers(-32768, 32767, 2 * reach + 1, endpoint=True)
                bits = 31 if proof.types[x] is Type.I32 else 15
                shift = int(self.rng.integers(0, bits, endpoint=True))
                self.add(kind, (x,), (shift,), (table.astype("<i2"),))
            case Kind.CONCAT:
                count = int(self.rng.integers(2, 5))
                self.add(kind, tuple(int(r) for r in self.rng.choice(alike, count)))
            case Kind.CELL:
                self.cell(x, int(self.rng.integers(4)))
            case Kind.JOIN:
                cells = [self.cell(x, c) for c in range(4)]
                order = self.rng.permutation(cells) if self.often() else cells
                self.add(kind, tuple(map(int, order)), size=(height, width))
            case Kind.GATED_BLOCK:
                self.gated_block(x, channels, m)
            case Kind.ATTENTION:
                self.attention(x, channels, m)

    def can_read(
        self, kind: Kind, found: Type, channels: int, size: tuple[int, int], m: int
    ) -> bool:
        """Whether a register of that type, so many channels, that size and magnitude suits an
        operation.
        """
        types = {
            Kind.LINEAR: (Type.U8, Type.I16),
            Kind.SCALE: (Type.I16, Type.I32),
            Kind.LOOKUP: (Type.I16, Type.I32),
            **dict.fromkeys((Kind.CONCAT, Kind.CELL, Kind.JOIN), (Type.U8, Type.I16, Type.I32)),
        }.get(kind, (Type.I16,))
        if found not in types:
            return False
        if kind is Kind.JOIN:
            return size[0] % 2 == size[1] % 2 == 0
        if kind is Kind.GATED_BLOCK:
            return channels <= max(BLOCK_CHANNELS)
        if kind is Kind.ATTENTION:
            return channels % 3 == 0 and channels // 3 * m * m + (1 << 20) < LOGIT_LIMIT
        if kind is Kind.CONCAT:
            return channels <= 2 * max(CHANNELS)
        return kind is not Kind.GLU or channels % 2 == 0

    def add(
        self,
        kind: Kind,
        arguments: tuple[int, ...],
        parameters: tuple[int, ...] = (),
        tensors: tuple[Tensor, ...] = (),
        size: tuple[int, int] | None = None,
    ) -> int:
        """The next operation, of its first argument's size if none is said. Gives its register."""
        self.operations.append(Operation(kind, arguments, parameters, tensors))
        self.sizes.append(size or self.sizes[arguments[0]])
        return len(self.sizes) - 1

    def cell(self, x: int, index: int) -> int:
        height, width = self.sizes[x]
        size = (height + 1 - index // 2) // 2, (width + 1 - index % 2) // 2
        return self.add(Kind.CELL, (x,), (index,), size=size)

    def linear(self, x: int, channels: int, m: int) -> None:
        height, width = self.sizes[x]
        folds = [f for f in range(1, 9)
                 if height % f == width % f == 0 and f * f * channels <= MOST_INPUTS]  # fmt: skip
        fold = self.pick(tuple(folds)) if folds and self.often() else 1
        unfold = 1 if fold > 1 or self.often() else int(self.rng.integers(1, 9))
        if max(height, width) * unfold > 2 * max(LARGE_SIDES):
            unfold = 1
        outputs = unfold * unfold * self.pick(CHANNELS)
        inputs = fold * fold * channels
        positions = height * width // (fold * fold)
        if inputs * outputs * positions > MOST_PRODUCTS or outputs > MOST_INPUTS:
            outputs, unfold = self.pick((1, 2, 3)), 1
        weight = Type.I8 if self.often() else Type.I16
        tensors = self.layer((outputs, inputs), 1, m, weight, self.levels)
        kind = Type(self.pick((Type.U8, Type.I16, Type.I16, Type.I32)))
        low, high = np.array([self.bounds(kind) for _ in range(outputs)], "<i4").T.copy()
        size = height // fold * unfold, width // fold * unfold
        self.add(Kind.LINEAR, (x,), (fold, unfold, kind), (*tensors, low, high), size)

    def scale(self, x: int, channels: int) -> None:
        kind = Type(self.pick((Type.I16, Type.I32)))
        reach = self.pick((1 << 8, 1 << 16, (1 << 31) - 1))
        factor = self.rng.integers(-reach - 1, reach, (self.rows(), channels), endpoint=True)
        shift = self.rng.integers(0, self.pick((8, 24, 62)), channels, endpoint=True)
        parameters = (*self.bounds(kind), kind)
        self.add(Kind.SCALE, (x,), parameters, (factor.astype("<i4"), shift.astype("i1")))

    def gated_block(self, x: int, channels: int, m: int) -> None:
        hidden = self.pick(BLOCK_CHANNELS)
        filter_limit, value_limit = self.limit(), self.limit()
        kind = Type.I8 if self.often() else Type.I16
        spatial = self.layer((9, channels), 0, m, Type.I16, 1)
        expand = self.layer((2 * hidden, channels), 1, filter_limit, kind, 1)
        reduce = self.layer((channels, hidden), 1, value_limit, kind, 1)
        gain = self.rng.integers(0, 32767, (self.rows(), channels), endpoint=True)
        gain[self.rng.random(gain.shape) < 0.2] = 32767
        tensors = (*spatial, *expand, *reduce, gain.astype("<i2"))
        self.add(Kind.GATED_BLOCK, (x,), (filter_limit, value_limit), tensors)

    def attention(self, x: int, channels: int, m: int) -> None:
        heads = self.pick(tuple(n for n in (1, 2, 4, 5, 8) if channels // 3 % n == 0))
        window = self.pick((1, 2, 3, 4, 8, 8, 13))
        shift = int(self.rng.integers(window))
        reach = self.pick((1, 300, 32767))
        bias = self.rng.integers(-reach, reach, (heads, (2 * window - 1) ** 2), endpoint=True)
        logit_shift = self.rng.integers(0, 21, heads, endpoint=True)
        tensors = (bias.astype("<i2"), logit_shift.astype("i1"))
        self.add(Kind.ATTENTION, (x,), (heads, window, shift, self.limit()), tensors)

    def rows(self) -> int:
        """Of a tensor that may have one for every level."""
        return self.levels if self.often() else 1

    def limit(self) -> int:
        return self.pick((1, 255, 12345, 32767, 32767, 32767))

    def bounds(self, kind: Type) -> tuple[int, int]:
        """low and high in the range of a type, mostly all of it."""
        if self.rng.random() < 0.8:
            return kind.range
        low, high = sorted(map(int, self.rng.integers(*kind.range, 2, endpoint=True)))
        return low, high

    def layer(
        self, shape: tuple[int, int], axis: int, m: int, kind: Type, levels: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Weight, bias and shift of sums along an axis, of inputs up to m: many near the bound."""
        outputs = shape[1 - axis]
        channels = (1, outputs) if axis == 0 else (outputs, 1)  # one number for each
        low, high = kind.range
        weight = self.rng.integers(low, high, shape, endpoint=True)
        style = self.rng.integers(4)
        if style == 0:
            weight = self.rng.choice([low, high, 0], shape)
        elif style == 1:  # of one sign in a channel, so that sums reach what the bound says
            weight = np.abs(weight) * self.rng.choice([-1, 1], channels)
        shift = self.rng.integers(0, 31, channels, endpoint=True)
        if self.often():
            shift = np.full(channels, self.rng.integers(12, 19))
        room = SUM_LIMIT - 1 - ((1 << shift) >> 1)
        most = np.abs(weight).sum(axis, keepdims=True) * m
        share = np.minimum(1, room / np.maximum(most, 1))
        share *= self.rng.choice([1, 1, 0.5, 1e-4], channels)
        weight = np.trunc(weight * share).clip(low, high).astype(np.int64)
        left = room - np.abs(weight).sum(axis, keepdims=True) * m
        weight[np.broadcast_to(left < 0, shape)] = 0  # by the rounding of a quotient
        left[left < 0] = 0
        rows = levels if self.often() else 1
        bias = self.rng.choice([-1, 1], (rows, outputs)) * left.reshape(outputs)
        if self.often():
            bias = np.trunc(bias * self.rng.random(bias.shape))
        return weight.astype(kind.dtype), bias.astype("<i4"), shift.reshape(outputs).astype("i1")
