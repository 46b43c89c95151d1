"""The recipes of the profiles: what transform and what entropy model each has."""

from __future__ import annotations

from codec.errors import OptionError
from codec.trainable.model import ImageConfig
from codec.transforms.wavelet import WaveletConfig
from entropy.coder.states import FEW_STATES
from entropy.models.quadtree import EntropyConfig

__all__ = ["RECIPES", "recipe"]

RECIPES = {
    "wavelet": ImageConfig(),
    "wavelet-light": ImageConfig(
        WaveletConfig(analysis8=0, linear=True),
        EntropyConfig(hidden=96, hyper=64, trellis_states=FEW_STATES),
    ),
}
"""By the name of the profile."""


def recipe(profile: str) -> ImageConfig:
    """The recipe of a profile. Raises OptionError."""
    if profile not in RECIPES:
        raise OptionError(f"profile must be one of {', '.join(RECIPES)}, found {profile!r}")
    return RECIPES[profile]
