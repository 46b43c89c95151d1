"""How symbols become bytes: the range coder and the models that drive it.

The names below are those of the coder, which needs NumPy only. Models live in `entropy.models`;
importing this package imports neither them nor, until a name is used, the coder.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from entropy.errors import (
    CorruptStream,
    EntropyCodingError,
    InvalidTable,
    NativeUnavailable,
    StreamExhausted,
    SymbolOutOfRange,
)

if TYPE_CHECKING:
    from entropy.coder import CdfTables, Decoder, backend, encode, pmf_to_cdf

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


def __getattr__(name: str) -> object:
    """Loads a name of the coder when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module("entropy.coder"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
