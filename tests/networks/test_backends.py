"""Every backend gives the integers of the definition: random programs, and every gate there is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from networks import definition, native
from networks.errors import NetworkError
from networks.program import Input, Kind, Operation, Program, Tensor, Type
from tests.networks.cross_builds import TARGETS, Replay
from tests.networks.random_programs import Case, random_case

COUNT = 200
GATES = np.arange(-32768, 32768)


def kernels_here() -> list[object]:
    """Names of the kernels that run here, or one test that is skipped with the reason."""
    try:
        return list(native.instruction_sets())
    except NetworkError as error:
        return [pytest.param("none", marks=pytest.mark.skip(reason=str(error)))]


@pytest.fixture(scope="module")
def random_cases() -> list[Case]:
    return [random_case(seed) for seed in range(COUNT)]


@pytest.fixture(scope="module")
def gate_cases() -> list[Case]:
    return [every_gate_of_glu(), every_gate_of_a_block()]


def case_of(operation: Operation, x: Tensor) -> Case:
    """The case of a single operation on 16 bits."""
    program = Program((Input(Type.I16, x.shape[-1], -32768, 32767),), (operation,), (1,))
    return Case(program, [x], 0, definition.run(program, [x], 0))


def every_gate_of_glu() -> Case:
    gates = GATES.reshape(64, 64, 16)
    values = np.full_like(gates, 32767)
    x = np.concatenate([values, gates], -1).astype("<i2")
    return case_of(Operation(Kind.GLU, (0,)), x)


def every_gate_of_a_block() -> Case:
    """A block whose result is x + sigmoid(gate) for x < 0 and x - sigmoid(gate) otherwise, but for
    roundings. The gate is x in one half of the channels and x - 1 in the other: x = -32768 is
    outside the limit of the filter.
    """
    half = GATES.reshape(32, -1).T  # negative in the first 16 channels
    x = np.concatenate([half, half], -1).reshape(32, 64, 64).astype("<i2")
    one, none = np.eye(64, dtype="<i2"), np.zeros(64, "<i4")
    filtered = np.zeros((9, 64), "<i2")
    filtered[4] = 1
    expand = np.concatenate([0 * one, one])
    expand_bias = np.concatenate([none + 32767, none[:32], none[32:] - 1])[None]
    sign = np.where(x[0, 0] < 0, 1, -1).astype("<i2")
    shift = np.zeros(64, "i1")
    tensors = (
        filtered, none[None], shift, expand, expand_bias, np.zeros(128, "i1"),
        one * sign, none[None], shift, np.full((1, 64), 32767, "<i2"),
    )  # fmt: skip
    return case_of(Operation(Kind.GATED_BLOCK, (0,), (32767, 32767), tensors), x)


def require_outputs(found: list[Tensor], case: Case, what: str) -> None:
    assert len(found) == len(case.outputs), what
    for n, (array, expected) in enumerate(zip(found, case.outputs, strict=True)):
        assert array.dtype == expected.dtype, f"{what}, output {n}"
        np.testing.assert_array_equal(array, expected, f"{what}, output {n}")


def require_native(kernels: str, cases: list[Case]) -> None:
    for n, case in enumerate(cases):
        program = native.NativeProgram(case.program, kernels)
        for threads in (1, 3):
            found = program(case.inputs, case.level, threads)
            require_outputs(found, case, f"case {n}, {threads} threads")


def require_torch(cases: list[Case]) -> None:
    torch = pytest.importorskip("torch")
    from networks.on_torch import TorchProgram

    for n, case in enumerate(cases):
        program = TorchProgram(case.program, torch.device("cpu"))
        found = program([torch.from_numpy(x) for x in case.inputs], case.level)
        require_outputs([y.numpy() for y in found], case, f"case {n}")


def test_random_programs_hold_all_operations(random_cases: list[Case]) -> None:
    kinds = [op.kind for case in random_cases for op in case.program.operations]
    assert all(kinds.count(kind) >= COUNT // len(Kind) for kind in Kind)


@pytest.mark.parametrize("kernels", kernels_here())
def test_kernels_give_the_definition(kernels: str, random_cases: list[Case]) -> None:
    require_native(kernels, random_cases)


@pytest.mark.parametrize("kernels", kernels_here())
def test_an_output_is_no_view_of_an_input(kernels: str) -> None:
    program = Program((Input(Type.U8, 2, 0, 255),), (Operation(Kind.CELL, (0,), (0,)),), (0, 1))
    x = np.arange(12, dtype="u1").reshape(2, 3, 2)

    same, _ = native.NativeProgram(program, kernels)([x], 0)

    np.testing.assert_array_equal(same, x)
    assert not np.shares_memory(same, x)


def test_torch_gives_the_definition(random_cases: list[Case]) -> None:
    require_torch(random_cases)


def test_sigmoid_is_near_the_logistic_function() -> None:
    exact = 32768 / (1 + np.exp(-GATES / (1 << definition.GATE_BITS)))
    assert np.abs(definition.sigmoid(GATES) - exact).max() < 11


@pytest.mark.parametrize("kernels", kernels_here())
def test_kernels_know_every_gate(kernels: str, gate_cases: list[Case]) -> None:
    require_native(kernels, gate_cases)


def test_torch_knows_every_gate(gate_cases: list[Case]) -> None:
    require_torch(gate_cases)


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Path]]]:
    """The replay programs that can be built here, all compiled at once."""
    folder = tmp_path_factory.mktemp("replay")
    replays = {target: Replay(target) for target in TARGETS}
    with ThreadPoolExecutor(len(replays)) as pool:
        yield {
            target: pool.submit(replay.build, folder)
            for target, replay in replays.items()
            if not replay.missing()
        }


@pytest.mark.parametrize("target", TARGETS)
def test_other_processors_give_the_definition(
    target: str,
    random_cases: list[Case],
    gate_cases: list[Case],
    builds: dict[str, Future[Path]],
    tmp_path: Path,
) -> None:
    replay = Replay(target)
    if replay.missing():
        pytest.skip(replay.missing())
    files = []
    for n, case in enumerate([*random_cases, *gate_cases]):
        files.append(tmp_path / f"{n}.bin")
        files[-1].write_bytes(case.file())
    program = builds[target].result()
    for kernels in (target, "scalar"):
        said = replay.run(program, kernels, files)
        assert said == f"replay_program: {len(files)} files ok, kernels {kernels}\n"
