"""The permanent register of models: id <-> name <-> profile <-> weights file. Needs no torch.

Entries live in manifest.toml beside this file and are only ever appended: an id in a file means the
same weights for ever. The first entry of a profile that is marked default is used for encoding; all
are used for decoding. Entries 1 to 10 were retired before the first exact model; their ids and
names stay taken, and no later one is ever retired.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bitstream
from codec.errors import InternalError, UnknownModel, WeightsMismatch

__all__ = [
    "DATA",
    "INTER",
    "PREDICTIVE",
    "ModelEntry",
    "by_id",
    "by_name",
    "chosen",
    "default",
    "entries",
    "predictive",
    "retired",
]

DATA = Path(__file__).parent / "data"
"""Folder of the weights files."""
PREDICTIVE = "predictive"
"""Profile of the coders that code samples as they are."""
INTER = "inter"
"""Profile of the models of a video's inter frames."""
_MANIFEST = Path(__file__).parent / "manifest.toml"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model.

    id: permanent number in files. name: permanent name. profile: the recipe it belongs to.
    file: weights file in `DATA`. sha256: of that file, hexadecimal. levels: number of quality
        levels.
    exact: whether a file decodes to the same pixels on every machine.
    default: used when the profile is asked for. summary: what it is, for people.
    """

    id: int
    name: str
    profile: str
    file: str
    sha256: str
    levels: int
    exact: bool
    default: bool
    summary: str

    @property
    def path(self) -> Path:
        """Where the weights file is."""
        return DATA / self.file

    @property
    def weights_hash(self) -> bytes:
        """First four bytes of the weights file's SHA-256, as files carry it."""
        return bytes.fromhex(self.sha256[:8])

    def require_weights(self, found: bytes) -> None:
        """Raises WeightsMismatch if a file was made with others: `found`, as files carry it."""
        if found != self.weights_hash:
            raise WeightsMismatch(
                f"the file was made with weights {found.hex()} of {self.name}, "
                f"here are {self.weights_hash.hex()}"
            )

    def modes(self, error: int) -> bitstream.Modes:
        """What a file says of this predictive coder, whose samples are off by at most `error`."""
        return bitstream.Modes(coder_id=self.id, weights_hash=self.weights_hash, error=error)


@cache
def entries() -> tuple[ModelEntry, ...]:
    """All models in order of their ids."""
    rows = tomllib.loads(_MANIFEST.read_text())["model"]
    found = tuple(sorted((ModelEntry(**row) for row in rows), key=lambda e: e.id))
    gone = retired()
    ids, names = [*gone, *(e.id for e in found)], [*gone.values(), *(e.name for e in found)]
    if len(set(ids)) != len(ids) or len(set(names)) != len(names):
        raise InternalError("manifest.toml: two models share an id or a name")
    return found


def predictive() -> ModelEntry:
    """The predictive coder that files are written with. Raises UnknownModel."""
    return default(PREDICTIVE)


def retired() -> dict[int, str]:
    """Names of the models that were taken out, by id."""
    rows = tomllib.loads(_MANIFEST.read_text()).get("retired", [])
    return {row["id"]: row["name"] for row in rows}


def by_id(model_id: int) -> ModelEntry:
    """The model with that id. Raises UnknownModel."""
    for entry in entries():
        if entry.id == model_id:
            return entry
    if model_id in retired():
        raise UnknownModel(
            f"model id {model_id} ({retired()[model_id]}) is not exact and was retired; make the "
            f"file anew from its source, or decode it with the version that wrote it"
        )
    known = ", ".join(str(e.id) for e in entries())
    raise UnknownModel(
        f"model id {model_id} is not known here (known: {known}); a newer version may have it"
    )


def by_name(name: str) -> ModelEntry:
    """The model of that name. Raises UnknownModel."""
    _check_text("model", name)
    for entry in entries():
        if entry.name == name:
            return entry
    known = ", ".join(e.name for e in entries())
    raise UnknownModel(f"there is no model {name!r}; known: {known}")


def chosen(profile: str, model: str | None) -> ModelEntry:
    """The model that a picture is encoded with: of that name, or the profile's.

    Raises:
        UnknownModel: there is none, or it is not one of pictures.
    """
    entry = default(profile) if model is None else by_name(model)
    if entry.profile == INTER:
        raise UnknownModel(f"{entry.name} codes inter frames of videos, no pictures")
    return entry


def default(profile: str) -> ModelEntry:
    """The model that a profile encodes with. Raises UnknownModel."""
    _check_text("profile", profile)
    for entry in entries():
        if entry.profile == profile and entry.default:
            return entry
    known = ", ".join(sorted({e.profile for e in entries()}))
    raise UnknownModel(f"there is no profile {profile!r}; known: {known}")


def _check_text(what: str, name: object) -> None:
    if not isinstance(name, str):
        raise UnknownModel(f"a {what} is given by its name, not by a {type(name).__name__}")
