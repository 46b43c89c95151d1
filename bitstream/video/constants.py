"""The numbers of videos: sync, ranges, hard limits (VIDEO.md, 2 to 8)."""

from __future__ import annotations

from typing import Final

SYNC: Final = b"\x8aLICKEY\r"
"""Stands at the start of the payload of every key frame, to be searched for."""

KIND: Final = 1
SAMPLES: Final = 0x57  # kind 1, no alpha, colour, 8 bits
TILE_LOG2: Final = 6  # without meaning in a video, but readers of stills look at it

MAX_SIDE: Final = 16384
MAX_RATIONAL: Final = 2**31 - 1
MAX_TIME: Final = 2**61
"""Greatest time and duration, in ticks: sums of two fit 64 bits signed."""
MAX_TRACKS: Final = 32
MAX_CHANNELS: Final = 65535
MAX_STRING: Final = 64
MAX_REFERENCES: Final = 4
MAX_REORDER: Final = 16
SLOTS: Final = 8
NO_SLOT: Final = 8
"""Stands in the field of a slot for: the picture is not kept."""
MATRICES: Final = (1, 5, 6)
SEQUENCE: Final = 256
"""Packets are numbered modulo this."""

TAIL_BYTES: Final = 8
"""Bytes of the payload of TAIL."""
TAIL_SIZE: Final = 1 + 1 + TAIL_BYTES + 4
"""Bytes of the whole chunk TAIL, which are the last of a file."""
