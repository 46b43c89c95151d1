"""Programs of one operation each, with weights that use what the bounds allow, and their inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks.bounds import SUM_LIMIT
from networks.program import Input, Kind, Operation, Program, Type

Array = NDArray[Any]
LEVELS = 3
I16 = (-32768, 32767)
I32 = (-(2**31), 2**31 - 1)


def sums(
    random: np.random.Generator,
    outputs: int,
    inputs: int,
    m: int,
    *,
    bits: int = 16,
    rows: int = 1,
) -> tuple[Array, Array, Array]:
    """(weight, bias, shift) of a layer: sums of inputs up to m come near 2^31."""
    most = min((1 << (bits - 1)) - 1, (SUM_LIMIT - (1 << 29)) // (m * inputs))
    weight = random.integers(-most, most + 1, (outputs, inputs))
    ends = random.choice([-most, most], weight.shape)
    weight = np.where(random.random((outputs, 1)) < 0.3, ends, weight)
    bias = random.integers(-(1 << 28), (1 << 28) + 1, (rows, outputs))
    shift = random.integers(0, 29, outputs)
    kind = np.int16 if bits == 16 else np.int8
    return weight.astype(kind), bias.astype(np.int32), shift.astype(np.int8)


def linear(
    random: np.random.Generator,
    given: Input,
    outputs: int,
    *,
    fold: int = 1,
    unfold: int = 1,
    bits: int = 16,
    rows: int = 1,
    kind: Type = Type.I16,
) -> Operation:
    """A linear layer over register 0; `outputs` counts those of all positions."""
    m = max(-given.low, given.high)
    weight, bias, shift = sums(
        random, outputs, fold * fold * given.channels, m, bits=bits, rows=rows
    )
    least, most = kind.range
    low = random.integers(least, least // 2 + 1, outputs)
    high = random.integers(most // 2, most + 1, outputs)
    tensors = (weight, bias, shift, low.astype(np.int32), high.astype(np.int32))
    return Operation(Kind.LINEAR, (0,), (fold, unfold, int(kind)), tensors)


def depthwise(random: np.random.Generator, given: Input, rows: int = 1) -> Operation:
    """A 3x3 filter over register 0."""
    m = max(-given.low, given.high)
    weight, bias, shift = sums(random, given.channels, 9, m, rows=rows)
    tensors = (np.ascontiguousarray(weight.T), bias, shift)
    return Operation(Kind.DEPTHWISE, (0,), (30000,), tensors)


def scale(random: np.random.Generator, channels: int, kind: Type, rows: int = 1) -> Operation:
    """A gain over register 0; products come near 2^62."""
    factor = random.integers(-(2**31), 2**31, (rows, channels)).astype(np.int32)
    shift = random.integers(0, 63, channels).astype(np.int8)
    least, most = kind.range
    return Operation(Kind.SCALE, (0,), (least + 5, most - 7, int(kind)), (factor, shift))


def lookup(random: np.random.Generator, shift: int, size: int) -> Operation:
    """A table over register 0."""
    table = random.integers(*I16, size, endpoint=True).astype(np.int16)
    return Operation(Kind.LOOKUP, (0,), (shift,), (table,))


def gated_block(
    random: np.random.Generator,
    given: Input,
    hidden: int,
    *,
    bits: int = 16,
    rows: int = 1,
    limits: tuple[int, int] = (16383, 16383),
) -> Operation:
    """A block over register 0."""
    c = given.channels
    m = max(-given.low, given.high)
    spatial, spatial_bias, spatial_shift = sums(random, c, 9, m)
    expand = sums(random, 2 * hidden, c, limits[0], bits=bits)
    reduce = sums(random, c, hidden, limits[1], bits=bits)
    gain = random.integers(0, 32768, (rows, c)).astype(np.int16)
    gain[:, 0] = 32767
    tensors = (
        np.ascontiguousarray(spatial.T), spatial_bias, spatial_shift, *expand, *reduce, gain,
    )  # fmt: skip
    return Operation(Kind.GATED_BLOCK, (0,), limits, tensors)


def attention(
    random: np.random.Generator, given: Input, heads: int, window: int, shift: int = 0,
    limit: int = 32767,
) -> Operation:  # fmt: skip
    """Attention over register 0, from nearly even weights to one that takes all."""
    bias = random.integers(-4096, 4096, (heads, (2 * window - 1) ** 2)).astype(np.int16)
    bias[0] *= 7
    logit_shift = random.integers(4, 24, heads).astype(np.int8)
    return Operation(Kind.ATTENTION, (0,), (heads, window, shift, limit), (bias, logit_shift))


def one(given: Input, op: Operation) -> Program:
    """A program of one operation over one input."""
    return Program((given,), (op,), (1,))


def _programs() -> dict[str, Callable[[np.random.Generator], Program]]:
    pixels = Input(Type.U8, 3, 0, 255)
    wide, narrow = Input(Type.I16, 37, *I16), Input(Type.I16, 16, -1023, 1023)
    large = Input(Type.I32, 5, *I32)
    asked = Input(Type.I16, 3 * 64, -5791, 5791)

    def of(given: Input, make: Callable[..., Operation], *args: Any, **options: Any) -> Any:
        return lambda random: one(given, make(random, given, *args, **options))

    def simple(kind: Kind, given: Input, count: int, *parameters: int) -> Any:
        op = Operation(kind, tuple(range(count)), parameters)
        return lambda random: Program((given,) * count, (op,), (count,))

    return {
        "linear": of(wide, linear, 50),
        "linear-of-levels": of(narrow, linear, 64, rows=LEVELS),
        "linear-narrow-weights": of(narrow, linear, 33, bits=8),
        "linear-folds-pixels": of(pixels, linear, 40, fold=4),
        "linear-to-pixels": of(narrow, linear, 48, unfold=4, kind=Type.U8),
        "linear-folds-in-two": of(narrow, linear, 30, fold=2, kind=Type.I32),
        "linear-one-channel": of(Input(Type.I16, 1, *I16), linear, 1),
        "depthwise": of(wide, depthwise),
        "depthwise-of-levels": of(narrow, depthwise, LEVELS),
        "add": simple(Kind.ADD, wide, 2, -32768, 32767),
        "add-clamped": simple(Kind.ADD, narrow, 2, 0, 1000),
        "glu": simple(Kind.GLU, Input(Type.I16, 10, *I16), 1),
        "scale": lambda r: one(wide, scale(r, 37, Type.I16)),
        "scale-widens": lambda r: one(wide, scale(r, 37, Type.I32, LEVELS)),
        "scale-of-32-bits": lambda r: one(large, scale(r, 5, Type.I32, LEVELS)),
        "scale-narrows": lambda r: one(large, scale(r, 5, Type.I16)),
        "lookup": lambda r: one(wide, lookup(r, 4, 2049)),
        "lookup-of-32-bits": lambda r: one(large, lookup(r, 31, 5)),
        "lookup-without-shift": lambda r: one(large, lookup(r, 0, 1001)),
        "concat": simple(Kind.CONCAT, large, 3),
        "concat-pixels": simple(Kind.CONCAT, pixels, 2),
        "cell-0": simple(Kind.CELL, wide, 1, 0),
        "cell-1": simple(Kind.CELL, pixels, 1, 1),
        "cell-2": simple(Kind.CELL, large, 1, 2),
        "cell-3": simple(Kind.CELL, wide, 1, 3),
        "join": simple(Kind.JOIN, narrow, 4),
        "join-of-32-bits": simple(Kind.JOIN, large, 4),
        "attention": of(asked, attention, 2, 8),
        "attention-shifted": of(asked, attention, 2, 8, 4),
        "attention-many-heads": of(asked, attention, 16, 5, 1, 1000),
        "attention-one-channel": of(Input(Type.I16, 3, -32000, 32000), attention, 1, 3, 2),
        "attention-wide": of(Input(Type.I16, 9, -18000, 17000), attention, 1, 16, 9),
        "gated-block": of(narrow, gated_block, 20, rows=LEVELS),
        "gated-block-narrow-weights": of(narrow, gated_block, 17, bits=8, limits=(255, 127)),
        "gated-block-wide": of(Input(Type.I16, 33, *I16), gated_block, 9, limits=(32767, 32767)),
    }


PROGRAMS = _programs()
"""By name: a generator of random numbers -> a program of one operation."""


def program_of(name: str, seed: int = 0) -> Program:
    """The program of that name in `PROGRAMS`."""
    return PROGRAMS[name](np.random.default_rng(seed))


def fold_of(program: Program) -> int:
    """What the sides of the inputs have to be multiples of."""
    op = program.operations[0]
    return op.parameters[0] if op.kind is Kind.LINEAR else 1


def inputs_of(program: Program, height: int, width: int, how: str, seed: int = 0) -> list[Array]:
    """Inputs within the ranges: "random", at the "ends" at random, all at the "top" or "bottom"."""
    random = np.random.default_rng(seed)
    found = []
    for given in program.inputs:
        shape = (height * fold_of(program), width * fold_of(program), given.channels)
        x = random.integers(given.low, given.high, shape, endpoint=True)
        if how == "ends":
            x = random.choice([given.low, given.high], shape)
        elif how in ("top", "bottom"):
            x = np.full(shape, given.high if how == "top" else given.low)
        found.append(x.astype(given.type.dtype))
    return found


def small_network(seed: int = 0) -> Program:
    """Several operations in a row, with two inputs and two outputs."""
    random = np.random.default_rng(seed)
    pixels, other = Input(Type.U8, 3, 0, 255), Input(Type.I32, 8, -1000, 1000)
    entry = linear(random, pixels, 8, fold=2)
    low, high = np.full(8, -2000, np.int32), np.full(8, 2000, np.int32)
    entry = Operation(Kind.LINEAR, (0,), entry.parameters, (*entry.tensors[:3], low, high), "in")
    limited = Input(Type.I16, 8, -32768, 32767)
    block = gated_block(random, limited, 4, rows=LEVELS)
    gain = scale(random, 8, Type.I16, LEVELS)
    return Program(
        (pixels, other),
        (
            entry,
            Operation(Kind.SCALE, (1,), gain.parameters, gain.tensors, "gain"),
            Operation(Kind.ADD, (2, 3), (-30000, 30000)),
            Operation(Kind.GATED_BLOCK, (4,), block.parameters, block.tensors, "block"),
            Operation(Kind.CONCAT, (2, 5), ()),
            Operation(Kind.GLU, (6,)),
        ),
        (7, 4),
    )
