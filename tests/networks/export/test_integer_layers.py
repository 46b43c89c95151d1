"""IntegerNetwork: whatever could make a float32 sum inexact is refused when the network is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from networks.errors import InvalidNetwork
from networks.export.integer_layers import IntegerLayer, IntegerNetwork, output_range
from networks.train.spec import ACC_LIMIT, ACT_MAX, INDEX_MAX, MEAN_LIMIT, LayerSpec

LINEAR = LayerSpec("linear", 3, 2)
LEVELED = LayerSpec("linear", 3, 2, leveled=True)
DEPTHWISE = LayerSpec("depthwise", 2, 2)


def layer_of(spec: LayerSpec, levels: int = 4) -> IntegerLayer:
    """A layer of zeros that passes the proof."""
    taps = (spec.inputs,) if spec.kind == "linear" else (3, 3)
    return IntegerLayer(
        spec,
        np.zeros((spec.outputs, *taps), dtype=np.int16),
        np.zeros((levels if spec.leveled else 1, spec.outputs), dtype=np.int32),
        np.ones(spec.outputs, dtype=np.int8),
    )


@pytest.mark.parametrize("spec", [LINEAR, LEVELED, DEPTHWISE], ids=["linear", "leveled", "3x3"])
def test_layer_of_zeros_passes(spec: LayerSpec) -> None:
    layer_of(spec).check("layer", 4)


# A sum reaches exactly 2^24 - 1, the last integer below the limit, or one more. The rounding
# constant of shift 1 is 1; 16400 = 2^24 // 1023 with a rest of 16.
@pytest.mark.parametrize(("excess", "accepted"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize("spec", [LINEAR, DEPTHWISE], ids=["linear", "3x3"])
@pytest.mark.parametrize("sign", [1, -1])
def test_proof_is_sharp_at_the_bound(
    spec: LayerSpec, sign: int, excess: int, accepted: bool
) -> None:
    layer = layer_of(spec)
    total, rest = divmod(ACC_LIMIT - 1, ACT_MAX)
    layer.weight[1].flat[0] = sign * (total - 1000)
    layer.weight[1].flat[1] = -sign * 1000
    layer.bias[0, 1] = sign * (rest + excess)

    if accepted:
        layer.check("layer", 4)
    else:
        with pytest.raises(InvalidNetwork, match=r"layer: output channel 1 can reach 1677721[67]"):
            layer.check("layer", 4)


def test_sum_of_many_small_weights_is_refused() -> None:
    layer = layer_of(LayerSpec("linear", 200, 1))
    layer.weight[:] = 82  # 200 * 82 = 16400
    layer.check("layer", 4)
    layer.weight[:] = -83

    with pytest.raises(InvalidNetwork, match="2\\^24"):
        layer.check("layer", 4)


def test_most_negative_weight_counts_with_its_magnitude() -> None:
    layer = layer_of(LINEAR)
    layer.weight[0, 0] = -(2**15)

    with pytest.raises(InvalidNetwork, match=str(2**15 * ACT_MAX + 1)):
        layer.check("layer", 4)


@pytest.mark.parametrize("level", range(4))
def test_bias_of_any_level_counts(level: int) -> None:
    layer = layer_of(LEVELED)
    layer.bias[level, 1] = -(2**24) + 1

    with pytest.raises(InvalidNetwork, match="channel 1"):
        layer.check("layer", 4)


def test_most_negative_bias_counts_with_its_magnitude() -> None:
    layer = layer_of(LINEAR)
    layer.bias[0, 0] = -(2**31)

    with pytest.raises(InvalidNetwork, match="2\\^24"):
        layer.check("layer", 4)


def test_rounding_constant_counts() -> None:
    layer = layer_of(LINEAR)
    layer.shift[:] = 23
    layer.bias[0, 0] = 2**24 - 2**22 - 1
    layer.check("layer", 4)
    layer.bias[0, 0] += 1

    with pytest.raises(InvalidNetwork, match="2\\^24"):
        layer.check("layer", 4)


@pytest.mark.parametrize("shift", [0, -1, 24, 127, -128])
def test_shift_outside_1_to_23_is_refused(shift: int) -> None:
    layer = layer_of(LINEAR)
    layer.shift[1] = shift

    with pytest.raises(InvalidNetwork, match="shift"):
        layer.check("layer", 4)


@pytest.mark.parametrize("part", ["weight", "bias", "shift"])
@pytest.mark.parametrize("spec", [LINEAR, LEVELED, DEPTHWISE], ids=["linear", "leveled", "3x3"])
@pytest.mark.parametrize(
    "change",
    [lambda a: a[:-1], lambda a: a[..., None], lambda a: a.astype(np.int64), lambda a: a * 1.0],
    ids=["shorter", "axis", "int64", "float"],
)
def test_wrong_shape_or_dtype_is_refused(part: str, spec: LayerSpec, change: Any) -> None:
    layer = layer_of(spec)
    changed = replace(layer, **{part: change(getattr(layer, part))})

    with pytest.raises(InvalidNetwork, match=rf"layer\.{part}: found .* expected"):
        changed.check("layer", 4)


def test_wrong_number_of_levels_is_refused() -> None:
    with pytest.raises(InvalidNetwork, match="bias"):
        layer_of(LEVELED, levels=3).check("layer", 4)


def test_output_ranges() -> None:
    found = {
        o: output_range(replace(LINEAR, output=o)) for o in ("signed", "relu", "mean", "index")
    }

    assert found == {
        "signed": (-ACT_MAX, ACT_MAX),
        "relu": (0, ACT_MAX),
        "mean": (-MEAN_LIMIT, MEAN_LIMIT),
        "index": (0, INDEX_MAX),
    }


def parts_of(network: IntegerNetwork) -> dict[str, Any]:
    """The arguments that make a network again."""
    return {
        "specs": {name: layer.spec for name, layer in network.layers.items()},
        "layers": dict(network.layers),
        "input_shifts": network.input_shifts.copy(),
        "compand": network.compand.copy(),
        "levels": network.levels,
    }


def test_network_without_a_layer_is_refused(network: IntegerNetwork) -> None:
    parts = parts_of(network)
    del parts["layers"]["relu"]

    with pytest.raises(InvalidNetwork, match="missing or unknown: relu"):
        IntegerNetwork(**parts)


def test_network_with_an_unknown_layer_is_refused(network: IntegerNetwork) -> None:
    parts = parts_of(network)
    parts["layers"]["extra"] = parts["layers"]["relu"]

    with pytest.raises(InvalidNetwork, match="missing or unknown: extra"):
        IntegerNetwork(**parts)


def test_network_with_a_layer_of_another_spec_is_refused(network: IntegerNetwork) -> None:
    parts = parts_of(network)
    parts["layers"]["relu"] = parts["layers"]["signed"]

    with pytest.raises(InvalidNetwork, match="relu: found LayerSpec"):
        IntegerNetwork(**parts)


def test_network_proves_every_layer(network: IntegerNetwork) -> None:
    parts = parts_of(network)
    layer = parts["layers"]["spatial"]
    parts["layers"]["spatial"] = replace(layer, weight=np.full_like(layer.weight, 2000))

    with pytest.raises(InvalidNetwork, match="spatial: output channel"):
        IntegerNetwork(**parts)


@pytest.mark.parametrize("value", [-1, 16])
def test_input_shift_outside_0_to_15_is_refused(network: IntegerNetwork, value: int) -> None:
    parts = parts_of(network)
    parts["input_shifts"][3] = value

    with pytest.raises(InvalidNetwork, match=r"input_shifts: expected 0\.\.15"):
        IntegerNetwork(**parts)


@pytest.mark.parametrize("change", [lambda a: a.astype(np.int16), lambda a: a[None]])
def test_input_shifts_of_wrong_form_are_refused(network: IntegerNetwork, change: Any) -> None:
    parts = parts_of(network)
    parts["input_shifts"] = change(parts["input_shifts"])

    with pytest.raises(InvalidNetwork, match="input_shifts"):
        IntegerNetwork(**parts)


@pytest.mark.parametrize("value", [ACT_MAX + 1, -ACT_MAX - 1, -(2**15)])
def test_compand_beyond_an_activation_is_refused(network: IntegerNetwork, value: int) -> None:
    parts = parts_of(network)
    parts["compand"][17] = ACT_MAX
    IntegerNetwork(**parts)
    parts["compand"][17] = value

    with pytest.raises(InvalidNetwork, match="compand"):
        IntegerNetwork(**parts)


@pytest.mark.parametrize("change", [lambda a: a.astype(np.int32), lambda a: a[1:]])
def test_compand_of_wrong_form_is_refused(network: IntegerNetwork, change: Any) -> None:
    parts = parts_of(network)
    parts["compand"] = change(parts["compand"])

    with pytest.raises(InvalidNetwork, match="compand"):
        IntegerNetwork(**parts)


def test_arrays_round_trip(network: IntegerNetwork) -> None:
    specs = {name: layer.spec for name, layer in network.layers.items()}
    arrays = network.arrays()

    again = IntegerNetwork.from_arrays(specs, arrays, network.levels).arrays()

    assert again.keys() == arrays.keys()
    assert all(np.array_equal(again[k], v) and again[k].dtype == v.dtype for k, v in arrays.items())


@pytest.mark.parametrize(
    "name", ["relu/bias", "spatial/weight", "signed/shift", "compand", "input_shifts"]
)
def test_missing_array_is_refused(network: IntegerNetwork, name: str) -> None:
    specs = {name: layer.spec for name, layer in network.layers.items()}
    arrays = network.arrays()
    del arrays[name]

    with pytest.raises(InvalidNetwork, match=f"missing array '{name}'"):
        IntegerNetwork.from_arrays(specs, arrays, network.levels)
