"""Files for tests/cpp/video_file.hpp: what this processor decodes videos to."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bitstream.video import FramePacket, VideoHead
from codec.models import registry
from codec.video.coder import FrameCoder
from codec.video.convert import Colour, planes10_of_rgb
from tests.exactness.video_clips import encoded, head_of, moving

__all__ = ["replay_files"]

_CLIPS = {
    "420": (head_of(72, 50), 9, {"level": 32}),
    "444": (head_of(41, 27, False, full_range=True), 6, {"level": 44, "lowdelay": True}),
    "coarse": (head_of(96, 64), 6, {"level": 14, "lowdelay": True}),
    "finest": (head_of(24, 24), 4, {"level": 63}),
    "1x1": (head_of(1, 1), 3, {"level": 40}),
}
_NO_SLOT = 8


def replay_files(folder: Path) -> list[Path]:
    """Writes the files into a folder."""
    paths = []
    for name, (head, count, options) in _CLIPS.items():
        subsampled = int(head.chroma) == 0
        pictures = moving(count, head.width, head.height, subsampled, turn=3)
        coded = encoded(head, pictures, effort=4, threads=1, **options)
        paths.append(folder / f"{name}.bin")
        paths[-1].write_bytes(_file(*coded))
    return paths


def _file(head: VideoHead, packets: Sequence[FramePacket]) -> bytes:
    weights = registry.by_id(head.inter_id).path.read_bytes()
    subsampled = int(head.chroma) == 0
    coder = FrameCoder(head, threads=1)
    out = [struct.pack("<4I", head.width, head.height, subsampled, len(weights)), weights,
           struct.pack("<I", len(packets))]  # fmt: skip
    for packet in packets:
        payload, still = packet.payload, b""
        if packet.key:
            parts, payload = coder._split(packet.payload)
            size = head.width, head.height
            rgb = coder._still.decode(
                parts.tiles.__getitem__, size, parts.level, parts.tile_log2, (0, 0, *size)
            )
            still = _bytes(planes10_of_rgb(rgb, Colour(head.matrix, head.full_range, subsampled)))
        coder.decode(packet.payload, packet.references, packet.slot)
        slot = _NO_SLOT if packet.slot is None else packet.slot
        out += [
            struct.pack("<I", packet.key), still,
            struct.pack(f"<{len(packet.references) + 3}I", len(packet.references),
                        *packet.references, slot, len(payload)),
            payload, _bytes(cast(list[NDArray[np.uint16]], coder._coder.planes(True))),
        ]  # fmt: skip
    return b"".join(out)


def _bytes(planes: Sequence[NDArray[np.uint16]]) -> bytes:
    return b"".join(plane.astype("<u2").tobytes() for plane in planes)
