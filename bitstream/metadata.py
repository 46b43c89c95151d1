"""Metadata: ICC, EXIF and XMP, kept byte for byte, never interpreted; their sizes are limited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bitstream.chunks import Chunk
from bitstream.constants import ChunkType, chunk_name
from bitstream.limits import Limits

_FIELDS: Final = {ChunkType.ICCP: "icc", ChunkType.EXIF: "exif", ChunkType.XMP: "xmp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Metadata of a picture; None is absent, which is not the same as empty.

    Args:
        icc: ICC profile.
        exif: EXIF from its TIFF header on; the orientation of the picture is here only.
        xmp: XMP packet.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    @classmethod
    def from_chunks(cls, chunks: Mapping[ChunkType, Chunk], limits: Limits) -> Metadata:
        """Returns the metadata among the chunks of a file.

        Raises:
            LimitExceeded: one is larger than `limits.max_metadata_bytes`.
        """
        values = {}
        for kind, name in _FIELDS.items():
            chunk = chunks.get(kind)
            if chunk is not None:
                size = len(chunk.payload)
                limits.check_metadata(size, offset=chunk.offset, chunk=chunk.name)
                values[name] = bytes(chunk.payload)
        return cls(**values)

    def to_chunks(self, limits: Limits) -> Iterator[tuple[ChunkType, bytes]]:
        """Yields type and payload of each chunk, in the order of the file.

        Raises:
            LimitExceeded: one is larger than `limits.max_metadata_bytes`.
        """
        for kind, name in _FIELDS.items():
            payload: bytes | None = getattr(self, name)
            if payload is not None:
                limits.check_metadata(len(payload), chunk=chunk_name(kind))
                yield kind, payload
