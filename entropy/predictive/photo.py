"""Reference decoder of coder P: slow, plain, and normative with PREDICTIVE.md, section P."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from entropy.errors import CorruptStream, StreamExhausted
from entropy.predictive.features import (
    LIMIT,
    LINEAR,
    Context,
    Ints,
    Planes,
    bin_of,
    context,
    features,
    linear_inputs,
    scaled,
)

__all__ = ["Model", "decode"]

LANES, LAG, MARGIN = 16, 4, 3
RAW, CODED = 0, 1
WEIGHT_BITS, INPUT_DROP = 10, 4
MOST_PRECISION, MOST_PREFIX = 10, 16
TOKENS, DIRECT = 63, 32
SCALES, PHASES, MOST_SCALE = 21, 3, 59
CLASS_BITS = (3, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
CLASS_START = tuple(17 + sum(1 << b for b in CLASS_BITS[:n]) for n in range(len(CLASS_BITS)))
LOWER = 1 << 24
STATE_BYTES = 5


@dataclass(frozen=True)
class Model:
    """The tensors of `predictive-12.weights`, by name."""

    tensors: Mapping[str, npt.NDArray[np.int32]]

    @property
    def scale_tables(self) -> tuple[Ints, Ints]:
        """Reciprocals and logarithms by bin of the activity."""
        return self.tensors["photo/reciprocals"], self.tensors["photo/logarithms"]

    def layer(self, channel: int, name: str, inputs: Ints) -> Ints:
        """Sums of a layer of the channel's network; `inputs` is (count, n)."""
        weights = self.tensors[f"photo/{channel}/{name}/weights"]
        return (inputs @ weights.T + self.tensors[f"photo/{channel}/{name}/bias"]).astype(np.int32)

    def network(self, channel: int, inputs: Ints) -> tuple[Ints, Ints]:
        """Offset of the mean in 1/256 s, and of the logarithm of the scale in 1/256 octave."""
        hidden = self.layer(channel, "first", inputs >> INPUT_DROP)
        hidden = np.clip(hidden >> self.tensors[f"photo/{channel}/first/shift"], 0, 255)
        hidden = self.layer(channel, "second", hidden)
        hidden = np.clip(hidden >> self.tensors[f"photo/{channel}/second/shift"], 0, 4095)
        given = np.clip(self.layer(channel, "third", hidden) >> WEIGHT_BITS, -LIMIT, LIMIT)
        return given[:, 0], given[:, 1]


class Bits:
    """Bits of bytes, the lowest of the first byte first."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> int:
        if self.at + count > 8 * len(self.data):
            raise StreamExhausted("the payload ends in its header")
        value = int.from_bytes(self.data[self.at // 8 : (self.at + count + 7) // 8], "little")
        value = value >> (self.at % 8) & ((1 << count) - 1)
        self.at += count
        return value

    def end(self) -> int:
        """Bytes that are begun; the rest of the last one must be 0."""
        if self.at % 8 and self.take(-self.at % 8):
            raise CorruptStream("bits that say nothing are not 0")
        return self.at // 8


class Source:
    """States and words of the range coder."""

    def __init__(self, data: bytes, states: int) -> None:
        if len(data) < states * STATE_BYTES:
            raise StreamExhausted("the payload ends in its states")
        self.states = [
            int.from_bytes(data[i * STATE_BYTES : (i + 1) * STATE_BYTES], "little")
            for i in range(states)
        ]
        self.data, self.at = data, states * STATE_BYTES
        if min(self.states) < LOWER:
            raise CorruptStream("a state is too small")

    def _refill(self, x: int) -> int:
        if x >= LOWER:
            return x
        if self.at + 2 > len(self.data):
            raise StreamExhausted("the payload ends before its samples")
        self.at += 2
        return x << 16 | int.from_bytes(self.data[self.at - 2 : self.at], "little")

    def token(self, lane: int, starts: npt.NDArray[np.int64]) -> int:
        """A symbol of a table, given by 64 cumulative frequencies."""
        i = lane % len(self.states)
        x = self.states[i]
        slot = x & 0xFFFF
        token = int(np.searchsorted(starts, slot, side="right")) - 1
        frequency = int(starts[token + 1] - starts[token])
        self.states[i] = self._refill((x >> 16) * frequency + slot - int(starts[token]))
        return token

    def bits(self, lane: int, count: int) -> int:
        """Bits as they are."""
        i = lane % len(self.states)
        x = self.states[i]
        self.states[i] = self._refill(x >> count)
        return x & ((1 << count) - 1)

    def finish(self) -> None:
        if self.at != len(self.data):
            raise CorruptStream("bytes follow the last sample")
        if any(x != LOWER for x in self.states):
            raise CorruptStream("a state does not end at its start")


class Picture:
    """Planes of one channel with the margins that neighbours may lie in."""

    def __init__(self, height: int, width: int, outside: int) -> None:
        self.width = width
        shape = height + MARGIN, width + 2 * MARGIN
        self.planes = [np.full(shape, v, np.int32) for v in (outside, 0, 0)]

    def at(self, row: int, column: int) -> Planes:
        def reader(plane: Ints) -> Ints:
            return lambda down, right: plane[  # type: ignore[return-value]
                row + MARGIN + down, column + MARGIN + right
            ].reshape(1)

        return Planes(*(reader(plane) for plane in self.planes))  # type: ignore[arg-type]

    def set(self, row: int, column: int, values: tuple[int, int, int]) -> None:
        """A sample's planes, and what follows for the margins left of it and right of it."""
        for plane, value in zip(self.planes, values, strict=True):
            line = plane[row + MARGIN]
            line[column + MARGIN] = value
            if column == 0 and row + MARGIN + 1 < len(plane):
                plane[row + MARGIN + 1, :MARGIN] = value
            if column == self.width - 1:
                line[column + MARGIN + 1 :] = value


def read_header(
    data: bytes, channels: int, bits: int, model: Model
) -> tuple[list[int], list[Ints], int]:
    """Values outside the picture, coefficients of the linear predictors, and the header's size."""
    reader = Bits(data)
    reader.take(8)
    first = [reader.take(bits) for _ in range(channels)]
    coefficients = []
    for c in range(channels):
        values = model.tensors[f"photo/{c}/linear"].astype(np.int32)
        precision = reader.take(4)
        if precision > MOST_PRECISION:
            raise CorruptStream("coefficients are too fine")
        if precision:
            order = reader.take(3)
            for i in range(LINEAR[c]):
                width = order
                while reader.take(1) == 0:
                    width += 1
                    if width >= order + MOST_PREFIX:
                        raise CorruptStream("a coefficient is too long")
                code = (1 << width) + reader.take(width) - (1 << order)
                multiple = -((code + 1) >> 1) if code & 1 else code >> 1
                value = int(values[i]) + (multiple << (WEIGHT_BITS - precision))
                if not -32768 <= value <= 32767:
                    raise CorruptStream("a coefficient is too large")
                values[i] = value
        coefficients.append(values)
    return [first[0], *(v - first[0] for v in first[1:])], coefficients, reader.end()


def _distribution(
    model: Model, c: Context, mean: Ints, finer: Ints, step: int, log_step: int, low: int, high: int
) -> tuple[int, int, int, bool]:
    """Centre, table, low bits that are sent as they are, and whether signs are exchanged."""
    centre = min(max(int(mean[0] + 8) >> 4, low), high)
    rest = min(max(int(mean[0]) - 16 * centre, -8), 8)
    log_scale = int(c.log_scale[0] + finer[0]) - log_step
    scale = min(max(((3 * log_scale + 128) >> 8) + 12, 0), MOST_SCALE)
    shift = max(scale - (SCALES - 3), 0) // 3
    phase = (abs(rest) >= 2 * step) + (abs(rest) >= 6 * step) if shift == 0 else 0
    return centre, (scale - 3 * shift) * PHASES + phase, shift, rest < 0


def _residual(source: Source, lane: int, starts: npt.NDArray[np.int64], shift: int) -> int:
    token = source.token(lane, starts)
    size, extra = (token + 1) >> 1, 0
    if token > DIRECT:
        size, extra = CLASS_START[(token - DIRECT - 1) >> 1], CLASS_BITS[(token - DIRECT - 1) >> 1]
    low = 0
    if extra + shift:
        if extra + shift > 16:
            raise CorruptStream("a sample is out of range")
        raw = source.bits(lane, extra + shift)
        size += raw >> shift
        low = (raw & ((1 << shift) - 1)) - ((1 << shift) >> 1)
    return (size if token & 1 else -size) * (1 << shift) + low


def _sample(
    model: Model, starts: npt.NDArray[np.int64], source: Source, lane: int, own: Planes,
    others: list[Planes], coefficients: Ints, setting: tuple[int, int, int],
) -> tuple[int, int, int]:  # fmt: skip
    """Decodes one sample: its value, and its two errors."""
    step, log_step, highest = setting
    channel = len(others)
    c = context(own, step, model.scale_tables)
    inputs = linear_inputs(own, others, c)
    total = sum(int(k) * int(v[0]) for k, v in zip(coefficients, inputs, strict=True))
    offset = np.array([min(max((total + 512) >> WEIGHT_BITS, -LIMIT), LIMIT)], np.int32)
    linear = 8 * c.start + scaled(offset, c, 0)
    found = np.stack(features(own, others, c, inputs, offset, log_step), -1)
    shift, finer = model.network(channel, found)
    mean = 2 * linear + scaled(shift, c, 1)
    low = -int(others[0].x(0, 0)[0]) if others else 0
    centre, table, bits, flip = _distribution(
        model, c, mean, finer, step, log_step, low, low + highest
    )
    residual = _residual(source, lane, starts[table], bits)
    value = centre + (-residual if flip else residual) * step
    clipped = min(max(value, low), low + highest)
    if abs(value - clipped) > step >> 1:
        raise CorruptStream("a sample is out of range")
    return clipped, clipped - int(c.start[0]), 8 * clipped - int(linear[0])


def _decode_raw(
    data: bytes, bits: int, error: int, shape: tuple[int, int, int]
) -> npt.NDArray[np.uint16]:
    highest, step = (1 << bits) - 1, 2 * error + 1
    count = (highest // step).bit_length()
    height, width, channels = shape
    samples = height * width * channels
    if len(data) < 1 + (samples * count + 7) // 8:
        raise StreamExhausted("the payload ends before its samples")
    reader = Bits(data)
    reader.take(8)
    indexes = np.array([reader.take(count) for _ in range(samples)], np.int64)
    if indexes.max() > highest // step:
        raise CorruptStream("a sample is too large")
    if reader.end() != len(data):
        raise CorruptStream("bytes follow the samples")
    return np.minimum(indexes * step + error, highest).astype(np.uint16).reshape(shape)


def decode(
    data: bytes, bits: int, error: int, shape: tuple[int, int, int], model: Model
) -> npt.NDArray[np.uint16]:
    """The samples of a payload of coder P.

    Args:
        data: the payload.
        bits: of a sample, 1 to 16.
        error: the largest error of a sample, 0 to 65535.
        shape: height, width, and channels, 1 or 3.
        model: constants.

    Raises:
        CorruptStream, StreamExhausted: the payload is not one of that size.
    """
    if not data:
        raise StreamExhausted("the payload is empty")
    if data[0] not in (RAW, CODED):
        raise CorruptStream("there is no such mode")
    if data[0] == RAW:
        return _decode_raw(data, bits, error, shape)
    height, width, channels = shape
    outside, coefficients, size = read_header(data, channels, bits, model)
    source = Source(data[size:], 4 if height * width >= 4096 else 1)
    step = 2 * error + 1
    unit = np.array([min(128 * step, (1 << 24) - 1)], np.int32)
    setting = step, int(model.scale_tables[1][bin_of(unit)][0]), (1 << bits) - 1
    starts = np.pad(
        np.cumsum(model.tensors["photo/frequencies"], 1, dtype=np.int64), ((0, 0), (1, 0))
    )
    pictures = [Picture(height, width, v) for v in outside]
    for step_number in range(_steps(height, width)):
        places = _places(step_number, height, width)
        for c in range(channels):
            for lane, row, column in places:
                planes = [p.at(row, column) for p in pictures[: c + 1]]
                found = _sample(
                    model, starts, source, lane, planes[c], planes[:c], coefficients[c], setting
                )
                pictures[c].set(row, column, found)
    source.finish()
    values = [p.planes[0][MARGIN:, MARGIN:-MARGIN] for p in pictures]
    if channels == 1:
        return values[0][..., None].astype(np.uint16)
    green = values[0]
    return np.stack([values[1] + green, green, values[2] + green], -1).astype(np.uint16)


def _period(width: int) -> int:
    return max(width + 2 * MARGIN, LANES * LAG)


def _steps(height: int, width: int) -> int:
    last = height - 1
    return last // LANES * _period(width) + last % LANES * LAG + width


def _places(step: int, height: int, width: int) -> list[tuple[int, int, int]]:
    """Lanes that stand on a sample at a step: lane, row, column."""
    found = []
    for lane in range(LANES):
        turn, column = divmod(step - LAG * lane + MARGIN, _period(width))
        row, column = LANES * turn + lane, column - MARGIN
        if turn >= 0 and row < height and 0 <= column < width:
            found.append((lane, row, column))
    return found
