"""CompiledOps against NumpyOps, bit for bit, at the ends of the ranges; where it is taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entropy.coder import native
from entropy.errors import InexactBackend
from entropy.integer import compiled_ops
from entropy.integer.compiled_ops import CompiledNetwork, CompiledOps, fits, load_network
from networks.export.integer_layers import IntegerLayer, IntegerNetwork
from entropy.integer.ops import NumpyOps
from networks.train.spec import ACC_LIMIT, ACT_MAX, COMPAND_SIZE, LayerSpec
from entropy.integer.torch_ops import TorchNetwork
from tests.integer_cases import activations, other_operations

CPU = torch.device("cpu")
LEVELS = 4
SPECS = {
    "signed": LayerSpec("linear", 48, 64),
    "relu": LayerSpec("linear", 510, 32, "relu", leveled=True),
    "pair": LayerSpec("linear", 2, 32),
    "spatial": LayerSpec("depthwise", 32, 32),
    "head.0.mean.0": LayerSpec("linear", 48, 16, "mean"),
    "head.0.index.0": LayerSpec("linear", 48, 16, "index", leveled=True),
}
LAYERS = ["signed", "relu", "pair", "spatial"]

needs_compiled = pytest.mark.skipif(
    not compiled_ops._built or not compiled_ops._module.supported(),
    reason="needs the compiled extension and a processor with AVX-512 VNNI",
)


def random_layer(spec: LayerSpec, random: np.random.Generator) -> IntegerLayer:
    """Weights that use what the bound allows."""
    taps = (spec.inputs,) if spec.kind == "linear" else (3, 3)
    most = min(32767, (ACC_LIMIT - 2**22) // (ACT_MAX * int(np.prod(taps))))
    weight = random.integers(-most, most + 1, (spec.outputs, *taps)).astype(np.int16)
    rows = LEVELS if spec.leveled else 1
    bias = random.integers(-(2**20), 2**20, (rows, spec.outputs)).astype(np.int32)
    shift = random.integers(1, 20, spec.outputs).astype(np.int8)
    return IntegerLayer(spec, weight, bias, shift)


def network_of(specs: dict[str, LayerSpec]) -> IntegerNetwork:
    random = np.random.default_rng(3)
    layers = {name: random_layer(spec, random) for name, spec in specs.items()}
    shifts = np.array([0, 1, 5, 15, 0, 2, 3, 4], dtype=np.int8)
    compand = random.integers(-ACT_MAX, ACT_MAX + 1, 2 * COMPAND_SIZE - 1).astype(np.int16)
    return IntegerNetwork(specs, layers, shifts, compand, LEVELS)


NETWORK = network_of(SPECS)


def to_torch(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x.astype(np.int16))


def to_integers(x: torch.Tensor) -> np.ndarray:
    return x.numpy().astype(np.int64)


def test_layers_are_compiled_where_the_coder_is() -> None:
    """One build makes both: no test below may be skipped for a module that was lost."""
    assert compiled_ops._built == (native.unavailable_reason() is None)


@needs_compiled
@settings(deadline=None, max_examples=80)
@given(
    name=st.sampled_from(LAYERS),
    kind=st.sampled_from(["random", "ends", "top"]),
    batch=st.integers(1, 2),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    level=st.integers(0, LEVELS - 1),
    seed=st.integers(0, 2**16),
)
def test_every_layer_equals_the_definition(
    name: str, kind: str, batch: int, height: int, width: int, level: int, seed: int
) -> None:
    spec = SPECS[name]
    x = activations(np.random.default_rng(seed), kind, (batch, height, width, spec.inputs))

    expected = getattr(NumpyOps(NETWORK, level), spec.kind)(name, x)
    found = getattr(CompiledNetwork(NETWORK).bind(level), spec.kind)(name, to_torch(x))

    assert np.array_equal(to_integers(found), expected)


@needs_compiled
@pytest.mark.parametrize("level", range(LEVELS))
@pytest.mark.parametrize("kind", ["random", "ends"])
def test_head_equals_the_definition(kind: str, level: int) -> None:
    x = activations(np.random.default_rng(level), kind, (2, 3, 5, 48))

    expected = NumpyOps(NETWORK, level).head("head.0", 0, x)
    found = CompiledNetwork(NETWORK).bind(level).head("head.0", 0, to_torch(x))

    for ours, theirs in zip(found, expected, strict=True):
        assert np.array_equal(to_integers(ours), theirs)


@needs_compiled
@settings(deadline=None, max_examples=40)
@given(h=st.integers(1, 5), w=st.integers(1, 5), group=st.integers(0, 3), seed=st.integers(0, 999))
def test_every_other_operation_equals_the_definition(h: int, w: int, group: int, seed: int) -> None:
    ours = CompiledNetwork(NETWORK).bind(0)

    for found, expected in other_operations(ours, NumpyOps(NETWORK, 0), h, w, group, seed):
        assert np.array_equal(to_integers(found), expected)
        assert found.dtype == torch.int16


@pytest.fixture
def set_threads() -> Iterator[Callable[[int], None]]:
    """Sets the threads of PyTorch for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@needs_compiled
@pytest.mark.parametrize("kind", ["linear", "depthwise", "head"])
def test_threads_do_not_change_an_integer(kind: str, set_threads: Callable[[int], None]) -> None:
    """Layers large enough to be shared, of sizes that no number of threads divides."""
    name = {"linear": "signed", "depthwise": "spatial", "head": "head.0"}[kind]
    group = (0,) if kind == "head" else ()
    inputs = 48 if kind == "head" else SPECS[name].inputs
    x = activations(np.random.default_rng(7), "random", (1, 67, 61, inputs))
    network = CompiledNetwork(NETWORK)
    found = []
    for threads in (1, 2, 5):
        set_threads(threads)
        with network.at(1) as ops:
            assert ops._team.threads == threads
            found.append(getattr(ops, kind)(name, *group, to_torch(x)))

    expected = getattr(NumpyOps(NETWORK, 1), kind)(name, *group, x)
    for other in found:
        for ours, theirs in zip(other, expected, strict=True):
            assert np.array_equal(to_integers(ours), theirs)


@needs_compiled
def test_a_team_does_every_part_of_many_short_jobs() -> None:
    """One job after another: no thread may still be at the last one, or take a part of the next
    for one of it.
    """
    network = CompiledNetwork(NETWORK)
    small, large = (
        to_torch(activations(np.random.default_rng(n), "random", (1, n, 64, 48))) for n in (12, 33)
    )
    alone = network.bind(0)
    expected = {id(x): alone.linear("signed", x) for x in (small, large)}
    together = CompiledOps(network, 0, compiled_ops._module.Team(4))

    for n in range(600):
        x = large if n % 3 else small
        assert torch.equal(together.linear("signed", x), expected[id(x)])
        if n % 200 == 0:
            time.sleep(0.01)  # long enough for all to fall asleep


@needs_compiled
def test_pytorch_has_one_thread_meanwhile(set_threads: Callable[[int], None]) -> None:
    set_threads(3)

    with CompiledNetwork(NETWORK).at(2):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
    with pytest.raises(RuntimeError, match="inside"), CompiledNetwork(NETWORK).at(2):
        raise RuntimeError("inside")
    assert torch.get_num_threads() == 3


@needs_compiled
def test_strided_views_give_the_same_integers() -> None:
    """Cells of a quadtree are strided views: memory order must not matter."""
    x = activations(np.random.default_rng(0), "random", (1, 6, 8, 48))
    found = CompiledNetwork(NETWORK).bind(1).linear("signed", to_torch(x)[:, 1::2, ::2])

    assert np.array_equal(
        to_integers(found), NumpyOps(NETWORK, 1).linear("signed", x[:, 1::2, ::2])
    )


@needs_compiled
@pytest.mark.parametrize(
    "odd",
    [LayerSpec("linear", 3, 32), LayerSpec("linear", 514, 32), LayerSpec("linear", 4, 31),
     LayerSpec("depthwise", 24, 24)],
    ids=str,
)  # fmt: skip
def test_other_sizes_go_to_pytorch(odd: LayerSpec) -> None:
    network = network_of({**SPECS, "odd": odd})

    assert fits(NETWORK)
    assert not fits(network)
    assert isinstance(load_network(NETWORK, CPU), CompiledNetwork)
    assert isinstance(load_network(network, CPU), TorchNetwork)


def test_without_the_module_pytorch_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_ops, "_built", False)

    assert isinstance(load_network(NETWORK, CPU), TorchNetwork)


@needs_compiled
@pytest.mark.parametrize("kind", ["linear", "depthwise"])
def test_known_answer_test_refuses_wrong_integers(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    exact = getattr(CompiledOps, kind)

    def off_by_one(self: CompiledOps, name: str, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = exact(self, name, x) + 1
        return result

    monkeypatch.setattr(CompiledOps, kind, off_by_one)

    with pytest.raises(InexactBackend, match="differs from its integer definition"):
        CompiledNetwork(NETWORK)


@needs_compiled
class TestChecks:
    """What the compiled module refuses: it would read or write outside."""

    @property
    def alone(self) -> Any:
        return compiled_ops._module.Team(1)

    @pytest.mark.parametrize("threads", [0, 65])
    def test_team(self, threads: int) -> None:
        with pytest.raises(ValueError, match="threads: expected 1 to 64"):
            compiled_ops._module.Team(threads)

    @staticmethod
    def finish(outputs: int, **changes: Any) -> Any:
        parts = {
            "bias": np.zeros((2, outputs), np.int32),
            "shift": np.ones(outputs, np.int32),
            "low": np.zeros(outputs, np.int32),
            "high": np.zeros(outputs, np.int32),
        }
        return compiled_ops._module.Finish(**{**parts, **changes})

    @pytest.mark.parametrize(
        "changes",
        [
            {"bias": np.zeros((0, 32), np.int32)},
            {"bias": np.zeros((2, 31), np.int32)},
            {"low": np.zeros(31, np.int32)},
            {"high": np.zeros(33, np.int32)},
            {"shift": np.full(32, 32, np.int32)},
            {"shift": np.full(32, -1, np.int32)},
        ],
    )
    def test_finish(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"wrong shape|expected 0\.\.31"):
            self.finish(32, **changes)

    @pytest.mark.parametrize("shape", [(1, 257, 32), (1, 0, 32), (1, 4, 16), (2, 4, 32)])
    def test_weights_of_linear(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="weights"):
            compiled_ops._module.Linear(np.zeros(shape, np.int32), self.finish(32))

    @pytest.mark.parametrize(
        ("x", "out", "level"),
        [((3, 6), (3, 32), 0), ((3, 8), (2, 32), 0), ((3, 8), (3, 16), 0), ((3, 8), (3, 32), 2)],
    )
    def test_arrays_of_linear(self, x: tuple[int, int], out: tuple[int, int], level: int) -> None:
        layer = compiled_ops._module.Linear(np.zeros((1, 4, 32), np.int32), self.finish(32))

        with pytest.raises(ValueError, match=r"x|out|level"):
            layer.run(np.zeros(x, np.int16), np.zeros(out, np.int16), level, self.alone)

    @pytest.mark.parametrize(("taps", "channels"), [(8, 32), (9, 16), (9, 24)])
    def test_weights_of_depthwise(self, taps: int, channels: int) -> None:
        finish = self.finish(24 if channels == 24 else 32)

        with pytest.raises(ValueError, match="weights"):
            compiled_ops._module.Depthwise(np.zeros((taps, channels), np.int32), finish)

    def test_arrays_of_depthwise(self) -> None:
        layer = compiled_ops._module.Depthwise(np.zeros((9, 32), np.int32), self.finish(32))
        x = np.zeros((2, 3, 32), np.int16)

        with pytest.raises(ValueError, match="not the shape"):
            layer.run(x, np.zeros((2, 2, 32), np.int16), 0, self.alone)
        with pytest.raises(ValueError, match="overlaps"):
            layer.run(x, x, 0, self.alone)
