"""Work on several things at once: in order, on one thread each, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from codec.models.runtime import each


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_results_come_in_order() -> None:
    barrier = threading.Barrier(2, timeout=20)

    def work(item: int) -> int:
        barrier.wait()  # passes only if two are under way at once
        return item * item

    assert list(each(work, range(6))) == [0, 1, 4, 9, 16, 25]


def test_a_thread_for_each_and_all_for_one() -> None:
    assert list(each(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
    assert torch.get_num_threads() == 3
    assert list(each(lambda _: torch.get_num_threads(), [0])) == [3]
    assert list(each(lambda _: 0, [])) == []


def test_threads_that_begin_later_have_all_again() -> None:
    list(each(lambda item: item, range(4)))
    found: list[int] = []

    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()

    assert found == [3]


def test_an_error_arrives_and_the_threads_come_back() -> None:
    def work(item: int) -> int:
        if item == 1:
            raise ValueError("of item 1")
        return item

    results = each(work, range(4))

    assert next(results) == 0
    with pytest.raises(ValueError, match="of item 1"):
        next(results)
    assert torch.get_num_threads() == 3


def test_one_thread_does_one_after_the_other() -> None:
    torch.set_num_threads(1)
    caller = threading.get_ident()

    assert list(each(lambda _: threading.get_ident(), range(3))) == [caller] * 3
