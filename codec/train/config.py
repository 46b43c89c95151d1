"""The training recipe as a frozen dataclass, read from a TOML file."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from codec.errors import OptionError


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What defines a training; times are fractions of `total_minutes` of wall clock.

    optimizer: "soap" or "adamw".
    lr, lr_entropy, lr_linear, lr_gain, lr_vector: peak rates of the blocks' matrices, the entropy
        model's, the linear path, the gains of the levels, and biases and kernels.
    batch, patch: crops per step and their side (multiple of 64); from late_from on, late_batch and
        late_patch.
    warmup_steps: linear warm-up; afterwards the rate falls along a half cosine to zero at the end.
    hard_from: from here on rates are those of the rounded symbols instead of noisy ones.
    exact_from: from here on the entropy networks train with the integers that decode (1.0 = never).
    ema: decay of the weight average at 1 step; the average is what validates and exports.
    level_weight: a sample's loss is divided by lmbda**level_weight (relative to the middle level).
    clip: largest norm of the gradient.
    """

    name: str = "wavelet"
    total_minutes: float = 60.0
    optimizer: str = "soap"
    lr: float = 2.5e-3
    lr_entropy: float = 5e-3
    lr_linear: float = 3e-4
    lr_gain: float = 1e-3
    lr_vector: float = 4e-3
    batch: int = 8
    patch: int = 192
    late_from: float = 0.8
    late_batch: int = 4
    late_patch: int = 256
    warmup_steps: int = 100
    hard_from: float = 0.6
    exact_from: float = 0.85
    ema: float = 0.998
    level_weight: float = 0.35
    clip: float = 1.0
    refresh: int = 20
    seed: int = 0
    save_minutes: float = 5.0
    amp: bool = True

    def __post_init__(self) -> None:
        if self.optimizer not in ("soap", "adamw"):
            raise OptionError(f"optimizer must be soap or adamw, found {self.optimizer!r}")
        for name in ("patch", "late_patch"):
            if getattr(self, name) <= 0 or getattr(self, name) % 64:
                raise OptionError(
                    f"{name} must be a positive multiple of 64, found {getattr(self, name)}"
                )
        for name in ("batch", "late_batch", "total_minutes"):
            if not 0 < getattr(self, name) < math.inf:
                raise OptionError(f"{name} must be above 0, found {getattr(self, name)}")


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
        wanted = type(known[key].default)
        taken = (int, float) if wanted is float else wanted
        if not isinstance(value, taken) or isinstance(value, bool) != (wanted is bool):
            raise OptionError(
                f"training config {path}: {key} must be {wanted.__name__}, found {value!r}"
            )
    return TrainConfig(**values)
