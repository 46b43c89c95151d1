"""Training of the filter: wall-clock budget, resume, average of weights, JSONL log."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor

from codec.errors import OptionError
from codec.train.checkpoint import read_checkpoint
from codec.train.soap import Soap
from codec.train.video.network import FilterNetwork
from codec.train.video.samples import Batch, Dumps
from codec.video.filter import FilterConfig

__all__ = ["Options", "Trainer", "gains_of", "load_average", "loss_of", "validate"]

PLANES = torch.tensor([6.0, 1.0, 1.0]) / 8
"""Weights of Y, U, V."""
SMOOTHNESS = 1e-3
HELD_OUT = ("mdn-flower", "sam2-03", "gaia-leaves")
"""How the names of dumps begin that measure."""
BANDS = (0, 16, 24, 32, 40, 48, 64)
"""Levels at which validation is split."""
LOG_STEPS = 100
WARM_UP = 30


@dataclass(frozen=True, slots=True)
class Options:
    """minutes: budget; the step size falls over the last `falling` of it. batch crops of side
    pixels. save, check: minutes between checkpoints and between validations.
    """

    minutes: float
    batch: int = 4
    side: int = 96
    lr: float = 3e-3
    lr_leave: float = 3e-3
    lr_enter: float = 3e-4
    lr_vector: float = 2e-3
    falling: float = 0.4
    average: float = 0.999
    save: float = 3.0
    check: float = 6.0
    seed: int = 1


class Trainer:
    """One training: network, average, optimisers and what a resume needs."""

    def __init__(self, config: FilterConfig, options: Options) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.network = FilterNetwork(config)
        self.average: dict[str, Tensor] = {}
        self._reset_average()
        self.steps, self.pixels, self.seconds = 0, 0, 0.0
        net = self.network
        parameters = net.named_parameters()
        blocks = [p for name, p in parameters if name.endswith(("expand.weight", "reduce.weight"))]
        leave, enter = (
            [net.get_parameter(f"{end}_{plane}.weight") for plane in ("luma", "chroma")]
            for end in ("leave", "enter")
        )
        chosen = {id(p) for p in [*blocks, *leave, *enter]}
        vectors = [p for p in net.parameters() if id(p) not in chosen]
        self.optimizers: list[torch.optim.Optimizer] = [
            Soap(
                [(blocks, options.lr), (leave, options.lr_leave), (enter, options.lr_enter)],
                refresh=20,
                max_side=128,
            ),
            torch.optim.AdamW(vectors, lr=options.lr_vector, betas=(0.9, 0.98), weight_decay=0.0),
        ]
        self._peaks = [[g["lr"] for g in o.param_groups] for o in self.optimizers]

    def _reset_average(self) -> None:
        self.average = {k: v.detach().clone() for k, v in self.network.state_dict().items()}

    def begin(self, network: FilterNetwork) -> None:
        """Start from the weights of a network of the same sizes.

        Raises:
            OptionError: the sizes differ.
        """
        if network.config != self.network.config:
            raise OptionError(f"{network.config} cannot go on as {self.network.config}")
        self.network.load_state_dict(network.state_dict())
        self._reset_average()

    def load(self, path: Path, *, resume: bool) -> None:
        """Go on from a checkpoint: as if it had not stopped, or anew from its average.

        Raises:
            OptionError: it is no checkpoint of this network.
        """
        state = read_checkpoint(path, torch.device("cpu"))
        try:
            self.network.load_state_dict(state["model"] if resume else state["average"])
            self._reset_average()
            if resume:
                self.average = state["average"]
                for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                    optimizer.load_state_dict(saved)
                self.seconds = state["seconds"]
            self.steps, self.pixels = state["steps"], state["pixels"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise OptionError(f"checkpoint {path}: {error}") from error

    def save(self, path: Path) -> None:
        """Writes a checkpoint (tensors and numbers only) by rename."""
        state = {
            "model": self.network.state_dict(),
            "average": self.average,
            "optimizers": [o.state_dict() for o in self.optimizers],
            "steps": self.steps,
            "pixels": self.pixels,
            "seconds": self.seconds,
            "config": asdict(self.network.config),
        }
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(path)

    def run(self, train: Dumps, held_out: Dumps | None, out: Path) -> None:
        """Trains until the budget is used up; OUT gets the checkpoint, OUT with .jsonl the log."""
        budget, began = self.options.minutes * 60, time.monotonic() - self.seconds
        saved = checked = self.seconds
        losses: list[Tensor] = []  # with the filter, and without it
        with out.with_suffix(".jsonl").open("a") as log:
            self._write(log, {"options": asdict(self.options),
                              "config": asdict(self.network.config)})  # fmt: skip
            while self.seconds < budget:
                losses.append(self.step(train))
                self.seconds = time.monotonic() - began
                if self.steps % LOG_STEPS == 0:
                    self._write(log, {
                        "step": self.steps, "seconds": round(self.seconds),
                        "pixels": self.pixels,
                        "loss": [round(float(x), 4) for x in torch.stack(losses).mean(0)],
                    })  # fmt: skip
                    losses.clear()
                if self.seconds - saved > self.options.save * 60:
                    self.save(out)
                    saved = self.seconds
                if self.seconds - checked > self.options.check * 60:
                    frames = train.refresh()
                    if held_out is not None:
                        held_out.refresh()
                        self._write(log, {"step": self.steps, "frames": frames,
                                          "gain": validate(self.averaged(), held_out)})  # fmt: skip
                    checked = self.seconds
            self.save(out)
            if held_out is not None:
                self._write(
                    log, {"step": self.steps, "gain": validate(self.averaged(), held_out, 1)}
                )

    def averaged(self) -> FilterNetwork:
        """A copy of the network that holds the average."""
        copy = FilterNetwork(self.network.config)
        copy.load_state_dict(self.average)
        return copy.eval()

    def step(self, train: Dumps) -> Tensor:
        """One step; its loss, and that of no filter."""
        options = self.options
        progress = self.seconds / (options.minutes * 60)
        left = min(1.0, (1 - progress) / options.falling)
        factor = min(1.0, (self.steps + 1) / WARM_UP) * 0.5 * (1 - math.cos(math.pi * left))
        for optimizer, peaks in zip(self.optimizers, self._peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * factor
            optimizer.zero_grad(set_to_none=True)
        batch = train.batch(options.batch, options.side)
        loss = loss_of(self.network, batch)
        total = loss + SMOOTHNESS * self.network.smoothness()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.steps += 1
        self.pixels += options.batch * options.side**2
        decay = min(options.average, self.steps / (self.steps + 10))
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - decay)
        return torch.stack([loss.detach(), _relative(plain_errors(batch), batch)])

    @staticmethod
    def _write(log: TextIO, entry: dict[str, object]) -> None:
        log.write(json.dumps(entry) + "\n")
        log.flush()


def errors_of(network: FilterNetwork, batch: Batch) -> Tensor:
    """Mean squared errors (B, 3) of Y, U, V after the correction."""
    luma, chroma = network(batch.luma, batch.chroma, batch.level)
    y = (luma - batch.wanted[0]).square().mean((1, 2))
    return torch.cat([y, (chroma - batch.wanted[1]).square().mean((1, 2))], 1)


def loss_of(network: FilterNetwork, batch: Batch) -> Tensor:
    """Errors in those of the unfiltered frames, so that all levels count alike: 1 for no filter."""
    return _relative(errors_of(network, batch), batch)


def plain_errors(batch: Batch) -> Tensor:
    """Mean squared errors (B, 3) of Y, U, V without a correction."""
    return torch.cat([w.square().mean((1, 2)) for w in batch.wanted], 1)


def _relative(errors: Tensor, batch: Batch) -> Tensor:
    return (errors / batch.before * PLANES).sum(1).mean()


@torch.no_grad()
def validate(network: FilterNetwork, dumps: Dumps, step: int = 4) -> dict[str, list[float]]:
    """Gains in dB (Y, U, V, number of frames) over whole frames, by band of levels."""
    return gains_of(lambda b: network(b.luma, b.chroma, b.level), dumps, step)


def gains_of(
    correct: Callable[[Batch], Sequence[Tensor]], dumps: Dumps, step: int
) -> dict[str, list[float]]:
    """`validate` for anything that gives the corrections of a batch of one."""
    found: dict[str, list[Tensor]] = {}
    for _, batch in dumps.whole(step):
        pairs = zip(correct(batch), batch.wanted, strict=True)
        after = torch.cat([(c - w).square().mean((0, 1, 2)) for c, w in pairs])
        gain = 10 * torch.log10((plain_errors(batch)[0] + 1e-2) / (after + 1e-2))
        level = int(batch.level[0])
        low, high = next((a, b) for a, b in pairwise(BANDS) if a <= level < b)
        found.setdefault(f"{low}-{high - 1}", []).append(gain)
    return {
        band: [*(round(float(g), 3) for g in torch.stack(gains).mean(0)), len(gains)]
        for band, gains in sorted(found.items())
    }


def load_average(path: Path) -> FilterNetwork:
    """The averaged network of a checkpoint. Raises OptionError if it is none."""
    state = read_checkpoint(path, torch.device("cpu"))
    try:
        network = FilterNetwork(FilterConfig(**state["config"]))
        network.load_state_dict(state["average"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise OptionError(f"checkpoint {path}: {error}") from error
    return network.eval()
