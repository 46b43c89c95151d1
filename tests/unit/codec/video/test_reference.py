"""The compiled coder writes what the reference decodes to the same samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from bitstream.video import FramePacket, VideoHead
from codec.errors import CodecError
from codec.video.coder import FrameCoder
from codec.video.encoder import VideoEncoder
from codec.video.heads import new_head
from codec.video.options import VideoOptions
from codec.video.reference import ReferenceDecoder
from codec.video.reference.decisions import BANDS, CONTEXT_BYTES, Contexts, starts
from codec.video.reference.decoder import planes_of_still
from codec.video.types import Planes, VideoFrame, chroma_size
from entropy.errors import EntropyCodingError
from networks.errors import InvalidWeightsFile
from tests.unit.codec.video.random_frames import facts_of


@dataclass(frozen=True)
class Clip:
    """A small video and how it is encoded."""

    width: int
    height: int
    subsampled: bool
    level: int
    lowdelay: bool
    matrix: int = 6
    full_range: bool = False
    frames: int = 7


CLIPS = [
    Clip(72, 56, True, 38, lowdelay=False, frames=6),
    Clip(40, 24, False, 30, lowdelay=True, matrix=1),
    Clip(37, 23, True, 50, lowdelay=False, full_range=True),
    Clip(25, 17, False, 63, lowdelay=False, matrix=5, frames=4),
    Clip(130, 66, True, 8, lowdelay=True, frames=4),
]
OCCURS = {
    "merge", "inter", "intra", "both", "coded", "fine", "overlapped", "reference 1", "reference 2",
    "candidate 1", "mode 0", "escape", "Y 4x4", "Y 8x8", "Y 16x16", "Y 32x32",
    "UV 4x4", "UV 8x8", "filtered",
}  # fmt: skip


def pictures(clip: Clip) -> list[Planes]:
    """Texture that moves a sample and a half a picture, with noise; another scene at the end."""
    generator = np.random.default_rng(clip.level)
    chroma = chroma_size(clip.width, clip.height, clip.subsampled)
    sizes = [(clip.width, clip.height), chroma, chroma]
    scenes = [[_texture(generator, 2 * w + 60, 2 * h + 60) for w, h in sizes] for _ in range(2)]
    found = []
    for n in range(clip.frames):
        scene = scenes[n >= clip.frames - 2]
        planes = []
        for k, (plane, (w, h)) in enumerate(zip(scene, sizes, strict=True)):
            step = n if k and clip.subsampled else 2 * n
            moved = plane[step : step + 2 * h : 2, step + n : step + n + 2 * w : 2]
            noisy = moved + generator.normal(0, 1.5, moved.shape)
            planes.append(np.clip(noisy, 0, 255).astype(np.uint8))
        found.append((planes[0], planes[1], planes[2]))
    return found


def _texture(generator: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Squares of noise, softened, and edges."""
    coarse = generator.integers(0, 256, (height // 12 + 1, width // 12 + 1)).astype(float)
    whole = np.kron(coarse, np.ones((12, 12)))[:height, :width]
    for axis in (0, 1):
        whole = (whole + np.roll(whole, 2, axis)) / 2
    y, x = np.mgrid[:height, :width]
    return np.where((x + 2 * y) // 40 % 3 == 0, 255 - whole, whole)


def encoded(clip: Clip) -> tuple[VideoHead, list[FramePacket]]:
    """The packets of a clip, in the order of coding."""
    head = new_head(
        clip.width, clip.height, subsampled=clip.subsampled, matrix=clip.matrix,
        full_range=clip.full_range, time_base=Fraction(1, 25), frame_rate=Fraction(25),
    )  # fmt: skip
    options = VideoOptions(level=clip.level, lowdelay=clip.lowdelay, effort=6, threads=1)
    encoder = VideoEncoder(head, options)
    packets = []
    for n, planes in enumerate(pictures(clip)):
        packets += encoder.push(VideoFrame(planes, n, 1))
    return encoder.head, packets + encoder.finish()


def test_every_sample_of_every_frame_is_the_same() -> None:
    facts: Counter[str] = Counter()
    for clip in CLIPS:
        head, packets = encoded(clip)
        coder, reference = FrameCoder(head, threads=1), ReferenceDecoder(head)
        assert len(packets) == clip.frames
        for n, packet in enumerate(packets):
            shown = coder.decode(packet.payload, packet.references, packet.slot)
            found = reference.decode(packet.payload, packet.references, packet.slot)

            wide = coder._coder.planes(True)
            for name, a, b in zip("YUV", wide, reference.planes10(), strict=True):
                np.testing.assert_array_equal(a, b, f"plane {name} of frame {n} of {clip}")
            assert all(map(np.array_equal, shown, found))
            assert reference.coder.frame is not None
            facts += facts_of(reference.coder.frame)

    assert {name for name in OCCURS if not facts[name]} == set()
    assert any(facts[f"mode {n}"] for n in range(3, 35))


def test_a_damaged_key_frame_is_refused_alike() -> None:
    clip = Clip(24, 16, True, 40, lowdelay=True, frames=1)
    head, (packet,) = encoded(clip)
    whole = packet.payload
    damaged = [whole[:n] for n in (0, 1, 2, 3, 10)]
    damaged += [b"\x40" + whole[1:], whole[:1] + b"\x05" + whole[2:], whole + bytes(16)]
    damaged += [whole[:2] + b"\x80\0" + whole[3:], whole[:2] + b"\xff" * 6]

    for payload in damaged:
        errors = []
        for decoder in (FrameCoder(head, threads=1), ReferenceDecoder(head)):
            with pytest.raises((CodecError, EntropyCodingError)) as caught:
                decoder.decode(payload, (), 0)
            errors.append(caught.type)
        assert errors[0] is errors[1]


def test_a_picture_that_is_not_there_is_refused() -> None:
    clip = Clip(24, 16, True, 40, lowdelay=True, frames=2)
    head, packets = encoded(clip)
    decoder = ReferenceDecoder(head)

    with pytest.raises(EntropyCodingError, match="not there"):
        decoder.decode(packets[1].payload, packets[1].references, None)


def test_a_grey_still_has_no_colour() -> None:
    rgb = np.full((3, 5, 3), 255, np.uint8)

    y, u, v = planes_of_still(rgb, 1, full_range=False, subsampled=True)

    assert np.all(y == 940)
    assert u.shape == v.shape == (2, 3)
    assert np.all(u == 512)
    assert np.all(v == 512)


def test_contexts_are_kept_as_a_weights_file_has_them() -> None:
    generator = np.random.default_rng(5)
    band = generator.integers(0, 60, CONTEXT_BYTES // 2).astype("<u2").tobytes()

    assert Contexts(band).to_bytes() == band
    assert len({id(first) for first in starts(BANDS * band)}) == BANDS
    with pytest.raises(InvalidWeightsFile, match="contexts have"):
        starts(band[:-4] * BANDS)
    with pytest.raises(InvalidWeightsFile, match="seen too much"):
        starts(b"\xff" * BANDS * CONTEXT_BYTES)
