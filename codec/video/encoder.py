"""VideoEncoder: pictures in the order of showing to packets in the order of coding."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bitstream.video import FramePacket
from codec.errors import OptionError
from codec.models.quality import LAMBDA_MAX, LAMBDA_MIN
from codec.video.coder import FrameCoder, FrameRecipe, inter_entry, still_entry
from codec.video.options import LEVELS, VideoOptions
from codec.video.structure import (
    PYRAMID,
    REORDER,
    Plan,
    Slots,
    key_finer,
    lowdelay_plan,
    pyramid,
)
from codec.video.types import VideoFrame, chroma_size

if TYPE_CHECKING:
    from bitstream.video import VideoHead

__all__ = ["VideoEncoder", "still_level"]

LMBDA = 0.12
"""Squared error that a bit is worth, in squared steps of the quantiser."""
CHROMA = 2.0
_KEY_SECONDS = 2
_MOST_BETWEEN_KEYS = 1 << 16
_STILL_LEVELS = 64
_FAR, _STILL_COST = 2.6, 0.5
"""How much worse than the next picture a far one may be predicted; and what a picture without any
change counts for, a mean absolute transformed difference.
"""
_THUMB = 16
_CUT = 18.0
"""Mean difference of thumbnails, of 255, that a cut has at least; and how much more than the frames
around it: films of fast motion have large differences all the time.
"""
_CUT_RATIO = 3.0
_CUT_APART = 6
"""Pictures from a key frame to a cut that is given one of its own."""


def still_level(level: int) -> int:
    """Level of the still model at which a bit is worth the same squared error."""
    squared_step = 2 ** ((59 - level) / 3)
    share = math.log(1 / (LMBDA * squared_step) / LAMBDA_MIN) / math.log(LAMBDA_MAX / LAMBDA_MIN)
    return round(min(max(share, 0.0), 1.0) * (_STILL_LEVELS - 1))


class VideoEncoder:
    """Encodes a video.

    Args:
        head: of the video; ids and hashes of the models are filled in (see `head`).
        options: how.
    """

    def __init__(self, head: VideoHead, options: VideoOptions) -> None:
        still, inter = still_entry(), inter_entry()
        self.head = replace(
            head,
            model_id=still.id,
            weights_hash=still.weights_hash,
            inter_id=inter.id,
            inter_hash=inter.weights_hash,
            reorder=0 if options.lowdelay else REORDER,
        )
        self._options = options
        self._coder = FrameCoder(self.head, options.threads)
        self._keyint = _keyint(options.keyint, self.head.frame_rate)
        self._level = options.base_level
        self._slots = Slots()
        self._key_number: int | None = None  # in the order of showing
        self._count = 0
        self._last_pts = -1
        self._newest = 0  # number of the newest picture that others are predicted from
        self._older: list[int] = []
        self._newest_luma: NDArray[np.uint8] | None = None
        self._waiting: list[tuple[VideoFrame, int]] = []
        self._thumb: NDArray[np.float32] | None = None
        self._change = 0.0
        subsampled = int(self.head.chroma) == 0
        chroma = chroma_size(self.head.width, self.head.height, subsampled)
        self._shapes = [
            (self.head.height, self.head.width), (chroma[1], chroma[0]), (chroma[1], chroma[0]),
        ]  # fmt: skip

    def push(self, frame: VideoFrame, level: int | None = None) -> list[FramePacket]:
        """Takes the next picture; returns the packets that are ready.

        Args:
            frame: with the head's size, later than all before.
            level: from this picture on in place of the options' level.

        Raises:
            OptionError: the picture has another size, or is not later.
        """
        self._check(frame)
        if level is not None:
            if not 0 <= level < LEVELS:
                raise OptionError(f"level is {level}; it must be 0..{LEVELS - 1}")
            self._level = level
        packets: list[FramePacket] = []
        if self._is_key(frame):
            packets += self._empty()
            packets.append(self._code_key(frame))
        elif self._options.lowdelay:
            plan = lowdelay_plan(self._count - self._first)
            packets.append(self._code(frame, plan, self._level))
        else:
            self._waiting.append((frame, self._level))
            if len(self._waiting) == PYRAMID:
                packets += self._code_pyramid()
        self._count += 1
        self._last_pts = frame.pts
        return packets

    def finish(self) -> list[FramePacket]:
        """The packets of the pictures that waited."""
        return self._empty()

    @property
    def _first(self) -> int:
        assert self._key_number is not None
        return self._key_number

    def _check(self, frame: VideoFrame) -> None:
        for name, plane, shape in zip("YUV", frame.planes, self._shapes, strict=True):
            if plane.shape != shape or plane.dtype != np.uint8:
                raise OptionError(
                    f"plane {name} is {plane.dtype} {plane.shape}; it must be uint8 {shape}"
                )
        if frame.pts <= self._last_pts:
            raise OptionError(f"a picture at {frame.pts} comes after one at {self._last_pts}")

    def _is_key(self, frame: VideoFrame) -> bool:
        thumb = _thumbnail(frame)
        before, self._thumb = self._thumb, thumb
        if self._key_number is None or before is None:
            return True
        since = self._count - self._key_number
        change = float(np.mean(np.abs(thumb - before)))
        usual, self._change = self._change, 0.75 * self._change + 0.25 * change
        if since >= self._keyint:
            return True
        cut = change > _CUT and change > _CUT_RATIO * (usual + 1)
        return cut and since >= _CUT_APART and self._options.keyint != 0

    def _code_key(self, frame: VideoFrame) -> FramePacket:
        self._key_number = self._count
        self._change = 0.0
        self._newest, self._older = 0, []
        self._newest_luma = frame.planes[0]
        slot = self._slots.reset()
        level = min(self._level + key_finer(self._keyint), LEVELS - 1)
        recipe = self._recipe(level, slot=slot, still_level=still_level(level))
        return self._packet(frame, recipe)

    def _code(self, frame: VideoFrame, plan: Plan, base: int) -> FramePacket:
        level = min(max(base + plan.finer, 0), LEVELS - 1)
        references = self._slots.references(self._slots.there(plan.references))
        slot = self._slots.place(plan)
        recipe = self._recipe(
            level, layer=plan.layer, number=plan.number, references=references, slot=slot
        )
        return self._packet(frame, recipe)

    def _recipe(
        self,
        level: int,
        *,
        slot: int | None,
        layer: int = 0,
        number: int = 0,
        references: tuple[int, ...] = (),
        still_level: int = 0,
    ) -> FrameRecipe:
        return FrameRecipe(
            level=level, layer=layer, number=number, references=references, slot=slot,
            lmbda=LMBDA, chroma=CHROMA, effort=self._options.effort, still_level=still_level,
        )  # fmt: skip

    def _packet(self, frame: VideoFrame, recipe: FrameRecipe) -> FramePacket:
        payload = self._coder.encode(frame.planes, recipe)
        key = not recipe.references
        return FramePacket(
            key=key, level=recipe.level, references=recipe.references, slot=recipe.slot,
            pts=frame.pts, duration=frame.duration, payload=payload,
        )  # fmt: skip

    def _empty(self) -> list[FramePacket]:
        """Codes all pictures that wait."""
        packets = []
        while self._waiting:
            packets += self._code_pyramid()
        return packets

    def _code_pyramid(self) -> list[FramePacket]:
        """Codes as many of the pictures that wait as one pyramid suits."""
        count = self._pyramid_size()
        waiting, self._waiting = self._waiting[:count], self._waiting[count:]
        first = self._newest
        packets = []
        for plan in pyramid(first, first + count, self._slots.there(self._older)):
            frame, base = waiting[plan.number - first - 1]
            packets.append(self._code(frame, plan, base))
        self._older = [first, *self._older][:2]
        self._newest = first + count
        self._newest_luma = waiting[-1][0].planes[0]
        return packets

    def _pyramid_size(self) -> int:
        """Half as many pictures, and half again, where the last of them has little in common with
        the one before them: predicting across a long way does not pay.
        """
        count, newest = len(self._waiting), self._newest_luma
        assert newest is not None

        def cost(n: int) -> float:
            return self._coder.motion_cost(self._waiting[n - 1][0].planes[0], newest)

        if count < 2:
            return count
        near = cost(1) + _STILL_COST
        while count > 1 and cost(count) > _FAR * near:
            count = (count + 1) // 2
        return count


def _keyint(asked: int | None, frame_rate: tuple[int, int]) -> int:
    """Pictures from one key frame to the next."""
    if asked == 0:
        return _MOST_BETWEEN_KEYS
    if asked is not None:
        return min(asked, _MOST_BETWEEN_KEYS)
    rate = Fraction(*frame_rate) if frame_rate[0] else Fraction(25)
    return max(1, min(round(_KEY_SECONDS * rate), _MOST_BETWEEN_KEYS))


def _thumbnail(frame: VideoFrame) -> NDArray[np.float32]:
    """Means of about 16 x 16 parts of the luma."""
    luma = frame.planes[0]
    rows, columns = (max(1, side // _THUMB) for side in luma.shape)
    height, width = luma.shape[0] // rows * rows, luma.shape[1] // columns * columns
    parts = luma[:height, :width].reshape(height // rows, rows, width // columns, columns)
    return np.asarray(parts.mean(axis=(1, 3), dtype=np.float32))
