"""The cost of models: every multiplication of a sum of products, counted in the programs that run.

Counted for one tile of whole hyper-latents: hyper-synthesis, context, heads, synthesis, and for the
encoder both analyses. Elementwise work and table lookups are not multiply-accumulates and are left
out, as in the literature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from codec.models import registry
from codec.models.registry import ModelEntry
from codec.models.weights import read_verified
from codec.trainable.model import ImageConfig
from codec.trainable.weights import read_trained
from codec.transforms.swin import WINDOW
from entropy.models.quadtree import STEPS
from networks import weights_file
from networks.bounds import check
from networks.program import Kind, Operation, Program
from tests.model_fixtures import TINY

BUDGET = 50_000.0
"""DESIGN section 3: at most 50 kMAC per pixel."""

PICTURES = [e for e in registry.entries() if e.tune != registry.NONE]
Size = tuple[int, int]


def _linear(op: Operation, size: Size) -> tuple[int, Size]:
    fold, unfold, _ = op.parameters
    height, width = size[0] // fold, size[1] // fold
    return height * width * op.tensor("weight").size, (height * unfold, width * unfold)


def _weights(*names: str) -> Callable[[Operation, Size], tuple[int, Size]]:
    def count(op: Operation, size: Size) -> tuple[int, Size]:
        return size[0] * size[1] * sum(op.tensor(name).size for name in names), size

    return count


COUNTS: dict[Kind, Callable[[Operation, Size], tuple[int, Size]]] = {
    Kind.LINEAR: _linear,
    Kind.DEPTHWISE: _weights("weight"),
    Kind.GATED_BLOCK: _weights("spatial", "expand", "reduce"),
    Kind.ADD: _weights(),
    Kind.GLU: _weights(),
    Kind.SCALE: _weights(),
    Kind.LOOKUP: _weights(),
    Kind.CONCAT: _weights(),
    Kind.CELL: lambda op, size: (0, (size[0] // 2, size[1] // 2)),
    Kind.JOIN: lambda op, size: (0, (size[0] * 2, size[1] * 2)),
}
"""Multiply-accumulates of an operation and the size it gives, from that of what it reads."""


def attention_macs(op: Operation, size: Size, channels: int) -> int:
    """Of whole windows: products of a query with all keys, and means of all values."""
    window = op.parameters[1]
    return size[0] * size[1] * 2 * window * window * (channels // 3)


def macs(program: Program, sizes: Sequence[Size]) -> int:
    """Multiply-accumulates of a program over inputs of those heights and widths."""
    registers, total, channels = list(sizes), 0, check(program).channels
    assert len(registers) == len(program.inputs)
    for op in program.operations:
        size = registers[op.arguments[0]]
        if op.kind is Kind.ATTENTION:
            count = attention_macs(op, size, channels[op.arguments[0]])
        else:
            count, size = COUNTS[op.kind](op, size)
        total += count
        registers.append(size)
    return total


def macs_by_part(entry: ModelEntry) -> dict[str, float]:
    """Per pixel, of a tile of 256 x 128 pixels."""
    entries = weights_file.read(read_verified(entry))
    programs = {name: part for name, part in entries.items() if isinstance(part, Program)}
    at16, at32, at64 = (8, 16), (4, 8), (2, 4)
    if entry.profile == registry.VECTORS:
        return {part: n / (256 * 128) for part, n in vector_macs(programs, entries).items()}
    entropy = macs(programs["hyper_synthesis"], [at64])
    for step in range(STEPS):
        known = [at16] if step else []
        entropy += macs(programs[f"context.{step}"], [at16, *known])
        if step + 1 < STEPS:
            entropy += macs(programs[f"embed.{step}"], [at32] * 4 + known)
    pixels = 256 * 128
    counts = {
        "entropy model": entropy,
        "synthesis": macs(programs["synthesis"], [at16]),
        "analysis": macs(programs["analysis"], [(128, 256)]),
        "hyper_analysis": macs(programs["hyper_analysis"], [at16]),
    }
    return {part: count / pixels for part, count in counts.items()}


def vector_macs(
    programs: Mapping[str, Program], entries: Mapping[str, weights_file.Entry]
) -> dict[str, int]:
    """Of a tile of 256 x 128 pixels with code vectors: the choice of a vector takes a product for
    every number of every vector.
    """
    at16, at32, packet = (8, 16), (4, 8), (2, 4)
    chosen = 0
    for name, (height, width) in (("coarse", at32), ("fine", at16)):
        table = entries[name]
        assert isinstance(table, np.ndarray)
        chosen += height * width * table.size
    indexes = 4 * 4 * macs(programs["index"], [packet, packet])
    return {
        "entropy model": indexes
        + macs(programs["expand"], [at32])
        + macs(programs["leave"], [at16]),
        "synthesis": macs(programs["synthesis"], [at16]),
        "analysis": macs(programs["analysis"], [(128, 256)]),
        "hyper_analysis": macs(programs["project"], [at16]) + chosen,
    }


def decoder_macs(entry: ModelEntry) -> dict[str, float]:
    """What a decoder does of it."""
    found = macs_by_part(entry)
    return {part: found[part] for part in ("entropy model", "synthesis")}


def expected_macs(config: ImageConfig) -> dict[str, float]:
    """The same from the recipe."""
    t, e = config.transform, config.entropy
    c, m = e.hidden, e.latent
    block = 9 * c + 2 * c * 2 * c  # depthwise, expand, reduce
    at64 = e.hyper * c + block + c * 4 * c
    at32 = block + c * 4 * c
    contexts = 3 * (c * c + block)  # steps 1 to 3
    embeds = 3 * (2 * m // 4) * c  # per position: one group at each step but the last
    heads = 4 * 2 * c * (m // 4)
    at16 = c * c + block + contexts + embeds + heads
    gated = 9 * t.trunk + 3 * t.trunk * 192
    windows = 4 * t.trunk * (t.trunk // 2) + 2 * WINDOW**2 * (t.trunk // 2)
    blocks = (t.synthesis8 + t.windows) * gated + t.windows * windows
    return {
        "entropy model": at64 / 64**2 + at32 / 32**2 + at16 / 16**2,
        "synthesis": m * 4 * t.trunk / 16**2 + (blocks + t.trunk * 192) / 8**2,
    }


def test_programs_multiply_as_often_as_the_recipe_says(tiny_entry: ModelEntry) -> None:
    assert decoder_macs(tiny_entry) == pytest.approx(expected_macs(TINY))


@pytest.mark.weights
@pytest.mark.parametrize("entry", PICTURES, ids=lambda e: e.name)
def test_registered_model_is_within_the_budget(entry: ModelEntry) -> None:
    found = decoder_macs(entry)

    print({part: f"{count / 1000:.2f} kMAC/px" for part, count in found.items()})
    if entry.profile != registry.VECTORS:
        config = read_trained(read_verified(entry)).config
        assert found == pytest.approx(expected_macs(config))
    assert sum(found.values()) <= BUDGET


@pytest.mark.weights
@pytest.mark.parametrize("entry", registry.entries(), ids=lambda e: e.name)
def test_register_tells_what_a_model_costs(entry: ModelEntry) -> None:
    if entry not in PICTURES:
        assert entry.kmac == (0.0, 0.0)
        return
    found = macs_by_part(entry)
    decode = found["entropy model"] + found["synthesis"]
    encode = found["entropy model"] + found["analysis"] + found["hyper_analysis"]

    assert entry.kmac == pytest.approx((encode / 1000, decode / 1000), abs=0.05)


@pytest.mark.weights
def test_the_light_analysis_is_next_to_nothing() -> None:
    """At most 3 kMAC a pixel, and the whole encoder less than a twelfth of the default's."""
    light, usual = (registry.default(name) for name in ("wavelet-light", "wavelet"))

    assert macs_by_part(light)["analysis"] <= 3000
    assert light.kmac[0] * 12 < usual.kmac[0]
