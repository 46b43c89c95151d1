"""Networks in integers: programs, their normative definition, and backends that give the same.

SPEC.md is normative. `definition` says in NumPy what every operation computes; `native` runs
programs in the compiled core, `on_torch` on any device of PyTorch. `train` and `export` make
programs and need PyTorch; nothing that runs a network imports them.
"""

from __future__ import annotations
