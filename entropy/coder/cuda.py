"""The coder on a GPU: many payloads at a time, one warp each. Optional; same bytes as native.

Built with the CMake option CUDA=ON. It codes plain segments and those along the trellis, whose
symbols and tables are chosen before (`entropy.coder.trellis.quantise`). A payload with few lanes
leaves most of a warp idle: encode with `lanes=32` what a GPU shall decode quickly, and decode many
tiles at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from entropy.coder.checks import LANES, Segment, check_array, check_segments, check_states
from entropy.coder.states import FEW_STATES
from entropy.errors import NativeUnavailable

if TYPE_CHECKING:
    from entropy.coder import _rans_cuda
    from entropy.coder.tables import CdfTables

try:
    from entropy.coder import _rans_cuda as _module
except ImportError as error:
    _reason: str | None = f"entropy.coder._rans_cuda cannot be loaded: {error}"
else:
    _reason = None if _module.device_count() else "no CUDA device"

__all__ = ["BatchDecoder", "SingleDecoder", "encode_batch", "unavailable_reason"]


def unavailable_reason() -> str | None:
    """None if the CUDA coder is built and a device is there, else why not."""
    return _reason


def encode_batch(
    payloads: Sequence[Sequence[Segment]], tables: CdfTables, *, lanes: int | None = None
) -> list[bytes]:
    """Encode several payloads; element p equals `encode(payloads[p], tables, lanes=lanes)`.

    Raises:
        NativeUnavailable: there is no CUDA coder or device, or it failed.
        InvalidTable, SymbolOutOfRange, TypeError, ValueError: as `entropy.coder.encode`.
    """
    if lanes is not None and lanes not in LANES:
        raise ValueError(f"lanes: found {lanes}, expected one of {LANES}")
    checked = [check_segments(segments) for segments in payloads]
    compiled = _compiled(tables)
    return _module.encode_batch(checked, compiled, lanes or 0)


class BatchDecoder:
    """Decode several payloads in step, one segment of each per call.

    Args:
        payloads: one bytes object per payload.
        tables: the tables they were encoded with.

    Raises:
        NativeUnavailable: there is no CUDA coder or device, or it failed.
        StreamExhausted, CorruptStream: as `entropy.coder.Decoder`.
    """

    __slots__ = ("_decoder",)

    def __init__(self, payloads: Sequence[bytes], tables: CdfTables) -> None:
        compiled = _compiled(tables)
        self._decoder = _module.BatchDecoder([bytes(data) for data in payloads], compiled)

    def decode(self, indexes: Sequence[npt.NDArray[np.uint8]]) -> list[npt.NDArray[np.int16]]:
        """Decode the next segment of every payload; see `entropy.coder.Decoder.decode`."""
        symbols = _room_for_symbols(indexes)
        self._decoder.decode(indexes, symbols)
        return symbols

    def decode_trellis(
        self, indexes: Sequence[npt.NDArray[np.uint8]], stride: int, states: int = FEW_STATES
    ) -> list[tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]]:
        """Decode the next segment of every payload, all coded along the trellis.

        The pair (symbols, tables they were coded with) of every payload is what
        `entropy.coder.Decoder.decode_trellis` gives.
        """
        check_states(states)
        symbols = _room_for_symbols(indexes)
        chosen = [np.empty_like(array) for array in indexes]
        self._decoder.decode_trellis(indexes, stride, states, symbols, chosen)
        return list(zip(symbols, chosen, strict=True))

    def finish(self) -> None:
        """Check that every payload is used up and intact."""
        self._decoder.finish()


class SingleDecoder:
    """A batch of one payload, with the methods of `entropy.coder.Decoder`."""

    __slots__ = ("_batch",)

    def __init__(self, data: bytes, tables: CdfTables) -> None:
        self._batch = BatchDecoder([data], tables)

    def decode(self, indexes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """Decode the next segment."""
        return self._batch.decode([indexes])[0]

    def decode_trellis(
        self, indexes: npt.NDArray[np.uint8], stride: int, states: int
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
        """Decode the next segment, coded along the trellis."""
        return self._batch.decode_trellis([indexes], stride, states)[0]

    def finish(self) -> None:
        """Check that the payload is used up and intact."""
        self._batch.finish()


def _room_for_symbols(indexes: Sequence[npt.NDArray[np.uint8]]) -> list[npt.NDArray[np.int16]]:
    """An array for the symbols of every payload; TypeError, ValueError if the indexes are wrong."""
    for array in indexes:
        check_array(array, np.uint8, "indexes")
    return [np.empty(array.size, dtype=np.int16) for array in indexes]


def _compiled(tables: CdfTables) -> _rans_cuda.DeviceTables:
    """The tables in the memory of the GPU, copied there on first use."""
    if _reason is not None:
        raise NativeUnavailable(_reason)
    return tables.compiled(_module.DeviceTables)
