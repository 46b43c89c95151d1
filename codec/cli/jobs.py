"""From the inputs on a command line to outputs: where each goes, one after another, summed up."""

from __future__ import annotations

import errno
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

from codec.cli.common import EXIT_FAILURE, Session
from codec.cli.streams import STDIO, is_terminal, standard_input, standard_output
from codec.errors import CodecError, OutputExists
from codec.image.atomic import atomic_write, check_target

STDIN_NAME = "frame"
"""What pictures from stdin are called in --output-dir, before their number."""
FILE_SUFFIX = ".lic"
"""Of files that --output-dir names; with -o any name will do."""

_NUMBER = re.compile(r"%(0?[0-9]?)d")


@dataclass(frozen=True, slots=True)
class Job:
    """One input and where its output goes.

    Args:
        source: a path, or "-" for stdin.
        target: a path, "-" for stdout, or None for nowhere.
        in_tree: whether it was found in a folder: the output's folder is made, its time is kept.
        numbered: whether the input may hold several pictures, numbered where the target says %05d.
    """

    source: str
    target: str | None
    in_tree: bool = False
    numbered: bool = False


def plan(
    inputs: Sequence[str],
    output: str | None,
    output_dir: Path | None,
    *,
    suffix: str,
    no_output: bool,
    below: Mapping[str, str] | None = None,
    full_names: bool = False,
    holds_several: Callable[[str], bool] | None = None,
    joined: bool = False,
) -> list[Job]:
    """Decides which input goes where.

    Args:
        inputs: paths, or "-" for stdin.
        output: value of -o.
        output_dir: value of --output-dir.
        suffix: of names made up for --output-dir.
        no_output: whether nothing is to be written.
        below: of inputs that were found in a folder, where their outputs go in `output_dir`.
        full_names: whether names made up keep the suffix of the input, too.
        holds_several: tells whether a file holds several pictures; None if inputs never do.
        joined: whether outputs may follow one another on stdout.

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
        return _to_output(inputs, output, holds_several is not None, joined)
    if STDIO in inputs and holds_several is None:
        raise click.UsageError("standard input needs -o OUT, it has no name for --output-dir")
    below = below or {}
    if not output_dir.is_dir() and (output_dir.exists() or len(below) < len(inputs)):
        raise click.UsageError(f"--output-dir {output_dir} is not a folder")
    jobs = []
    for source in inputs:
        name = os.path.basename(source) if full_names else Path(source).stem
        folder = os.path.join(output_dir, below.get(source, ""))
        several = holds_several is not None and (source == STDIO or holds_several(source))
        if several:
            name = f"{STDIN_NAME if source == STDIO else name}-%05d"
        jobs.append(Job(source, os.path.join(folder, name + suffix), source in below, several))
    targets: dict[str | None, str] = {}
    times = Counter(inputs)
    for job in jobs:
        other = targets.setdefault(job.target, job.source)
        if other != job.source or times[job.source] > 1:
            raise click.UsageError(
                f"{other} and {job.source} would both become {job.target}"
                + (
                    f"; --full-names keeps the input's suffix: {Path(job.source).name}{suffix}"
                    if other != job.source and not full_names
                    else ""
                )
            )
    return jobs


def _to_output(inputs: Sequence[str], output: str, several: bool, joined: bool) -> list[Job]:
    """The jobs for -o: one name, stdout, or a name with a number in it."""
    if output == STDIO:
        refuse_terminal()
    elif _NUMBER.search(output):
        if several and len(inputs) == 1:
            return [Job(inputs[0], output, numbered=True)]
        return [Job(source, numbered(output, n)) for n, source in enumerate(inputs, 1)]
    if len(inputs) > 1 and not (joined and output == STDIO):
        raise click.UsageError("several inputs need --output-dir DIR, or -o with a number: -o %05d")
    return [Job(source, output) for source in inputs]


def numbered(name: str, number: int) -> str:
    """The name with a number in place of its last %d, %5d or %05d."""
    last = list(_NUMBER.finditer(name))[-1]
    return name[: last.start()] + f"{number:{last[1]}d}" + name[last.end() :]


def refuse_terminal() -> None:
    """Refuses to write binary data where a person would see it.

    Raises:
        click.UsageError: stdout is a terminal.
    """
    if is_terminal():
        raise click.UsageError("not writing binary data to a terminal; redirect it or use -o FILE")


def run_jobs(
    session: Session,
    jobs: Sequence[Job],
    work: Callable[[Job], None],
    *,
    force: bool,
    keep_going: bool = False,
    skip_existing: bool = False,
    replace_input: bool = False,
) -> int:
    """Does the jobs one by one; what may not be written is refused before the first.

    Returns:
        The exit code: 0, that of the error of a single job, or 1 if any of several failed.
    """
    if not keep_going and not skip_existing:
        for job in jobs:
            if not job.in_tree or os.path.isdir(os.path.dirname(str(job.target))):
                check_job(job, force=force, replace_input=replace_input)
    failed: list[int] = []
    skipped = done = 0
    for job in jobs:
        try:
            if skip_existing and job.target not in (None, STDIO) and os.path.lexists(job.target):
                skipped += 1
                session.say(f"{job.source}: skipped, {job.target} exists")
                continue
            if job.in_tree and job.target not in (None, STDIO):
                os.makedirs(os.path.dirname(job.target), exist_ok=True)
            if not job.numbered:
                check_job(job, force=force, replace_input=replace_input)
            work(job)
            keep_time(job)
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


def keep_time(job: Job) -> None:
    """Gives an output in a tree the times of its input, as tools that copy trees do."""
    if job.in_tree and not job.numbered and job.target not in (None, STDIO):
        times = os.stat(job.source)
        os.utime(job.target, ns=(times.st_atime_ns, times.st_mtime_ns))


def check_job(job: Job, *, force: bool, replace_input: bool) -> None:
    """Checks before any work that the output of a job may be written."""
    if job.target is None:
        return
    if job.target == STDIO:
        standard_output()
        return
    # Of numbered ones the first; each is checked again when its turn comes.
    target = check_target(numbered(job.target, 1) if job.numbered else job.target, force=force)
    if not replace_input and job.source != STDIO and _is_same_file(job.source, target):
        raise OutputExists(
            f"{job.target} is the input itself; --replace-input with -f (force) replaces it"
        )


def _is_same_file(source: str, target: Path) -> bool:
    try:
        return target.is_file() and os.path.samefile(source, target)
    except OSError:  # an input that is not there is told of when it is opened
        return False


def open_input(source: str) -> str | BinaryIO:
    """The path, or for "-" the standard input as a binary file."""
    return standard_input() if source == STDIO else source


def input_bytes(source: str) -> int:
    """Size of an input; 0 for the standard input, of which it is not known."""
    return 0 if source == STDIO else os.path.getsize(source)


def write_output(data: bytes, target: str | None, *, force: bool) -> None:
    """Writes the bytes of a result to a path, to stdout, or nowhere."""
    if target is None:
        return
    if target == STDIO:
        stdout = standard_output()
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
