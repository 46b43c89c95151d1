"""The videos that lie in folders beside pictures: whether a command does them, and where to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import click

from codec.cli.jobs import Job, plan
from codec.cli.trees import Found
from codec.cli.video_options import foreign_option

__all__ = ["video_jobs"]

_log = logging.getLogger(__name__)


def video_jobs(
    found: Found, output: str | None, output_dir: Path | None, *, suffix: str,
    of_pictures: Sequence[str], reason: str, no_output: bool, full_names: bool,
) -> list[Job]:  # fmt: skip
    """The jobs of `found.videos`; none, and a word, where something was asked for that they lack.

    Args:
        found, output, output_dir, no_output, full_names: as `jobs.plan` and `trees.find_inputs`.
        suffix: of what they become.
        of_pictures: names of the options with which only pictures are done. reason: what is said
            of one, {} for its name.

    Raises:
        click.UsageError: such an option was given, and there are only videos; or they cannot go
            where they shall.
    """
    if not found.videos:
        return []
    context = click.get_current_context()
    others = [p.name or "" for p in context.command.params if p.name not in of_pictures]
    option = foreign_option(context, others)
    if option is not None:
        if not found.sources:
            raise click.UsageError(reason.format(option))
        _log.warning("%d videos left out: %s", len(found.videos), reason.format(option))
        return []
    if output is not None:
        raise click.UsageError(f"{found.videos[0]} lies in a folder: give --output-dir DIR")
    return plan(
        found.videos, None, output_dir, suffix=suffix, no_output=no_output, below=found.below,
        full_names=full_names,
    )  # fmt: skip
