"""Reading checkpoints: tensors and numbers only, nothing is unpickled."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch

from codec.errors import OptionError


def read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """What `Trainer.save` wrote, on a device.

    Raises:
        OptionError: it cannot be read, or is no checkpoint.
    """
    if not zipfile.is_zipfile(path):
        raise OptionError(f"checkpoint {path}: it cannot be read, or is no checkpoint")
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise OptionError(f"checkpoint {path}: {error}") from error
    return state
