"""What the benchmark asks of a metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.metrics.views import Views

__all__ = ["Build", "Metric", "MetricMissing", "Score"]

Score = Callable[[Views], float]
"""The number of a decoded picture; NaN where it is not defined for that picture."""


class MetricMissing(Exception):
    """A metric cannot run on this machine; the message says what it lacks and how to get it."""


Build = Callable[[Mapping[str, str]], Score]
"""From the paths of programs ("vmaf" -> path) to a metric that runs. Raises MetricMissing."""


@dataclass(frozen=True, slots=True)
class Metric:
    """An entry of the register.

    build: loads what it needs.
    smallest: side of a picture, in pixels, under which it is not defined.
    quality: from its value to a number that rises with quality, for rate curves.
    """

    name: str
    build: Build
    smallest: int = 1
    quality: Callable[[float], float] = float
