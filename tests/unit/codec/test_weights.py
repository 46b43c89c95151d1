"""Weights files: verified by hash, the same bytes for the same model, and no pickle anywhere."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from codec.errors import CodecError, WeightsMismatch, translated
from codec.frame.model import FrameModel, loaded
from codec.models import registry
from codec.models.registry import ModelEntry
from codec.models.weights import read_verified
from codec.trainable.folded import Folded
from codec.trainable.weights import TrainedWeights, read_trained
from codec.transforms.wavelet import analyse, synthesise
from entropy.models.hyper_graph import hyper_analyse
from networks import weights_file
from networks.errors import InvalidNetwork, InvalidWeightsFile
from networks.program import Program
from tests.model_fixtures import TINY, file_of, synthetic_picture

ROOT = Path(__file__).parents[3]
SHIPPED = ("codec", "entropy", "networks", "bitstream", "bench")
Entries = dict[str, weights_file.Entry]


@pytest.fixture(scope="session")
def file_bytes(tiny_entry: ModelEntry) -> bytes:
    """The weights file of the small model."""
    return tiny_entry.path.read_bytes()


def test_round_trip(tiny_weights: TrainedWeights, file_bytes: bytes) -> None:
    again = read_trained(file_bytes)

    assert again.config == tiny_weights.config
    assert again.tables.cdf == tiny_weights.tables.cdf
    assert np.array_equal(again.tables.z_index, tiny_weights.tables.z_index)
    assert again.floats.keys() == tiny_weights.floats.keys()
    for part, tensors in tiny_weights.floats.items():
        assert again.floats[part].keys() == tensors.keys()
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        assert {name: tensor.shape for name, tensor in again.floats[part].items()} == shapes
    ours, theirs = again.network, tiny_weights.network
    assert ours.layers.keys() == theirs.layers.keys()
    for name, layer in theirs.layers.items():
        for field in ("weight", "bias", "shift"):
            assert np.array_equal(getattr(ours.layers[name], field), getattr(layer, field))
    assert np.array_equal(ours.input_shifts, theirs.input_shifts)
    assert np.array_equal(ours.compand, theirs.compand)


@pytest.mark.parametrize("level", [0, 29, 63])
def test_floats_come_back_but_for_rounding(
    tiny_weights: TrainedWeights, file_bytes: bytes, level: int
) -> None:
    """By what they compute: weights of channels that are always zero are lost."""
    x = torch.from_numpy(synthetic_picture(64, 64)).float() / 255 - 0.5
    found: list[tuple[torch.Tensor, ...]] = []
    for floats in (tiny_weights.floats, read_trained(file_bytes).floats):
        ops = {part: Folded(weights, 64, level) for part, weights in floats.items()}
        y = analyse(ops["analysis"], TINY.transform, x)
        given = found[0][0] if found else y
        z = hyper_analyse(ops["hyper_analysis"], given)
        found.append((y, z, synthesise(ops["synthesis"], TINY.transform, given.round())))

    for (expected, again), tolerance in zip(
        zip(*found, strict=True), (0.05, 0.02, 0.002), strict=True
    ):
        assert float((again - expected).abs().max()) < tolerance


def test_what_is_read_can_be_written_to(file_bytes: bytes) -> None:
    """PyTorch warns of arrays that are views of a file."""
    weights = read_trained(file_bytes)

    arrays = [weights.tables.z_index, weights.network.input_shifts]
    for layer in weights.network.layers.values():
        arrays += [layer.weight, layer.bias, layer.shift]
    assert all(array.flags.writeable for array in arrays)


def test_same_model_gives_same_bytes(tiny_weights: TrainedWeights, file_bytes: bytes) -> None:
    assert file_of(tiny_weights) == file_bytes


def test_weights_read_and_written_again_decode_nearly_alike(
    tiny_entry: ModelEntry, file_bytes: bytes
) -> None:
    once, twice = loaded(tiny_entry), FrameModel(file_of(read_trained(file_bytes)))
    picture = synthetic_picture(64, 64)

    pixels = [model.encode(picture, 40, 6, decoded=True)[1] for model in (once, twice)]

    assert pixels[0] is not None
    assert pixels[1] is not None
    assert np.abs(pixels[0].astype(int) - pixels[1]).mean() < 1


def test_one_flipped_bit_is_a_mismatch(
    file_bytes: bytes, tiny_entry: ModelEntry, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.weights"
    for position in (0, 100, len(file_bytes) // 2, len(file_bytes) - 1):
        data = bytearray(file_bytes)
        data[position] ^= 0x10
        damaged.write_bytes(data)

        with pytest.raises(WeightsMismatch, match=r"damaged.weights: found SHA-256"):
            loaded(replace(tiny_entry, file=str(damaged)))


def test_missing_file_is_a_mismatch(tiny_entry: ModelEntry, tmp_path: Path) -> None:
    with pytest.raises(WeightsMismatch, match=r"gone\.weights cannot be read"):
        loaded(replace(tiny_entry, file=str(tmp_path / "gone.weights")))


def test_hash_is_checked_before_anything_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "x.weights"
    path.write_bytes(b"no weights at all")

    with pytest.raises(WeightsMismatch, match="SHA-256"):
        read_verified(replace(registry.by_name("wavelet-11"), file=str(path), sha256="00" * 32))


NO_FILES = [b"", b"short", bytes(64), b"\xff" * 64, b"PK\x03\x04" + bytes(100)]


@pytest.mark.parametrize("data", NO_FILES, ids=["empty", "short", "zeros", "ones", "zip"])
def test_bytes_that_are_no_weights_file_are_refused(data: bytes) -> None:
    with pytest.raises(WeightsMismatch, match="not a weights file"):
        read_trained(data)
    with pytest.raises(InvalidWeightsFile):
        FrameModel(data)


@pytest.mark.parametrize("share", [0.001, 0.5, 1])
def test_truncated_file_is_refused(file_bytes: bytes, share: float) -> None:
    data = file_bytes[: int(share * len(file_bytes)) - 1]

    with pytest.raises(WeightsMismatch, match="not a weights file"):
        read_trained(data)
    with pytest.raises(InvalidWeightsFile):
        FrameModel(data)


def changed(file_bytes: bytes, change: Callable[[Entries], None]) -> bytes:
    """The file with its entries changed."""
    entries = weights_file.read(file_bytes)
    change(entries)
    return weights_file.write(entries)


def use(data: bytes) -> None:
    """Encodes and decodes with a model, so that every part of it is needed."""
    with translated():
        FrameModel(data).encode(synthetic_picture(64, 64), 20, 6, decoded=True)


def test_rewriting_the_entries_changes_nothing(file_bytes: bytes) -> None:
    use(changed(file_bytes, lambda entries: None))


@pytest.mark.parametrize(
    "name",
    ["recipe", "cdf", "z_index", "analysis", "hyper_analysis", "hyper_synthesis", "context.2",
     "embed.0", "synthesis"],
)  # fmt: skip
def test_file_without_a_part_is_refused_by_its_name(file_bytes: bytes, name: str) -> None:
    with pytest.raises(WeightsMismatch, match=name):
        use(changed(file_bytes, lambda entries: entries.pop(name)))


@pytest.mark.parametrize(
    "name", ["config", "cdf", "z_index", "units/analysis/trunk", "units/synthesis/up", "synthesis"]
)
def test_training_refuses_a_file_without_a_part(file_bytes: bytes, name: str) -> None:
    with pytest.raises(WeightsMismatch, match=name.removeprefix("units/")):
        read_trained(changed(file_bytes, lambda entries: entries.pop(name)))


@pytest.mark.parametrize(
    ("index", "value"),
    [(0, 30), (0, 0), (1, -1), (2, 9), (3, 65), (4, 0), (5, 9), (5, 512), (6, 65), (7, -1)],
)
def test_recipe_out_of_range_is_refused(file_bytes: bytes, index: int, value: int) -> None:
    def change(entries: Entries) -> None:
        recipe: Any = entries["recipe"]
        entries["recipe"] = recipe.copy()
        entries["recipe"][index] = value  # type: ignore[index]

    with pytest.raises(WeightsMismatch, match=r"recipe|z_index"):
        use(changed(file_bytes, change))


def test_recipe_that_the_networks_do_not_have_is_refused(file_bytes: bytes) -> None:
    """More latents than the programs give: nothing may be read beyond an array."""

    def change(entries: Entries) -> None:
        recipe: Any = entries["recipe"]
        entries["recipe"] = recipe + np.array([4, *[0] * 7], np.int32)

    with pytest.raises(WeightsMismatch, match="channels"):
        use(changed(file_bytes, change))


def test_z_index_beyond_the_tables_is_refused(file_bytes: bytes) -> None:
    def change(entries: Entries) -> None:
        entries["z_index"] = np.full((64, 8), 255, np.uint8)

    with pytest.raises(WeightsMismatch, match="z_index"):
        use(changed(file_bytes, change))


def test_program_that_breaks_a_bound_is_refused(file_bytes: bytes) -> None:
    def change(entries: Entries) -> None:
        program = entries["synthesis"]
        assert isinstance(program, Program)
        *others, last = program.operations
        weight = np.full_like(last.tensor("weight"), 32767)
        worse = replace(last, tensors=(weight, *last.tensors[1:]), name="worse")
        entries["synthesis"] = replace(program, operations=(*others, worse))

    data = changed(file_bytes, change)

    with pytest.raises(WeightsMismatch, match=r"operation \d+"):
        use(data)
    with pytest.raises(InvalidNetwork, match="worse"):
        read_trained(data)


def test_config_is_in_the_file(file_bytes: bytes) -> None:
    entries = weights_file.read(file_bytes)

    assert isinstance(entries["config"], bytes)
    found = json.loads(entries["config"])
    assert found | {"transform": found["transform"] | {"windows": 0}} == asdict(TINY)


@pytest.mark.parametrize("part", ["entropy", "transform"])
def test_config_with_an_unknown_setting_is_refused(file_bytes: bytes, part: str) -> None:
    def change(entries: Entries) -> None:
        assert isinstance(entries["config"], bytes)
        config = json.loads(entries["config"])
        config[part]["colour"] = 1
        entries["config"] = json.dumps(config).encode()

    with pytest.raises(WeightsMismatch, match="colour"):
        read_trained(changed(file_bytes, change))


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

    assert max(sizes.values()) <= 20 * 10**6
    # Every model that ever landed stays: visual-16 brought 19 MB, vq-17 12.
    assert sum(sizes.values()) <= 88 * 10**6
