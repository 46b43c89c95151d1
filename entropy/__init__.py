"""How symbols become bytes: the range coder and the models that drive it.

The names below are those of the coder, which needs NumPy only. Models live in `entropy.models`;
importing this package does not import torch.
"""

from __future__ import annotations

from entropy.coder import CdfTables, Decoder, backend, encode, pmf_to_cdf
from entropy.errors import (
    CorruptStream,
    EntropyCodingError,
    InvalidTable,
    NativeUnavailable,
    StreamExhausted,
    SymbolOutOfRange,
)

__all__ = [
    "CdfTables",
    "CorruptStream",
    "Decoder",
    "EntropyCodingError",
    "InvalidTable",
    "NativeUnavailable",
    "StreamExhausted",
    "SymbolOutOfRange",
    "backend",
    "encode",
    "pmf_to_cdf",
]
