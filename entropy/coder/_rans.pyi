"""Types of the compiled module built from cpp/python/rans_module.cpp."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

class Tables:
    def __init__(self, serialized: bytes) -> None: ...
    def __len__(self) -> int: ...

def encode(
    segments: Sequence[tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]],
    tables: Tables,
    lanes: int,
) -> bytes: ...
def quantise_trellis(
    residuals: npt.NDArray[np.int32],
    indexes: npt.NDArray[np.uint8],
    costs: npt.NDArray[np.int32],
    skip_below: int,
    step: int,
    weight: int,
    states: int,
    symbols: npt.NDArray[np.int16],
    sets: npt.NDArray[np.uint8],
) -> None: ...

class Decoder:
    def __init__(self, data: bytes, tables: Tables) -> None: ...
    def decode(self, indexes: npt.NDArray[np.uint8], symbols: npt.NDArray[np.int16]) -> None: ...
    def decode_trellis(
        self,
        indexes: npt.NDArray[np.uint8],
        stride: int,
        states: int,
        symbols: npt.NDArray[np.int16],
        chosen: npt.NDArray[np.uint8],
    ) -> None: ...
    def finish(self) -> None: ...
