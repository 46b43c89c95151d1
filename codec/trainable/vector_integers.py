"""The profile vq in integers: programs, code vectors and logits of a trained model
(entropy/SPEC.md, Model with code vectors).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.trainable.block_integers import (
    HEADROOM,
    Limits,
    Units,
    arrays,
    block_layers,
    linear_layer,
    scale_layer,
)
from codec.trainable.blocks import unshuffle
from codec.trainable.folded import Folded, Largest, folded
from codec.trainable.integers import (
    Y_BITS,
    Y_HAT_BITS,
    Y_RANGE,
    ends_unit,
    synthesis_program,
)
from codec.trainable.vector_networks import ConcealNetwork, IndexNetwork, arrived
from codec.transforms.vector import SIBLINGS, VectorConfig, conceal, expand, index, leave, project
from codec.transforms.wavelet import analysis_margin, synthesis_margin, synthesise
from entropy.models.record import Y_HAT_RANGE
from networks import weights_file
from networks.definition import GATE_BITS
from networks.export.quantise import LARGEST, Floats, to_linear, unit_of
from networks.program import TENSORS, Operation, Program, Type
from networks.record import Layer, Recorder

if TYPE_CHECKING:
    from codec.trainable.vector_model import VectorModel

__all__ = ["Trained", "at_level", "write_vectors"]

CODE_HEADROOM = 2.0
"""Range of e and a, in the largest value of any channel on photographs and pure colours."""
LOGIT_BITS = 6
"""A logit counts 2^-6 octave."""
MASK = 4096
"""Where a packet arrived."""


LEVELED = ("bias", "gain", "factor")
"""Tensors that may have a row for every level."""


@dataclass(frozen=True, slots=True)
class Trained:
    """All networks of a model."""

    model: VectorModel
    index: IndexNetwork
    conceal: ConcealNetwork


def at_level(program: Program, level: int, levels: int) -> Program:
    """A program as it is at one level: tensors of a row for every level keep that one."""

    def narrowed(op: Operation) -> Operation:
        tensors = tuple(
            t[level : level + 1] if name in LEVELED and len(t) == levels else t
            for name, t in zip(TENSORS[op.kind], op.tensors, strict=True)
        )
        return replace(op, tensors=tensors)

    return replace(program, operations=tuple(narrowed(op) for op in program.operations))


@torch.inference_mode()
def write_vectors(trained: Trained, analysis: Program, samples: Sequence[Tensor]) -> bytes:
    """The bytes of a weights file.

    Args:
        trained: the model.
        analysis: the program of the landed model, at all of its levels.
        samples: photographs (H, W, 3) uint8, sides multiples of 64.

    Raises:
        InvalidNetwork: sums of a layer do not fit 32 bits.
    """
    model, config = trained.model, trained.model.config
    units: Units = {}
    found = _Largest(model)
    found.look(samples, trained)
    code, coarse = (float(v) * CODE_HEADROOM / LARGEST for v in (found.e, found.a))
    d = config.channels
    codes, coarses = np.full(d, code), np.full(d, coarse)
    programs = {
        "analysis": at_level(analysis, config.at, config.transform.levels),
        "synthesis": synthesis_program(
            folded(model.synthesis), model.synthesis.config, found.synthesis, Limits(), units
        ),
        "project": _project(model, found.y, codes, coarses),
        "expand": _expand(model, codes, coarses),
        "leave": _leave(model, codes),
        "conceal": _conceal(trained.conceal, config, codes, found.conceal),
        "index": _index(trained.index, coarses, codes, found.index),
    }
    prices = np.outer(config.lambdas, [coarse**-2, code**-2])
    margins = analysis_margin(config.transform), synthesis_margin(config.transform)
    sizes = [config.transform.latent, d, config.levels, *margins]
    octaves = -model.coarse_bits.double().numpy() * 2**LOGIT_BITS
    entries: dict[str, weights_file.Entry] = {
        "codes": np.array(sizes, np.int32),
        "coarse": _whole(model.coarse, coarse),
        "fine": _whole(model.fine, code),
        "coarse_logits": np.rint(octaves).astype(np.int16),
        "prices": np.rint(prices).astype(np.int32),
        "config": json.dumps(asdict(config), sort_keys=True).encode(),
    }
    return weights_file.write({**entries, **programs})


class _Noting(Folded):
    """`Folded` with the operations of `codec.transforms.vector` beside."""

    def concat(self, parts: list[Tensor]) -> Tensor:
        return torch.cat(parts, -1)

    def glu(self, x: Tensor) -> Tensor:
        return torch.nn.functional.glu(x, -1)


class _Largest:
    """Largest values of every place."""

    def __init__(self, model: VectorModel) -> None:
        self.model = model
        self.e = self.a = 0.0
        self.y = np.zeros(model.config.transform.latent)
        self.synthesis: Largest = {}
        self.conceal: Largest = {}
        self.index: Largest = {}

    def look(self, samples: Sequence[Tensor], trained: Trained) -> None:
        """Notes what photographs and planes of pure colours reach."""
        model, config = self.model, self.model.config
        planes = [
            torch.tensor(colour, dtype=torch.uint8).expand(64, 64, 3)
            for colour in product((0, 255), repeat=3)
        ]
        weights = folded(model.synthesis)
        for n, picture in enumerate([*planes, *samples]):
            x = picture[None].float() / 255 - 0.5
            y = model.landed(x)
            self.y = np.maximum(self.y, y.abs().flatten(0, 2).amax(0).double().numpy())
            e = model.projected(y)
            self.e = max(self.e, float(e.abs().max()))
            self.a = max(self.a, float(model.gathered(e).abs().max()))
            for level in range(config.levels):
                if n >= len(planes) and (n + level) % 2:
                    continue
                coarse, fine = model.numbers(e, level)
                sums = model.sums(coarse, fine)
                synthesise(
                    _Noting(weights, config.levels, level, self.synthesis),
                    model.synthesis.config, model.leave(sums)[0],
                )  # fmt: skip
                vectors = model.coarse[coarse], model.fine[fine]
                self._small_networks(trained, sums, vectors, level)

    def _small_networks(
        self, trained: Trained, sums: Tensor, vectors: tuple[Tensor, Tensor], level: int
    ) -> None:
        coarse, fine = vectors
        mask = arrived(1, sums.shape[1:3])
        conceal(
            _Noting(_weights(trained.conceal), 2, 0, self.conceal), trained.model.config,
            (sums * mask)[0], mask[0],
        )  # fmt: skip
        known, weights = unshuffle(fine, 2), _weights(trained.index)
        for sibling in range(SIBLINGS):
            part = known.clone()
            part[..., sibling * fine.shape[-1] :] = 0
            bias = weights["enter.bias"] + trained.index.turns[level * SIBLINGS + sibling]
            turned = weights | {"enter.bias": bias}
            index(_Noting(turned, 2, 0, self.index), coarse[0], part[0])


def _weights(network: torch.nn.Module) -> dict[str, Tensor]:
    """Folded weights of a small network: the sizes of its inputs inside the first matrix."""
    found = folded(network)
    found["enter.weight"] = found["enter.weight"] / network.get_buffer("enter.sizes")
    return found


def _whole(vectors: Tensor, unit: float) -> NDArray[np.int16]:
    rounded = np.rint(vectors.double().numpy() / unit)
    return np.asarray(rounded.clip(-LARGEST, LARGEST).astype(np.int16))


def _double(x: Tensor) -> Floats:
    found: Floats = x.detach().double().numpy()
    return found


def _project(model: VectorModel, largest: Floats, codes: Floats, coarses: Floats) -> Program:
    matrix, mean = _double(model.project), _double(model.mean)
    entering = ends_unit(largest, LARGEST)
    layers = {
        "enter": scale_layer((2.0**-Y_BITS / entering)[None], (-LARGEST - 1, LARGEST), Type.I16),
        "project": linear_layer(
            to_linear(matrix, -(matrix @ mean)[None], (entering, codes), LARGEST + 1), Type.I16
        ),
        "gather": linear_layer(
            to_linear(
                _double(model.gather), np.zeros((1, len(coarses))), (np.tile(codes, 4), coarses),
                LARGEST + 1,
            ),
            Type.I16,
        ),
    }  # fmt: skip
    record = Recorder(layers)
    y = record.input(Type.I32, len(mean), -Y_RANGE, Y_RANGE)
    return record.program(project(record, y))


def _expand(model: VectorModel, codes: Floats, coarses: Floats) -> Program:
    matrix = _double(model.gather).T
    sums = to_linear(matrix, np.zeros((1, len(matrix))), (coarses, np.tile(codes, 4)), LARGEST + 1)
    record = Recorder({"expand": linear_layer(sums, Type.I16)})
    a = record.input(Type.I16, len(coarses), -LARGEST - 1, LARGEST)
    return record.program([expand(record, a)])


def _leave(model: VectorModel, codes: Floats) -> Program:
    matrix, bias = _double(model.leave.matrix()), _double(model.leave.offset())
    units = codes, np.full(len(matrix), 2.0**-Y_HAT_BITS)
    sums = to_linear(matrix, bias[None], units, LARGEST + 1)
    reach = (-Y_HAT_RANGE, Y_HAT_RANGE)
    record = Recorder({"leave": linear_layer(sums, Type.I32, reach)})
    e = record.input(Type.I16, len(codes), -LARGEST - 1, LARGEST)
    return record.program([leave(record, e)])


def _gated(values: Floats) -> Floats:
    return np.concatenate([values, np.full(len(values), 2.0**-GATE_BITS)])


def _index(network: IndexNetwork, coarses: Floats, codes: Floats, largest: Largest) -> Program:
    w = arrays(_weights(network))
    hidden = len(w["middle.bias"]) // 2
    first, second = (
        unit_of(largest[f"{name}.out"][:hidden], LARGEST, HEADROOM) for name in ("enter", "middle")
    )
    turns = w["enter.bias"] + _double(network.turns)
    inputs = np.concatenate([coarses, np.tile(codes, SIBLINGS)])
    octaves = np.full(len(w["logits.bias"]), math.log(2) / 2**LOGIT_BITS)
    units: dict[str, Any] = {
        "enter": (turns, (inputs, _gated(first))),
        "middle": (w["middle.bias"][None], (first, _gated(second))),
        "logits": (w["logits.bias"][None], (second, octaves)),
    }
    layers: dict[str, Layer] = {
        name: linear_layer(to_linear(w[f"{name}.weight"], bias, pair, LARGEST + 1), Type.I16)
        for name, (bias, pair) in units.items()
    }
    record = Recorder(layers)
    coarse = record.input(Type.I16, len(coarses), -LARGEST - 1, LARGEST)
    known = record.input(Type.I16, SIBLINGS * len(codes), -LARGEST - 1, LARGEST)
    return record.program([index(record, coarse, known)])


def _conceal(
    network: ConcealNetwork, config: VectorConfig, codes: Floats, largest: Largest
) -> Program:
    w = arrays(_weights(network))
    trunk = unit_of(largest["trunk"], LARGEST, HEADROOM)
    inputs = np.tile(np.append(codes, 1.0 / MASK), 4)
    layers = {
        "enter": linear_layer(
            to_linear(w["enter.weight"], w["enter.bias"][None], (inputs, trunk), LARGEST + 1),
            Type.I16,
        ),
        "leave": linear_layer(
            to_linear(
                w["leave.weight"], w["leave.bias"][None], (trunk, np.tile(codes, 4)), LARGEST + 1
            ),
            Type.I16,
        ),
    }
    for n in range(config.blocks):
        layers[f"blocks.{n}"], _ = block_layers(w, f"blocks.{n}", trunk, largest, Limits(), 2)
    record = Recorder(layers)
    e = record.input(Type.I16, len(codes), -LARGEST - 1, LARGEST)
    mask = record.input(Type.I16, 1, 0, MASK)
    return at_level(record.program([conceal(record, config, e, mask)]), 0, 2)
