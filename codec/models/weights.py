"""Weights files of registered models: verified by their SHA-256 before anything in them is used."""

from __future__ import annotations

import hashlib

from codec.errors import WeightsMismatch
from codec.models.registry import ModelEntry

__all__ = ["read_verified"]


def read_verified(entry: ModelEntry) -> bytes:
    """The bytes of a model's weights file, verified.

    Raises:
        WeightsMismatch: the file is missing or is not the one with that hash.
    """
    name = entry.path.name
    try:
        data = entry.path.read_bytes()
    except OSError as error:
        raise WeightsMismatch(f"weights file {name} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != entry.sha256:
        raise WeightsMismatch(
            f"weights file {name}: found SHA-256 {found[:16]}..., expected {entry.sha256[:16]}...; "
            f"reinstall the package"
        )
    return data
