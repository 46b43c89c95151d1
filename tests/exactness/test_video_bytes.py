"""C4 for videos: the same bytes and samples whatever runs them, after any number of frames."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from codec.video.types import Planes
from networks import native
from tests.exactness.video_clips import decoded, digest, encoded, head_of, moving, same
from tests.fresh import fresh

pytest.importorskip("codec.video._video", reason="needs the compiled core")
pytestmark = pytest.mark.weights

KERNELS = native.instruction_sets()
THREADS = [1, 2, 3]
FILTERED = 1 << 4
"""Bit of the second byte of an inter frame."""

Size = tuple[int, int, bool]


def clip(size: Size, count: int) -> list[Planes]:
    return list(moving(count, *size))


def test_no_drift_after_300_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever decodes with other kernels is not off by a sample, though nothing is ever renewed."""
    pictures = moving(300, 96, 64, turn=25)
    head, packets = encoded(
        head_of(96, 64), pictures, level=36, lowdelay=True, keyint=0, effort=2, threads=1
    )
    assert [packet.key for packet in packets] == [True] + 299 * [False]
    filtered = [packet.payload[1] & FILTERED for packet in packets[1:]]
    assert any(filtered[:50])
    assert any(filtered[250:])
    found = {}
    for kernels in dict.fromkeys((KERNELS[0], "scalar")):
        monkeypatch.setenv("CODEC_ISA", kernels)
        found[kernels] = decoded(head, packets, threads=2)

    first, *others = found.values()
    assert len({digest([planes]) for planes in first}) > 290
    for other in others:
        assert same(first[-1], other[-1])
        assert digest(first) == digest(other)


@pytest.mark.parametrize("lowdelay", [True, False], ids=["low delay", "pyramid"])
@pytest.mark.parametrize("size", [(200, 136, True), (75, 150, False)], ids=str)
def test_bytes_and_samples_do_not_depend_on_threads(size: Size, lowdelay: bool) -> None:
    head, pictures = head_of(*size), clip(size, 10)
    found = [
        encoded(head, pictures, level=34, lowdelay=lowdelay, effort=5, threads=threads)
        for threads in THREADS
    ]

    assert found[1] == found[0]
    assert found[2] == found[0]
    expected = decoded(*found[0])
    for threads in THREADS[1:]:
        assert digest(decoded(*found[0], threads)) == digest(expected)


@pytest.mark.parametrize("effort", [1, 4, 7, 9])
def test_bytes_do_not_depend_on_threads_at_any_effort(effort: int) -> None:
    size = 130, 132, True
    head, pictures = head_of(*size), clip(size, 3)

    one, three = (
        encoded(head, pictures, level=30, lowdelay=True, effort=effort, threads=threads)
        for threads in (1, 3)
    )

    assert one == three


@pytest.mark.parametrize("kernels", KERNELS)
def test_bytes_do_not_depend_on_kernels(monkeypatch: pytest.MonkeyPatch, kernels: str) -> None:
    size = 72, 50, True
    head, pictures = head_of(*size), clip(size, 6)
    expected = encoded(head, pictures, level=30, effort=3)

    monkeypatch.setenv("CODEC_ISA", kernels)

    assert encoded(head, pictures, level=30, effort=3) == expected


def test_what_the_encoder_has_is_what_the_decoder_makes() -> None:
    """The encoder predicts from its own pictures: they are the decoder's."""
    from codec.video.encoder import VideoEncoder
    from codec.video.options import VideoOptions
    from codec.video.types import VideoFrame

    encoder = VideoEncoder(head_of(72, 50), VideoOptions(level=30, lowdelay=True, effort=3))
    packets, made = [], []
    for number, planes in enumerate(moving(9, 72, 50)):
        packets += encoder.push(VideoFrame(planes, number, 1))
        made.append(encoder._coder.decoded())

    for ours, theirs in zip(made, decoded(encoder.head, packets), strict=True):
        assert same(ours, theirs)


def test_many_threads_at_once_agree() -> None:
    sizes = [(72, 50, True), (40, 24, False), (64, 64, True)]
    clips = [clip(size, 6) for size in sizes]
    expected = [encoded(head_of(*size), pictures, level=32, lowdelay=n % 2 == 0, effort=2)
                for n, (size, pictures) in enumerate(zip(sizes, clips, strict=True))]  # fmt: skip
    samples = [digest(decoded(*coded)) for coded in expected]

    def work(n: int) -> bool:
        kind = n % len(sizes)
        if n % 4 == 3:
            options = {"level": 32, "lowdelay": kind % 2 == 0, "effort": 2, "threads": 1 + n % 2}
            return encoded(head_of(*sizes[kind]), clips[kind], **options) == expected[kind]
        return digest(decoded(*expected[kind], 1 + n % 3)) == samples[kind]

    with ThreadPoolExecutor(6) as pool:
        assert Counter(pool.map(work, range(24))) == {True: 24}


FORKED = """
import os, threading
from codec.frame import model
from codec.video import coder
from tests.exactness.video_clips import decoded, digest, encoded, head_of, moving
def made():
    return encoded(head_of(72, 50), moving(5, 72, 50), level=30, effort=2, threads=2)
file = made()
samples = digest(decoded(*file, 2))
{before}
child = os.fork()
if child == 0:
    same = digest(decoded(*file, 2)) == samples and made() == file
    os._exit(0 if same else 3)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
HELD = """
held = threading.Event()
def hold():
    with model._lock, coder._lock:
        held.set()
        threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside a thread
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("before", ["", HELD], ids=["alone", "locks held"])
def test_child_of_a_fork_codes(before: str) -> None:
    fresh(FORKED.format(before=before))
