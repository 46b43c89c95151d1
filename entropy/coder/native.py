"""The compiled backend: typed wrapper over `_rans`, built from cpp/coder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from entropy.errors import NativeUnavailable

if TYPE_CHECKING:
    from entropy.coder import _rans
    from entropy.coder.tables import CdfTables
    from entropy.coder.trellis import TrellisCosts

try:
    from entropy.coder import _rans as _module
except ImportError as error:  # a plain checkout, or a build for another Python
    _reason: str | None = str(error)
else:
    _reason = None

__all__ = ["NativeDecoder", "encode_native", "quantise_trellis", "unavailable_reason"]


def unavailable_reason() -> str | None:
    """None if the compiled module is loaded, else why not."""
    return _reason


def encode_native(
    segments: Sequence[tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]],
    tables: CdfTables,
    lanes: int | None,
) -> bytes:
    """Encode all segments into one payload; see `entropy.coder.encode`."""
    compiled = _compiled(tables)
    return _module.encode(segments, compiled, lanes or 0)


class NativeDecoder:
    """Decode a payload segment by segment; see `entropy.coder.Decoder`."""

    def __init__(self, data: bytes, tables: CdfTables) -> None:
        compiled = _compiled(tables)
        self._decoder = _module.Decoder(data, compiled)

    def decode(self, indexes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """Decode one segment."""
        symbols = np.empty(indexes.size, dtype=np.int16)
        self._decoder.decode(indexes, symbols)
        return symbols

    def decode_trellis(
        self, indexes: npt.NDArray[np.uint8], stride: int, states: int
    ) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
        """Decode one segment that was coded along the trellis."""
        symbols = np.empty(indexes.size, dtype=np.int16)
        chosen = np.empty(indexes.size, dtype=np.uint8)
        self._decoder.decode_trellis(indexes, stride, states, symbols, chosen)
        return symbols, chosen

    def finish(self) -> None:
        """Check that the payload is used up."""
        self._decoder.finish()


def quantise_trellis(
    residuals: npt.NDArray[np.int32], indexes: npt.NDArray[np.uint8], costs: TrellisCosts
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Symbols and quantisers of one segment; see `entropy.coder.trellis.quantise`."""
    _require()
    symbols = np.empty(residuals.size, dtype=np.int16)
    sets = np.empty(residuals.size, dtype=np.uint8)
    sizes = (costs.skip_below, costs.step, costs.weight, costs.states)
    _module.quantise_trellis(residuals, indexes, costs.bits, *sizes, symbols, sets)
    return symbols, sets


def _require() -> None:
    if _reason is not None:
        raise NativeUnavailable(f"entropy.coder._rans cannot be loaded: {_reason}")


def _compiled(tables: CdfTables) -> _rans.Tables:
    """The C++ form of the tables, made on first use."""
    _require()
    return tables.compiled(_module.Tables)
