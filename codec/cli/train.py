"""`codec train`: train a model."""

from __future__ import annotations

from pathlib import Path

import click

from codec.cli import common
from codec.cli.common import Command

_PATH = click.Path(path_type=Path)
_EXISTING = click.Path(exists=True, path_type=Path)


@click.command(cls=Command, short_help="Train a model.")
@click.option("--config", required=True, type=_EXISTING, metavar="FILE", help="Recipe.")
@click.option(
    "--data",
    required=True,
    multiple=True,
    type=_EXISTING,
    metavar="PATH",
    help="Photographs to train on; may be given several times.",
)
@click.option(
    "--minutes",
    required=True,
    type=click.FloatRange(0, min_open=True),
    help="Budget of wall-clock time, in minutes.",
)
@click.option("--out", required=True, type=_PATH, metavar="DIR", help="Checkpoints and log.")
@click.option(
    "--resume", type=_EXISTING, metavar="FILE", help="Checkpoint or weights file to go on from."
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="auto|cpu|cuda[:N]",
    callback=common.DEVICE_OPTION_CALLBACK,
    help="Where to compute.",
)
@click.option(
    "--validate",
    type=_EXISTING,
    metavar="PATH",
    help="Photographs to measure on, never trained on.",
)
@common.verbosity_options
def train(
    config: Path,
    data: tuple[Path, ...],
    minutes: float,
    out: Path,
    resume: Path | None,
    device: str,
    validate: Path | None,
) -> int:
    """Train a model within a budget of time; a later call with --resume goes on."""
    from codec.frame.devices import require_torch

    require_torch("codec train")
    from codec.train import loop

    loop.run(config, list(data), minutes, out, resume, device, validate)
    return 0
