"""bench/coder.py measures what it says."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from bench.coder import load_case, main, run, synthetic_case
from entropy.coder import encode
from tests.unit.entropy.coder.cases import ideal_bits


def test_every_coder_decodes_the_case_and_has_a_speed() -> None:
    results, messages = run(synthetic_case(2000), seconds=0.0)
    assert [row.coder for row in results][:2] == ["ours", "ours, reference"]
    assert all(row.encode_msymbols_s > 0 and row.decode_msymbols_s > 0 for row in results)
    assert all(message.startswith("not measured") for message in messages)


def test_ideal_bytes_is_the_code_length_of_the_entries() -> None:
    case = synthetic_case(3000)
    expected = ideal_bits([(case.symbols, case.indexes)], case.tables) / 8
    assert math.isclose(case.ideal_bytes(), expected, rel_tol=1e-9)


def test_latents_file_is_measured(tmp_path, capsys) -> None:
    case = synthetic_case(500, seed=2)
    path, report = tmp_path / "latents.npz", tmp_path / "report.json"
    tables = np.frombuffer(case.tables.to_bytes(), dtype=np.uint8)
    np.savez(path, symbols=case.symbols, indexes=case.indexes, tables=tables)
    loaded = load_case(path)
    assert loaded.tables == case.tables
    main(["--latents", str(path), "--seconds", "0", "--json", str(report)])
    assert "| ours |" in capsys.readouterr().out
    found = json.loads(report.read_text())
    assert found["symbols"] == 500
    payload = encode([(case.symbols, case.indexes)], case.tables)
    assert found["results"][0]["bytes"] == len(payload)


def test_wrong_option_is_refused(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--nonsense"])
    assert "usage" in capsys.readouterr().err
