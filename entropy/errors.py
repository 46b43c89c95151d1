"""Errors of the entropy coder.

EntropyCodingError
  InvalidTable        a table set breaks a rule of SPEC.md, or an index names no table
  StreamExhausted     a word or an escape byte is needed and the payload has none left
  CorruptStream       the payload contradicts itself: bad header, state, escape, or leftovers
  SymbolOutOfRange    the encoder was given a symbol that cannot be coded
  NativeUnavailable   a compiled backend was asked for by name and is not there
"""

from __future__ import annotations

__all__ = [
    "CorruptStream",
    "EntropyCodingError",
    "InvalidTable",
    "NativeUnavailable",
    "StreamExhausted",
    "SymbolOutOfRange",
]


class EntropyCodingError(Exception):
    """Base of all errors that entropy coding raises about its data."""


class InvalidTable(EntropyCodingError):
    """A table set breaks a rule of SPEC.md, or an index names no table."""


class StreamExhausted(EntropyCodingError):
    """A word or an escape byte is needed and the payload has none left."""


class CorruptStream(EntropyCodingError):
    """The payload contradicts itself: bad header, state, escape value, or leftovers."""


class SymbolOutOfRange(EntropyCodingError):
    """The encoder was given a symbol that cannot be coded, such as a non-zero skipped one."""


class NativeUnavailable(EntropyCodingError):
    """A compiled backend was asked for by name and is not built or cannot be loaded."""
