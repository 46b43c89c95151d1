"""Operations that break a rule of SPEC.md are refused by name, in Python and the compiled core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from networks.bounds import check
from networks.errors import InvalidNetwork
from networks.program import TENSORS, Input, Kind, Operation, Tensor, Type
from tests.networks import cases
from tests.networks.broken import BOTH, PLAIN, changed, over, with_parameter, with_tensor

PIXELS = Input(Type.U8, 3, 0, 255)
WIDE = Input(Type.I32, 4, -(2**31), 2**31 - 1)


@BOTH
@pytest.mark.parametrize("name", PLAIN)
def test_registers_that_are_not_there_are_refused(prove: Any, name: str) -> None:
    program = cases.program_of(PLAIN[name])
    own = len(program.inputs)

    for wrong in (own, own + 1, 65535):
        arguments = (*program.operations[0].arguments[:-1], wrong)
        with pytest.raises(InvalidNetwork, match=r"operation 0.*register that is not there"):
            prove(changed(program, arguments=arguments))


@BOTH
@pytest.mark.parametrize("name", PLAIN)
def test_numbers_of_arguments_parameters_and_tensors_are_checked(prove: Any, name: str) -> None:
    program = cases.program_of(PLAIN[name])
    op = program.operations[0]
    wrong: list[dict[str, Any]] = [
        {"parameters": (*op.parameters, 1)},
        {"arguments": ()},
        {"arguments": (0,) * (1 if name in ("add", "concat", "join") else 2)},
    ]
    if op.parameters:
        wrong.append({"parameters": op.parameters[1:]})

    for parts in wrong:
        with pytest.raises(InvalidNetwork, match="operation 0"):
            prove(changed(program, **parts))
    if op.tensors:
        with pytest.raises(InvalidNetwork, match="wrong number of parameters or tensors"):
            check(changed(program, tensors=op.tensors[1:]))


OTHER_TYPES = {
    "linear": [WIDE],
    "depthwise": [PIXELS, WIDE],
    "add": [PIXELS, WIDE],
    "glu": [replace(PIXELS, channels=10), replace(WIDE, channels=10)],
    "scale": [PIXELS],
    "lookup": [PIXELS],
    "gated_block": [PIXELS, WIDE],
    "attention": [PIXELS, WIDE],
}


@BOTH
@pytest.mark.parametrize(("name", "given"), [(n, g) for n, gs in OTHER_TYPES.items() for g in gs])
def test_inputs_of_types_that_an_operation_cannot_read_are_refused(
    prove: Any, name: str, given: Input
) -> None:
    program = cases.program_of(PLAIN[name])

    with pytest.raises(InvalidNetwork, match=r"operation 0.*(read|type)"):
        prove(over(program, replace(given, channels=program.inputs[0].channels)))


@BOTH
@pytest.mark.parametrize("name", ["add", "concat", "join"])
def test_arguments_of_different_types_are_refused(prove: Any, name: str) -> None:
    program = cases.program_of(PLAIN[name])
    for n in range(len(program.inputs)):
        inputs = list(program.inputs)
        inputs[n] = replace(PIXELS, channels=inputs[n].channels)
        with pytest.raises(InvalidNetwork, match="operation 0"):
            prove(replace(program, inputs=tuple(inputs)))


@BOTH
@pytest.mark.parametrize("name", ["add", "join"])
def test_arguments_of_different_channels_are_refused(prove: Any, name: str) -> None:
    program = cases.program_of(PLAIN[name])
    inputs = list(program.inputs)
    inputs[-1] = replace(inputs[-1], channels=3)

    with pytest.raises(InvalidNetwork, match=r"operation 0.*channels"):
        prove(replace(program, inputs=tuple(inputs)))


@BOTH
def test_an_odd_number_of_channels_has_no_gates(prove: Any) -> None:
    with pytest.raises(InvalidNetwork, match=r"operation 0.*gates"):
        prove(over(cases.program_of("glu"), Input(Type.I16, 5, -9, 9)))


TENSOR_NAMES = [(n, t) for n, p in PLAIN.items() for t in TENSORS[cases.program_of(p).operations[0].kind]]  # fmt: skip  # noqa: E501
SHAPES: dict[str, Callable[[Tensor], Tensor]] = {
    "shorter": lambda a: np.ascontiguousarray(a[..., :-1]),
    "fewer rows": lambda a: a[:-1],
    "another axis": lambda a: a[..., None],
    "flat": lambda a: a.reshape(-1) if a.ndim > 1 else a[:, None],
    "nothing": lambda a: a[:0],
}


@BOTH
@pytest.mark.parametrize(("name", "tensor"), TENSOR_NAMES)
@pytest.mark.parametrize("change", SHAPES)
def test_tensors_of_wrong_shapes_are_refused(
    prove: Any, name: str, tensor: str, change: str
) -> None:
    program = cases.program_of(PLAIN[name])
    wrong = with_tensor(program, tensor, SHAPES[change])
    leveled = program.operations[0].tensor(tensor).shape[0] == cases.LEVELS
    if change == "fewer rows" and leveled:  # of another number of levels: right, if all have it
        prove(wrong)
    else:
        with pytest.raises(InvalidNetwork, match="operation 0"):
            prove(wrong)


@BOTH
@pytest.mark.parametrize(("name", "tensor"), TENSOR_NAMES)
@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int16, np.int32, np.float32])
def test_tensors_of_wrong_types_are_refused(
    prove: Any, name: str, tensor: str, kind: type[np.generic]
) -> None:
    program = cases.program_of(PLAIN[name])
    found = program.operations[0].tensor(tensor)
    if found.dtype == kind or (tensor in ("weight", "expand", "reduce") and kind is np.int8):
        return
    with np.errstate(invalid="ignore"):
        wrong = with_tensor(program, tensor, lambda a: (a * 0).astype(kind))

    with pytest.raises(InvalidNetwork, match="operation 0"):
        prove(wrong)


PARAMETERS = [
    ("linear", 0, (0, 17, -1, 2)),  # 2 x 2 positions have other weights
    ("linear", 1, (0, 17, -1, 3)),  # 64 channels are no 3 x 3 positions
    ("linear", 2, (0, 4, 5, -1)),
    ("depthwise", 0, (0, -1, 32768)),
    ("add", 0, (-32769, 32768)),
    ("add", 1, (32768, -32769)),
    ("scale", 0, (2**31 - 1,)),
    ("scale", 1, (-(2**31),)),
    ("scale", 2, (0, 1, 4, 5)),
    ("lookup", 0, (-1, 32)),
    ("cell", 0, (-1, 4)),
    ("gated_block", 0, (0, -5, 32768)),
    ("gated_block", 1, (0, -5, 32768)),
    ("attention", 0, (0, -1, 3, 257)),  # 64 channels have no three heads
    ("attention", 1, (0, -1, 7, 17)),
    ("attention", 2, (-1, 8)),
    ("attention", 3, (0, -5, 32768)),
]


@BOTH
@pytest.mark.parametrize(("name", "at", "values"), PARAMETERS)
def test_parameters_outside_their_range_are_refused(
    prove: Any, name: str, at: int, values: tuple[int, ...]
) -> None:
    program = cases.program_of(PLAIN[name])
    for value in values:
        with pytest.raises(InvalidNetwork, match="operation 0"):
            prove(with_parameter(program, at, value))


@BOTH
def test_a_layer_does_not_fold_and_unfold_at_once(prove: Any) -> None:
    program = cases.program_of("linear-folds-in-two")

    with pytest.raises(InvalidNetwork, match=r"operation 0.*fold"):
        prove(with_parameter(program, 1, 5))


@BOTH
@pytest.mark.parametrize(
    ("name", "tensor", "value"),
    [
        ("linear", "shift", -1), ("linear", "shift", 32), ("depthwise", "shift", 32),
        ("depthwise", "shift", -128), ("scale", "shift", 63), ("scale", "shift", -1),
        ("gated_block", "spatial_shift", 32), ("gated_block", "expand_shift", -1),
        ("gated_block", "reduce_shift", 127), ("gated_block", "gain", -1),
        ("linear", "low", 32768), ("linear", "low", -32769), ("linear", "high", 32768),
        ("linear", "high", -32768), ("attention", "logit_shift", -1),
        ("attention", "logit_shift", 31),
    ],
)  # fmt: skip
def test_values_outside_their_range_are_refused(
    prove: Any, name: str, tensor: str, value: int
) -> None:
    def bent(array: Tensor) -> Tensor:
        array = array.copy()
        array.flat[-1] = value
        return array

    program = cases.program_of(PLAIN[name])
    if (tensor, value) == ("high", -32768):  # below low
        program = with_tensor(program, "low", lambda a: np.full_like(a, -5))

    with pytest.raises(InvalidNetwork, match="operation 0"):
        prove(with_tensor(program, tensor, bent))


@BOTH
@pytest.mark.parametrize(("depth", "most"), [(64, 4095), (32, 5791), (1, 32764)])
def test_the_bound_of_logits_is_sharp(prove: Any, depth: int, most: int) -> None:
    bias, shift = np.zeros((1, 1), np.int16), np.array([13], np.int8)
    op = Operation(Kind.ATTENTION, (0,), (1, 1, 0, 1), (bias, shift))
    while depth * most * most + (1 << 12) < (1 << 30) - (1 << 15):
        most += 1

    prove(cases.one(Input(Type.I16, 3 * depth, 1 - most, most - 1), op))
    with pytest.raises(InvalidNetwork, match=r"operation 0.*logit"):
        prove(cases.one(Input(Type.I16, 3 * depth, -most, 0), op))


@BOTH
def test_channels_are_queries_keys_and_values(prove: Any) -> None:
    with pytest.raises(InvalidNetwork, match=r"operation 0.*queries"):
        prove(over(cases.program_of("attention"), Input(Type.I16, 3 * 64 + 2, -9, 9)))


@BOTH
def test_a_block_has_hidden_channels(prove: Any) -> None:
    program = cases.program_of("gated-block")
    for name in ("expand", "expand_bias", "expand_shift", "reduce"):
        axis = -1 if name in ("reduce", "expand_bias") else 0
        program = with_tensor(program, name, lambda a, axis=axis: a.take([], axis))

    with pytest.raises(InvalidNetwork, match=r"operation 0.*hidden"):
        prove(program)


@BOTH
@pytest.mark.parametrize("size", [0, 2, 1 << 20, (1 << 20) + 1])
def test_a_table_has_a_middle_and_an_end(prove: Any, size: int) -> None:
    program = cases.program_of("lookup")

    with pytest.raises(InvalidNetwork, match=r"operation 0.*middle"):
        prove(with_tensor(program, "table", lambda a: np.zeros(size, np.int16)))
