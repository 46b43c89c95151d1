"""A complete file or no file.

check_target   before any work: may this be written?
atomic_write   temporary file in the same folder ──► flushed ──► takes the target's name at once
                                 └── any exception, Ctrl-C included ──► removed
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from codec.errors import OutputError, OutputExists

__all__ = ["atomic_write", "check_target", "descriptor_of"]

_NO_ROOM = tuple(getattr(errno, n) for n in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, n))
"""Errors of a write alone: disk full, quota used up, file too large."""


def check_target(path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Checks before any work that a file can be written at `path`.

    Args:
        path: the target; a symbolic link stands for what it points to.
        force: whether an existing file may be replaced.

    Returns:
        The target with symbolic links resolved.

    Raises:
        OutputExists: it is there and `force` is not given.
        OutputError: it is a folder, or its folder is missing, or no file can have that name.
    """
    if not os.fspath(path):
        raise OutputError("the name of the output is empty")
    try:
        if _is_device(path):
            return Path(path)
        target = Path(os.path.realpath(path))
    except (ValueError, TypeError) as error:  # a zero byte in it, or a path object of another kind
        raise OutputError(f"{path!r} is no path: {error}") from error
    except FileNotFoundError as error:
        raise OutputError(f"{path}: the current folder does not exist any more") from error
    if target.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it")
    if not target.parent.is_dir():
        raise OutputError(f"{path}: the folder {target.parent} does not exist")
    if not force and os.path.lexists(target):
        raise OutputExists(f"{path} exists; use -f (force) to replace it")
    return target


@contextmanager
def atomic_write(
    path: str | os.PathLike[str], *, force: bool = False, sync: bool = False
) -> Iterator[BinaryIO]:
    """Opens a binary file that gets its name only if the block ends without an exception.

    The file gets the permissions of a newly made one. Devices, pipes and open descriptors
    (/dev/stdout, /dev/fd/5), which cannot be replaced, are written directly.

    Args:
        path: the target.
        force: whether an existing file may be replaced; checked at the start and again at the end.
        sync: wait until the disk has the bytes before the file takes its name.

    Raises:
        OutputExists: the target exists, or came to exist meanwhile, and `force` is not given.
        OutputError: it is a folder, its folder is missing, or the system refuses to make a file
            there, or has no room for it.
    """
    target = check_target(path, force=force)
    if _is_device(target):
        descriptor = descriptor_of(target)
        with (
            _room_for(path),
            open(target if descriptor is None else os.dup(descriptor), "wb") as device,
        ):
            yield device
        return
    # A name of its own: with one added to that of the target it could be too long.
    temporary = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        with _room_for(path), _create(temporary, path) as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        _publish(temporary, target, path, force=force)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _room_for(shown: str | os.PathLike[str]) -> Iterator[None]:
    """Names the output where a write finds no room: the system's error names no file."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise OutputError(f"{shown}: {error.strerror}") from error


def _create(temporary: Path, shown: str | os.PathLike[str]) -> BinaryIO:
    """Makes the temporary file with the permissions of any new file (tempfile's are private)."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        return os.fdopen(os.open(temporary, flags, 0o666), "wb")
    except OSError as error:
        raise OutputError(f"{shown}: {error.strerror}") from error


def _publish(temporary: Path, target: Path, shown: str | os.PathLike[str], *, force: bool) -> None:
    """Gives the finished file its name; without `force` only if the name is still free."""
    if force:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)  # fails if the name is taken: no moment between test and act
    except FileExistsError as error:
        raise OutputExists(
            f"{shown} came to exist meanwhile; use -f (force) to replace it"
        ) from error
    except OSError:  # a file system without hard links: the moment is short, not nil
        if os.path.lexists(target):
            raise OutputExists(f"{shown} exists; use -f (force) to replace it") from None
        os.replace(temporary, target)


def descriptor_of(path: str | os.PathLike[str]) -> int | None:
    """The number of the open descriptor that a path names, as /dev/stdout does; None of others."""
    own = os.path.realpath("/proc/self/fd")
    name = os.fspath(path)
    for _ in range(40):  # symbolic links that the system follows
        folder, last = os.path.split(name)
        if last.isdecimal() and os.path.realpath(folder or os.curdir) == own:
            return int(last)
        if not os.path.islink(name):
            return None
        name = os.path.join(folder, os.readlink(name))
    return None


def _is_device(target: str | os.PathLike[str]) -> bool:
    """Whether the target is there, but neither a file nor a folder that can be named anew."""
    try:
        mode = os.stat(target).st_mode
    except OSError:
        return False
    if descriptor_of(target) is not None:
        return True
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
