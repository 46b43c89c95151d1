"""Running programs: which kernels, how many threads, which inputs; what is refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from networks import definition, native
from networks.errors import InvalidNetwork, UnknownInstructionSet
from networks.native import NativeProgram, instruction_set, instruction_sets, thread_count
from networks.on_torch import TorchProgram
from networks.program import Input, Kind, Operation, Program, Type
from tests.networks import cases

CPU = torch.device("cpu")


@cache
def compiled(name: str) -> NativeProgram:
    return NativeProgram(cases.program_of(name))


def same(found: list[Any], expected: list[np.ndarray]) -> bool:
    """Whether arrays agree in shape, type and every integer."""
    arrays = [np.asarray(x) for x in found]
    return len(arrays) == len(expected) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(arrays, expected, strict=True)
    )


@pytest.mark.gpu
@pytest.mark.parametrize("name", cases.PROGRAMS)
def test_a_gpu_equals_the_definition(name: str) -> None:
    program, device = cases.program_of(name), torch.device("cuda")
    ours = TorchProgram(program, device)
    for seed, how in enumerate(("random", "ends", "top")):
        inputs = cases.inputs_of(program, 5, 7, how, seed)
        found = ours([torch.from_numpy(x).to(device) for x in inputs], seed)
        assert same([x.cpu() for x in found], definition.run(program, inputs, seed))


@pytest.mark.parametrize("kernels", instruction_sets())
@pytest.mark.parametrize("seed", range(3))
def test_a_network_of_several_operations_equals_the_definition(kernels: str, seed: int) -> None:
    program = cases.small_network(seed)
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (10, 14, 3), dtype=np.uint8)
    other = random.integers(-1000, 1001, (5, 7, 8), dtype=np.int32)

    expected = definition.run(program, [pixels, other], seed)

    assert same(NativeProgram(program, kernels)([pixels, other], seed), expected)
    tensors = [torch.from_numpy(pixels), torch.from_numpy(other)]
    assert same(TorchProgram(program, CPU)(tensors, seed), expected)


@pytest.mark.parametrize(
    "name", ["linear-of-levels", "linear-folds-in-two", "depthwise", "gated-block", "glu", "scale"]
)
def test_threads_do_not_change_an_integer(name: str) -> None:
    """Arrays large enough to be shared, of sizes that no number of threads divides."""
    program = cases.program_of(name)
    inputs = cases.inputs_of(program, 131, 67, "random")
    alone = compiled(name)(inputs, 1)

    for threads in (2, 5):
        assert same(compiled(name)(inputs, 1, threads), alone)


def test_many_calls_one_after_another_give_the_same() -> None:
    """No thread may still be at the last call, or take a part of the next for one of it."""
    name = "gated-block"
    program = compiled(name)
    sizes = [cases.inputs_of(cases.program_of(name), n, 61, "random", n) for n in (12, 130)]
    expected = [program(inputs, 0) for inputs in sizes]

    for n in range(60):
        assert same(program(sizes[n % 2], 0, threads=4), expected[n % 2])


def test_instruction_sets_end_with_the_one_that_runs_everywhere() -> None:
    found = instruction_sets()

    assert found[-1] == "scalar"
    assert set(found) <= set(instruction_sets(runnable=False))


def test_environment_names_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(native.ENVIRONMENT, raising=False)
    assert instruction_set() == instruction_sets()[0]
    monkeypatch.setenv(native.ENVIRONMENT, "scalar")
    assert instruction_set() == "scalar"
    monkeypatch.setenv(native.ENVIRONMENT, "abacus")
    with pytest.raises(UnknownInstructionSet, match=r"CODEC_ISA=abacus: .*scalar"):
        instruction_set()


def test_kernels_of_other_processors_are_refused_by_name() -> None:
    with pytest.raises(UnknownInstructionSet, match="abacus"):
        NativeProgram(cases.program_of("add"), "abacus")
    for name in set(instruction_sets(runnable=False)) - set(instruction_sets()):
        with pytest.raises(UnknownInstructionSet, match=f"cannot run the kernels {name}"):
            NativeProgram(cases.program_of("add"), name)


def test_number_of_threads() -> None:
    assert thread_count(3) == 3
    assert thread_count(0) >= 1
    assert thread_count(1000) == native._module.MOST_THREADS


class TestChecks:
    """What the compiled core refuses to run: it would read or write outside."""

    @pytest.mark.parametrize("threads", [0, 65])
    def test_threads(self, threads: int) -> None:
        program = cases.program_of("add")

        with pytest.raises(ValueError, match="threads: expected 1 to 64"):
            NativeProgram(program)(cases.inputs_of(program, 2, 2, "top"), 0, threads)

    @pytest.mark.parametrize("name", ["add", "concat", "join", "glu"])
    def test_number_of_inputs(self, name: str) -> None:
        program = cases.program_of(name)
        inputs = cases.inputs_of(program, 2, 2, "top")

        for wrong in (inputs[1:], [*inputs, inputs[0]]):
            with pytest.raises(ValueError, match="number of inputs"):
                NativeProgram(program)(wrong, 0)

    @pytest.mark.parametrize("name", ["add", "concat", "join"])
    def test_arrays_of_different_sizes(self, name: str) -> None:
        program = cases.program_of(name)
        for n in range(1, len(program.inputs)):
            for wrong in ((3, 2), (2, 3), (1, 4)):
                inputs = cases.inputs_of(program, 2, 2, "top")
                inputs[n] = cases.inputs_of(program, *wrong, "top")[n]
                with pytest.raises(ValueError, match="different sizes"):
                    NativeProgram(program)(inputs, 0)

    def test_type_and_channels(self) -> None:
        program = cases.program_of("depthwise")
        (x,) = cases.inputs_of(program, 2, 2, "top")

        for wrong in (x.astype(np.int32), x.astype(np.uint8), x[..., :36].copy()):
            with pytest.raises(ValueError, match="another type or number of channels"):
                NativeProgram(program)([wrong], 0)
        for wrong in (x.astype(np.int64), x.astype(np.float32)):
            with pytest.raises((TypeError, ValueError)):
                NativeProgram(program)([wrong], 0)
        with pytest.raises(ValueError, match="three axes"):
            NativeProgram(program)([x[0]], 0)

    @pytest.mark.parametrize("shape", [(5, 4), (4, 7), (1, 1)])
    def test_sides_that_the_fold_does_not_divide(self, shape: tuple[int, int]) -> None:
        program = cases.program_of("linear-folds-in-two")
        x = np.zeros((*shape, 16), np.int16)

        with pytest.raises(ValueError, match="no multiples of the fold"):
            NativeProgram(program)([x], 0)

    @pytest.mark.parametrize("name", ["linear-of-levels", "gated-block", "scale-of-32-bits"])
    def test_levels(self, name: str) -> None:
        program = cases.program_of(name)
        inputs = cases.inputs_of(program, 1, 1, "top")

        NativeProgram(program)(inputs, cases.LEVELS - 1)
        with pytest.raises(ValueError, match="no such level"):
            NativeProgram(program)(inputs, cases.LEVELS)

    def test_tensors_of_one_row_serve_all_levels(self) -> None:
        program = cases.program_of("linear")
        inputs = cases.inputs_of(program, 2, 2, "random")

        assert same(NativeProgram(program)(inputs, 60), definition.run(program, inputs, 0))

    def test_sides_of_length_zero_give_nothing(self) -> None:
        program = cases.program_of("gated-block")

        (found,) = NativeProgram(program)([np.zeros((0, 4, 16), np.int16)], 0)

        assert found.shape == (0, 4, 16)

    @pytest.mark.parametrize("backend", ["native", "torch"])
    def test_broken_programs(self, backend: str) -> None:
        given_ = Input(Type.I16, 3, -5, 5)
        program = Program((given_,), (Operation(Kind.GLU, (0,)),), (1,))

        with pytest.raises(InvalidNetwork, match="operation 0"):
            NativeProgram(program) if backend == "native" else TorchProgram(program, CPU)
