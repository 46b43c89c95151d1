"""Weights files of registered models: verified by their SHA-256 before anything in them is used."""

from __future__ import annotations

import hashlib
from pathlib import Path

from codec.errors import WeightsMismatch
from codec.models import registry
from networks import difference
from networks.errors import InvalidWeightsFile

__all__ = ["read_verified"]


def read_verified(entry: registry.ModelEntry) -> bytes:
    """The bytes of a model's weights file, verified; put together where the package holds what it
    adds to that of another model.

    Raises:
        WeightsMismatch: the file is missing or is not the one with that hash.
    """
    data, name = _read(entry.path), entry.path.name
    if entry.base:
        try:
            data = difference.apply(_read(registry.by_name(entry.base).path), data)
        except InvalidWeightsFile as error:
            raise WeightsMismatch(f"weights file {name}: {error}; reinstall the package") from error
    found = hashlib.sha256(data).hexdigest()
    if found != entry.sha256:
        raise WeightsMismatch(
            f"weights file {name}: found SHA-256 {found[:16]}..., expected {entry.sha256[:16]}...; "
            f"reinstall the package"
        )
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsMismatch(
            f"weights file {path.name} cannot be read: {error.strerror}"
        ) from error
