"""Code vectors (profile vq) beside other codecs at the same bytes, whole and with packets lost.

For every picture and level of vq: its file; the same file with packets lost at random, as
`--conceal` decodes it; ours by other models, the finest level that spends no more bytes, or the
coarsest; and the others at the coarsest quality that spends no fewer bytes. What cannot spend so
few is at its coarsest: the column of bytes says so.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import codec
from bench.equal_bytes import at_bytes
from bench.images import load
from bench.metrics import Measured
from bench.peers import RGB, Peer
from bench.peers.own import OwnPeer
from bench.psnr import psnr

__all__ = ["LOST", "VQ", "measure", "table", "with_losses"]

VQ = "vq"
LOST = "vq, packets lost"
PACKETS = 4
Row = dict[str, Any]


def with_losses(data: bytes, share: float, chance: random.Random) -> bytes:
    """A file of vq of which every packet is damaged with that probability.

    Raises:
        ValueError: the file has several tiles.
    """
    if codec.info(data).tiles != 1:
        raise ValueError("packets are lost in pictures of one tile: at most 1024 pixels a side")
    # The last chunk (bitstream/SPEC.md): type, length, payload, check. Payload (entropy/SPEC.md):
    # size and check of every packet, then the packets.
    _, at = _varint(data, codec.info(data).chunks[-1].offset + 1)
    sizes = []
    for _ in range(PACKETS):
        size, at = _varint(data, at)
        sizes.append(size)
        at += 2
    changed = bytearray(data)
    for size in sizes:
        if chance.random() < share:
            changed[at : at + size] = bytes(b ^ 255 for b in changed[at : at + size])
        at += size
    return bytes(changed)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def measure(
    files: Sequence[Path], others: Sequence[Peer], levels: Sequence[int], share: float,
    measured: Measured,
) -> Iterator[Row]:  # fmt: skip
    """A row for every picture, level and codec: bytes, bits per pixel, PSNR and the metrics.

    Raises:
        PeerFailed, CodecError: a codec does not take a picture.
        ValueError: a metric failed.
    """
    for file in files:
        image = load(file)
        chance = random.Random(file.name)
        for level in levels:
            data = codec.encode(image, profile=VQ, level=level)
            damaged = codec.decode(with_losses(data, share, chance), conceal=True)
            found: list[tuple[str, int, RGB]] = [
                (VQ, len(data), codec.decode(data)), (LOST, len(data), damaged)
            ]  # fmt: skip
            for peer in others:
                coded = (
                    peer.within(image, len(data))
                    if isinstance(peer, OwnPeer)
                    else at_bytes(peer, image, len(data))
                )
                found.append((peer.name, len(coded), peer.decode(coded)))
            for name, size, decoded in found:
                yield {
                    "image": file.name, "level": level, "codec": name, "bytes": size,
                    "bpp": 8 * size / (image.shape[0] * image.shape[1]),
                    "psnr": psnr(image, decoded), **measured(image, decoded, file),
                }  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Means over the pictures, in Markdown."""
    groups: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["level"], row["codec"]].append(row)
    names = [key for key in rows[0] if key not in ("image", "level", "codec", "bytes")]
    lines = [
        f"| level of vq | codec | {' | '.join(names)} |",
        f"| --- | --- |{' ---: |' * len(names)}",
    ]
    for (level, name), group in groups.items():
        means = [f"{np.mean([row[key] for row in group]):.4g}" for key in names]
        lines.append(f"| {level} | {name} | {' | '.join(means)} |")
    return "\n".join(lines) + "\n"
