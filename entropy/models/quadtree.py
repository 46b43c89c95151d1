"""The exact half of the entropy model: hyper-synthesis and the four-step quadtree context.

The functions below are the only statement of the network. They are written against `Ops`, which has
two implementations: training (float or quantisation-aware), and a recorder, which gives the
programs that run. Arrays are channels-last; y is at 1/16 of the image, z at 1/64.

    z_hat --> hyper_synthesis --> p (B, H, W, C) --+--> head 0 --> symbols 0
                                                   |             | embed
                                                   +--> context 1 --> head 1 --> symbols 1 ...

Order of decoding: the channels of y are four groups, positions are four cells of every 2x2 square.
At step k the position in cell c codes group ORDER[k][c]: after step 0 every position knows one
quarter of its channels and its neighbours know the other quarters.

    step 0      step 1      step 2      step 3      (the group coded at each cell of a square)
    0 1         3 2         2 3         1 0
    2 3         1 0         0 1         3 2

Source: Li, Li, Lu, Neural video compression with diverse contexts, CVPR 2023, section 3.3 (quadtree
partition).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from networks.train.spec import LayerSpec, Stream

GROUPS = 4
STEPS = 4
ORDER = ((0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (1, 0, 3, 2))
"""ORDER[step][cell] = group; cells are numbered row by row in the 2x2 square."""

Array = Any
"""A torch tensor or a NumPy array, as the Ops at hand has it."""


@dataclass(frozen=True, slots=True)
class EntropyConfig:
    """Recipe of an entropy model.

    latent, hidden, hyper: channels of y, inside, of z. levels: of quality.
    trellis_step: distance of the points of both quantisers of the trellis together, in 2^-5 symbols
        (SPEC.md, section Trellis); 0 while a model begins to train with rounding. Models that
        are registered have one.
    trellis_states: of the trellis, 8 or 256.
    """

    latent: int = 320
    hidden: int = 192
    hyper: int = 96
    levels: int = 64
    trellis_step: int = 20
    trellis_states: int = 256

    @property
    def group(self) -> int:
        """Channels of one quadtree group."""
        return self.latent // GROUPS


class Ops(Protocol):
    """The operations an entropy network needs; names select layers of `layer_specs`."""

    def linear(self, name: str, x: Array, unfold: int = 1) -> Array:
        """A linear map of every position, to squares of `unfold` positions."""
        ...

    def depthwise(self, name: str, x: Array) -> Array: ...
    def head(self, name: str, group: int, x: Array) -> tuple[Array, Array]: ...
    def add(self, x: Array, y: Array, relu: bool = False) -> Array: ...
    def from_z(self, z_symbols: Array) -> Array: ...
    def from_y(self, y_hat: Array, group: int) -> Array:
        """(..., C) -> (..., 2C): y_hat / 2^shift for means, then companded y_hat for scales."""
        ...

    def cell(self, x: Array, index: int) -> Array:
        """The positions of cell `index` of every square: (..., H, W, C) -> (..., H/2, W/2, C)."""
        ...

    def join(self, cells: list[Array]) -> Array: ...


def _block_specs(name: str, channels: int) -> dict[str, LayerSpec]:
    return {
        f"{name}.spatial": LayerSpec("depthwise", channels, channels),
        f"{name}.expand": LayerSpec("linear", channels, 2 * channels, "relu"),
        f"{name}.reduce": LayerSpec("linear", 2 * channels, channels, gain=0.5),
    }


def layer_specs(config: EntropyConfig) -> dict[str, LayerSpec]:
    """Every layer of the exact networks by name, in the order of their use."""
    c, m = config.hidden, config.latent
    specs = {"hyper.in": LayerSpec("linear", config.hyper, c, "signed", leveled=True)}
    specs |= _block_specs("hyper.block64", c)
    specs["hyper.up32"] = LayerSpec("linear", c, 4 * c)
    specs |= _block_specs("hyper.block32", c)
    specs["hyper.up16"] = LayerSpec("linear", c, 4 * c)
    specs["hyper.level"] = LayerSpec("linear", c, c, leveled=True)
    specs |= _block_specs("hyper.block16", c)
    for group in range(GROUPS):
        specs[f"embed.{group}"] = LayerSpec("linear", 2 * m // GROUPS, c)
    for step in range(STEPS):
        if step:
            specs[f"context.{step}.prior"] = LayerSpec("linear", c, c, leveled=True)
            specs |= _block_specs(f"context.{step}.block", c)
        for group in range(GROUPS):
            specs[f"head.{step}.mean.{group}"] = LayerSpec(
                "linear", c, m // GROUPS, "mean", gain=0.1
            )
            specs[f"head.{step}.index.{group}"] = LayerSpec(
                "linear", c, m // GROUPS, "index", leveled=True, gain=0.1
            )
    return specs


def streams() -> list[Stream]:
    """The channels between the layers: what every one of them is made of and used by."""
    found = []

    def stream(writers: list[str], readers: list[str], blocks: list[str]) -> None:
        """Channels that pass through residual blocks, and those inside the blocks."""
        inner = [f"{block}.reduce" for block in blocks]
        found.append(Stream([*writers, *inner], [*(f"{b}.spatial" for b in blocks), *readers]))
        for block in blocks:
            found.append(Stream([f"{block}.spatial"], [f"{block}.expand"]))
            found.append(Stream([f"{block}.expand"], [f"{block}.reduce"]))

    def heads(step: int) -> list[str]:
        return [f"head.{step}.{what}.{g}" for what in ("mean", "index") for g in range(GROUPS)]

    later = range(1, STEPS)
    priors = [f"context.{step}.prior" for step in later]
    stream(["hyper.in"], ["hyper.up32"], ["hyper.block64"])
    stream(["hyper.up32"], ["hyper.up16"], ["hyper.block32"])
    stream(["hyper.up16"], ["hyper.level"], [])
    stream(["hyper.level"], [*priors, *heads(0)], ["hyper.block16"])
    embeds = [f"embed.{group}" for group in range(GROUPS)]
    blocks = [f"context.{step}.block" for step in later]
    stream([*embeds, *priors], [name for step in later for name in heads(step)], blocks)
    return found


def _block(ops: Ops, name: str, x: Array) -> Array:
    """x + reduce(relu(expand(spatial(x)))): a residual block of exact layers."""
    h = ops.linear(f"{name}.expand", ops.depthwise(f"{name}.spatial", x))
    return ops.add(x, ops.linear(f"{name}.reduce", h))


def hyper_synthesis(ops: Ops, z_symbols: Array) -> Array:
    """z symbols (B, H/4, W/4, hyper) -> prior features p (B, H, W, hidden)."""
    x = _block(ops, "hyper.block64", ops.linear("hyper.in", ops.from_z(z_symbols)))
    x = _block(ops, "hyper.block32", ops.linear("hyper.up32", x, unfold=2))
    x = ops.linear("hyper.up16", x, unfold=2)
    return _block(ops, "hyper.block16", ops.linear("hyper.level", x))


def parameters(ops: Ops, step: int, prior: Array, known: Array | None) -> list[tuple[Array, Array]]:
    """(mean, index) of the four cells at a step, each (H/2, W/2, latent/4); `known` is what
    `update` gave for the step before, None at step 0.
    """
    x = prior
    if step:
        x = ops.add(ops.linear(f"context.{step}.prior", prior), known, relu=True)
        x = _block(ops, f"context.{step}.block", x)
    return [ops.head(f"head.{step}", group, ops.cell(x, c)) for c, group in enumerate(ORDER[step])]


def update(ops: Ops, step: int, known: Array | None, y_hat: list[Array]) -> Array:
    """Takes in the four cells decoded at a step, each (H/2, W/2, latent/4)."""
    parts = [
        ops.linear(f"embed.{group}", ops.from_y(y, group))
        for y, group in zip(y_hat, ORDER[step], strict=True)
    ]
    found = ops.join(parts)
    return found if known is None else ops.add(known, found)
