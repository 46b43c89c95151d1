"""What a caller is willing to read of a video (VIDEO.md, section 8)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bitstream.errors import BadField, LimitExceeded


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoLimits:
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

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0:
                raise BadField(f"limit {field.name}", found=value, expected="0 or more")

    def check(
        self,
        what: str,
        value: int,
        name: str,
        *,
        offset: int | None = None,
        chunk: str | None = None,
    ) -> None:
        """Raises `LimitExceeded` if a value, described by `what`, is above the limit `name`."""
        limit = int(getattr(self, name))
        if limit and value > limit:
            raise LimitExceeded(
                f"{what} exceeds {name}",
                found=value,
                expected=f"at most {limit}",
                offset=offset,
                chunk=chunk,
            )
