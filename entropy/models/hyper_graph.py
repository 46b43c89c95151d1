"""The graph of h_a: latents y -> hyper-latents z. With float layers it trains, recorded it runs."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Operations", "hyper_analyse"]


class Operations(Protocol):
    """What the graph needs; `name` selects a layer."""

    def lookup(self, name: str, x: Any) -> Any:
        """The inverse hyperbolic sine."""
        ...

    def linear(self, name: str, x: Any, fold: int = 1) -> Any:
        """A linear map of squares of `fold` positions."""
        ...

    def depthwise(self, name: str, x: Any) -> Any:
        """A 3x3 filter of every channel."""
        ...

    def glu(self, x: Any) -> Any:
        """The first half of the channels times the sigmoid of the second."""
        ...

    def add(self, x: Any, y: Any) -> Any:
        """The sum."""
        ...


def hyper_analyse(ops: Operations, y: Any) -> Any:
    """y (h, w, latent) -> z (h/4, w/4, hyper)."""
    h = ops.linear("enter", ops.lookup("asinh", y))
    h = ops.add(h, ops.glu(ops.linear("gate", ops.depthwise("spatial", h))))
    h = ops.glu(ops.linear("to32", h, fold=2))
    h = ops.glu(ops.linear("to64", h, fold=2))
    return ops.linear("leave", h)
