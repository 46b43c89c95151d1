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
from typing import Any

import bitstream
from codec.errors import InternalError, UnknownModel, WeightsMismatch
from codec.models.quality import LAMBDA_MAX, LAMBDA_MIN, PHOTOGRAPHS_DB

__all__ = [
    "DATA",
    "INTER",
    "PREDICTIVE",
    "PSNR",
    "VECTORS",
    "ModelEntry",
    "by_id",
    "by_name",
    "chosen",
    "default",
    "entries",
    "predictive",
    "retired",
    "tunes",
]

DATA = Path(__file__).parent / "data"
"""Folder of the weights files."""
PREDICTIVE = "predictive"
"""Profile of the coders that code samples as they are."""
INTER = "inter"
"""Profile of the models of a video's inter frames."""
VECTORS = "vq"
"""Profile of the models whose latents are code vectors."""
PSNR = "psnr"
"""What a model is tuned for where nothing else is asked."""
NONE = "none"
"""Tune of models that have nothing to choose."""
_MANIFEST = Path(__file__).parent / "manifest.toml"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model.

    id: permanent number in files. name: permanent name. profile: the recipe it belongs to.
    file: weights file in `DATA`. sha256: of that file, hexadecimal. levels: number of quality
        levels.
    exact: whether a file decodes to the same pixels on every machine.
    default: used when the profile is asked for. summary: what it is, for people.
    tune: what it was trained for: "psnr", or "visual", what people see; "none" of models that have
        nothing to choose.
    photographs_db: mean PSNR of photographs at nine equal steps from the first level to the last.
    lmbda: at the first and the last level, bits per pixel that a unit of squared error (0..255) is
        worth where its tiles are weighed against exact ones.
    kmac: thousands of multiply-accumulates a pixel that its networks take, to encode and to decode;
        zeros of a model that codes samples or inter frames.
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
    tune: str = PSNR
    photographs_db: tuple[float, ...] = PHOTOGRAPHS_DB
    lmbda: tuple[float, float] = (LAMBDA_MIN, LAMBDA_MAX)
    kmac: tuple[float, float] = (0.0, 0.0)

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
    found = tuple(sorted((_entry(row) for row in rows), key=lambda e: e.id))
    gone = retired()
    ids, names = [*gone, *(e.id for e in found)], [*gone.values(), *(e.name for e in found)]
    if len(set(ids)) != len(ids) or len(set(names)) != len(names):
        raise InternalError("manifest.toml: two models share an id or a name")
    return found


def _entry(row: dict[str, Any]) -> ModelEntry:
    values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return ModelEntry(**values)


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
    if name in retired().values():
        raise UnknownModel(f"model {name} is not exact and was retired; {_newer(name)}")
    known = ", ".join(e.name for e in entries())
    raise UnknownModel(f"there is no model {name!r}; known: {known}")


def _newer(name: str) -> str:
    """What there is instead of a retired model."""
    return f"encode with {default(name.rpartition('-')[0]).name}"


def chosen(profile: str, model: str | None, tune: str | None = None) -> ModelEntry:
    """The model that a picture is encoded with: of that name, or the profile's for a tune.

    Raises:
        UnknownModel: there is none, it is not one of pictures, or it is tuned for something else.
    """
    entry = default(profile, tune) if model is None else by_name(model)
    if tune is not None and tune != entry.tune:
        raise UnknownModel(f"{entry.name} is tuned for {entry.tune}, not for {tune!r}")
    if entry.profile == INTER:
        raise UnknownModel(f"{entry.name} codes inter frames of videos, no pictures")
    return entry


def default(profile: str, tune: str | None = None) -> ModelEntry:
    """The model that a profile encodes with for a tune, else its first. Raises UnknownModel."""
    _check_text("profile", profile)
    if tune is not None:
        _check_text("tune", tune)
    of_profile = [e for e in entries() if e.profile == profile and e.default]
    for entry in of_profile:
        if tune in (None, entry.tune):
            return entry
    if not of_profile:
        known = ", ".join(sorted({e.profile for e in entries()} - {INTER}))
        raise UnknownModel(f"there is no profile {profile!r}; known: {known}")
    known = ", ".join(e.tune for e in of_profile)
    raise UnknownModel(f"profile {profile} has no tune {tune!r}; known: {known}")


def tunes() -> tuple[str, ...]:
    """What models are tuned for, the usual first."""
    found = {e.tune for e in entries()} - {PSNR, NONE}
    return PSNR, *sorted(found)


def _check_text(what: str, name: object) -> None:
    if not isinstance(name, str):
        raise UnknownModel(f"a {what} is given by its name, not by a {type(name).__name__}")
