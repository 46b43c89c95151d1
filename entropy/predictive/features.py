"""What coder P knows about a sample before it is coded; PREDICTIVE.md, section P, is normative.

Everything is int32 arithmetic on NumPy arrays of any shape, so that one code serves the training
(all samples of a picture at once) and the reference decoder (one sample).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "BINS",
    "FEATURES",
    "LINEAR",
    "Context",
    "context",
    "features",
    "linear_inputs",
    "scaled",
]

Ints = npt.NDArray[np.int32]
At = Callable[[int, int], Ints]
"""Value of a plane at (rows down, columns right) of the sample; only what was decoded before."""

OWN = [(0, -1), (0, -2), (0, -3)]  # W WW WWW
OWN += [(-1, dx) for dx in range(-3, 4)] + [(-2, dx) for dx in range(-2, 3)] + [(-3, 0)]
ABSOLUTE = [(0, -1), (0, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2), (-2, 0)]  # W WW NW N NE NEE NN
CROSS = [(0, 0), (0, -1), (-1, 0), (-1, -1), (-1, 1)]  # in another channel: X W N NW NE
SIGNED = [(0, -1), (-1, 0), (-1, -1), (-1, 1)]

LIMIT = 2047  # of all inputs and outputs: nearly 8 scales, or 8 octaves
BINS = 152  # eighths of octaves of the activity
LINEAR = (16, 21, 26)  # inputs of the linear predictor, by channel
FEATURES = (
    44,
    56,
    64,
)  # of the network, with zeros: after an odd number of linear inputs, and at the end


@dataclass(frozen=True)
class Planes:
    """One channel: values x, errors e = x - p0, and errors of the linear predictor in 1/8 level."""

    x: At
    e: At
    linear: At


@dataclass(frozen=True)
class Context:
    """What all features of a sample share."""

    start: Ints  # the prediction p0
    activity: Ints  # the scale s in 1/128 level
    reciprocal: Ints  # of s
    log_scale: Ints  # log2 s in 1/256 octave


def bin_of(activity: Ints) -> Ints:
    """Eighths of octaves of an activity, counted from 32."""
    top = (
        np.frexp(activity.astype(np.float64))[1].astype(np.int32) - 1
    )  # position of the highest bit
    return (8 * (top - 5) + ((activity >> (top - 3)) & 7)).astype(np.int32)


def first_prediction(x: At) -> Ints:
    """A plane through the neighbours, between the three nearest."""
    w, n, nw, ne = x(0, -1), x(-1, 0), x(-1, -1), x(-1, 1)
    low, high = np.minimum(np.minimum(w, n), ne), np.maximum(np.maximum(w, n), ne)
    plane: Ints = (4 * w + 3 * (n - nw) + (ne - n)) >> 2
    return np.minimum(np.maximum(plane, low), high).astype(np.int32)


def context(planes: Planes, step: int, tables: tuple[Ints, Ints]) -> Context:
    """`step` is 2 error + 1; `tables` are reciprocals and logarithms by bin."""
    x, e = planes.x, planes.e
    w, n, nw, ne = x(0, -1), x(-1, 0), x(-1, -1), x(-1, 1)
    start = first_prediction(x)
    near = np.abs(e(0, -1)) + np.abs(e(-1, 0))
    far = np.abs(e(0, -2)) + np.abs(e(-1, -1)) + np.abs(e(-1, 1))
    rest = np.abs(e(-1, 2)) + np.abs(e(-2, 0))
    slopes = np.abs(w - nw) + np.abs(n - nw) + np.abs(n - ne)
    activity = 24 * near + 12 * far + 6 * (rest + slopes) + np.int32(45 * step)
    activity = np.minimum(activity, (1 << 24) - 1).astype(np.int32)
    index = bin_of(activity)
    return Context(start, activity, tables[0][index], tables[1][index])


def normal(value: Ints, c: Context) -> Ints:
    """A difference of samples in 1/256 s, within about 7 s."""
    a = (c.activity >> 4) - (c.activity >> 7)
    return (np.clip(value, -a, a) * c.reciprocal) >> 14


def normal_eighths(value: Ints, c: Context) -> Ints:
    """A difference in 1/8 level in 1/256 s."""
    a = (c.activity >> 1) - (c.activity >> 4)
    return (np.clip(value, -a, a) * c.reciprocal) >> 17


def scaled(offset: Ints, c: Context, finer: int) -> Ints:
    """An offset in 1/256 s, within LIMIT, in 1/8 (finer 0) or 1/16 level (1)."""
    large = c.activity >= 1 << 16
    return np.where(
        large,
        (offset * (c.activity >> 8)) >> (4 - finer),
        (offset * (c.activity & 0xFFFF)) >> (12 - finer),
    ).astype(np.int32)


def linear_inputs(own: Planes, others: list[Planes], c: Context) -> list[Ints]:
    """Inputs of the linear predictor: they are the first features, too."""
    found = [normal(own.x(*at) - c.start, c) for at in OWN]
    for other in others:
        base = (other.x(0, -1) + other.x(-1, 0)) >> 1
        found += [normal(other.x(*at) - base, c) for at in CROSS]
    return found


def features(
    own: Planes, others: list[Planes], c: Context, inputs: list[Ints], offset: Ints, log_step: int
) -> list[Ints]:
    """All inputs of the network; `offset` is what the linear predictor gave."""
    found = [*inputs, np.zeros_like(offset)] if len(inputs) % 2 else [*inputs]
    found.append(offset)
    errors = {at: normal(own.e(*at), c) for at in ABSOLUTE}
    found += [np.abs(errors[at]) for at in ABSOLUTE] + [errors[at] for at in SIGNED]
    found.append(np.clip(c.log_scale, -LIMIT, 1536).astype(np.int32))
    found.append(np.clip(log_step - c.log_scale, -LIMIT, LIMIT).astype(np.int32))
    linear = [normal_eighths(own.linear(*at), c) for at in ABSOLUTE]
    found += linear + [np.abs(v) for v in linear]
    for other in others:
        e, f = normal(other.e(0, 0), c), normal_eighths(other.linear(0, 0), c)
        found += [e, np.abs(e), f, np.abs(f)]
    while len(found) % 4:
        found.append(np.zeros_like(offset))
    return found
