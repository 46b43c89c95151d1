"""NumPy's arithmetic as usual, whatever the caller made of its errors (`numpy.seterr`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

__all__ = ["as_usual"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def as_usual(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorates a function: what NumPy does in it about errors is what it does by default."""

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            return function(*args, **kwargs)

    return call
