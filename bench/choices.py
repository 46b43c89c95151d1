"""What commands share: lists of names, which of what is named can run here, and how a run ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

import click

from bench.peers import PeerMissing

__all__ = ["end", "made", "names_in"]

Made = TypeVar("Made")


def names_in(text: str) -> list[str]:
    """The names of a list with commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def made(names: Iterable[str], make: Callable[[str], Made]) -> tuple[list[Made], dict[str, str]]:
    """The codecs that can run here, and by name why the others cannot.

    Raises:
        ValueError: no codec has one of the names.
    """
    found, missing = [], {}
    for name in names:
        try:
            found.append(make(name))
        except PeerMissing as error:
            missing[name] = str(error)
    return found, missing


def end(problems: Iterable[str]) -> NoReturn:
    """Names the problems, and ends with status 1 if there are any."""
    told = list(problems)
    for line in told:
        click.echo(f"missing: {line}", err=True)
    sys.exit(1 if told else 0)
