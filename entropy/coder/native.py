"""The compiled backend: typed wrapper over `_rans`, built from entropy/cpp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from entropy.errors import NativeUnavailable

if TYPE_CHECKING:
    from entropy.coder import _rans
    from entropy.coder.tables import CdfTables

try:
    from entropy.coder import _rans as _module
except ImportError as error:  # a plain checkout, or a build for another Python
    _reason: str | None = str(error)
else:
    _reason = None

__all__ = ["NativeDecoder", "encode_native", "unavailable_reason"]


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

    def finish(self) -> None:
        """Check that the payload is used up."""
        self._decoder.finish()


def _compiled(tables: CdfTables) -> _rans.Tables:
    """The C++ form of the tables, made on first use."""
    if _reason is not None:
        raise NativeUnavailable(f"entropy.coder._rans cannot be loaded: {_reason}")
    return tables.compiled(_module.Tables)
