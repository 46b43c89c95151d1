"""Weights files of registered models: verified by their SHA-256 before anything in them is used."""

from __future__ import annotations

import hashlib
from pathlib import Path

from codec.errors import WeightsMismatch

__all__ = ["read_verified"]


def read_verified(path: Path, sha256: str) -> bytes:
    """The bytes of a weights file, verified.

    Raises:
        WeightsMismatch: the file is missing or is not the one with that hash.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsMismatch(
            f"weights file {path.name} cannot be read: {error.strerror}"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise WeightsMismatch(
            f"weights file {path.name}: found SHA-256 {found[:16]}..., expected {sha256[:16]}...; "
            f"reinstall the package"
        )
    return data
