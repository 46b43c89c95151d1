"""Types of the compiled module built from entropy/cpp/integer."""

import numpy as np
import numpy.typing as npt

MAX_INPUTS: int
MOST_THREADS: int
PANEL: int

def supported() -> bool: ...

class Team:
    def __init__(self, threads: int) -> None: ...
    @property
    def threads(self) -> int: ...

class Finish:
    def __init__(
        self,
        bias: npt.NDArray[np.int32],
        shift: npt.NDArray[np.int32],
        low: npt.NDArray[np.int32],
        high: npt.NDArray[np.int32],
    ) -> None: ...

class Linear:
    def __init__(self, weights: npt.NDArray[np.int32], finish: Finish) -> None: ...
    def run(
        self,
        x: npt.NDArray[np.int16],
        out: npt.NDArray[np.int16] | npt.NDArray[np.float32],
        level: int,
        team: Team,
    ) -> None: ...

class Depthwise:
    def __init__(self, weights: npt.NDArray[np.int32], finish: Finish) -> None: ...
    def run(
        self, x: npt.NDArray[np.int16], out: npt.NDArray[np.int16], level: int, team: Team
    ) -> None: ...
