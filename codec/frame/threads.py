"""Work in several threads of Python that end with the call.

`concurrent.futures` does the same, but not any more once the main thread has ended, when threads of
the caller may still be at work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["results"]

Result = TypeVar("Result")


def results(function: Callable[[int], Result], count: int, threads: int) -> list[Result]:
    """function(0), ..., function(count - 1), computed by so many threads, this one among them.

    Raises: the first error of any of them, when all have ended.
    """
    found: dict[int, Result] = {}
    errors: list[BaseException] = []
    numbers = iter(range(count))
    one_at_a_time = threading.Lock()

    def work() -> None:
        while not errors:
            with one_at_a_time:
                number = next(numbers, None)
            if number is None:
                return
            try:
                found[number] = function(number)
            except BaseException as error:
                errors.append(error)

    others = [threading.Thread(target=work) for _ in range(min(threads, count) - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if errors:
        raise errors[0]
    return [found[number] for number in range(count)]
