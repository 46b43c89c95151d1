"""Programs of one operation with something changed, and who has to refuse them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from networks import native
from networks.bounds import check
from networks.program import TENSORS, Input, Program, Tensor
from networks.weights_file import write

PLAIN = {
    "linear": "linear-of-levels",
    "depthwise": "depthwise-of-levels",
    "add": "add",
    "glu": "glu",
    "scale": "scale-widens",
    "lookup": "lookup",
    "concat": "concat",
    "cell": "cell-0",
    "join": "join",
    "gated_block": "gated-block",
    "attention": "attention",
}
"""A program in `cases.PROGRAMS` of every operation."""


def prove_in_python(program: Program) -> None:
    check(program)


def prove_in_the_core(program: Program) -> None:
    native._module.Network(write({"p": program}), "p", "")


BOTH = pytest.mark.parametrize(
    "prove", [prove_in_python, prove_in_the_core], ids=["python", "native"]
)


def changed(program: Program, **parts: Any) -> Program:
    """The program with its only operation changed."""
    return replace(program, operations=(replace(program.operations[0], **parts),))


def with_tensor(program: Program, name: str, make: Callable[[Tensor], Tensor]) -> Program:
    """The program with a tensor of its only operation replaced."""
    op = program.operations[0]
    at = TENSORS[op.kind].index(name)
    return changed(program, tensors=(*op.tensors[:at], make(op.tensors[at]), *op.tensors[at + 1 :]))


def with_parameter(program: Program, at: int, value: int) -> Program:
    """The program with a parameter of its only operation replaced."""
    found = list(program.operations[0].parameters)
    found[at] = value
    return changed(program, parameters=tuple(found))


def over(program: Program, given: Input) -> Program:
    """The program over another input; all its inputs are alike."""
    return replace(program, inputs=(given,) * len(program.inputs))
