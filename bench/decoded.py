"""Decoded pictures on disk, as FOLDER/CODEC/SETTING/IMAGE.png: metrics of slow codecs can be
measured later without coding again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from PIL import Image

from bench.images import NoImages, load
from bench.metrics import Measured
from bench.psnr import psnr
from bench.store import Point, Store, file_hash
from bench.yuv import RGB

__all__ = ["complete", "originals", "path_of", "save", "wanting"]

SAME_DB = 1e-4
"""By how much the PSNR of a stored picture may differ from its point's: another order of sums."""


def path_of(folder: Path, codec: str, setting: float, image: str) -> Path:
    """Where the decoded picture of a point lies."""
    return folder / codec / f"{setting:g}" / f"{Path(image).stem}.png"


def save(folder: Path, codec: str, setting: float, image: str, decoded: RGB) -> None:
    """Store a decoded picture, without loss."""
    path = path_of(folder, codec, setting, image)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(decoded).save(path)


def wanting(store: Store, codecs: Iterable[str] | None, metrics: Iterable[str]) -> list[Point]:
    """Points that lack one of the metrics, of all codecs or of those, image by image."""
    done, chosen = store.keys(metrics), None if codecs is None else set(codecs)
    left = (p for p in store.points if p.key not in done and (chosen is None or p.codec in chosen))
    return sorted(left, key=lambda point: point.image)


def complete(
    todo: list[Point],
    store: Store,
    images: Mapping[str, Path],
    decoded: Path,
    metrics: Measured,
    progress: Callable[[Point], None],
) -> list[str]:
    """Add metrics to points from their stored pictures; returns what failed.

    Args:
        images: the originals by the SHA-256 of their files, see `originals`.
    """
    failures = []
    for point in todo:
        try:
            store.add(_completed(point, images, decoded, metrics))
        except (NoImages, ValueError) as error:
            failures.append(f"{point.codec} at {point.setting:g} on {point.image}: {error}")
        progress(point)
    return failures


def originals(files: Iterable[Path]) -> dict[str, Path]:
    """Images by the SHA-256 of their files."""
    return {file_hash(file): file for file in files}


def _completed(point: Point, images: Mapping[str, Path], folder: Path, metrics: Measured) -> Point:
    """Raises ValueError, NoImages: the original or the picture is not there, or not the point's."""
    file = images.get(point.image_sha256)
    if file is None:
        raise ValueError("its original is not among the images")
    path = path_of(folder, point.codec, point.setting, point.image)
    if not path.exists():
        raise ValueError(f"no {path.relative_to(folder)} among the decoded pictures")
    original, picture = load(file), load(path)
    found = psnr(original, picture)
    if found != point.psnr and not math.isclose(found, point.psnr, abs_tol=SAME_DB):
        raise ValueError(f"the stored picture has {found:.4f} dB, the point {point.psnr:.4f} dB")
    return replace(point, metrics=metrics(original, picture, file))
