"""Types of the compiled module built from cpp/python/predictive_module.cpp: the coders alone."""

import numpy as np
import numpy.typing as npt

def photo_encode(
    pixels: npt.NDArray[np.uint16], bits: int, error: int, kernels: str = ""
) -> tuple[bytes, npt.NDArray[np.uint16]]: ...
def photo_decode(
    payload: bytes,
    bits: int,
    error: int,
    height: int,
    width: int,
    channels: int,
    kernels: str = "",
) -> npt.NDArray[np.uint16]: ...
def photo_bits(
    pixels: npt.NDArray[np.uint16], bits: int, error: int, kernels: str = ""
) -> float: ...
def screen_encode(
    pixels: npt.NDArray[np.uint16],
    bits: int,
    cells: npt.NDArray[np.uint8] | None = None,
) -> tuple[bytes, npt.NDArray[np.float32]]: ...
def screen_decode(
    payload: bytes,
    bits: int,
    cells: npt.NDArray[np.uint8] | None,
    height: int,
    width: int,
    channels: int,
) -> npt.NDArray[np.uint16]: ...
def to_lattice(
    rgb: npt.NDArray[np.uint16],
) -> tuple[int, npt.NDArray[np.uint16] | None]: ...
def from_lattice(planes: npt.NDArray[np.uint16], preset: int) -> npt.NDArray[np.uint16]: ...
