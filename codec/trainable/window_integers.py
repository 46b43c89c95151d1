"""Shifted windows in integers: layers of `codec.transforms.swin` on a trunk whose units are known,
and back to floats.

Queries and keys of a head count alike, so that a logit, their product shifted, counts 2^-8 octave.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.trainable.block_integers import (
    HEADROOM,
    INSIDE,
    Limits,
    Units,
    block_floats,
    block_layers,
    gains,
    knots_of,
    linear_layer,
    scale_layer,
)
from codec.trainable.folded import Largest
from codec.transforms.swin import HEAD, WINDOW
from networks.errors import InvalidNetwork
from networks.export.quantise import LARGEST, Floats, Sums, from_linear, to_linear, unit_of
from networks.program import Type
from networks.record import Layer

__all__ = ["REACH", "window_floats", "window_layers"]

REACH = 5791
"""Largest query, key and value: products of HEAD of them stay below the bound of logits."""
OCTAVE = 256 / math.log(2)
"""Integers in a natural logit."""
MOST_SHIFT = 30

Get = Callable[[str], NDArray[Any]]


def window_layers(
    w: dict[str, Floats], n: int, trunk: Floats, largest: Largest, limits: Limits, levels: int
) -> tuple[dict[str, Layer], Units]:
    """Layers of pair n, attention and gated block, and their units.

    Args:
        w: folded weights of a transform. trunk: what its channels count. largest: by place.
        limits: widths inside the blocks. levels: of quality.

    Raises:
        InvalidNetwork: sums do not fit 32 bits, or logits 30.
    """
    name, after = f"windows.{n}", f"after.{n}"
    outputs, logit_shift = _units_of_heads(largest[f"{name}.enter.out"])
    branch = unit_of(largest[f"{name}.leave.out"], LARGEST, HEADROOM)
    enter = to_linear(
        w[f"{name}.enter.weight"], w[f"{name}.enter.bias"][None], (trunk, outputs), LARGEST + 1
    )
    values = outputs[len(outputs) // 3 * 2 :]
    leave = to_linear(
        w[f"{name}.leave.weight"], w[f"{name}.leave.bias"][None], (values, branch), REACH
    )
    bias = np.rint(w[f"{name}.bias.table"] * OCTAVE).clip(-LARGEST, LARGEST).astype(np.int16)
    gain = gains(w[f"{name}.gain.log_gain"], levels)
    block, found = block_layers(w, after, trunk, largest, limits, levels)
    layers = {
        f"{name}.enter": linear_layer(enter, Type.I16, (-REACH, REACH)),
        f"{name}.bias": Layer(
            {"bias": bias, "logit_shift": logit_shift}, (len(bias), WINDOW, REACH)
        ),
        f"{name}.leave": linear_layer(leave, Type.I16),
        f"{name}.gain": scale_layer(
            gain * (branch / trunk)[None], (-LARGEST - 1, LARGEST), Type.I16
        ),
        after: block,
    }
    return layers, found | {f"{name}.enter": outputs, f"{name}.leave": branch}


def _units_of_heads(largest: Floats) -> tuple[Floats, NDArray[np.int8]]:
    """Units of queries, keys and values, and the shift of the logits of every head."""
    queries, keys, values = np.split(largest, 3)
    heads = [unit_of(x.reshape(-1, HEAD).max(1), REACH, INSIDE) for x in (queries, keys)]
    product = heads[0] * heads[1] * OCTAVE / math.sqrt(HEAD)  # 2^-8 octaves in one of a product
    shift = np.minimum(np.floor(-np.log2(product)), MOST_SHIFT)
    if shift.min() < 0:
        raise InvalidNetwork(f"logits of head {int(shift.argmin())} do not fit 30 bits")
    coarser = np.sqrt(2.0**-shift / product)
    per_channel = [np.repeat(head * coarser, HEAD) for head in heads]
    units = np.concatenate([*per_channel, unit_of(values, REACH, INSIDE)])
    return units, shift.astype(np.int8)


def window_floats(
    place: str, n: int, get: Callable[[str], Get], units: Units, trunk: Floats, knots: int
) -> dict[str, Floats]:
    """The inverse of `window_layers`, up to its rounding.

    Args:
        place: of the units, a part of a model. n: number of the pair. get: of a layer, the tensor
            of a name. trunk: what its channels count. knots: rows of gains.
    """
    name, after = f"windows.{n}", f"after.{n}"
    outputs, branch = units[f"{place}/{name}.enter"], units[f"{place}/{name}.leave"]

    def linear(layer: str, inputs: Floats, given: Floats) -> dict[str, Floats]:
        sums = Sums(*(get(layer)(part) for part in ("weight", "bias", "shift")))
        matrix, bias = from_linear(sums, (inputs, given))
        return {f"{layer}.weight": matrix, f"{layer}.bias": bias[0]}

    gain = get(f"{name}.gain")
    factor = gain("factor") * 2.0 ** -gain("shift").astype(np.float64)
    return {
        **linear(f"{name}.enter", trunk, outputs),
        **linear(f"{name}.leave", outputs[len(outputs) // 3 * 2 :], branch),
        f"{name}.bias.table": get(f"{name}.bias")("bias") / OCTAVE,
        f"{name}.gain.log_gain": knots_of(factor / (branch / trunk)[None], knots),
        **block_floats(f"{place}/{after}", after, get(after), units, trunk, knots),
    }
