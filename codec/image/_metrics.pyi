import numpy as np
from numpy.typing import NDArray

MOST_THREADS: int
LEAST_SIDE: int

def ssimulacra2(
    original: NDArray[np.uint8] | NDArray[np.uint16],
    distorted: NDArray[np.uint8] | NDArray[np.uint16],
    threads: int,
) -> float: ...
