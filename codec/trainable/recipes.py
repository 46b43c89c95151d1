"""The recipes of the profiles: what transform and what entropy model each has."""

from __future__ import annotations

from codec.errors import OptionError
from codec.trainable.model import ImageConfig, ImageModel
from codec.trainable.vector_model import VectorModel
from codec.transforms.vector import VectorConfig
from codec.transforms.wavelet import WaveletConfig
from entropy.coder.states import FEW_STATES
from entropy.models.quadtree import EntropyConfig

__all__ = ["RECIPES", "new_model", "recipe"]

RECIPES: dict[str, ImageConfig | VectorConfig] = {
    "wavelet": ImageConfig(),
    "wavelet-light": ImageConfig(
        WaveletConfig(analysis8=0, linear=True),
        EntropyConfig(hidden=96, hyper=64, trellis_states=FEW_STATES),
    ),
    "swin": ImageConfig(WaveletConfig(windows=4)),
    "vq": VectorConfig(),
}
"""By the name of the profile."""


def recipe(profile: str) -> ImageConfig | VectorConfig:
    """The recipe of a profile. Raises OptionError."""
    if profile not in RECIPES:
        raise OptionError(f"profile must be one of {', '.join(RECIPES)}, found {profile!r}")
    return RECIPES[profile]


def new_model(profile: str, trellis_step: int) -> ImageModel | VectorModel:
    """A model of a profile, not initialised. Raises OptionError."""
    config = recipe(profile)
    if isinstance(config, VectorConfig):
        return VectorModel(config)
    return ImageModel(config.with_trellis(trellis_step))
