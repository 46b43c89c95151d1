"""TorchOps against NumpyOps, bit for bit, at the ends of the ranges."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entropy.errors import InexactBackend
from entropy.integer import torch_ops
from networks.export.integer_layers import IntegerLayer, IntegerNetwork
from entropy.integer.ops import NumpyOps
from networks.train.spec import ACC_LIMIT, ACT_MAX, COMPAND_SIZE, MEAN_LIMIT, LayerSpec
from entropy.integer.torch_ops import TorchNetwork, TorchOps, require_exact_settings
from tests.integer_cases import activations, other_operations

CPU = torch.device("cpu")
LAYERS = {
    "signed": "linear",
    "relu": "linear",
    "head.0.mean.0": "linear",
    "head.0.index.0": "linear",
    "spatial": "depthwise",
}


def to_torch(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(x).float()


def to_integers(x: torch.Tensor) -> np.ndarray:
    """The integers of a float tensor, which must hold nothing else."""
    assert torch.equal(x, x.round())
    return x.numpy().astype(np.int64)


@pytest.fixture(scope="session")
def on_cpu(network: IntegerNetwork) -> TorchNetwork:
    """The network, loaded."""
    return TorchNetwork(network, CPU)


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(sorted(LAYERS)),
    kind=st.sampled_from(["random", "ends", "top"]),
    batch=st.integers(1, 2),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    level=st.integers(0, 3),
    seed=st.integers(0, 2**16),
)
def test_every_layer_equals_the_definition(
    network: IntegerNetwork,
    on_cpu: TorchNetwork,
    name: str,
    kind: str,
    batch: int,
    height: int,
    width: int,
    level: int,
    seed: int,
) -> None:
    shape = (batch, height, width, network.layers[name].spec.inputs)
    x = activations(np.random.default_rng(seed), kind, shape)

    expected = getattr(NumpyOps(network, level), LAYERS[name])(name, x)
    found = getattr(on_cpu.bind(level), LAYERS[name])(name, to_torch(x))

    assert np.array_equal(to_integers(found), expected)


@pytest.mark.parametrize("kind", ["linear", "depthwise"])
@pytest.mark.parametrize("shift", [1, 9, 23])
def test_sums_at_the_bound_are_exact(kind: str, shift: int) -> None:
    """The widest sum the proof allows: 2^24 - 1, with every partial sum on its way."""
    inputs = 257 if kind == "linear" else 4
    spec = LayerSpec(kind, inputs, 4, "mean")  # type: ignore[arg-type]
    random = np.random.default_rng(shift)
    taps = inputs if kind == "linear" else 9
    budget = (ACC_LIMIT - 1 - (1 << (shift - 1))) // ACT_MAX
    weight = np.full((4, taps), budget // taps) * random.choice([-1, 1], (4, taps))
    rest = ACC_LIMIT - 1 - (1 << (shift - 1)) - np.abs(weight).sum(1) * ACT_MAX
    bias = np.stack([rest[0], -rest[1], rest[2] - 1, -rest[3] + 1])[None]
    layer = IntegerLayer(
        spec,
        weight.reshape((4, taps) if kind == "linear" else (4, 3, 3)).astype(np.int16),
        bias.astype(np.int32),
        np.full(4, shift, dtype=np.int8),
    )
    specs = {"a": spec, "b": LayerSpec("depthwise" if kind == "linear" else "linear", 1, 1)}
    other = IntegerLayer(
        specs["b"],
        np.ones((1, 3, 3) if kind == "linear" else (1, 1), dtype=np.int16),
        np.zeros((1, 1), dtype=np.int32),
        np.ones(1, dtype=np.int8),
    )
    network = IntegerNetwork(
        specs,
        {"a": layer, "b": other},
        np.zeros(4, dtype=np.int8),
        np.zeros(2 * COMPAND_SIZE - 1, dtype=np.int16),
        1,
    )
    # Aligned with the weights of channel 0, or with those of channel 1, or at random ends.
    if kind == "linear":
        x = np.stack([np.sign(weight[0]), -np.sign(weight[1]), *random.choice([-1, 1], (10, taps))])
        x = x.reshape(1, 3, 4, inputs) * ACT_MAX
    else:
        x = np.sign(weight).T.reshape(1, 3, 3, 4) * ACT_MAX

    expected = getattr(NumpyOps(network, 0), kind)("a", x)
    found = getattr(TorchNetwork(network, CPU).bind(0), kind)("a", to_torch(x))

    assert np.array_equal(to_integers(found), expected)


@pytest.mark.parametrize("level", range(4))
def test_head_equals_the_definition(
    network: IntegerNetwork, on_cpu: TorchNetwork, level: int
) -> None:
    x = activations(np.random.default_rng(level), "ends", (2, 3, 5, 6))

    expected = NumpyOps(network, level).head("head.0", 0, x)
    found = on_cpu.bind(level).head("head.0", 0, to_torch(x))

    for ours, theirs in zip(found, expected, strict=True):
        assert np.array_equal(to_integers(ours), theirs)


@settings(deadline=None, max_examples=40)
@given(h=st.integers(1, 5), w=st.integers(1, 5), group=st.integers(0, 3), seed=st.integers(0, 999))
def test_every_other_operation_equals_the_definition(
    network: IntegerNetwork, on_cpu: TorchNetwork, h: int, w: int, group: int, seed: int
) -> None:
    pairs = other_operations(on_cpu.bind(0), NumpyOps(network, 0), h, w, group, seed)

    for found, expected in pairs:
        assert np.array_equal(to_integers(found), expected)


@pytest.mark.parametrize("value", [-2048, -2047, -1, 0, 1, 2047, 2048, 3 * MEAN_LIMIT])
def test_from_y_at_the_ends_of_its_table(
    network: IntegerNetwork, on_cpu: TorchNetwork, value: int
) -> None:
    y_hat = np.full((1, 1, 1, 2), value, dtype=np.int64)

    for group in range(4):
        found = on_cpu.bind(0).from_y(to_torch(y_hat), group)
        assert np.array_equal(to_integers(found), NumpyOps(network, 0).from_y(y_hat, group))


def test_channels_last_views_give_the_same_integers(
    network: IntegerNetwork, on_cpu: TorchNetwork
) -> None:
    """Cells of a quadtree are strided views: memory order must not matter."""
    x = activations(np.random.default_rng(0), "random", (1, 6, 8, 6))
    ops, expected = on_cpu.bind(1), NumpyOps(network, 1)
    view = to_torch(x)[:, 1::2, ::2]

    assert np.array_equal(
        to_integers(ops.depthwise("spatial", view)), expected.depthwise("spatial", x[:, 1::2, ::2])
    )
    assert np.array_equal(
        to_integers(ops.linear("relu", view)), expected.linear("relu", x[:, 1::2, ::2])
    )


@pytest.fixture
def matmul_precision() -> Iterator[None]:
    """Restores the process-wide setting that a test changes."""
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


@pytest.mark.usefixtures("matmul_precision")
@pytest.mark.parametrize("precision", ["medium", "high"])
def test_reduced_matmul_precision_is_refused(network: IntegerNetwork, precision: str) -> None:
    torch.set_float32_matmul_precision(precision)

    with pytest.raises(InexactBackend, match=f"'{precision}'"):
        TorchNetwork(network, CPU)
    with pytest.raises(InexactBackend, match="'highest'"):
        require_exact_settings(CPU)


@pytest.mark.parametrize("kind", ["linear", "depthwise"])
def test_known_answer_test_refuses_a_device_that_rounds(
    network: IntegerNetwork, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A backend whose products lose their last bits, as TF32 would."""
    exact = getattr(TorchOps, kind)

    def rounded(self: TorchOps, name: str, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = exact(self, name, x)
        return result.bfloat16().float()

    monkeypatch.setattr(torch_ops.TorchOps, kind, rounded)

    with pytest.raises(InexactBackend, match="differs from its integer definition"):
        TorchNetwork(network, CPU)
