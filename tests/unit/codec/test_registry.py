"""The register of models: permanent, unique, and the files it names are the right ones."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from codec.errors import InternalError, UnknownModel
from codec.models import registry
from codec.models.registry import ModelEntry
from codec.models.weights import read_verified

LANDED: dict[int, tuple[str, str, str]] = {
    11: (
        "wavelet-11",
        "wavelet",
        "b8640d917c6d88204f4f829e580ac33e790b459c8ce8a84acc0c64c6238686f3",
    ),
    12: (
        "predictive-12",
        "predictive",
        "034e54ec0ad45367648f18b3287a64fe89b026399c8b703794d76a6de01bd870",
    ),
    13: (
        "inter-13",
        "inter",
        "bff17da5291794a9caa9aebb378c442a2a28f7ac4e5932fabb996c8b84dd61e0",
    ),
    14: (
        "visual-14",
        "wavelet",
        "b076c5b554c41ac65b071a81ee97f038cdabcf69c6e61d478100de9507b115c0",
    ),
    15: (
        "wavelet-light-15",
        "wavelet-light",
        "caf4839f7da0f7f71c9323a266987cbd19443ad99b1d4057af12f0881830097b",
    ),
    16: (
        "visual-16",
        "wavelet",
        "c1343469b5e46abca7b0364ca19454892e99bcd2aacf2a99a0e75fb14a158422",
    ),
    17: (
        "vq-17",
        "vq",
        "6c68dc26d714e9c65460ff45f5d1b361d78bb5bc0b5a50567befe1b072ca7e44",
    ),
}
"""id -> (name, profile, sha256) of the landed models, less the retired. Append only; DESIGN C2.

A model goes in here in the commit that adds it to the manifest. What stands here never changes:
files in the world name these ids.
"""

RETIRED = {n: f"wavelet-{n}" for n in range(1, 11)}
"""id -> name of the models before the first exact one. Nothing is ever added."""


def test_retired_models_are_remembered_and_named() -> None:
    assert registry.retired() == RETIRED
    assert not RETIRED.keys() & LANDED.keys()
    with pytest.raises(UnknownModel, match=r"model id 1 \(wavelet-1\) .* was retired"):
        registry.by_id(1)
    with pytest.raises(UnknownModel, match=r"wavelet-3 .* was retired; encode with wavelet-11"):
        registry.by_name("wavelet-3")


@pytest.mark.weights
def test_every_model_is_in_the_list_of_landed_ones() -> None:
    found = {e.id: (e.name, e.profile, e.sha256) for e in registry.entries()}

    assert found == LANDED


def test_landed_models_are_still_here_unchanged() -> None:
    found = {e.id: (e.name, e.profile, e.sha256) for e in registry.entries()}

    assert {i: found.get(i) for i in LANDED} == LANDED


def test_ids_and_names_are_unique() -> None:
    entries = registry.entries()

    assert len({e.id for e in entries}) == len(entries)
    assert len({e.name for e in entries}) == len(entries)
    assert list(entries) == sorted(entries, key=lambda e: e.id)


@pytest.mark.parametrize("entry", registry.entries(), ids=lambda e: e.name)
def test_entry_is_well_formed(entry: ModelEntry) -> None:
    assert 0 <= entry.id < 1 << 16
    assert re.fullmatch(r"[a-z][a-z0-9-]*", entry.name)
    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert entry.file == f"{entry.name}.weights"
    assert (1 if entry.profile == registry.PREDICTIVE else 2) <= entry.levels <= 64
    assert entry.exact
    assert entry.weights_hash == bytes.fromhex(entry.sha256)[:4]


@pytest.mark.parametrize("entry", registry.entries(), ids=lambda e: e.name)
def test_weights_file_is_the_one_named(entry: ModelEntry) -> None:
    assert hashlib.sha256(read_verified(entry)).hexdigest() == entry.sha256


def test_no_weights_file_is_left_over() -> None:
    files = {path.name for path in registry.DATA.iterdir()}

    assert files == {entry.file for entry in registry.entries()}


def test_every_profile_has_one_default_for_a_tune() -> None:
    entries = registry.entries()
    for profile, tune in {(e.profile, e.tune) for e in entries}:
        of_both = [e for e in entries if (e.profile, e.tune) == (profile, tune)]
        assert sum(e.default for e in of_both) == 1
        found = registry.default(profile, tune)
        assert (found.profile, found.tune) == (profile, tune)


def test_pictures_are_tuned_for_psnr_unless_asked_otherwise() -> None:
    assert registry.default("wavelet").tune == registry.PSNR
    assert registry.chosen("wavelet", None).tune == registry.PSNR
    assert registry.tunes()[0] == registry.PSNR


def test_unknown_tunes_are_refused_by_name() -> None:
    with pytest.raises(UnknownModel, match=r"no tune 'nicer'; known: psnr, visual"):
        registry.chosen("wavelet", None, "nicer")
    with pytest.raises(UnknownModel, match=r"wavelet-11 is tuned for psnr, not for 'visual'"):
        registry.chosen("wavelet", "wavelet-11", "visual")
    with pytest.raises(UnknownModel, match="given by its name, not by a int"):
        registry.default("wavelet", 3)  # type: ignore[arg-type]


def test_models_are_found_by_id_and_name() -> None:
    for entry in registry.entries():
        assert registry.by_id(entry.id) is entry
        assert registry.by_name(entry.name) is entry


def test_unknown_model_names_the_known_ones(tiny_model: ModelEntry) -> None:
    with pytest.raises(
        UnknownModel, match=f"model id 60000 is not known here .*known: .*{tiny_model.id}"
    ):
        registry.by_id(60000)
    with pytest.raises(UnknownModel, match=f"no model 'x'; known: .*{tiny_model.name}"):
        registry.by_name("x")
    with pytest.raises(UnknownModel, match=r"no profile 'swin'; known: .*wavelet"):
        registry.default("swin")


def test_default_is_the_one_marked(tiny_entry: ModelEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    old = replace(tiny_entry, id=1, name="old", default=False)
    monkeypatch.setattr(registry, "entries", lambda: (old, tiny_entry))

    assert registry.default("wavelet") is tiny_entry
    assert registry.by_id(1) is old


@pytest.mark.parametrize("double", ["id", "name"])
def test_double_entry_is_refused(double: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"id": n, "name": f"m{n}", "profile": "p", "file": "f", "sha256": "00" * 32,
         "levels": 64, "exact": True, "default": True, "summary": ""}
        for n in (1, 2)
    ]  # fmt: skip
    monkeypatch.setattr("tomllib.loads", lambda text: {"model": rows})
    assert len(registry.entries.__wrapped__()) == 2
    rows[1][double] = rows[0][double]

    with pytest.raises(InternalError, match="share an id or a name"):
        registry.entries.__wrapped__()


@pytest.mark.parametrize("gone", [{"id": 1, "name": "x"}, {"id": 5, "name": "m1"}])
def test_id_and_name_of_a_retired_model_stay_taken(
    gone: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"id": 1, "name": "m1", "profile": "p", "file": "f", "sha256": "00" * 32,
           "levels": 64, "exact": True, "default": True, "summary": ""}  # fmt: skip
    monkeypatch.setattr("tomllib.loads", lambda text: {"model": [row], "retired": [gone]})

    with pytest.raises(InternalError, match="share an id or a name"):
        registry.entries.__wrapped__()


def test_register_needs_no_torch() -> None:
    code = "import sys, codec.models.registry as r; r.entries(); assert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
