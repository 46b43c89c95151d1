"""Types of the optional compiled module built from cpp/coder/cuda."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

def device_count() -> int: ...

class DeviceTables:
    def __init__(self, serialized: bytes) -> None: ...

def encode_batch(
    payloads: Sequence[Sequence[tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]]],
    tables: DeviceTables,
    lanes: int,
) -> list[bytes]: ...

class BatchDecoder:
    def __init__(self, payloads: Sequence[bytes], tables: DeviceTables) -> None: ...
    def decode(
        self,
        indexes: Sequence[npt.NDArray[np.uint8]],
        symbols: Sequence[npt.NDArray[np.int16]],
    ) -> None: ...
    def decode_trellis(
        self,
        indexes: Sequence[npt.NDArray[np.uint8]],
        stride: int,
        states: int,
        symbols: Sequence[npt.NDArray[np.int16]],
        chosen: Sequence[npt.NDArray[np.uint8]],
    ) -> None: ...
    def finish(self) -> None: ...
