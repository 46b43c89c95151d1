"""What shifted windows add to a landed model, as a weights file: all else is as it landed.

landed weights file ──► its layers ──┐
windows as trained ──► new layers ───┴──► programs ──► weights file
"""

from __future__ import annotations

from typing import cast

from codec.trainable.block_integers import Limits, arrays
from codec.trainable.folded import Largest
from codec.trainable.integers import Parts, added_layers, recorded_analysis, recorded_synthesis
from codec.trainable.model import ImageConfig
from codec.trainable.weights import config_of, read_units, recipe_of, units_of
from networks import weights_file
from networks.program import TENSORS, Kind, Program
from networks.record import Layer

__all__ = ["write_added"]

RECORDED = {"analysis": recorded_analysis, "synthesis": recorded_synthesis}


def write_added(
    landed: bytes, config: ImageConfig, floats: Parts, largest: dict[str, Largest]
) -> bytes:
    """The bytes of a weights file; the same arguments give the same bytes.

    Args:
        landed: weights file of the model that the windows were added to.
        config: the recipe with windows.
        floats: folded weights of the transforms. largest: what they reach on photographs.

    Raises:
        InvalidNetwork: sums of a layer do not fit 32 bits.
        WeightsMismatch: `landed` is no weights file.
    """
    units, entries = read_units(landed), dict(weights_file.read(landed))
    entries |= {"recipe": recipe_of(config), "config": config_of(config)}
    for part, record in RECORDED.items():
        program = cast(Program, entries[part])
        layers = _layers(program) | added_layers(
            part, arrays(floats[part]), config.transform, units[f"{part}/trunk"], largest[part],
            Limits(), units,
        )  # fmt: skip
        entries[part] = record(layers, config.transform)
    # Tensors of programs are written with them.
    own = {name: entry for name, entry in entries.items() if "/" not in name}
    return weights_file.write(own | units_of(units))


def _layers(program: Program) -> dict[str, Layer]:
    """The layers of a recorded program, with the parameters that are their own."""
    return {
        op.name: Layer(
            dict(zip(TENSORS[op.kind], op.tensors, strict=True)),
            op.parameters[2:] if op.kind is Kind.LINEAR else op.parameters,
        )
        for op in program.operations
        if op.tensors
    }
