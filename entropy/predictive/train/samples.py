"""What the networks of coder P learn from: features of samples of photographs, and what was there.

For every crop the planes, the linear predictor and all features are computed as PREDICTIVE.md
says, at once for all samples. Where an error is allowed, the neighbours are those that the coder as
it is would have decoded; without the compiled module, uniform noise stands for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from entropy.predictive import features as F

try:
    from entropy.predictive._predictive import photo_encode
except ImportError:
    photo_encode = None  # type: ignore[assignment]

__all__ = ["Samples", "crops", "default_coefficients", "samples", "scale_tables"]

Ints = npt.NDArray[np.int32]
SIDE = 400
ERRORS, ODDS = [1, 2, 3, 4, 6, 10, 20], [0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05]


@dataclass(frozen=True)
class Samples:
    """Samples of one channel."""

    inputs: npt.NDArray[np.int8]  # features in 1/16
    scale: npt.NDArray[np.float32]  # s
    log_scale: npt.NDArray[np.float32]  # log2 s as the coder has it
    residual: npt.NDArray[np.float32]  # sample minus linear prediction
    step: npt.NDArray[np.float32]

    @staticmethod
    def joined(parts: Sequence[Samples]) -> Samples:
        return Samples(
            *(np.concatenate(p) for p in zip(*(vars(p).values() for p in parts), strict=True))
        )


@dataclass(frozen=True)
class Crop:
    pixels: Ints
    bits: int
    error: int


def scale_tables() -> tuple[Ints, Ints]:
    """Reciprocals and logarithms of scales, by bin of the activity."""
    n = np.arange(F.BINS)
    scale = (8 + n % 8 + 0.5) * 2.0 ** (n // 8 + 2) / 128
    return np.round(2**22 / scale).astype(np.int32), np.round(256 * np.log2(scale)).astype(np.int32)


def crops(photos: Iterable[Path], count: int, rng: np.random.Generator) -> Iterable[Crop]:
    """`count` crops of every photograph, some of sums of 2 x 2 samples, 10 bits."""
    for path in photos:
        whole = np.asarray(Image.open(path).convert("RGB")).astype(np.int32)
        for _ in range(count):
            image, bits = whole, 8
            if rng.random() < 0.08:
                even = whole[: whole.shape[0] // 2 * 2, : whole.shape[1] // 2 * 2]
                image = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
                bits = 10
            y, x = (int(rng.integers(0, max(n - SIDE, 0) + 1)) for n in image.shape[:2])
            part = image[y : y + SIDE, x : x + SIDE]
            if rng.random() < 0.5:
                part = part[:, ::-1]
            if rng.random() < 0.3:
                part = part.transpose(1, 0, 2)
            error = 0 if rng.random() < 0.62 else int(rng.choice(ERRORS, p=ODDS))
            yield Crop(np.ascontiguousarray(part), bits, error)


def _reader(plane: Ints, outside: int = 0) -> F.At:
    """A plane with its margins, all samples at once."""
    height, width = plane.shape
    wide = np.empty((height + 3, width + 6), np.int32)
    wide[:3] = outside
    wide[3:, 3:-3] = plane
    wide[3:, -3:] = plane[:, -1:]
    wide[3:, :3] = wide[2:-1, 3:4]
    return lambda down, right: wide[3 + down : 3 + down + height, 3 + right : 3 + right + width]


def _decoded(crop: Crop, rng: np.random.Generator) -> Ints:
    if crop.error == 0:
        return crop.pixels
    if photo_encode is not None:
        pixels = crop.pixels.astype(np.uint16)
        return photo_encode(pixels, crop.bits, crop.error)[1].astype(np.int32)
    noise = rng.integers(-crop.error, crop.error + 1, crop.pixels.shape)
    return np.clip(crop.pixels + noise, 0, (1 << crop.bits) - 1).astype(np.int32)


def _solved(inputs: list[Ints], target: Ints, default: Ints) -> Ints:
    """Coefficients for a crop, near the least absolute errors, from every fourth sample."""
    x = np.stack([f[::2, ::2].ravel() for f in inputs], -1) / 256.0
    y = target[::2, ::2].ravel() / 256.0
    start = default / 1024.0
    weights = np.ones(len(y))
    for _ in range(2):
        weighted = x * weights[:, None]
        a, b = weighted.T @ x, weighted.T @ y
        found = start + np.linalg.solve(a + 20 * np.eye(len(a)), b - a @ start)
        weights = 1 / (np.abs(y - x @ found) + 0.3)
    return np.clip(np.round(found * 1024), -32768, 32767).astype(np.int32)


def samples(
    crop: Crop,
    share: float,
    defaults: Sequence[Ints],
    rng: np.random.Generator,
    *,
    solve: bool = True,
) -> list[Samples]:
    """A share of the samples of a crop, by channel; `solve` finds coefficients for it."""
    tables = scale_tables()
    step = 2 * crop.error + 1
    log_step = int(tables[1][F.bin_of(np.array([128 * step], np.int32))][0])
    decoded = _decoded(crop, rng)
    green = decoded[..., 1]
    planes = [green, decoded[..., 0] - green, decoded[..., 2] - green]
    wanted = [crop.pixels[..., 1], crop.pixels[..., 0] - green, crop.pixels[..., 2] - green]
    keep = rng.random(green.shape) < share
    found: list[Samples] = []
    others: list[F.Planes] = []
    for c, (x, true) in enumerate(zip(planes, wanted, strict=True)):
        x_at, none = _reader(x, int(x[0, 0])), _reader(np.zeros_like(x))
        start = F.first_prediction(x_at)
        own = F.Planes(x_at, _reader(x - start), none)
        context = F.context(own, step, tables)
        inputs = F.linear_inputs(own, others, context)
        coefficients = defaults[c]
        if solve:
            coefficients = _solved(inputs, F.normal(x - start, context), defaults[c])
        total = sum(int(k) * f for k, f in zip(coefficients, inputs, strict=True))
        offset = np.clip((total + 512) >> 10, -F.LIMIT, F.LIMIT).astype(np.int32)
        linear = 8 * start + F.scaled(offset, context, 0)
        own = F.Planes(own.x, own.e, _reader(8 * x - linear))
        given = F.features(own, others, context, inputs, offset, log_step)
        others.append(own)
        found.append(Samples(
            np.stack([f[keep] >> 4 for f in given], -1).astype(np.int8),
            (context.activity[keep] / 128).astype(np.float32),
            (context.log_scale[keep] / 256).astype(np.float32),
            (true[keep] - linear[keep] / 8).astype(np.float32),
            np.full(int(keep.sum()), step, np.float32),
        ))  # fmt: skip
    return found


def default_coefficients(photos: Sequence[Path], rng: np.random.Generator) -> list[Ints]:
    """Coefficients of all photographs together."""
    zero = [np.zeros(n, np.int32) for n in F.LINEAR]
    a = [np.eye(n) for n in F.LINEAR]
    b = [np.zeros(n) for n in F.LINEAR]
    for crop in crops(photos, 1, rng):
        exact = Crop(crop.pixels, crop.bits, 0)
        for c, s in enumerate(samples(exact, 0.1, zero, rng, solve=False)):
            x = s.inputs[:, : F.LINEAR[c]] / 16.0
            a[c] += x.T @ x
            b[c] += x.T @ np.clip(s.residual / s.scale, -8, 8)
    return [
        np.round(1024 * np.linalg.solve(p, q)).astype(np.int32) for p, q in zip(a, b, strict=True)
    ]
