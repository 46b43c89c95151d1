"""The slots of a video and what its frames learn from each other (INTER.md)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from codec.video.reference.decisions import BANDS, Coder, Contexts, Reader, starts
from codec.video.reference.frames import LEVELS, FrameHead, Picture, ReferenceFrame
from entropy.errors import CorruptStream
from networks import weights_file
from networks.program import Program

__all__ = ["ReferenceCoder"]

SLOTS = 8


class ReferenceCoder:
    """The slots of a video, and what was learned: everything but the stills.

    Args:
        width, height: of luma, as shown.
        subsampled: 4:2:0.
        weights: file of the inter model.
    """

    frame_type = ReferenceFrame

    def __init__(self, width: int, height: int, subsampled: bool, weights: bytes) -> None:
        self._subsampled = subsampled
        self._size = -(-width // 8) * 8, -(-height // 8) * 8
        half = 2 if subsampled else 1
        chroma = -(-width // half), -(-height // half)
        self._shown = [(width, height), chroma, chroma]
        entries = weights_file.read(weights)
        contexts, program = entries.get("contexts"), entries.get("filter")
        self._first = starts(contexts if isinstance(contexts, bytes) else None)
        self._program = program if isinstance(program, Program) else None
        self._learned: dict[int | None, Contexts] = {}  # by layer; None: of the last frame
        self._slots: list[Picture | None] = [None] * SLOTS
        self._still: Picture | None = None
        self._last: Picture | None = None
        self.frame: ReferenceFrame | None = None

    def put_still(self, planes: Sequence[NDArray[np.integer]], number: int = 0) -> None:
        """Takes the still (planes of 10 bits, as shown) that the next frame is predicted from."""
        width, height = self._size
        half = 2 if self._subsampled else 1
        sizes = [self._size, *2 * [(width // half, height // half)]]
        continued = [
            np.pad(p.astype(np.int64), ((0, h - p.shape[0]), (0, w - p.shape[1])), "edge")
            for p, (w, h) in zip(planes, sizes, strict=True)
        ]
        past = np.zeros((height // 8, width // 8, 3), np.int64)
        self._still = Picture(continued, number, past)

    def decode(self, payload: bytes, references: Sequence[int], slot: int | None) -> None:
        """Decodes a frame; without references it is predicted from the still.

        Raises:
            EntropyCodingError: the payload is damaged.
        """
        head, at = FrameHead.read(payload)
        pictures = self.pictures(references)
        if not references and not head.fresh:
            raise CorruptStream("a key frame needs what earlier frames learned")
        if head.filtered and self._program is None:
            raise CorruptStream("a frame is filtered, and the model has no filter")
        reader = Reader(payload[at:])
        self.finish(head, pictures, reader, slot, reader)

    def pictures(self, references: Sequence[int]) -> list[Picture]:
        """The pictures in slots. Raises CorruptStream if one is not there."""
        found = [self._slots[n] for n in references] or [self._still]
        pictures = [picture for picture in found if picture is not None]
        if len(pictures) < len(found):
            raise CorruptStream("a frame refers to a picture that is not there")
        return pictures

    def finish(
        self,
        head: FrameHead,
        pictures: Sequence[Picture],
        coder: Coder,
        slot: int | None,
        reader: Reader | None = None,
    ) -> None:
        """Decodes a frame of which the head is known, from whatever gives its decisions."""
        frame = self.frame_type(head, self._size, self._subsampled, pictures)
        contexts = self._contexts(head).copy()
        frame.parse(coder, contexts)
        if reader is not None:
            reader.finish()
        picture = frame.rebuild(self._program)
        if head.fresh:
            self._learned.clear()
        self._learned[head.layer] = self._learned[None] = contexts
        if slot is not None:
            self._slots[slot] = picture
        self._last, self.frame, self._still = picture, frame, None

    def _contexts(self, head: FrameHead) -> Contexts:
        first = self._first[head.level * BANDS // LEVELS]
        if head.fresh:
            return first
        return self._learned.get(head.layer) or self._learned.get(None) or first

    def contexts(self, layer: int) -> bytes:
        """What the last frame of a layer has learned; KeyError if there is none."""
        return self._learned[layer].to_bytes()

    def fork(self) -> ReferenceCoder:
        """A coder that goes on from here, without a change to this one."""
        other = copy(self)
        other._learned, other._slots = dict(self._learned), list(self._slots)
        return other

    def planes(self) -> list[NDArray[np.uint16]]:
        """Y, U, V of 10 bits of the last frame, as shown."""
        assert self._last is not None
        return [
            plane[:height, :width].astype(np.uint16)
            for plane, (width, height) in zip(self._last.planes, self._shown, strict=True)
        ]
