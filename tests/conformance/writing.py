"""What the programs that write vectors share: corrupt files, their errors, the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.conformance.harness import EXPECTED

__all__ = ["command", "flipped", "write_corrupt"]

MAX_BYTES = 700_000
"""Of all vectors and corrupt files of one program."""


def flipped(data: bytes, offset: int, bit: int = 3) -> bytes:
    changed = bytearray(data)
    changed[offset] ^= 1 << bit
    return bytes(changed)


def write_corrupt(
    root: Path, prefix: str, files: Mapping[str, bytes], error: Callable[[str, bytes], str]
) -> list[str]:
    """Writes the corrupt files that are not there yet, and what each must give; the new names.

    Args:
        error: name and content of a file -> name of the error that reading it gives.
    """
    made, corrupt = [], root / "corrupt"
    corrupt.mkdir(exist_ok=True)
    errors = corrupt / EXPECTED
    names = json.loads(errors.read_text()) if errors.exists() else {}
    for name, data in files.items():
        path = corrupt / f"{prefix}-{name}.bin"
        if not path.exists():
            names[path.name] = error(name, data)
            path.write_bytes(data)
            made.append(path.name)
    errors.write_text(json.dumps(names, indent=1, sort_keys=True) + "\n")
    return made


def command(description: str, root: Path, generate: Callable[[Path], list[str]]) -> None:
    """Command line of a program that writes vectors."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, default=root, help="where to; for trying it out")
    args = parser.parse_args()
    made = generate(args.root)
    folders = (args.root / "vectors", args.root / "corrupt")
    total = sum(p.stat().st_size for f in folders for p in f.rglob("*") if p.is_file())
    print(f"{len(made)} made: {', '.join(made) or 'nothing, all are there'}; {total} bytes in all")
    if total > MAX_BYTES:
        raise SystemExit(f"more than {MAX_BYTES} bytes: choose smaller pictures")
