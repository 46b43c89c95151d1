"""From the inputs on a command line to outputs: where each goes, one after another, summed up."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

from codec.cli.common import EXIT_FAILURE, Session
from codec.errors import CodecError
from codec.image.atomic import atomic_write, check_target

STDIO = "-"
FILE_SUFFIX = ".lic"
"""Of files that --output-dir names; with -o any name will do."""


@dataclass(frozen=True, slots=True)
class Job:
    """One input and where its output goes: a path, "-" for stdout, or None for nowhere."""

    source: str
    target: str | None


def plan(
    inputs: Sequence[str],
    output: str | None,
    output_dir: Path | None,
    *,
    suffix: str,
    no_output: bool,
) -> list[Job]:
    """Decides which input goes where.

    Args:
        inputs: paths, or "-" for stdin.
        output: value of -o.
        output_dir: value of --output-dir.
        suffix: of names made up for --output-dir.
        no_output: whether nothing is to be written.

    Raises:
        click.UsageError: the combination makes no sense, or two inputs would have one output.
    """
    if no_output:
        if output is not None or output_dir is not None:
            raise click.UsageError("--no-output excludes -o and --output-dir")
        return [Job(source, None) for source in inputs]
    if output is not None and output_dir is not None:
        raise click.UsageError("-o and --output-dir exclude each other")
    if output_dir is None:
        if output is None:
            raise click.UsageError("say where the output goes: -o OUT, or --output-dir DIR")
        if len(inputs) > 1:
            raise click.UsageError("several inputs need --output-dir DIR instead of -o")
        if output == STDIO:
            refuse_terminal()
        return [Job(inputs[0], output)]
    if STDIO in inputs:
        raise click.UsageError("standard input needs -o OUT, it has no name for --output-dir")
    if not output_dir.is_dir():
        raise click.UsageError(f"--output-dir {output_dir} is not a folder")
    jobs = [Job(source, str(output_dir / (Path(source).stem + suffix))) for source in inputs]
    targets: dict[str | None, str] = {}
    for job in jobs:
        other = targets.setdefault(job.target, job.source)
        if other != job.source or [j.source for j in jobs].count(job.source) > 1:
            raise click.UsageError(f"{other} and {job.source} would both become {job.target}")
    return jobs


def refuse_terminal() -> None:
    """Refuses to write binary data where a person would see it.

    Raises:
        click.UsageError: stdout is a terminal.
    """
    if sys.stdout.isatty():
        raise click.UsageError("not writing binary data to a terminal; redirect it or use -o FILE")


def run_jobs(
    session: Session,
    jobs: Sequence[Job],
    work: Callable[[Job], None],
    *,
    force: bool,
    keep_going: bool = False,
    skip_existing: bool = False,
) -> int:
    """Does the jobs one by one; what may not be written is refused before the first.

    Returns:
        The exit code: 0, that of the error of a single job, or 1 if any of several failed.
    """
    if not keep_going and not skip_existing:
        for job in jobs:
            check_job(job, force=force)
    failed: list[int] = []
    skipped = done = 0
    for job in jobs:
        try:
            if skip_existing and job.target not in (None, STDIO) and os.path.lexists(job.target):
                skipped += 1
                session.say(f"{job.source}: skipped, {job.target} exists")
                continue
            check_job(job, force=force)
            work(job)
            done += 1
        except (CodecError, OSError) as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise
            session.report(error, job.source)
            failed.append(error.exit_code if isinstance(error, CodecError) else EXIT_FAILURE)
            if not keep_going:
                break
    if len(jobs) > 1:
        left = len(jobs) - done - skipped - len(failed)
        rest = "".join(
            f", {count} {what}"
            for count, what in ((skipped, "skipped"), (len(failed), "failed"), (left, "not tried"))
            if count
        )
        session.say(f"{done} of {len(jobs)} files done{rest}")
    if not failed:
        return 0
    return failed[0] if len(jobs) == 1 else EXIT_FAILURE


def check_job(job: Job, *, force: bool) -> None:
    """Checks before any work that the output of a job may be written."""
    if job.target not in (None, STDIO):
        check_target(job.target, force=force)


def open_input(source: str) -> str | BinaryIO:
    """The path, or for "-" the standard input as a binary file."""
    return sys.stdin.buffer if source == STDIO else source


def write_output(data: bytes, target: str | None, *, force: bool) -> None:
    """Writes the bytes of a result to a path, to stdout, or nowhere."""
    if target is None:
        return
    if target == STDIO:
        stdout = sys.stdout.buffer
        stdout.write(data)
        stdout.flush()
        return
    with atomic_write(target, force=force) as file:
        file.write(data)


def summary(
    job: Job, *, width: int, height: int, planes: int, size: int, seconds: float
) -> dict[str, Any]:
    """What is reported of one encoded or decoded file."""
    return {
        "input": job.source,
        "output": job.target,
        "width": width,
        "height": height,
        "bytes": size,
        "bpp": 8 * size / (width * height),
        "ratio": width * height * planes / size,
        "seconds": seconds,
    }


def summary_line(report: dict[str, Any]) -> str:
    """One line for people: size, bpp, ratio, time."""
    target = f" -> {report['output']}" if report["output"] is not None else ""
    return (
        f"{report['input']}{target}: {report['width']}x{report['height']}, "
        f"{report['bytes']} bytes, {report['bpp']:.3f} bpp, {report['ratio']:.1f}:1, "
        f"{report['seconds']:.2f} s"
    )
