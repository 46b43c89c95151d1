"""Who may import whom: the contracts of pyproject.toml, and what only running can show."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CONFIG: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINTER = CONFIG["tool"]["importlinter"]


def test_import_contracts_are_kept() -> None:
    # In a process of its own: the linter configures logging and switches existing loggers off.
    code = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )

    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout


def test_contracts_cover_the_design() -> None:
    """A contract that is deleted is noticed: STYLE section 4 lists what they must say."""
    contracts = LINTER["contracts"]

    assert set(LINTER["root_packages"]) == {"codec", "entropy", "networks", "bitstream", "bench"}
    layers = {c.get("containers", ["packages"])[0]: c["layers"] for c in contracts if "layers" in c}
    assert layers["packages"] == ["bench", "codec", "entropy | bitstream", "networks"]
    assert layers["codec"] == [
        "cli | pillow_plugin",
        "train | api",
        "video",
        "encoder | decoder",
        "frame",
        "rate_control | trainable",
        "transforms | image | models | options",
        "errors",
    ]
    assert layers["entropy"] == ["models | predictive", "coder", "errors"]
    assert layers["networks"][0] == "export"
    assert layers["networks"][-2:] == ["program", "errors"]


def forbidden() -> set[tuple[str, str]]:
    """Pairs (module, what it may not import) of all contracts."""
    return {
        (source, module)
        for c in LINTER["contracts"]
        if c["type"] == "forbidden"
        for source in c["source_modules"]
        for module in c["forbidden_modules"]
    }


def test_what_is_forbidden_covers_the_design() -> None:
    assert forbidden() >= {
        ("bitstream", "numpy"),
        ("bitstream", "networks"),
        ("codec.decoder", "click"),
        ("codec.encoder", "click"),
        ("codec.video", "click"),
        ("codec.video.reader", "av"),
        ("codec.video.writer", "av"),
        ("networks", "click"),
    }


@pytest.mark.parametrize(
    "module",
    [
        "bitstream", "codec.api", "codec.encoder", "codec.decoder", "codec.frame.model",
        "codec.frame.encodings", "codec.frame.devices", "codec.video", "entropy.coder",
        "entropy.models.latent_codec", "entropy.models.quadtree", "entropy.models.record",
    ],
)  # fmt: skip
def test_what_encodes_and_decodes_may_not_import_torch(module: str) -> None:
    assert (module, "torch") in forbidden()


def test_networks_may_not_import_torch_but_where_they_train() -> None:
    """Every module of networks is under the contract, or is one of those that need PyTorch."""
    needing = {
        "networks.on_torch",
        *(f"networks.export.{name}" for name in ("convert", "equalise", "observe", "rounding")),
        *(
            f"networks.train.{name}"
            for name in ("arrange", "depthwise", "depthwise_triton", "kernels", "training")
        ),
    }
    paths = [path for path in (ROOT / "networks").rglob("*.py") if path.name != "__init__.py"]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths}

    assert {module for module in modules if (module, "torch") not in forbidden()} == needing


def test_the_doors_to_torch_are_three() -> None:
    (contract,) = [c for c in LINTER["contracts"] if c["id"] == "runs-without-torch"]

    assert contract["ignore_imports"] == [
        "codec.encoder -> codec.frame.refined",
        "codec.frame.devices -> torch",
        "codec.frame.devices -> codec.frame.on_torch",
    ]


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
        "codec.encoder", "codec.frame.encodings", "codec.frame.feedback", "codec.frame.refine",
        "codec.rate_control", "codec.train", "codec.trainable", "codec.cli", "bench", "click",
        "matplotlib", "networks.train", "networks.export", "torch",
    )  # fmt: skip
    assert not {name for name in loaded if name.startswith(foreign)}


def test_encoder_loads_no_torch() -> None:
    loaded = loaded_after("import codec.api, codec.encoder, codec.frame.encodings")

    assert "codec.frame.model" in loaded
    foreign = ("codec.train", "codec.frame.refine", "networks.train", "torch", "click")
    assert not {name for name in loaded if name.startswith(foreign)}


def test_recorder_and_latent_codec_load_no_torch() -> None:
    loaded = loaded_after("import entropy.models.record, entropy.models.latent_codec")

    assert "networks.export.integer_layers" in loaded
    assert "torch" not in loaded


def test_videos_of_ours_are_read_without_pyav_and_without_an_encoder() -> None:
    loaded = loaded_after("import codec.video.reader, codec.video.decoder")

    assert "codec.video.reader" in loaded
    foreign = ("av.", "codec.video.encoder", "codec.video.source", "codec.cli", "torch", "click")
    assert not {name for name in loaded if name.startswith(foreign)}


def test_container_loads_only_the_standard_library() -> None:
    loaded = {name.split(".")[0] for name in loaded_after("import bitstream")}

    assert not {"numpy", "torch", "PIL", "click", "codec", "entropy", "networks"} & loaded


def test_range_coder_loads_no_torch() -> None:
    loaded = {name.split(".")[0] for name in loaded_after("import entropy.coder")}

    assert "numpy" in loaded
    assert not {"torch", "codec", "networks", "bitstream"} & loaded


def test_networks_load_nothing_of_the_packages_above() -> None:
    code = "import networks.native, networks.definition, networks.record"
    loaded = {name.split(".")[0] for name in loaded_after(code)}

    assert "numpy" in loaded
    assert not {"torch", "codec", "entropy", "bitstream", "PIL"} & loaded
