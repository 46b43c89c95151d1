"""Where frames are coded: the processor, by the compiled core, or a CUDA device, by PyTorch."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from codec.errors import OptionError
from codec.frame.model import FrameModel, loaded
from codec.models.registry import VECTORS, ModelEntry

if TYPE_CHECKING:
    from codec.frame.on_torch import TorchFrameModel

__all__ = ["frame_model", "require_torch", "resolve_device"]


def require_torch(what: str) -> None:
    """Raises OptionError, naming what needs PyTorch, where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise OptionError(
            f"{what} needs PyTorch, which is not installed: pip install 'learned-codec[train]'"
        )


def resolve_device(name: str) -> str:
    """ "auto", "cpu", "cuda" or "cuda:N" as "cpu" or "cuda:N"; auto is the processor.

    Raises:
        OptionError: there is no such device, or PyTorch is missing.
    """
    if name in ("auto", "cpu"):
        return "cpu"
    require_torch(f"device {name!r}")
    import torch

    _refuse_fork(name)
    index = int(name.partition(":")[2] or 0)
    count = torch.cuda.device_count()
    if index >= count:
        raise OptionError(f"device {name!r} is not there; found {count} GPUs")
    return f"cuda:{index}"


def _refuse_fork(device: str) -> None:
    """A child of a fork cannot use a GPU that its parent used."""
    import torch

    if torch.cuda._is_in_bad_fork():
        raise OptionError(
            f"device {device!r} cannot be used in a process that was forked after its parent used "
            f"it: start processes with 'spawn', or use device 'cpu'"
        )


def frame_model(entry: ModelEntry, device: str) -> FrameModel | TorchFrameModel:
    """What codes frames with a model on a device that `resolve_device` gave. Models whose latents
    are code vectors run on the processor, whatever the device: the pixels are the same.

    Raises:
        WeightsMismatch: the weights are missing, damaged or others.
        NetworkError: the compiled core is missing, or CODEC_ISA names no kernels.
    """
    if device == "cpu" or entry.profile == VECTORS:
        return loaded(entry)
    from codec.frame.on_torch import loaded_on

    _refuse_fork(device)
    return loaded_on(entry, device)
