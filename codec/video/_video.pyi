from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_THREADS: int
CONTEXT_BYTES: int

def step_of(level: int) -> int: ...

def motion_cost(
    luma: NDArray[np.uint8], reference: NDArray[np.uint8], threads: int
) -> float: ...

class Model:
    def __init__(self, weights: bytes, kernels: str) -> None: ...

class Parsed: ...

class Coder:
    def __init__(self, width: int, height: int, subsampled: bool, model: Model) -> None: ...
    def put_still(self, planes: Sequence[NDArray[np.uint16]], number: int) -> None: ...
    def encode(
        self,
        planes: Sequence[NDArray[np.uint8]],
        references: Sequence[int],
        slot: int,
        level: int,
        layer: int,
        number: int,
        fresh: bool,
        overlapped: bool,
        filtered: bool,
        lmbda: float,
        chroma: float,
        effort: int,
        keep: bool,
        threads: int,
    ) -> bytes: ...
    def parse(self, payload: bytes, references: Sequence[int], slot: int) -> Parsed: ...
    def decode(
        self, payload: bytes, references: Sequence[int], slot: int, threads: int
    ) -> None: ...
    def reconstruct(self, parsed: Parsed, threads: int) -> None: ...
    def planes(self, wide: bool) -> list[NDArray[np.uint8]]: ...
    def kept(self) -> tuple[list[NDArray[np.uint16]], list[NDArray[np.uint16]]]: ...
    def start(self, level: int) -> bytes: ...
    def contexts(self, layer: int) -> bytes: ...
