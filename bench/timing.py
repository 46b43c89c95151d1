"""How long things take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def median_seconds(action: Callable[[], object], repeat: int, warm_up: int) -> float:
    """Median wall-clock time of `repeat` calls after `warm_up` that do not count."""
    times = []
    for _ in range(repeat + warm_up):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times[warm_up:])
