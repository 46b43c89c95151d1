"""The searches over the levels: right from any start, and few files near a good one."""

from __future__ import annotations

import pytest

from codec.rate_control import largest_within, smallest_reaching

LEVELS = 64


@pytest.mark.parametrize("start", [None, 0, 1, 20, 62, 63])
@pytest.mark.parametrize("answer", range(-1, LEVELS))
def test_every_level_is_found_from_everywhere(answer: int, start: int | None) -> None:
    # Files grow by 10 bytes a level; a limit just under the next one.
    size = largest_within(lambda level: 10 * level, 10 * answer + 9, LEVELS, start)
    psnr = smallest_reaching(lambda level: float(level), answer + 0.5, LEVELS, start)

    assert (size, psnr) == (answer, answer + 1)


@pytest.mark.parametrize(("off", "files"), [(0, 2), (-1, 3), (1, 2), (3, 6), (-4, 7)])
def test_few_files_near_a_good_start(off: int, files: int) -> None:
    asked: list[int] = []

    def size(level: int) -> int:
        asked.append(level)
        return level

    assert largest_within(size, 30, LEVELS, 30 + off) == 30
    assert len(asked) <= files
    assert len(asked) == len(set(asked))
