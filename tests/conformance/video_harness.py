"""What a conformance vector of a video is, and how one is checked. Reads only; `generate_video.py`
writes.

    video/vectors/NAME/input.licv      a file of the codec
    video/vectors/NAME/expected.json   what it holds, and digests of every frame and of the sound
    video/corrupt/NAME.bin             a file that is refused; corrupt/expected.json names the error
    video/SHA256SUMS                   of every file above

Of every frame, in the order of the file, two SHA-256: of the samples of 10 bits, uint16
little-endian, and of those that are shown, uint8; Y, U, V one after another, in rows. They are the
same on every machine for ever.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import codec
from bitstream.video import AudioPacket, FramePacket, VideoHead, VideoStreamReader
from codec.video.coder import FrameCoder
from codec.video.reference import ReferenceDecoder
from tests.conformance.harness import EXPECTED, HERE, VectorMismatch

__all__ = [
    "VIDEO", "VIDEO_INPUT", "Expected", "by_coder", "by_reference", "check_vector", "describe",
]  # fmt: skip

VIDEO = HERE / "video"
VIDEO_INPUT = "input.licv"

Planes = Sequence[np.ndarray[Any, Any]]
Decode = Callable[[FramePacket], tuple[Planes, Planes]]
"""A frame to its planes of 10 bits, and those that are shown."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What decoding a file must give.

    Attributes:
        head: fields of the header by name, bytes in hexadecimal.
        frames: of each: whether it is a key frame, level, slot, references, pts, duration, and the
            digests "wide" (10 bits) and "shown".
        sound: of each packet: track, pts, duration, and the digest of its bytes.
    """

    head: dict[str, Any]
    frames: list[dict[str, Any]]
    sound: list[dict[str, Any]]

    def to_json(self) -> str:
        """A line for each frame and packet of sound."""
        head = json.dumps(self.head, sort_keys=True)
        frames, sound = (
            ",\n  ".join(json.dumps(row, sort_keys=True) for row in rows)
            for rows in (self.frames, self.sound)
        )
        return f'{{"head": {head},\n "frames": [\n  {frames}],\n "sound": [\n  {sound}]}}\n'


def by_coder(head: VideoHead, threads: int = 0) -> Decode:
    """The decoder as users have it, one frame at a time."""
    coder = FrameCoder(head, threads)

    def decode(packet: FramePacket) -> tuple[Planes, Planes]:
        shown = coder.decode(packet.payload, packet.references, packet.slot)
        return coder._coder.planes(True), shown

    return decode


def by_reference(head: VideoHead) -> Decode:
    """The slow definition, which shares no code with it but the still model."""
    reference = ReferenceDecoder(head)

    def decode(packet: FramePacket) -> tuple[Planes, Planes]:
        shown = reference.decode(packet.payload, packet.references, packet.slot)
        return reference.planes10(), shown

    return decode


def describe(data: bytes, decoder: Callable[[VideoHead], Decode] = by_coder) -> Expected:
    """What a file decodes to, as vectors write it down."""
    reader = VideoStreamReader(io.BytesIO(data))
    decode = decoder(reader.head)
    frames, sound = [], []
    for packet in reader:
        fields = {k: v for k, v in asdict(packet).items() if k != "payload"}
        if isinstance(packet, AudioPacket):
            sound.append(fields | {"bytes": hashlib.sha256(packet.payload).hexdigest()})
            continue
        wide, shown = decode(packet)
        frames.append(fields | {"wide": _digest(wide, "<u2"), "shown": _digest(shown, "u1")})
    return Expected(_plain(asdict(reader.head)), _plain(frames), _plain(sound))


def check_vector(
    folder: Path, decoder: Callable[[VideoHead], Decode] = by_coder, *, public: bool = True
) -> None:
    """Decodes a vector and compares.

    Args:
        folder: of the vector.
        decoder: what decodes its frames.
        public: whether `codec.open` must give the same, in the order of showing.

    Raises:
        VectorMismatch: head, frames or sound are not those written down.
        OSError: a file of the vector is missing.
    """
    expected = Expected(**json.loads((folder / EXPECTED).read_text()))
    data = (folder / VIDEO_INPUT).read_bytes()
    found = describe(data, decoder)
    for part in ("head", "frames", "sound"):
        ours, theirs = getattr(found, part), getattr(expected, part)
        if ours != theirs:
            raise VectorMismatch(f"{folder.name}: {part}: {_difference(ours, theirs)}")
    if not public:
        return
    with codec.open(io.BytesIO(data)) as video:
        played = [(frame.pts, _digest(frame.planes, "u1")) for frame in video]
    if played != sorted((frame["pts"], frame["shown"]) for frame in expected.frames):
        raise VectorMismatch(f"{folder.name}: codec.open gives other pictures than the coder")


def _difference(found: Any, expected: Any) -> str:
    if isinstance(found, dict) or len(found) != len(expected):
        return f"found {found}, expected {expected}"
    pairs = enumerate(zip(found, expected, strict=True))
    number = next(n for n, (a, b) in pairs if a != b)
    return f"number {number}: found {found[number]}, expected {expected[number]}"


def _digest(planes: Iterable[np.ndarray[Any, Any]], kind: str) -> str:
    found = hashlib.sha256()
    for plane in planes:
        found.update(plane.astype(kind).tobytes())
    return found.hexdigest()


def _plain(value: Any) -> Any:
    """As JSON gives it back: lists, bytes in hexadecimal."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.hex() if isinstance(value, bytes) else value
