"""Small clips that move, and what the real coder makes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from bitstream.video import FramePacket, VideoHead
from codec.video.decoder import VideoDecoder
from codec.video.encoder import VideoEncoder
from codec.video.heads import new_head
from codec.video.options import VideoOptions
from codec.video.types import Planes, VideoFrame, chroma_size

__all__ = ["decoded", "digest", "encoded", "head_of", "moving", "same"]

_WAYS = ((1, 3), (-5, 2), (0, 0), (14, -6), (-1, -1), (3, 40))
"""How scenes move, in half samples a picture."""


def moving(
    count: int, width: int, height: int, subsampled: bool = True, *, turn: int = 5
) -> Iterator[Planes]:
    """Pictures of a texture whose motion, and sometimes the texture itself, changes at once.

    Args:
        count: of pictures.
        width, height: of luma.
        subsampled: 4:2:0, else 4:4:4.
        turn: pictures from one change to the next.
    """
    generator = np.random.default_rng(width * 1000 + height)
    shapes = [(height, width), *2 * [chroma_size(width, height, subsampled)[::-1]]]
    scenes = [[_texture(generator, shape) for shape in shapes] for _ in range(2)]
    for number in range(count):
        part = number // turn
        down, right = _WAYS[part % len(_WAYS)]
        planes = []
        for kind, (rows, columns) in enumerate(shapes):
            step = number % turn if kind and subsampled else 2 * (number % turn)
            whole = np.roll(
                scenes[part // 3 % 2][kind], (-down * step // 2, -right * step // 2), (0, 1)
            )
            plane = whole[: 2 * rows : 2, : 2 * columns : 2]
            square = plane[rows // 3 : rows // 2, columns // 3 : columns // 2]
            square[...] = np.roll(square, number, 1) // 2
            noise = generator.integers(-2, 3, plane.shape)
            planes.append(np.clip(plane + noise, 0, 255).astype(np.uint8))
        yield planes[0], planes[1], planes[2]


def _texture(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Softened noise of twice a shape and more, which may be turned round."""
    rows, columns = (2 * side + 16 for side in shape)
    coarse = generator.integers(0, 256, (rows // 8 + 1, columns // 8 + 1)).astype(float)
    whole = np.kron(coarse, np.ones((8, 8)))[:rows, :columns]
    for axis in (0, 1, 0, 1):
        whole = (whole + np.roll(whole, 3, axis)) / 2
    return whole


def head_of(width: int, height: int, subsampled: bool = True, **facts: Any) -> VideoHead:
    """A head at 25 pictures a second."""
    return new_head(
        width, height, subsampled=subsampled, time_base=Fraction(1, 25), frame_rate=Fraction(25),
        **facts,
    )  # fmt: skip


def encoded(
    head: VideoHead, pictures: Iterable[Planes], **options: Any
) -> tuple[VideoHead, list[FramePacket]]:
    """The head of the file and its packets, in the order of coding."""
    encoder = VideoEncoder(head, VideoOptions(**options))
    packets: list[FramePacket] = []
    for number, planes in enumerate(pictures):
        packets += encoder.push(VideoFrame(planes, number, 1))
    return encoder.head, packets + encoder.finish()


def decoded(head: VideoHead, packets: Sequence[FramePacket], threads: int = 1) -> list[Planes]:
    """The pictures of packets, in the order of showing."""
    decoder = VideoDecoder(head, threads)
    frames: list[VideoFrame] = []
    for packet in packets:
        if packet.key:
            frames += decoder.flush()
            decoder.reset()
        frames += decoder.decode(packet)
    frames += decoder.flush()
    assert [frame.pts for frame in frames] == list(range(len(packets)))
    return [frame.planes for frame in frames]


def digest(pictures: Iterable[Planes]) -> str:
    """SHA-256 of all samples."""
    found = hashlib.sha256()
    for planes in pictures:
        for plane in planes:
            found.update(plane.tobytes())
    return found.hexdigest()


def same(a: Planes, b: Planes) -> bool:
    """Whether two pictures have the same samples."""
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
