from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

def encode(
    pixels: NDArray[Any], tile_log2: int, error: int, strength: int, kernels: str,
    threads: int,
    progress: Callable[[float], object] | None,
) -> list[bytes]: ...  # fmt: skip
def decode(
    tile: Callable[[int], bytes], width: int, height: int, tile_log2: int, error: int, only: bool,
    area: tuple[int, int, int, int], out: NDArray[Any], kernels: str,
    threads: int,
    progress: Callable[[float], object] | None,
) -> None: ...  # fmt: skip
def tile_parts(
    payload: bytes, width: int, height: int
) -> tuple[int, bytes, bytes | None, int | None]: ...
def mixed_tile(
    pixels: NDArray[Any], map: NDArray[np.uint8], error: int, kernels: str, learned: bytes
) -> bytes: ...
def cell_facts(
    pixels: NDArray[Any], threads: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]: ...
def screen_bits(
    pixels: NDArray[Any], tile_log2: int, marked: NDArray[np.uint8], most: float, threads: int
) -> NDArray[np.float32]: ...
def photo_bits(
    pixels: NDArray[Any], tile_log2: int, marked: NDArray[np.uint8], kernels: str, threads: int
) -> NDArray[np.float32]: ...
def fill(pixels: NDArray[np.uint8], marked: NDArray[np.uint8]) -> None: ...
