"""The training loop: wall-clock budget, resume, average of weights, validation, JSONL log."""

from __future__ import annotations

import ctypes
import json
import math
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor
from tqdm import tqdm

from codec.errors import OptionError
from codec.train import parallel
from codec.train.checkpoint import read_checkpoint
from codec.train.codebooks import start_as_vectors
from codec.train.config import TrainConfig, read_config
from codec.train.data import Crops
from codec.train.drawn import draw
from codec.train.export import export, manifest_entry
from codec.train.gradients import METRICS, Gradients
from codec.train.optimizers import optimizers
from codec.train.regression import start_as_regression
from codec.train.start import initialise
from codec.train.validate import validate
from codec.trainable.model import ImageModel
from codec.trainable.recipes import new_model, recipe
from codec.trainable.restore import bound, restore
from codec.trainable.vector_model import VectorModel
from codec.trainable.weights import read_trained, read_units
from codec.transforms.vector import VectorConfig

LOG_STEPS = 50
REGRESSION_CROPS = 200
"""Looked at where an analysis begins as a linear guess of a landed one."""
CODED_CROPS = 600
"""Looked at where codebooks begin as k-means of a landed model's latents."""
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Options of mallopt(3)."""


class Trainer:
    """One training: model, average, optimiser and the state that a resume needs."""

    def __init__(self, config: TrainConfig, data: list[Path], device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        self.model = new_model(config.profile, config.trellis_step)
        parallel.begin()
        self.crops = Crops(data, device, config.seed + parallel.rank(), config.shrunk)
        self.steps, self.seconds, self.pixels = 0, 0.0, 0
        self.model.to(device)
        self.average: dict[str, Tensor] = {}
        self.optimizers = optimizers(self.model, config)
        self.peaks = [[g["lr"] for g in o.param_groups] for o in self.optimizers]
        if config.compile and device.type == "cpu":
            for part in (self.model.analysis, self.model.synthesis):
                part.compile(dynamic=False)
        self.gradients = Gradients(self.model, config, device)
        for optimizer in self.optimizers:
            optimizer.found_inf = self.gradients.skip  # type: ignore[attr-defined]

    def start(self) -> None:
        """Initial weights from the data."""
        if isinstance(self.model, VectorModel):
            raise OptionError("profile vq begins from weights of wavelet or a checkpoint: --resume")
        initialise(self.model, self.crops)
        self._reset_average()

    def _begin_from(self, data: bytes) -> None:
        """Weights that landed: of this profile, or of the one whose synthesis it begins with."""
        weights = read_trained(data)
        here, there = self.model.config.transform, weights.config.transform
        if isinstance(self.model, VectorModel) or (here.linear and not there.linear):
            landed = ImageModel(weights.config)
            initialise(landed, self.crops)
            restore(landed, weights)
            if isinstance(self.model, VectorModel):
                start_as_vectors(self.model, landed.eval(), self.crops, CODED_CROPS)
            else:
                start_as_regression(self.model, landed.eval(), self.crops, REGRESSION_CROPS)
        else:
            initialise(self.model, self.crops)
            restore(self.model, weights)
        if self.config.bounded:
            bound(self.model, read_units(data))

    def _reset_average(self) -> None:
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def load(self, path: Path) -> None:
        """Continue from a checkpoint; where its annealing has ended, start anew from its average.

        A weights file (.weights) is where a training ended, too.

        Raises:
            OptionError: it is neither a checkpoint nor the weights of this model.
            WeightsMismatch: it is a damaged weights file.
        """
        if path.suffix == ".weights":
            self.model.cpu()  # where weights files are read
            self._begin_from(path.read_bytes())
            self.model.to(self.device)
            self._reset_average()
            return
        state = read_checkpoint(path, self.device)
        try:
            ended = state["progress"] >= 1
            self.model.load_state_dict(state["average"] if ended else state["model"])
            if ended:
                self._reset_average()
            else:
                self.average = state["average"]
                for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                    optimizer.load_state_dict(saved)
                self.steps, self.seconds = state["steps"], state["seconds"]
                self.pixels = state["pixels"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise OptionError(f"checkpoint {path}: {error}") from error
        self.crops.reseed(self.config.seed + state["steps"] + parallel.rank())

    def save(self, path: Path) -> None:
        """Write the checkpoint (tensors and numbers only) by rename."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizers": [o.state_dict() for o in self.optimizers],
            "steps": self.steps,
            "seconds": self.seconds,
            "progress": self.seconds / (self.config.total_minutes * 60),
            "pixels": self.pixels,
            "config": asdict(self.config),
        }
        temporary = path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(path)

    def averaged(self) -> ImageModel | VectorModel:
        """A copy of the model that holds the average."""
        copy = new_model(self.config.profile, self.config.trellis_step).to(self.device)
        copy.load_state_dict(self.average)
        if isinstance(copy, ImageModel) and isinstance(self.model, ImageModel):
            copy.entropy.ops.exact = self.model.entropy.ops.exact
        return copy.eval()

    def step(self, progress: float) -> Tensor:
        """One update; progress in 0..1 sets the learning rate and the stage. Returns METRICS."""
        c = self.config
        self.model.prepare(progress >= c.exact_from, progress < c.few_states)
        rate = self.rate(progress)
        for optimizer, peaks in zip(self.optimizers, self.peaks, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
        count, side = c.stage(progress)
        count = max(1, count // parallel.count())
        level = self.crops.levels(count, self.model.config.levels)
        batch = self.crops.batch(count, side)
        mask = draw(batch, c.drawn, self.crops.random)
        metrics = self.gradients(batch, level.to(self.device, non_blocking=True), mask)
        for optimizer in self.optimizers:
            optimizer.step()
        self.steps += 1
        self.pixels += count * parallel.count() * side * side
        decay = min(c.ema, self.steps / (self.steps + 10.0))
        state = self.model.state_dict()
        torch._foreach_lerp_(
            list(self.average.values()), [state[k] for k in self.average], 1 - decay
        )
        return metrics

    def rate(self, progress: float) -> float:
        """The learning rate as a share of its peak: a warm-up, then half a cosine."""
        warm = min(1.0, (self.steps + 1) / max(1, self.config.warmup_steps))
        return warm * 0.5 * (1 + math.cos(math.pi * progress))


def run(
    config_path: Path,
    data: list[Path],
    minutes: float,
    out: Path,
    resume: Path | None = None,
    device: str = "auto",
    validation: Path | None = None,
) -> None:
    """Train for `minutes` of wall clock; save `out`/checkpoint.pt and append to `out`/log.jsonl.

    The average is measured on `validation`, if given. When the recipe's total time is over, it is
    exported: `out`/NAME.weights and its manifest entry `out`/NAME.toml.

    Args:
        resume: a checkpoint or a weights file to continue from; where a recipe had ended, a new
            annealing starts.

    Raises:
        OptionError: the recipe or the checkpoint is not in order.
    """
    config = read_config(config_path)
    trellis = config.trellis_step or isinstance(recipe(config.profile), VectorConfig)
    if not trellis and minutes >= config.total_minutes:
        raise OptionError("a model is exported with a trellis: give the recipe a trellis_step")
    keep_freed_memory()
    trainer = Trainer(config, data, training_device(device))
    out.mkdir(parents=True, exist_ok=True)
    if resume is None:
        trainer.start()
    else:
        trainer.load(resume)
    parallel.share([*trainer.model.state_dict().values(), *trainer.average.values()])
    with (out / "log.jsonl").open("a") as log:
        ended = _train(trainer, minutes * 60, out, log)
        if parallel.rank():
            return
        trainer.save(out / "checkpoint.pt")
        if validation is not None:
            result = validate(trainer.averaged(), validation, trainer.device)
            log.write(json.dumps({"step": trainer.steps, "validation": result}) + "\n")
    if ended:
        content = export(trainer.averaged(), trainer.crops, distortion=config.distortion)
        (out / f"{config.name}.weights").write_bytes(content)
        entry = manifest_entry(content, config.name, 0, config)
        (out / f"{config.name}.toml").write_text(entry)


def _train(trainer: Trainer, seconds: float, out: Path, log: TextIO) -> bool:
    """Steps until the time or the recipe is over; returns whether the recipe is."""
    config = trainer.config
    began, base, saved = time.monotonic(), trainer.seconds, time.monotonic()
    budget = config.total_minutes * 60
    sums = torch.zeros(len(METRICS), device=trainer.device)
    count = 0
    bar = tqdm(total=round(budget), initial=round(base), unit="s", disable=None)
    with bar:
        while True:
            trainer.seconds = parallel.of_first(base + time.monotonic() - began)
            progress = trainer.seconds / budget
            bar.update(round(trainer.seconds) - bar.n)
            if progress >= 1 or trainer.seconds - base >= seconds:
                return progress >= 1
            sums += trainer.step(progress)
            count += 1
            if trainer.steps % LOG_STEPS == 0 and not parallel.rank():
                row = _means(sums, count) | {"rate": round(trainer.rate(progress), 4)}
                row |= {"step": trainer.steps, "seconds": round(trainer.seconds, 1)}
                log.write(json.dumps(row | {"Mpx": trainer.pixels // 10**6}) + "\n")
                log.flush()
                bar.set_postfix(loss=f"{row['loss']:.3f}")
                sums, count = torch.zeros_like(sums), 0
            if time.monotonic() - saved > config.save_minutes * 60 and not parallel.rank():
                trainer.save(out / "checkpoint.pt")
                saved = time.monotonic()


def _means(sums: Tensor, count: int) -> dict[str, float]:
    """METRICS of a step on average, of those that were not skipped, and how many were."""
    row = dict(zip(METRICS, sums.tolist(), strict=True))
    taken = max(1.0, count - row["skipped"])
    return {k: round(v if k == "skipped" else v / taken, 6) for k, v in row.items()}


def training_device(name: str) -> torch.device:
    """ "auto", "cpu", "cuda" or "cuda:N" as a device; auto takes a GPU where there is one.

    Raises:
        OptionError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise OptionError(f"device {name!r} is not there; found {torch.cuda.device_count()} GPUs")
    return device


def keep_freed_memory() -> None:
    """Tells glibc to keep freed memory: faulting it in again can double the time of a step."""
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 2**28)):
            libc.mallopt(option, value)
