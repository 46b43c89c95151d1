import numpy as np
import numpy.typing as npt

MAX_CHANNELS: int
MAX_INPUTS: int
MAX_OUTPUTS: int
MOST_THREADS: int
PANEL: int

def supported(bfloat16: bool) -> bool: ...

class Team:
    def __init__(self, threads: int) -> None: ...
    @property
    def threads(self) -> int: ...

class GatedBlock:
    def __init__(
        self,
        spatial_bias: npt.NDArray[np.float32],
        spatial: npt.NDArray[np.float32],
        expand: npt.NDArray[np.int32],
        expand_bias: npt.NDArray[np.float32],
        reduce: npt.NDArray[np.int32],
        reduce_bias: npt.NDArray[np.float32],
        bfloat16: bool,
    ) -> None: ...
    def run(self, x: npt.NDArray[np.float32], out: npt.NDArray[np.float32], team: Team) -> None: ...

class LinearMap:
    def __init__(
        self,
        weights: npt.NDArray[np.float32],
        bias: npt.NDArray[np.float32],
        fold: int,
        unfold: int,
    ) -> None: ...
    def run(
        self,
        x: npt.NDArray[np.float32] | npt.NDArray[np.uint8],
        out: npt.NDArray[np.float32] | npt.NDArray[np.uint8],
        team: Team,
    ) -> None: ...
