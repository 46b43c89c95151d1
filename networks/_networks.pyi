"""Types of the compiled module built from cpp/python/networks_module.cpp."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

MOST_THREADS: int

def kernel_names(runnable: bool) -> list[str]: ...
def kernels_named(name: str) -> str: ...

class Network:
    def __init__(self, file: bytes, program: str, kernels: str) -> None: ...
    def run(
        self, inputs: Sequence[npt.NDArray[Any]], level: int, threads: int
    ) -> list[npt.NDArray[Any]]: ...
