"""The training recipe as a frozen dataclass, read from a TOML file."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from codec.errors import OptionError


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What defines a training; times are fractions of `total_minutes` of wall clock.

    optimizer: "soap" or "adamw".
    lr, lr_entropy, lr_linear, lr_gain, lr_vector: peak rates of the blocks' matrices, the entropy
        model's, the linear path, the gains of the levels, and biases and kernels.
    stages: (from, crops per step, side of a crop in pixels, a multiple of 64), by rising `from`;
        the first begins at 0.
    shrunk: share of the crops that are taken larger and shrunk, by a factor of 1 to 2.
    trellis_step: as in `EntropyConfig`; 0 trains for plain rounding.
    few_states: until this share of the time the trellis has 8 states, which are faster; then all.
    warmup_steps: linear warm-up; afterwards the rate falls along a half cosine to zero at the end.
    exact_from: from here on the entropy networks train with the integers that decode (1.0 = never).
    ema: decay of the weight average at 1 step; the average is what validates and exports.
    level_weight: a sample's loss is divided by lmbda**level_weight (relative to the middle level).
    crop_weight: a sample's loss is also divided by its own value (as a constant) to that power.
    clip: largest norm of the gradient.
    compile: whether TorchInductor compiles the transforms on a processor (5 % less time a step; it
        takes a minute at every stage, and a C++ compiler). A GPU has kernels of its own.
    """

    name: str = "wavelet"
    total_minutes: float = 60.0
    optimizer: str = "soap"
    lr: float = 2.5e-3
    lr_entropy: float = 5e-3
    lr_linear: float = 3e-4
    lr_gain: float = 1e-3
    lr_vector: float = 4e-3
    stages: tuple[tuple[float, int, int], ...] = ((0.0, 8, 128), (0.4, 8, 192), (0.8, 6, 256))
    shrunk: float = 0.0
    trellis_step: int = 0
    few_states: float = 0.0
    warmup_steps: int = 100
    exact_from: float = 0.85
    ema: float = 0.998
    level_weight: float = 0.35
    crop_weight: float = 0.0
    clip: float = 1.0
    refresh: int = 20
    seed: int = 0
    save_minutes: float = 5.0
    amp: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        if self.optimizer not in ("soap", "adamw"):
            raise OptionError(f"optimizer must be soap or adamw, found {self.optimizer!r}")
        if not 0 < self.total_minutes < math.inf:
            raise OptionError(f"total_minutes must be above 0, found {self.total_minutes}")
        begins = [stage[0] for stage in self.stages]
        if not begins or begins[0] != 0 or begins != sorted(begins):
            raise OptionError(f"stages must begin at 0 and rise, found {begins}")
        for _, batch, patch in self.stages:
            if batch <= 0:
                raise OptionError(f"a stage's crops per step must be above 0, found {batch}")
            if patch <= 0 or patch % 64:
                raise OptionError(
                    f"a stage's side must be a positive multiple of 64, found {patch}"
                )

    def stage(self, progress: float) -> tuple[int, int]:
        """(crops per step, side in pixels) at a fraction of the total time."""
        _, batch, patch = [stage for stage in self.stages if stage[0] <= progress][-1]
        return batch, patch


def read_config(path: Path) -> TrainConfig:
    """Read a TOML file of the fields above. Raises OptionError for unknown keys or wrong types."""
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise OptionError(f"training config {path}: {error}") from error
    known = {f.name: f for f in fields(TrainConfig)}
    for key, value in values.items():
        if key not in known:
            raise OptionError(
                f"training config {path}: unknown key {key!r}; known: {', '.join(known)}"
            )
        if key == "stages":
            values[key] = _stages(path, value)
            continue
        wanted = type(known[key].default)
        taken = (int, float) if wanted is float else wanted
        if not isinstance(value, taken) or isinstance(value, bool) != (wanted is bool):
            raise OptionError(
                f"training config {path}: {key} must be {wanted.__name__}, found {value!r}"
            )
    return TrainConfig(**values)


def _stages(path: Path, value: object) -> tuple[tuple[float, int, int], ...]:
    """The array of [from, batch, patch] as tuples."""
    rows: list[Any] = value if isinstance(value, list) else [value]
    for row in rows:
        if not (isinstance(row, list) and [type(x) for x in row] in ([float, int, int], [int] * 3)):
            raise OptionError(
                f"training config {path}: stages must be [[from, batch, patch], ...], found {row!r}"
            )
    return tuple((float(begin), batch, patch) for begin, batch, patch in rows)
