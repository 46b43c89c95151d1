"""The end of the program while a daemon thread computes.

Python ends such a thread when it comes back from compiled code, and compiled code cannot be ended
there: the process would abort. So before Python goes, calls that run are stopped where they report
progress, and waited for; a thread that would begin another waits for ever instead.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import ParamSpec, TypeVar

__all__ = ["after_fork", "as_computing", "computing", "leave_first", "stoppable"]

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Progress = Callable[[float], object]

_PATIENCE_SECONDS = 10
"""Longer than any piece of work between two reports of progress."""


class _Leaving(BaseException):
    """Stops a call; nobody sees it but `computing`."""


class _State:
    """How many daemon threads compute, and whether the program ends."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.running = 0
        self.leaving = False
        self.here = threading.local()


_state = _State()


def after_fork() -> None:
    """In the child of a fork no thread computes but the one that forked, if that does."""
    global _state
    _state = _State()


@contextmanager
def computing() -> Iterator[None]:
    """Surrounds a call of compiled code; such blocks may stand inside each other."""
    state = _state
    if getattr(state.here, "inside", False) or not threading.current_thread().daemon:
        yield
        return
    with state.changed:
        stay = state.leaving
        state.running += not stay
    if stay:
        _wait_for_the_end()
    state.here.inside = True
    try:
        yield
    except BaseException:
        if not state.leaving:
            raise
        stay = True  # it was stopped, or missed what the end had taken away already
    finally:
        state.here.inside = False
        with state.changed:
            state.running -= 1
            state.changed.notify_all()
    if stay:
        _wait_for_the_end()


def as_computing(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorates a function that computes."""

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with computing():
            return function(*args, **kwargs)

    return call


def stoppable(progress: Progress | None) -> Progress:
    """Reports of progress that stop a call of a daemon thread when the program ends."""
    state, thread = _state, threading.current_thread()

    def tell(share: float) -> None:
        if state.leaving and thread.daemon:
            raise _Leaving
        if progress is not None:
            progress(share)

    return tell


def _wait_for_the_end() -> None:
    threading.Event().wait()


def leave_first() -> None:
    """Lets this module hear of the end before all that were imported so far: what is registered
    last is called first, and a library that has cleaned up must not be in use.

    Thread pools end before `atexit` is heard, by a door of `threading` for the standard library.
    """
    register = getattr(threading, "_register_atexit", atexit.register)
    with suppress(RuntimeError):  # the end has begun, and `_leave` was called
        register(_leave)


def _leave() -> None:
    state = _state
    with state.changed:
        state.leaving = True
        state.changed.wait_for(lambda: state.running == 0, _PATIENCE_SECONDS)


leave_first()
