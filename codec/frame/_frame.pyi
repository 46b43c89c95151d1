"""Types of the compiled module built from cpp/python/frame_module.cpp."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

class Model:
    def __init__(self, file: bytes, kernels: str) -> None: ...
    @property
    def kernels(self) -> str: ...
    def encode(
        self,
        pixels: npt.NDArray[np.uint8],
        level: int,
        tile_log2: int,
        wanted: bytes,
        decoded: bool,
        threads: int,
        progress: Callable[[float], object] | None,
    ) -> tuple[list[bytes], npt.NDArray[np.uint8] | None]: ...
    def decode(
        self,
        tile: Callable[[int], bytes | None],
        width: int,
        height: int,
        tile_log2: int,
        level: int,
        area: tuple[int, int, int, int],
        conceal: bool,
        threads: int,
        progress: Callable[[float], object] | None,
    ) -> npt.NDArray[np.uint8]: ...
    def analyse(
        self,
        pixels: npt.NDArray[np.uint8],
        area: tuple[int, int, int, int],
        level: int,
        threads: int,
    ) -> npt.NDArray[np.int32]: ...
    def hyper_analyse(
        self, y: npt.NDArray[np.int32], level: int, threads: int
    ) -> npt.NDArray[np.int32]: ...
    def compress(
        self,
        y: npt.NDArray[np.int32],
        z: npt.NDArray[np.int32],
        level: int,
        threads: int,
        answer: Callable[[int, npt.NDArray[np.int32]], Sequence[npt.NDArray[np.int32]]] | None,
    ) -> tuple[
        bytes,
        npt.NDArray[np.int32],
        list[tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]],
    ]: ...
    def encode_latents(
        self, y: npt.NDArray[np.int32], level: int, threads: int
    ) -> tuple[bytes, npt.NDArray[np.int32]]: ...
    def decompress(
        self, payload: bytes, height: int, width: int, level: int, threads: int
    ) -> npt.NDArray[np.int32]: ...
    def synthesise(
        self, y_hat: npt.NDArray[np.int32], level: int, threads: int
    ) -> npt.NDArray[np.uint8]: ...
