"""The coder of frames: the still model for key frames and the compiled inter coder for all.

A payload of a key frame is

    u8 level of the still; u8 tile_log2; varint length of each tile; the tiles; the inter frame

and one of any other frame is the inter frame alone (entropy/INTER.md).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from codec.errors import InvalidField, TruncatedFile, UnknownModel
from codec.frame.leaving import computing
from codec.frame.model import FrameModel, loaded
from codec.models import registry
from codec.models.registry import ModelEntry
from codec.models.weights import read_verified
from codec.video.convert import Colour, planes10_of_rgb, rgb_of_planes
from codec.video.types import Planes
from entropy.coder.escape import MAX_LENGTH_BYTES, read_varint, write_varint
from entropy.errors import CorruptStream, StreamExhausted
from networks.errors import NetworkError
from networks.native import instruction_set, thread_count

if TYPE_CHECKING:
    from bitstream.video import VideoHead
    from codec.video import _video

try:
    from codec.video import _video as _module
except ImportError as error:  # a plain checkout, or a build for another Python
    _reason: str | None = str(error)
else:
    _reason = None

__all__ = [
    "FrameCoder",
    "FrameRecipe",
    "Parsed",
    "inter_entry",
    "models_of",
    "still_entry",
]

_TILE_LOG2 = 10
"""Side of a still's tiles: 1024 pixels."""
_MOST_TILE_LOG2, _LEAST_TILE_LOG2 = 15, 6
_STILL_LEVELS = 64


@dataclass(frozen=True, slots=True)
class FrameRecipe:
    """How one frame is coded.

    Attributes:
        level: 0..63.
        layer: 0..3: frames of a layer learn from each other.
        number: in the order of showing, since the key frame.
        references: slots; none for a key frame.
        slot: where the picture is kept, or None.
        lmbda: squared error that a bit is worth, in squared steps of the quantiser.
        chroma: weight of a squared error of chroma.
        effort: 1..9.
        filtered: whether the filter may be used.
        still_level: level of a key frame's still.
    """

    level: int
    layer: int = 0
    number: int = 0
    references: tuple[int, ...] = ()
    slot: int | None = None
    lmbda: float = 0.12
    chroma: float = 1.0
    effort: int = 7
    filtered: bool = True
    still_level: int = 0


@dataclass(frozen=True, slots=True)
class _Still:
    """The learned picture of a key frame: its level, its tiles."""

    level: int
    tile_log2: int
    tiles: list[bytes]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A frame whose decisions are read, but whose samples are not made yet."""

    still: _Still | None
    inter: _video.Parsed


def inter_entry() -> ModelEntry:
    """The model of inter frames that videos are written with."""
    return registry.default(registry.INTER)


def still_entry() -> ModelEntry:
    """The model of key frames that videos are written with."""
    return registry.default("wavelet")


def models_of(head: VideoHead) -> tuple[ModelEntry, ModelEntry]:
    """The models of a video's key frames and of its inter frames.

    Raises:
        UnknownModel: one is not known here, or is not for that.
        WeightsMismatch: the video was made with other weights.
    """
    still, inter = registry.by_id(head.model_id), registry.by_id(head.inter_id)
    for entry, wrong, what in (
        (still, still.profile in (registry.INTER, registry.PREDICTIVE), "key frames"),
        (inter, inter.profile != registry.INTER, "inter frames"),
    ):
        if wrong:
            raise UnknownModel(
                f"the video names model {entry.name} for {what}, which it is not for"
            )
    still.require_weights(head.weights_hash)
    inter.require_weights(head.inter_hash)
    return still, inter


_models: dict[tuple[str, str], _video.Model] = {}
_lock = threading.Lock()


def _model_of(entry: ModelEntry) -> _video.Model:
    """The compiled model of a register entry, kept ready."""
    if _reason is not None:
        raise NetworkError(f"the compiled core codec.video._video cannot be loaded: {_reason}")
    key = (entry.sha256, instruction_set())
    with _lock:
        found = _models.get(key)
    if found is None:
        made = _module.Model(read_verified(entry), key[1])
        with _lock:
            found = _models.setdefault(key, made)
    return found


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class FrameCoder:
    """Codes the frames of one video, one after another, either way.

    Args:
        head: of the video: its size, its colours, its models.
        threads: 0 for all processors.

    Raises:
        UnknownModel, WeightsMismatch: as `models_of`.
    """

    _keep = False
    """Whether what the filter is given is kept; for those who train it."""

    def __init__(self, head: VideoHead, threads: int = 0) -> None:
        still, inter = models_of(head)
        self._still: FrameModel = loaded(still)
        subsampled = int(head.chroma) == 0
        self._size = head.width, head.height
        self._colour = Colour(head.matrix, head.full_range, subsampled)
        self._threads = thread_count(threads)
        with computing():
            self._coder = _module.Coder(head.width, head.height, subsampled, _model_of(inter))

    def encode(self, planes: Planes, recipe: FrameRecipe) -> bytes:
        """The payload of a frame."""
        front = b""
        if not recipe.references:
            front = self._encode_still(planes, recipe)
        slot = -1 if recipe.slot is None else recipe.slot
        with computing():
            return front + self._coder.encode(
                [np.ascontiguousarray(plane) for plane in planes], recipe.references, slot,
                recipe.level, recipe.layer, recipe.number, not recipe.references, True,
                recipe.filtered, recipe.lmbda, recipe.chroma, recipe.effort, self._keep,
                self._threads,
            )  # fmt: skip

    def parse(self, payload: bytes, references: Sequence[int], slot: int | None) -> Parsed:
        """Reads the decisions of a frame; in the order of the file.

        Raises:
            EntropyCodingError, InvalidField, TruncatedFile: the payload is damaged.
        """
        still = None
        if not references:
            still, payload = self._split(payload)
        with computing():
            kept = -1 if slot is None else slot
            return Parsed(still, self._coder.parse(payload, references, kept))

    def reconstruct(self, parsed: Parsed) -> Planes:
        """Makes the planes of a frame; in the order of the file. Another thread may parse the next
        frame meanwhile.

        Raises:
            EntropyCodingError: the still of a key frame is damaged.
        """
        if parsed.still is not None:
            self._decode_still(parsed.still)
        with computing():
            self._coder.reconstruct(parsed.inter, self._threads)
            return cast(Planes, tuple(self._coder.planes(False)))

    def decode(self, payload: bytes, references: Sequence[int], slot: int | None) -> Planes:
        """The planes of a frame, at once; raises as `parse` and `reconstruct`."""
        return self.reconstruct(self.parse(payload, references, slot))

    def decoded(self) -> Planes:
        """The planes of the frame that was coded last, as a decoder has them."""
        return cast(Planes, tuple(self._coder.planes(False)))

    def motion_cost(self, luma: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float:
        """How badly a fast motion search predicts a picture from another: a mean difference."""
        planes = np.ascontiguousarray(luma), np.ascontiguousarray(reference)
        with computing():
            return _module.motion_cost(*planes, self._threads)

    def _encode_still(self, planes: Planes, recipe: FrameRecipe) -> bytes:
        rgb = rgb_of_planes(planes, self._colour)
        tiles, decoded = self._still.encode(
            rgb, recipe.still_level, _TILE_LOG2, decoded=True, threads=self._threads
        )
        assert decoded is not None
        self._put(decoded)
        lengths = b"".join(write_varint(len(tile)) for tile in tiles)
        return bytes([recipe.still_level, _TILE_LOG2]) + lengths + b"".join(tiles)

    def _put(self, rgb: NDArray[np.uint8]) -> None:
        with computing():
            self._coder.put_still(planes10_of_rgb(rgb, self._colour), 0)

    def _split(self, payload: bytes) -> tuple[_Still, bytes]:
        """The still in front of a key frame, and the inter frame behind it."""
        if len(payload) < 2:
            raise TruncatedFile("a key frame ends before its still begins")
        level, tile_log2 = payload[0], payload[1]
        if level >= _STILL_LEVELS or not _LEAST_TILE_LOG2 <= tile_log2 <= _MOST_TILE_LOG2:
            raise InvalidField(f"a key frame's still has level {level}, tile_log2 {tile_log2}")
        width, height = self._size
        count = -(-width >> tile_log2) * -(-height >> tile_log2)
        at, lengths = 2, []
        for _ in range(count):
            length, at = _length(payload, at)
            lengths.append(length)
        tiles = []
        for length in lengths:
            tiles.append(payload[at : at + length])
            at += length
        if at > len(payload):
            raise TruncatedFile("a key frame ends before its still does")
        return _Still(level, tile_log2, tiles), payload[at:]

    def _decode_still(self, still: _Still) -> None:
        width, height = self._size
        rgb = self._still.decode(
            lambda n: still.tiles[n], (width, height), still.level, still.tile_log2,
            (0, 0, width, height), threads=self._threads,
        )  # fmt: skip
        self._put(rgb)


def _length(payload: bytes, at: int) -> tuple[int, int]:
    """Length of a tile of a still, and where it ends."""
    try:
        return read_varint(payload, at, len(payload), MAX_LENGTH_BYTES)
    except StreamExhausted as error:
        raise TruncatedFile("a key frame ends within the lengths of its tiles") from error
    except CorruptStream as error:
        raise InvalidField(f"a key frame's lengths: {error}") from error
