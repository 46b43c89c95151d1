"""What a caller is willing to read of a video (VIDEO.md, section 8)."""

from __future__ import annotations

from dataclasses import dataclass

from bitstream.limits import Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoLimits(Bounds):
    """Upper bounds on what a video may ask for; 0 means unlimited.

    Neither the number of frames nor the size of the file is limited: a reader needs no more memory
    for them.

    Args:
        max_pixels: width x height, in luma samples.
        max_dimension: width and height, in luma samples.
        max_packet_bytes: the payload of the chunk of a frame or of a packet of audio.
        max_tracks: audio tracks.
        max_track_bytes: the payload of the chunk of an audio track, extradata included.
        max_index_entries: key frames in the index.

    Raises:
        BadField: a limit is negative.
    """

    max_pixels: int = 2**25
    max_dimension: int = 16384
    max_packet_bytes: int = 2**26
    max_tracks: int = 32
    max_track_bytes: int = 2**20
    max_index_entries: int = 2**20
