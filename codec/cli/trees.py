"""Folders among the inputs: the files below them, in order, and where each stands below its folder.

    codec encode DIR --output-dir OUT        DIR/2024/a.png  ──►  OUT/2024/a.lic

What is not a picture is left out and counted, told by its content as everywhere. Links to files are
followed; links to folders are not, so that no loop can be walked, and are said. OUT itself is left
out where it lies in DIR.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from codec.cli.streams import STDIO

__all__ = ["Found", "find_inputs"]

_log = logging.getLogger(__name__)


@dataclass
class Found:
    """What the inputs of a command line stand for.

    Args:
        sources: paths of files, or "-", in order.
        below: of each that was found in a folder, its own folder as seen from there ("" for it).
        others: how many files in folders are left out, being no pictures.
        problems: folders that could not be read.
    """

    sources: list[str] = field(default_factory=list)
    below: dict[str, str] = field(default_factory=dict)
    others: int = 0
    problems: list[OSError] = field(default_factory=list)


def find_inputs(
    inputs: Sequence[str],
    output: str | None,
    output_dir: Path | None,
    is_wanted: Callable[[bytes], bool],
    *,
    keep_going: bool,
) -> Found:
    """Replaces every folder among the inputs by the files below it.

    Args:
        inputs: paths, or "-" for stdin.
        output, output_dir: values of -o and --output-dir.
        is_wanted: whether a file that begins with these 32 bytes is one to work on.
        keep_going: note folders that cannot be read, rather than stop at the first.

    Raises:
        click.UsageError: a folder, and one name for the output.
        OSError: a folder cannot be read.
    """
    found = Found()
    for name in inputs:
        if name == STDIO or not os.path.isdir(name):
            found.sources.append(name)
            continue
        if output not in (None, STDIO):
            raise click.UsageError(f"{name} is a folder: give --output-dir DIR instead of -o")
        for path, below in _walk(name, output_dir, found, keep_going):
            if path in found.below:
                raise click.UsageError(f"{name} is given twice, or lies in another input")
            if _is_wanted(path, is_wanted):
                found.sources.append(path)
                found.below[path] = below
            else:
                _log.info("%s: left out, it is no picture", path)
                found.others += 1
    return found


def _walk(
    root: str, output_dir: Path | None, found: Found, keep_going: bool
) -> Iterator[tuple[str, str]]:
    """All that is no folder below `root`, with the folder it is in as seen from there."""
    avoided = None
    if output_dir is not None and output_dir.exists() and not os.path.samefile(root, output_dir):
        avoided = os.path.realpath(output_dir)
    folders = [""]
    while folders:
        below = folders.pop()
        try:
            with os.scandir(os.path.join(root, below)) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not keep_going:
                raise
            found.problems.append(error)
            continue
        deeper = []
        for entry in listed:
            inside = os.path.join(below, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if avoided is None or os.path.realpath(entry.path) != avoided:
                    deeper.append(inside)
            elif entry.is_dir():
                _log.warning("%s is a link to a folder: not followed", entry.path)
            else:
                yield entry.path, below
        folders += reversed(deeper)


def _is_wanted(path: str, is_wanted: Callable[[bytes], bool]) -> bool:
    """Judges a file by its start; one that cannot be read is kept, so that its error is told."""
    if not os.path.isfile(path):  # a pipe, a device, or a link to nothing
        return False
    try:
        with open(path, "rb") as file:
            return is_wanted(file.read(32))
    except OSError:
        return True
