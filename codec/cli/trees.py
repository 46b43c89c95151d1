"""Folders among the inputs: the files below them, in order, and where each stands below its folder.

    codec encode DIR --output-dir OUT        DIR/2024/a.png  ──►  OUT/2024/a.lic
                                             DIR/2024/b.mp4  ──►  OUT/2024/b.licv

What is neither picture nor video is left out and counted, told by its content as everywhere. Links
to files are followed; links to folders are not, so that no loop can be walked, and are said. OUT
itself is left out where it lies in DIR.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from codec.cli.streams import STDIO

__all__ = ["PROBE_BYTES", "Found", "find_inputs", "has_folder"]

PROBE_BYTES = 400
"""Of a file, by which its kind is told: three packets of a transport stream."""

_log = logging.getLogger(__name__)


@dataclass
class Found:
    """What the inputs of a command line stand for.

    Args:
        sources: paths of files, or "-", in order; where there are folders, none of videos.
        videos: where there are folders, paths of the videos, in order.
        below: of each that was found in a folder, its own folder as seen from there ("" for it).
        others: how many files in folders are left out, being neither.
        problems: folders that could not be read.
    """

    sources: list[str] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    below: dict[str, str] = field(default_factory=dict)
    others: int = 0
    problems: list[OSError] = field(default_factory=list)


def find_inputs(
    inputs: Sequence[str],
    output: str | None,
    output_dir: Path | None,
    is_picture: Callable[[bytes], bool],
    is_video: Callable[[bytes], bool],
    *,
    keep_going: bool,
) -> Found:
    """Replaces every folder among the inputs by the files below it.

    Args:
        inputs: paths, or "-" for stdin.
        output, output_dir: values of -o and --output-dir.
        is_picture, is_video: whether a file that begins with these bytes is one to work on.
        keep_going: note folders that cannot be read, rather than stop at the first.

    Raises:
        click.UsageError: a folder, and one name for the output.
        OSError: a folder cannot be read.
    """
    found = Found()
    folders = has_folder(inputs)
    for name in inputs:
        if name == STDIO or not os.path.isdir(name):
            video = folders and _kind(name, is_picture, is_video, found) is found.videos
            (found.videos if video else found.sources).append(name)
            continue
        if output not in (None, STDIO):
            raise click.UsageError(f"{name} is a folder: give --output-dir DIR instead of -o")
        for path, below in _walk(name, output_dir, found, keep_going):
            if path in found.below:
                raise click.UsageError(f"{name} is given twice, or lies in another input")
            kind = _kind(path, is_picture, is_video, found)
            if kind is None:
                _log.info("%s: left out, it is no picture and no video", path)
                found.others += 1
                continue
            kind.append(path)
            found.below[path] = below
    return found


def has_folder(inputs: Sequence[str]) -> bool:
    """Whether there is a folder among the inputs of a command line."""
    return any(name != STDIO and os.path.isdir(name) for name in inputs)


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


def _kind(
    path: str, is_picture: Callable[[bytes], bool], is_video: Callable[[bytes], bool], found: Found
) -> list[str] | None:
    """Where a file belongs, by its start; one that cannot be read is a picture, so that its error
    is told.
    """
    if not os.path.isfile(path):  # a pipe, a device, or a link to nothing
        return None
    try:
        with open(path, "rb") as file:
            start = file.read(PROBE_BYTES)
    except OSError:
        return found.sources
    if is_picture(start[:32]):
        return found.sources
    return found.videos if is_video(start) else None
