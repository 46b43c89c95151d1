"""The training recipe as a frozen dataclass, read from a TOML file."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from codec.errors import OptionError
from codec.trainable.distortion import Recipe
from codec.trainable.recipes import recipe

NUMBERS = {"shares_low": 4, "shares_high": 4, "units": 3}
"""Fields that are arrays, and how long they are."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What defines a training; times are fractions of `total_minutes` of wall clock.

    profile: whose model is trained (`codec.trainable.recipes`).
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
    loss: "mse", or "visual" (`codec.trainable.distortion`): then shares_low and shares_high are the
        shares of its PARTS at the lowest and the highest level, units what all but the first are
        multiplied by; luma whether luma counts most.
    features: a file of `codec.train.features.write_features`, for a share of texture.
    drawn: share of the crops that text and shapes are drawn into.
    bounded: whether the inside of the blocks is bounded as in the weights file that the training
        goes on from; what is drawn needs that. Without the fused kernels on a GPU.
    compile: whether TorchInductor compiles the transforms on a processor (5 % less time a step; it
        takes a minute at every stage, and a C++ compiler). A GPU has kernels of its own.
    """

    name: str = "wavelet"
    profile: str = "wavelet"
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
    loss: str = "mse"
    shares_low: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    shares_high: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    units: tuple[float, ...] = (1.0, 1.0, 1.0)
    luma: bool = False
    features: str = ""
    drawn: float = 0.0
    bounded: bool = False
    clip: float = 1.0
    refresh: int = 20
    seed: int = 0
    save_minutes: float = 5.0
    amp: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        recipe(self.profile)
        if self.optimizer not in ("soap", "adamw"):
            raise OptionError(f"optimizer must be soap or adamw, found {self.optimizer!r}")
        if self.loss not in ("mse", "visual"):
            raise OptionError(f"loss must be mse or visual, found {self.loss!r}")
        if max(self.shares_low[3], self.shares_high[3]) and not self.features:
            raise OptionError("a share of texture needs features")
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

    @property
    def distortion(self) -> Recipe | None:
        """What the training lowers: None for the squared error."""
        if self.loss != "visual":
            return None
        low, high, units = (tuple(x) for x in (self.shares_low, self.shares_high, self.units))
        return Recipe(low, high, units, self.luma)

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
        if key in NUMBERS:
            values[key] = _numbers(path, key, value)
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


def _numbers(path: Path, key: str, value: object) -> tuple[float, ...]:
    """An array of as many numbers as the field has, none negative."""
    row: list[Any] = value if isinstance(value, list) else []
    right = len(row) == NUMBERS[key] and all(type(x) in (int, float) and x >= 0 for x in row)
    if not right:
        raise OptionError(
            f"training config {path}: {key} must be {NUMBERS[key]} numbers from 0, found {value!r}"
        )
    return tuple(float(x) for x in row)
