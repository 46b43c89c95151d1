"""Choice between the compiled coder and the reference; both give the same bytes."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from entropy.coder.checks import LANES, Segment, check_array, check_segments, check_states
from entropy.coder.native import NativeDecoder, encode_native, unavailable_reason
from entropy.coder.reference import ReferenceDecoder, encode_reference
from entropy.coder.states import FEW_STATES
from entropy.coder.tables import CdfTables
from entropy.errors import NativeUnavailable

if TYPE_CHECKING:
    from entropy.coder.cuda import SingleDecoder

__all__ = ["Backend", "Decoder", "backend", "encode"]

Backend = Literal["native", "reference", "cuda"]

_logger = logging.getLogger(__name__)


@functools.cache
def backend() -> Backend:
    """Which coder `encode` and `Decoder` use by default: "native" if it is built, else "reference".

    The first call logs a warning if the compiled coder is missing.
    """
    reason = unavailable_reason()
    if reason is None:
        return "native"
    _logger.warning("compiled range coder not available (%s): using the slow reference", reason)
    return "reference"


def encode(
    segments: Sequence[Segment],
    tables: CdfTables,
    *,
    lanes: int | None = None,
    backend: Backend | None = None,
) -> bytes:
    """Encode all segments of a payload in one call.

    A segment is what one `Decoder.decode` call returns, in the same order. The GIL is released
    while the compiled coder works.

    Args:
        segments: pairs (symbols, indexes) of equal size: symbols int16, indexes uint8, both 1-D and
            contiguous. Symbol i is coded with table `indexes[i]`; where `indexes[i] <
            tables.skip_below` it must be 0 and costs nothing.
        tables: the tables, also needed to decode.
        lanes: number of interleaved states, a power of two up to 32; None follows the amount of
            data, one lane for about 8 kB. More lanes suit a GPU and cost 4 to 5 bytes each.
        backend: "native", "reference", or "cuda" for a GPU; None takes `backend()`.

    Returns:
        The payload, at least 1 byte; SPEC.md, section Range coder. It does not hold the sizes of
        the segments, nor its own.

    Raises:
        InvalidTable: an index names no table.
        SymbolOutOfRange: a skipped symbol is not 0.
        NativeUnavailable: the backend that is named is not there.
        TypeError, ValueError: an array has the wrong type or shape.
    """
    if lanes is not None and lanes not in LANES:
        raise ValueError(f"lanes: found {lanes}, expected one of {LANES}")
    checked = check_segments(segments)
    chosen = _resolve(backend)
    if chosen == "native":
        return encode_native(checked, tables, lanes)
    if chosen == "cuda":
        from entropy.coder.cuda import encode_batch

        return encode_batch([checked], tables, lanes=lanes)[0]
    return encode_reference(checked, tables, lanes)


class Decoder:
    """Decode one payload, segment by segment.

    One thread at a time may use a decoder; any number of decoders may work in parallel.

    Args:
        data: the payload, exactly.
        tables: the tables it was encoded with.
        backend: "native", "reference", or "cuda" for a GPU; None takes `backend()`.

    Raises:
        StreamExhausted: the payload is shorter than it announces.
        CorruptStream: its header or a state breaks a rule of SPEC.md.
        NativeUnavailable: the backend that is named is not there.
    """

    __slots__ = ("_decoder",)

    def __init__(self, data: bytes, tables: CdfTables, *, backend: Backend | None = None) -> None:
        payload = bytes(data)
        self._decoder: NativeDecoder | ReferenceDecoder | SingleDecoder
        chosen = _resolve(backend)
        if chosen == "native":
            self._decoder = NativeDecoder(payload, tables)
        elif chosen == "cuda":
            from entropy.coder.cuda import SingleDecoder

            self._decoder = SingleDecoder(payload, tables)
        else:
            self._decoder = ReferenceDecoder(payload, tables)

    def decode(self, indexes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """Decode the next segment.

        Args:
            indexes: table of each symbol, uint8, 1-D, contiguous; the same as when encoding.

        Returns:
            The symbols, int16, as many as indexes; 0 where the index is below `skip_below`.

        Raises:
            InvalidTable: an index names no table.
            StreamExhausted: a word or an escape byte is needed and none is left.
            CorruptStream: an escape value is malformed, or an earlier segment failed.
        """
        check_array(indexes, np.uint8, "indexes")
        return self._decoder.decode(indexes)

    def decode_trellis(
        self, indexes: npt.NDArray[np.uint8], stride: int, states: int = FEW_STATES
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
        """Decode the next segment, coded along the trellis; SPEC.md, section Trellis.

        Args:
            indexes: as in `decode`; the table of a coded symbol is its index, plus `stride` where
                the state of its chain is odd.
            stride: distance of the tables of the two quantisers.
            states: of the trellis, 8 or 256.

        Returns:
            The symbols, int16, and the tables they were coded with, uint8.

        Raises:
            InvalidTable, StreamExhausted, CorruptStream: as in `decode`.
            ValueError: there is no trellis of that many states.
        """
        check_array(indexes, np.uint8, "indexes")
        check_states(states)
        return self._decoder.decode_trellis(indexes, stride, states)

    def finish(self) -> None:
        """Check, after the last segment, that the payload is used up and intact.

        Raises:
            CorruptStream: words or escape bytes remain, or a final state is wrong.
        """
        self._decoder.finish()


def _resolve(name: Backend | None) -> Backend:
    chosen = backend() if name is None else name
    if chosen not in ("native", "reference", "cuda"):
        raise ValueError(f"backend: found {chosen!r}, expected native, reference or cuda")
    reason = unavailable_reason()
    if chosen == "native" and reason is not None:
        raise NativeUnavailable(f"entropy.coder._rans cannot be loaded: {reason}")
    return chosen
