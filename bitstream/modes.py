"""The mode chunk: which predictive coder a file uses beside its model, or alone (SPEC.md, 2a)."""

from __future__ import annotations

from dataclasses import dataclass

from bitstream.chunks import Chunk
from bitstream.constants import (
    MAX_ERROR,
    MAX_HEAD_BYTES,
    WEIGHTS_HASH_BYTES,
    ChunkType,
    chunk_name,
)
from bitstream.errors import BadField
from bitstream.header import Header
from bitstream.writer import ByteWriter

_MODE = chunk_name(ChunkType.MODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """The tiles of a file have modes.

    Args:
        coder_id: permanent id of the predictive coder, 16 bits.
        weights_hash: first four bytes of the SHA-256 of its weights file.
        error: no predictive sample is off by more, 0 to 65535.
        extension: fields that later versions appended, as opaque bytes.

    Raises:
        BadField: a value is outside of its range.
    """

    coder_id: int
    weights_hash: bytes
    error: int = 0
    extension: bytes = b""

    def __post_init__(self) -> None:
        for name, value, high in (
            ("coder_id", self.coder_id, 65535),
            ("error", self.error, MAX_ERROR),
        ):
            if not 0 <= value <= high:
                raise BadField(name, found=value, expected=f"0 to {high}", chunk=_MODE)
        if len(self.weights_hash) != WEIGHTS_HASH_BYTES:
            raise BadField(
                "weights_hash",
                found=f"{len(self.weights_hash)} bytes",
                expected=f"{WEIGHTS_HASH_BYTES} bytes",
                chunk=_MODE,
            )

    def whole(self, header: Header) -> bool:
        """Whether the coder codes the whole picture: the header names it as its model."""
        return (header.model_id, header.weights_hash) == (self.coder_id, self.weights_hash)


def encode_modes(modes: Modes) -> bytes:
    """The payload of the mode chunk.

    Raises:
        BadField: the extension makes it longer than 255 bytes.
    """
    writer = ByteWriter()
    writer.u16(modes.coder_id, "coder_id")
    writer.put(modes.weights_hash)
    writer.varint(modes.error, "error")
    writer.put(modes.extension)
    payload = writer.getvalue()
    _check_length(payload)
    return payload


def decode_modes(chunk: Chunk) -> Modes:
    """Reads the mode chunk.

    Raises:
        BadField: a value is outside of its range, or the chunk is too long.
        Truncated: the payload ends before its last field.
    """
    _check_length(chunk.payload)
    reader = chunk.open()
    coder_id = reader.u16("coder_id")
    weights_hash = bytes(reader.take(WEIGHTS_HASH_BYTES, "weights_hash"))
    error = reader.varint("error")
    extension = bytes(reader.take(reader.remaining, "the extension"))
    return Modes(coder_id=coder_id, weights_hash=weights_hash, error=error, extension=extension)


def check_modes(header: Header, modes: Modes | None) -> None:
    """Whether header and mode chunk agree.

    Raises:
        BadField: they do not.
    """
    whole = modes is not None and modes.whole(header)
    if header.bit_depth == 16 and not whole:
        raise BadField(
            "16 bits although the picture is not predictive as a whole", found=16, expected=8
        )
    if whole and header.level:
        raise BadField("level of a predictive picture", found=header.level, expected=0)


def _check_length(payload: bytes | memoryview) -> None:
    if len(payload) > MAX_HEAD_BYTES:
        raise BadField(
            "modes are too long",
            found=f"{len(payload)} bytes",
            expected=f"at most {MAX_HEAD_BYTES}",
            chunk=_MODE,
        )
