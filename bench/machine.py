"""What a measurement ran on, as the results tell it."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine() -> str:
    """Name of the processor, where Linux tells it, and the number of cores."""
    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
