"""bench/coder.py measures what it says."""

from __future__ import annotations

import json
import math
import sys
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

import codec
from bench.coder import photograph_case, run, synthetic_case
from codec.models.registry import ModelEntry
from entropy.coder import encode
from tests.model_fixtures import save_pictures
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


def test_photographs_give_what_our_encoder_codes(tiny_model: ModelEntry, tmp_path: Path) -> None:
    files = save_pictures(tmp_path, (64, 100), (64, 100))

    case = photograph_case(files, level=50)

    encoder = codec.Encoder()
    coded = [len(encoder.encode(file, level=50)) for file in files]
    assert case.symbols.size == 2 * (8 * 4 * 32 + 2 * 1 * 8)
    # One payload instead of two, and neither container around it.
    assert 0.8 * sum(coded) < len(encode([(case.symbols, case.indexes)], case.tables)) < sum(coded)


def test_command_prints_a_table_and_keeps_the_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("bjontegaard", "matplotlib", "pytorch_msssim"):
        pytest.importorskip(package, reason="bench extra not installed")
    from bench.__main__ import main

    arguments = ["coder", "--symbols", "500", "--seconds", "0", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])

    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 0, result.output
    assert "| ours |" in result.output
    case = synthetic_case(500)
    found = json.loads((tmp_path / "coder.json").read_text())
    assert found["symbols"] == 500
    assert found["command"] == "python -m bench coder --symbols 500 --seconds 0 --out OUT"
    assert found["versions"]["constriction"] == metadata.version("constriction")
    payload = encode([(case.symbols, case.indexes)], case.tables)
    assert found["results"][0]["bytes"] == len(payload)
