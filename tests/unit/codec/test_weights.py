"""Weights files: verified by hash, the same bytes for the same model, and no pickle anywhere."""

from __future__ import annotations

import ast
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from codec.errors import CodecError, WeightsMismatch
from codec.models.registry import ModelEntry
from codec.models.weights import (
    ModelWeights,
    load_model,
    read_verified,
    read_weights,
    write_weights,
)
from entropy.errors import InvalidNetwork

ROOT = Path(__file__).parents[3]
Change = Callable[[dict[str, Any]], None]
SHIPPED = ("codec", "entropy", "bitstream", "bench")


@pytest.fixture(scope="session")
def file_bytes(tiny_entry: ModelEntry) -> bytes:
    """The weights file of the small model."""
    return tiny_entry.path.read_bytes()


def test_round_trip(tiny_weights: ModelWeights, file_bytes: bytes) -> None:
    again = read_weights(file_bytes)

    assert again.config == tiny_weights.config
    assert again.tables.cdf == tiny_weights.tables.cdf
    assert np.array_equal(again.tables.z_index, tiny_weights.tables.z_index)
    assert torch.equal(again.dead_zone, tiny_weights.dead_zone)
    for part, tensors in tiny_weights.floats.items():
        assert again.floats[part].keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert again.floats[part][name].dtype == torch.float32
            assert torch.equal(again.floats[part][name], tensor)
    for name, array in tiny_weights.network.arrays().items():
        assert np.array_equal(again.network.arrays()[name], array)


def test_what_older_files_do_not_name_is_what_it_was_then(file_bytes: bytes) -> None:
    length = int.from_bytes(file_bytes[:8], "little")
    header = json.loads(file_bytes[8 : 8 + length])
    recipe = json.loads(header["__metadata__"]["config"])
    del recipe["transform"]["trunk"], recipe["entropy"]["trellis_states"]
    header["__metadata__"]["config"] = json.dumps(recipe)
    text = json.dumps(header).encode()

    again = read_weights(struct.pack("<Q", len(text)) + text + file_bytes[8 + length :])

    assert again.config.transform.trunk == 192
    assert again.config.entropy.trellis_states == 8


def test_same_model_gives_same_bytes(tiny_weights: ModelWeights, file_bytes: bytes) -> None:
    assert write_weights(tiny_weights) == file_bytes
    assert write_weights(read_weights(file_bytes)) == file_bytes


def test_one_flipped_bit_is_a_mismatch(
    file_bytes: bytes, tiny_entry: ModelEntry, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.safetensors"
    for position in (0, 100, len(file_bytes) // 2, len(file_bytes) - 1):
        data = bytearray(file_bytes)
        data[position] ^= 0x10
        damaged.write_bytes(data)

        with pytest.raises(WeightsMismatch, match=r"damaged.safetensors: found SHA-256"):
            load_model(replace(tiny_entry, file=str(damaged)))


def test_missing_file_is_a_mismatch(tiny_entry: ModelEntry, tmp_path: Path) -> None:
    with pytest.raises(WeightsMismatch, match=r"gone\.safetensors cannot be read"):
        load_model(replace(tiny_entry, file=str(tmp_path / "gone.safetensors")))


def test_hash_is_checked_before_anything_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"not safetensors at all")

    with pytest.raises(WeightsMismatch, match="SHA-256"):
        read_verified(path, "00" * 32)


@pytest.mark.parametrize(
    "data", [b"", b"short", bytes(64), b"\xff" * 64, b"PK\x03\x04" + bytes(100)],
    ids=["empty", "short", "zeros", "ones", "zip"],
)  # fmt: skip
def test_bytes_that_are_no_weights_file_are_refused(data: bytes) -> None:
    with pytest.raises(WeightsMismatch, match="not a weights file"):
        read_weights(data)


def test_truncated_file_is_refused(file_bytes: bytes) -> None:
    with pytest.raises(WeightsMismatch, match="not a weights file"):
        read_weights(file_bytes[:-1])


def rewritten(data: bytes, change: Change) -> bytes:
    """The file with its safetensors header changed."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def renamed(old: str, new: str) -> Change:
    def change(header: dict[str, Any]) -> None:
        header[new] = header.pop(old)

    return change


@pytest.mark.parametrize("name", ["cdf", "z_index", "dead_zone"])
def test_file_without_a_table_is_refused(file_bytes: bytes, name: str) -> None:
    with pytest.raises(WeightsMismatch, match=name):
        read_weights(rewritten(file_bytes, renamed(name, "other")))


@pytest.mark.parametrize("name", ["z_index", "dead_zone"])
@pytest.mark.parametrize("part", ["shape", "dtype"])
def test_table_of_another_form_is_refused(file_bytes: bytes, name: str, part: str) -> None:
    def change(header: dict[str, Any]) -> None:
        table = header[name]
        if part == "shape":
            table["shape"] = [1, *table["shape"]]
        else:
            table["dtype"] = {"U8": "I8", "F32": "I32"}[table["dtype"]]

    with pytest.raises(WeightsMismatch, match=f"{name}: found .*, expected"):
        read_weights(rewritten(file_bytes, change))


def test_file_without_a_layer_is_refused(file_bytes: bytes) -> None:
    data = rewritten(file_bytes, renamed("exact/hyper.in/bias", "exact/other"))

    with pytest.raises((WeightsMismatch, InvalidNetwork), match=r"hyper\.in/bias"):
        read_weights(data)


def with_config(**changes: object) -> Change:
    def change(header: dict[str, Any]) -> None:
        config = json.loads(header["__metadata__"]["config"])
        config["entropy"] |= changes
        header["__metadata__"]["config"] = json.dumps(config)

    return change


def test_file_with_an_unknown_setting_is_refused(file_bytes: bytes) -> None:
    with pytest.raises(WeightsMismatch, match="colour"):
        read_weights(rewritten(file_bytes, with_config(colour=1)))


def test_file_with_another_size_is_refused(file_bytes: bytes) -> None:
    with pytest.raises(InvalidNetwork, match="expected"):
        read_weights(rewritten(file_bytes, with_config(hidden=28)))


def test_config_is_in_the_file(file_bytes: bytes, tiny_weights: ModelWeights) -> None:
    size = struct.unpack("<Q", file_bytes[:8])[0]
    header = json.loads(file_bytes[8 : 8 + size])

    assert json.loads(header["__metadata__"]["config"]) == asdict(tiny_weights.config)


def test_weights_errors_are_codec_errors() -> None:
    assert issubclass(WeightsMismatch, CodecError)


def shipped_files() -> Iterator[Path]:
    for package in SHIPPED:
        yield from sorted((ROOT / package).rglob("*.py"))


def unsafe_calls(tree: ast.AST) -> Iterator[str]:
    """Imports and calls that could run what a file says."""
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in forbidden)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in forbidden:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            options = {k.arg: ast.unparse(k.value) for k in node.keywords}
            if name == "torch.load" and options.get("weights_only") != "True":
                yield name
            if (
                name in ("np.load", "numpy.load")
                and options.get("allow_pickle", "False") != "False"
            ):
                yield name
            if name in ("eval", "exec", "yaml.load", "os.system"):
                yield name
            if options.get("shell") == "True":
                yield f"{name}(shell=True)"


def test_nothing_shipped_unpickles_or_evaluates() -> None:
    found = {
        str(path.relative_to(ROOT)): list(unsafe_calls(ast.parse(path.read_text())))
        for path in shipped_files()
    }

    assert len(found) > 40
    assert {path: calls for path, calls in found.items() if calls} == {}


def test_the_search_for_pickles_finds_them() -> None:
    code = "import pickle\nfrom joblib import x\ntorch.load(f)\nsubprocess.run(c, shell=True)"

    found = list(unsafe_calls(ast.parse(code)))

    assert sorted(found) == ["joblib", "pickle", "subprocess.run(shell=True)", "torch.load"]


@pytest.mark.weights
def test_weights_in_the_package_stay_small() -> None:
    from codec.models import registry

    sizes = {entry.name: entry.path.stat().st_size for entry in registry.entries()}

    assert max(sizes.values()) <= 18 * 10**6
    assert sum(sizes.values()) <= 64 * 10**6
