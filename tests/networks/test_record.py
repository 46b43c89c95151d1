"""The recorder: calls become operations in order, with the integers of the layers they name."""

from __future__ import annotations

import numpy as np
import pytest

from networks import definition
from networks.bounds import check
from networks.program import TENSORS, Input, Kind, Type
from networks.record import Layer, Recorder
from tests.networks import cases

GIVEN = Input(Type.I16, 8, -2000, 2000)


def layers() -> dict[str, Layer]:
    """A layer of every kind that has tensors."""
    random = np.random.default_rng(0)
    wide = Input(Type.I16, 8, -32768, 32767)
    block = cases.gated_block(random, wide, 4, rows=cases.LEVELS)
    made = {
        "entry": cases.linear(random, GIVEN, 8, fold=2),
        "filter": cases.depthwise(random, wide),
        "gain": cases.scale(random, 8, Type.I16, cases.LEVELS),
        "table": cases.lookup(random, 5, 101),
        "block": block,
        "exit": cases.linear(random, Input(Type.I16, 16, -32768, 32767), 32, unfold=2),
    }
    own = {Kind.LINEAR: 2}  # parameters that the caller gives
    return {
        name: Layer(
            dict(zip(TENSORS[op.kind], op.tensors, strict=True)),
            op.parameters[own.get(op.kind, 0) :],
        )
        for name, op in made.items()
    }


def recorded() -> Recorder:
    record = Recorder(layers())
    x = record.input(Type.I16, 8, -2000, 2000)
    x = record.linear("entry", x, fold=2)
    x = record.gated_block("block", record.scale("gain", record.depthwise("filter", x)))
    cells = [record.cell(x, c) for c in range(4)]
    x = record.add(record.join(cells), record.lookup("table", x), -100, 100)
    x = record.concat([record.glu(record.concat([x, x])), x])
    record.linear("exit", x, unfold=2)
    return record


def test_calls_become_operations_in_order() -> None:
    record = recorded()

    program = record.program([len(record.operations)])

    kinds = [op.kind.name.lower() for op in program.operations]
    assert kinds == [
        "linear", "depthwise", "scale", "gated_block", *["cell"] * 4, "join", "lookup", "add",
        "concat", "glu", "concat", "linear",
    ]  # fmt: skip
    assert [op.name for op in program.operations if op.tensors] == [
        "entry", "filter", "gain", "block", "table", "exit",
    ]  # fmt: skip
    assert program.operations[0].parameters == (2, 1, int(Type.I16))
    assert program.operations[-1].parameters == (1, 2, int(Type.I16))
    assert program.operations[10].parameters == (-100, 100)
    assert program.inputs == (GIVEN,)
    check(program, cases.LEVELS)


def test_tensors_are_those_of_the_layer_that_is_named() -> None:
    made = layers()
    record = Recorder(made)
    record.gated_block("block", record.input(Type.I16, 8, -5, 5))

    (op,) = record.program([1]).operations

    assert [op.tensor(name) for name in TENSORS[Kind.GATED_BLOCK]] == list(
        made["block"].tensors.values()
    )
    assert op.parameters == made["block"].parameters


def test_what_is_recorded_runs() -> None:
    record = recorded()
    program = record.program([len(record.operations)])
    (x,) = cases.inputs_of(program, 4, 6, "random")

    (found,) = definition.run(program, [x], 1)

    assert found.shape == (8, 12, 8)
    assert len(np.unique(found)) > 5


def test_a_layer_that_is_not_there_is_named() -> None:
    record = Recorder(layers())

    with pytest.raises(KeyError, match="elsewhere"):
        record.linear("elsewhere", record.input(Type.I16, 8, -5, 5))


def test_inputs_come_before_operations() -> None:
    record = recorded()

    with pytest.raises(AssertionError):
        record.input(Type.I16, 8, -5, 5)


def test_a_program_describes_itself_line_by_line() -> None:
    record = recorded()

    lines = record.program([15, 4]).describe().splitlines()

    assert lines[0] == "r0 = input i16 x 8, -2000..2000"
    assert lines[1] == "r1 = linear(r0) [2, 1, 2] 8x32 entry"
    assert lines[9] == "r9 = join(r5, r6, r7, r8) []"
    assert lines[-1] == "give r15, r4"
    assert len(lines) == 17
