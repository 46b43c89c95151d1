"""Runs codecs over images: every setting of every codec on every image, to a store of points."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from bench.decoded import save
from bench.images import NoImages, image_files, load
from bench.metrics import Measured, measure
from bench.peers import Peer, PeerFailed
from bench.store import Key, Point, Store, file_hash

__all__ = ["NoImages", "Task", "image_files", "load", "run", "tasks"]

NOTHING_MORE = Measured({})
"""No metrics beyond what every point has."""


@dataclass(frozen=True, slots=True)
class Task:
    """One point to measure."""

    peer: Peer
    setting: float
    file: Path
    sha256: str

    @property
    def key(self) -> Key:
        return Key(self.peer.name, self.peer.version, self.setting, self.sha256)

    def __str__(self) -> str:
        return f"{self.peer.name} at {self.setting:g} on {self.file.name}"


def tasks(
    peers: Iterable[Peer], files: list[Path], done: set[Key], every_setting: int = 1
) -> list[Task]:
    """What is left to measure, codec by codec, from the fewest bits on, at every n-th setting."""
    hashes = {file: file_hash(file) for file in files}
    wanted = [
        Task(peer, setting, file, hashes[file])
        for peer in peers
        for setting in peer.settings[::every_setting]
        for file in files
    ]
    return [task for task in wanted if task.key not in done]


def run(
    todo: list[Task],
    store: Store,
    jobs: int,
    progress: Callable[[Task, Point | None], None],
    metrics: Measured = NOTHING_MORE,
    keep: Path | None = None,
) -> list[str]:
    """Measure, in `jobs` threads where the codec is another program; returns what failed.

    Args:
        metrics: beyond what every point has.
        keep: where decoded pictures go, see `bench.decoded`.

    Every finished point is in the store at once, so an interruption loses only what is under way.
    """
    failures: list[str] = []

    def finish(task: Task, work: Callable[[], Point]) -> None:
        try:
            point = work()
        except (PeerFailed, ValueError) as error:
            failures.append(f"{task}: {error}")
            progress(task, None)
        else:
            store.add(point)
            progress(task, point)

    warm: set[str] = set()
    for task in (t for t in todo if not t.peer.parallel):
        cold = task.peer.name not in warm
        finish(task, lambda: _point(task, cold, metrics, keep))  # noqa: B023 - called at once
        warm.add(task.peer.name)
    outside = [t for t in todo if t.peer.parallel]
    pool = ThreadPoolExecutor(jobs)
    try:
        waiting = {pool.submit(_point, task, False, metrics, keep): task for task in outside}
        for future in as_completed(waiting):
            finish(waiting[future], future.result)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return failures


def _point(task: Task, warm_up: bool, metrics: Measured, keep: Path | None) -> Point:
    """Encode, decode and compare one image; what only the first image costs is not timed."""
    image = load(task.file)
    if warm_up:
        task.peer.decode(task.peer.encode(image, task.setting))
    started = time.perf_counter()
    data = task.peer.encode(image, task.setting)
    encoded = time.perf_counter()
    decoded = task.peer.decode(data)
    ended = time.perf_counter()
    if keep is not None:
        save(keep, task.peer.name, task.setting, task.file.name, decoded)
    return Point(
        codec=task.peer.name,
        version=task.peer.version,
        setting=task.setting,
        image=task.file.name,
        image_sha256=task.sha256,
        width=image.shape[1],
        height=image.shape[0],
        bytes=len(data),
        encode_s=round(encoded - started, 4),
        decode_s=round(ended - encoded, 4),
        metrics=metrics(image, decoded, task.file),
        **measure(image, decoded),
    )
