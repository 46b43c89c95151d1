"""Range coder: integer symbols to bytes and back, under integer CDF tables.

    segments (symbols int16, indexes uint8) + CdfTables --encode--> bytes
    bytes + CdfTables --Decoder--> decode(indexes) -> symbols, once per segment; finish()

`backend()` says which coder works: "native" (C++, cpp/coder) or "reference" (pure Python, slow).
Both give the same bytes, laid down in entropy/SPEC.md.
"""

from __future__ import annotations

from entropy.coder.backends import Backend, Decoder, backend, encode
from entropy.coder.tables import CdfTables, pmf_to_cdf

__all__ = ["Backend", "CdfTables", "Decoder", "backend", "encode", "pmf_to_cdf"]
