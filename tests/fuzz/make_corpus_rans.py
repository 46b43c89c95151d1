"""Write the fuzz corpus of the range coder; refuses to overwrite. Run by hand:

python -m tests.fuzz.make_corpus_rans
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from entropy.coder import CdfTables, encode, pmf_to_cdf

FOLDER = Path(__file__).parent / "corpus" / "rans"


def corpus() -> dict[str, bytes]:
    """Inputs of fuzz_rans.cpp by name."""
    rng = np.random.default_rng(1)
    inputs = {}
    for name, tables_count, skip_below, entries, quarter_size, lanes in [
        ("valid-one-lane", 1, 0, 2, 3, 1),
        ("valid-two-lanes", 3, 0, 9, 10, 2),
        ("valid-eight-lanes-skip", 5, 2, 30, 60, 8),
        ("valid-32-lanes", 7, 0, 20, 120, 32),
        ("valid-nothing-coded", 2, 2, 4, 5, None),
    ]:
        rows = [pmf_to_cdf(rng.exponential(size=entries) ** 4) for _ in range(tables_count)]
        tables = CdfTables(rows, None, [-entries // 2] * tables_count, skip_below)
        indexes = (np.arange(4 * quarter_size) * 7 % tables_count).astype(np.uint8)
        symbols = rng.integers(-entries, entries, indexes.size).astype(np.int16)
        symbols[indexes < skip_below] = 0
        serialized = tables.to_bytes()
        head = len(serialized).to_bytes(2, "little") + serialized + bytes([quarter_size])
        payload = encode([(symbols, indexes)], tables, lanes=lanes)
        inputs[name] = head + payload
        if name == "valid-two-lanes":
            inputs["cut-words"] = head + payload[:-4]
            inputs["left-over-words"] = head + payload + b"\0\0"
            inputs["empty-payload"] = head
            inputs["head-of-64-lanes"] = head + b"\x06" + payload[1:]
            inputs["small-state"] = head + payload[:2] + bytes(5) + payload[7:]
            inputs["escape-length-beyond-end"] = head + b"\x81\xff\x7f" + payload[2:]
            inputs["tables-of-version-0"] = head[:2] + b"\0" + head[3:] + payload
    return inputs


def main() -> None:
    """Write every input that has no file yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in corpus().items():
        path = FOLDER / f"{name}.bin"
        if path.exists():
            raise SystemExit(f"{path} exists")
        path.write_bytes(data)


if __name__ == "__main__":
    main()
