"""Who may import whom: the contracts of pyproject.toml, and what only running can show."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_import_contracts_are_kept() -> None:
    # In a process of its own: the linter configures logging and switches existing loggers off.
    code = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )

    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout


def test_contracts_cover_the_design() -> None:
    """A contract that is deleted is noticed: STYLE section 4 lists what they must say."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = config["contracts"]

    assert set(config["root_packages"]) == {"codec", "entropy", "bitstream", "bench"}
    layers = [c for c in contracts if c["type"] == "layers"]
    assert any(c["layers"] == ["bench", "codec", "entropy | bitstream"] for c in layers)
    assert any(c.get("containers") == ["codec"] for c in layers)
    assert any(c.get("containers") == ["entropy"] for c in layers)
    forbidden = {
        (source, module)
        for c in contracts
        if c["type"] == "forbidden"
        for source in c["source_modules"]
        for module in c["forbidden_modules"]
    }
    assert forbidden >= {
        ("bitstream", "torch"),
        ("bitstream", "numpy"),
        ("entropy.coder", "torch"),
        ("codec.decoder", "click"),
        ("codec.encoder", "click"),
    }


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh process has loaded after running some code."""
    program = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, timeout=300, cwd=ROOT,
    )  # fmt: skip
    return set(result.stdout.split())


def test_decoder_loads_no_encoder_and_no_training() -> None:
    loaded = loaded_after("import codec.decoder")

    assert "codec.decoder" in loaded
    foreign = (
        "codec.encoder", "codec.job", "codec.frame.feedback", "codec.frame.refine", "codec.search",
        "codec.train", "codec.cli",
        "bench", "click", "matplotlib",
    )  # fmt: skip
    assert not {name for name in loaded if name.startswith(foreign)}


def test_container_loads_only_the_standard_library() -> None:
    loaded = {name.split(".")[0] for name in loaded_after("import bitstream")}

    assert not {"numpy", "torch", "PIL", "click", "codec", "entropy"} & loaded


def test_range_coder_loads_no_torch() -> None:
    loaded = {name.split(".")[0] for name in loaded_after("import entropy.coder")}

    assert "numpy" in loaded
    assert not {"torch", "codec", "bitstream"} & loaded
