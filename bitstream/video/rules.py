"""The rules on the sequence of packets, which writers and readers verify alike (VIDEO.md, 4)."""

from __future__ import annotations

from bisect import bisect_right

from bitstream.constants import VideoChunkType
from bitstream.errors import BadField, ChunkOrder, DuplicateChunk, MissingChunk
from bitstream.video.constants import SEQUENCE
from bitstream.video.head import VideoHead
from bitstream.video.packets import AudioPacket, FramePacket, Numbered, Packet, Times


class Rules:
    """What was seen of a video so far, in a few words of memory.

    Args:
        head: the header with its tracks.

    Attributes:
        sequence: number due for the next packet, modulo 256; None: any (after damage).
        frames: number of frames so far, lost ones included.
        damaged: whether frames wait for the next key frame after damage.
        before: times of the last frame; None before the first key frame, and while frames wait for
            the next one after damage.
    """

    __slots__ = (
        "_filled", "_key_pts", "_latest", "_reorder", "_tracks", "_window", "before", "damaged",
        "frames", "sequence",
    )  # fmt: skip

    def __init__(self, head: VideoHead) -> None:
        self._reorder = head.reorder
        self._tracks = len(head.tracks)
        self._filled: frozenset[int] = frozenset()
        self._window: list[int] = []  # the reorder + 1 greatest pts of the GOP, ascending
        self._key_pts = 0
        self._latest = -1  # greatest pts of the file
        self.sequence: int | None = 0
        self.frames = 0
        self.damaged = False
        self.before: Times | None = None

    def start_at(self, number: int) -> None:
        """Goes to a key frame with so many frames before it; only the next packet may be it."""
        self.sequence, self.frames = None, number

    def number(self, packet: Packet) -> Numbered:
        """Returns a packet with the numbers that are due; for writers, which know them."""
        assert self.sequence is not None
        key = isinstance(packet, FramePacket) and packet.key
        return Numbered(packet, self.sequence, self.frames if key else None)

    def check_sequence(self, sequence: int, *, key: bool = False) -> None:
        """Raises if a packet is not the one due.

        After damage, packets that are missing are part of it, and key frames begin anew.

        Args:
            sequence: number of the packet.
            key: whether it is a key frame.

        Raises:
            DuplicateChunk: its number is the one of the packet before.
            ChunkOrder: it is any other.
        """
        due = self.sequence
        if due is None or sequence == due or (self.damaged and key):
            return
        if (sequence + 1) % SEQUENCE == due:
            raise DuplicateChunk("packet stands here again", found=sequence, expected=due)
        if not self.damaged:
            raise ChunkOrder("packet is not the next one", found=sequence, expected=due)

    def check(self, numbered: Numbered) -> None:
        """Raises if a packet may not come next; nothing is changed.

        Raises:
            DuplicateChunk, ChunkOrder: its numbers are not those due.
            MissingChunk: it is a frame and there is no key frame before it.
            BadField: its track, its references or its times are wrong.
        """
        packet = numbered.packet
        self.check_sequence(numbered.sequence, key=numbered.number is not None)
        if isinstance(packet, AudioPacket):
            if packet.track >= self._tracks:
                expected = f"below {self._tracks}"
                raise BadField("no such track", found=packet.track, expected=expected)
        elif packet.key:
            self._check_key(packet, numbered.number)
        else:
            self._check_frame(packet)

    def admit(self, numbered: Numbered) -> None:
        """Takes note of a packet that `check` has let pass."""
        self.sequence = (numbered.sequence + 1) % SEQUENCE
        packet = numbered.packet
        if isinstance(packet, AudioPacket):
            return
        if packet.key:
            self._filled, self._window = frozenset(), []
            self._key_pts, self.damaged = packet.pts, False
            self.frames = self.frames if numbered.number is None else numbered.number
        if packet.slot is not None:
            self._filled |= {packet.slot}
        self._window.insert(bisect_right(self._window, packet.pts), packet.pts)
        del self._window[: -self._reorder - 1]
        self._latest = max(self._latest, packet.pts)
        self.frames += 1
        self.before = Times(packet.pts, packet.duration)

    def wait_for_key(self) -> None:
        """Forgets what damage has made uncertain: no frame passes before the next key frame."""
        self.sequence = self.before = None
        self.damaged = True

    def pass_over(self, sequence: int) -> None:
        """Takes note of the number of a packet that is left out."""
        self.sequence = (sequence + 1) % SEQUENCE

    def _check_key(self, packet: FramePacket, number: int | None) -> None:
        right = number == self.frames or (
            self.damaged and number is not None and number > self.frames
        )
        if not right:
            raise ChunkOrder("number of the key frame", found=number, expected=self.frames)
        if packet.pts <= self._latest:
            raise BadField(
                "key frame is not shown after all before it",
                found=f"pts {packet.pts}",
                expected=f"above {self._latest}",
            )

    def _check_frame(self, packet: FramePacket) -> None:
        if self.before is None:
            raise MissingChunk(
                "frame before the first key frame", expected=VideoChunkType.KEYF.name
            )
        empty = set(packet.references) - self._filled
        if empty:
            raise BadField("references name empty slots", found=sorted(empty))
        if packet.pts <= self._key_pts:
            raise BadField(
                "frame is not shown after its key frame",
                found=f"pts {packet.pts}",
                expected=f"above {self._key_pts}",
            )
        if packet.pts in self._window:
            raise BadField("two frames with the same time", found=f"pts {packet.pts}")
        later = len(self._window) - bisect_right(self._window, packet.pts)
        if later > self._reorder:
            raise BadField(
                "frames before this one that are shown later",
                found=f"{later} or more",
                expected=f"at most {self._reorder}",
            )
