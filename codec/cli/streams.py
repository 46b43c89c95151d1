"""The standard streams, any of which may be closed, full, or without a reader.

Messages are told if anybody listens: that nobody does is no failure of the work. Results are
another matter: what cannot be written there is an error.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO, TextIO

import click

from codec.errors import OutputError
from codec.image.atomic import descriptor_of

__all__ = [
    "STDIO",
    "flush_output",
    "is_terminal",
    "open_descriptors",
    "output",
    "show",
    "standard_input",
    "standard_output",
    "tell",
    "tell_raw",
]

STDIO = "-"


def open_descriptors() -> None:
    """Opens what is closed of the descriptors 0, 1 and 2 on nothing.

    Otherwise the next file that is opened would be a standard stream, and what a library says there
    would be written into it. Messages go nowhere then; `sys.stdin` and `sys.stdout` stay None, by
    which `standard_input` and `standard_output` know.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
    if sys.stderr is None:
        sys.stderr = _nowhere()


def tell(text: str) -> None:
    """Shows a line on stderr."""
    tell_raw(text + "\n")


def tell_raw(text: str) -> None:
    """Shows text on stderr as it is: click.echo would take the control codes away from what is not
    a terminal.
    """
    if sys.stderr is None:
        return
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)  # names may be any bytes
    try:
        sys.stderr.write(shown)
        sys.stderr.flush()
    except (OSError, ValueError):  # no reader, a full disk, closed: nobody listens
        sys.stderr = _nowhere()


def show(text: str) -> None:
    """Shows a line on stdout.

    Raises:
        OSError: it cannot be written.
    """
    try:
        click.echo(text)
    except UnicodeEncodeError as error:  # names may be any bytes
        click.echo(text.encode(error.encoding, "backslashreplace").decode(error.encoding))


def is_terminal(error: bool = False) -> bool:
    """Whether stdout, or stderr, is a terminal."""
    stream = sys.stderr if error else sys.stdout
    return stream is not None and stream.isatty()


def flush_output() -> None:
    """Writes what stdout still holds.

    Raises:
        OSError: it cannot be written.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def output(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Callback of -o: /dev/stdout, and other names of the same, as "-"."""
    return STDIO if value is not None and descriptor_of(value) == 1 else value


def standard_input() -> BinaryIO:
    """stdin as a binary file.

    Raises:
        OSError: it is closed.
    """
    if not hasattr(sys.stdin, "buffer"):
        raise OSError("standard input is closed")
    return sys.stdin.buffer


def standard_output() -> BinaryIO:
    """stdout as a binary file.

    Raises:
        OutputError: it is closed.
    """
    if not hasattr(sys.stdout, "buffer"):
        raise OutputError("standard output is closed")
    return sys.stdout.buffer


def _nowhere() -> TextIO:
    """A stream for messages that nobody hears, until the process ends."""
    return open(os.devnull, "w")
