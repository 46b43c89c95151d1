"""Dumps of decoded frames, and random crops of them to train on.

A dump is an .npz file of a sequence in 4:2:0: rec_y, rec_u, rec_v uint16 (frames, h, w), what was
decoded before the filter, 10 bits; pred_y ..., what it was predicted from, 10 bits; src_y ...
uint8, the source; level (frames,), or one for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.errors import OptionError
from codec.video.filter import ALIGNMENT, DIFFERENCE_LIMIT, MIDDLE, step_of_level

__all__ = ["Batch", "Dumps", "write_dump"]

NAMES = tuple(f"{kind}_{plane}" for kind in ("rec", "pred", "src") for plane in "yuv")
SKIPPED = 0.25
"""How often a frame is looked at of which nothing is coded; one of which all is, this plus 1."""
FLOOR = 0.02
"""Least mean squared error a frame counts with, in squares of a step over 12, plus ..."""
ROUNDING = 16 / 12
"""... that of samples of 8 bits, in squares of a quarter of a step of 8-bit samples."""


def write_dump(path: Path, planes: Mapping[str, NDArray[Any]], level: NDArray[np.int64]) -> None:
    """Writes a dump by rename."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, level=level, **planes)
    temporary.replace(path)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step trains on.

    luma (B, H, W, 2), chroma (B, H/2, W/2, 4): inputs of the filter, float32. wanted: corrections
    that give the source, (B, H, W, 1) and (B, H/2, W/2, 2). before: mean squared errors (B, 3) of
    Y, U, V of the frames that the crops are of, unfiltered. level (B,) int64.
    """

    luma: Tensor
    chroma: Tensor
    wanted: tuple[Tensor, Tensor]
    before: Tensor
    level: Tensor


@dataclass(frozen=True, slots=True)
class _Sequence:
    planes: dict[str, NDArray[Any]]
    level: NDArray[np.int64]
    before: NDArray[np.float32]
    coded: list[float]  # share of luma that differs from the prediction


class Dumps:
    """Dumps of folders in memory; `refresh` reads those that have come since.

    Args:
        folders: where .npz files are.
        seed: of the crops.
        keep: whether a file, by its name without the ending, is one of these.

    Raises:
        OptionError: there are none, or one is damaged.
    """

    def __init__(self, folders: Iterable[Path], seed: int, keep: Any = lambda name: True) -> None:
        self._folders, self._keep = list(folders), keep
        self._rng = np.random.default_rng(seed)
        self._found: dict[Path, _Sequence] = {}
        self._frames: list[tuple[_Sequence, int]] = []
        self._shares: list[float] = []
        self.refresh()

    def refresh(self) -> int:
        """Reads new files; the number of frames there are."""
        for folder in self._folders:
            for path in sorted(folder.glob("*.npz")):
                if path not in self._found and self._keep(path.stem):
                    found = self._found[path] = _read(path)
                    self._frames += [(found, n) for n in range(len(found.level))]
                    self._shares += [SKIPPED + coded for coded in found.coded]
        self._ends = np.cumsum(self._shares)
        return len(self._frames)

    def batch(self, count: int, side: int) -> Batch:
        """Random crops of `side` luma samples, turned and mirrored at random; more of frames of
        which more is coded.
        """
        if not self._frames:
            raise OptionError("no dumps to train on")
        parts = [self._crop(side) for _ in range(count)]
        return Batch(
            torch.stack([p.luma for p in parts]),
            torch.stack([p.chroma for p in parts]),
            (torch.stack([p.wanted[0] for p in parts]), torch.stack([p.wanted[1] for p in parts])),
            torch.stack([p.before for p in parts]),
            torch.stack([p.level for p in parts]),
        )

    def _crop(self, side: int) -> Batch:
        rng = self._rng
        place = rng.random() * self._ends[-1]
        sequence, n = self._frames[int(np.searchsorted(self._ends, place, side="right"))]
        height, width = sequence.planes["rec_y"].shape[1:]
        at = [int(rng.integers(0, (s - side) // ALIGNMENT + 1)) * ALIGNMENT if s > side else 0
              for s in (height, width)]  # fmt: skip
        flips, swap = rng.integers(0, 2, 2), bool(rng.integers(0, 2))

        def cut(name: str, plane: NDArray[Any]) -> NDArray[Any]:
            d = 1 if name.endswith("y") else 2
            part = plane[n, at[0] // d : (at[0] + side) // d, at[1] // d : (at[1] + side) // d]
            part = np.pad(
                part, [(0, side // d - s) for s in part.shape], mode="edge"
            )[:: 1 - 2 * flips[0], :: 1 - 2 * flips[1]]  # fmt: skip
            return part.T if swap else part

        planes = {name: cut(name, plane) for name, plane in sequence.planes.items()}
        return to_batch(planes, int(sequence.level[n]), sequence.before[n])

    def whole(self, step: int) -> Iterable[tuple[str, Batch]]:
        """Every `step`-th frame, with its file: whole frames as batches of one."""
        for path, sequence in self._found.items():
            for n in range(0, len(sequence.level), step):
                planes = {k: _padded(k, v[n]) for k, v in sequence.planes.items()}
                one = to_batch(planes, int(sequence.level[n]), sequence.before[n])
                yield (
                    path.stem,
                    Batch(one.luma[None], one.chroma[None],
                          (one.wanted[0][None], one.wanted[1][None]), one.before[None],
                          one.level[None]),
                )  # fmt: skip


def _padded(name: str, plane: NDArray[Any]) -> NDArray[Any]:
    multiple = ALIGNMENT if name.endswith("y") else ALIGNMENT // 2
    return np.pad(plane, [(0, -s % multiple) for s in plane.shape], mode="edge")


def to_batch(planes: Mapping[str, NDArray[Any]], level: int, before: NDArray[np.float32]) -> Batch:
    """One crop or frame, without the axis of a batch."""
    wide = {k: np.ascontiguousarray(v, dtype=np.float32) for k, v in planes.items()}
    middle = {p: wide[f"rec_{p}"] - MIDDLE for p in "yuv"}
    difference = {
        p: (wide[f"rec_{p}"] - wide[f"pred_{p}"]).clip(-DIFFERENCE_LIMIT, DIFFERENCE_LIMIT)
        for p in "yuv"
    }
    wanted = {p: 4 * wide[f"src_{p}"] - wide[f"rec_{p}"] for p in "yuv"}
    return Batch(
        torch.from_numpy(np.stack([middle["y"], difference["y"]], -1)),
        torch.from_numpy(
            np.stack([middle["u"], middle["v"], difference["u"], difference["v"]], -1)
        ),
        (
            torch.from_numpy(wanted["y"][..., None]),
            torch.from_numpy(np.stack([wanted["u"], wanted["v"]], -1)),
        ),
        torch.from_numpy(before),
        torch.tensor(level),
    )


def _read(path: Path) -> _Sequence:
    try:
        with np.load(path, allow_pickle=False) as file:
            planes = {name: file[name] for name in NAMES}
            level = np.broadcast_to(file["level"].astype(np.int64), len(planes["rec_y"])).copy()
    except (OSError, KeyError, ValueError) as error:
        raise OptionError(f"dump {path}: {error}") from error
    before = np.empty((len(level), 3), np.float32)
    for n, at in enumerate(level):
        floor = FLOOR * (4 * step_of_level(int(at))) ** 2 / 12 + ROUNDING
        for c, p in enumerate("yuv"):
            missing = 4.0 * planes[f"src_{p}"][n] - planes[f"rec_{p}"][n]
            before[n, c] = max(float(np.square(missing).mean()), floor)
    coded = [float(np.mean(r != p)) for r, p in zip(planes["rec_y"], planes["pred_y"], strict=True)]
    return _Sequence(planes, level, before, coded)
