"""What the benchmark asks of a codec: bytes from pixels, pixels from bytes, settings, version."""

from __future__ import annotations

import struct
from typing import Protocol

from bench.yuv import RGB

__all__ = ["RGB", "Peer", "PeerFailed", "PeerMissing", "join_size", "split_size"]

_SIZE = struct.Struct("<HH")


class PeerMissing(Exception):
    """A codec cannot run on this machine; the message says what it lacks and how to get it."""


class PeerFailed(Exception):
    """A codec ran and failed; the message says how."""


class Peer(Protocol):
    """A codec under test. Making one raises PeerMissing where it cannot run.

    name: as given to --codecs.
    version: of everything that decides its bytes.
    settings: of its rate control, from the fewest bits to the most.
    parallel: whether several images may be coded at once without disturbing a time measurement:
        true of other programs that run for minutes, and whose speed is not compared.
    """

    name: str
    version: str
    settings: tuple[float, ...]
    parallel: bool

    def encode(self, image: RGB, setting: float) -> bytes:
        """The file of an image. Raises PeerFailed."""
        ...

    def decode(self, data: bytes) -> RGB:
        """The image of a file. Raises PeerFailed."""
        ...


def join_size(data: bytes, image: RGB) -> bytes:
    """A raw video stream and, in four bytes more, the height and width of the image: the stream
    does not say what was padded.
    """
    return data + _SIZE.pack(*image.shape[:2])


def split_size(data: bytes) -> tuple[bytes, int, int]:
    """The inverse of `join_size`: stream, height, width."""
    height, width = _SIZE.unpack(data[-_SIZE.size :])
    return data[: -_SIZE.size], height, width
