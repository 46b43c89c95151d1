"""Our codec as a user runs it: whole processes of the command line, from file to file.

    python -m codec encode CLIP -o X.licv -q Q --effort E --keyint 0 [--lowdelay]
    python -m codec decode X.licv -o out.y4m

The clip's own file goes in, or its first frames as lossless FFV1. Every byte of the file counts.
Speeds are those of the whole process, its start included.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.peers import PeerFailed, PeerMissing
from bench.video.clips import Clip, read_planes, to_frame
from bench.video.peers import Coded, Decoded

__all__ = ["OursPeer", "is_ours"]

QUALITIES = (87.0, 68.0, 50.0, 33.0, 17.0)
TIMEOUT_S = 6 * 3600.0
_NAME = re.compile(r"ours-(ld|ra)(?:-e(\d+))?")


def is_ours(name: str) -> bool:
    """Whether a codec is ours: ours-ld, ours-ra, and with an effort, ours-ld-e9."""
    return _NAME.fullmatch(name) is not None


class OursPeer:
    """Low delay (`ours-ld`) or random access (`ours-ra`), one key frame; the setting is the
    quality.

    Args:
        program: what runs in place of `python -m codec`.
    """

    steps: Sequence[float] = range(1, 100)

    def __init__(
        self, name: str, qualities: Sequence[float] = QUALITIES, program: Sequence[str] = ()
    ) -> None:
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError(
                f"{name}: ours-ld, ours-ra or one of them with an effort, as ours-ld-e9"
            )
        self.name = name
        self.settings = tuple(sorted(qualities, reverse=True))
        self._program = list(program) or [sys.executable, "-m", "codec"]
        self._options = ["--keyint", "0"]
        if found.group(1) == "ld":
            self._options.append("--lowdelay")
        if found.group(2):
            self._options += ["--effort", found.group(2)]
        if "--lowdelay" not in self._run("encode", "--help"):
            raise PeerMissing(f"{name}: this version of codec has no video")
        self.version = self._run("--version").strip()

    def encode(self, clip: Clip, setting: float) -> Coded:
        with tempfile.TemporaryDirectory() as folder:
            source, file = clip.path, Path(folder) / "x.licv"
            if not clip.whole:
                source = Path(folder) / f"{clip.name}.mkv"
                write_lossless(clip, source)
            started = time.perf_counter()
            self._run("encode", str(source), "-o", str(file), "-q", f"{setting:g}", *self._options)
            seconds = time.perf_counter() - started
            if not file.exists():
                raise PeerFailed(f"{self.name} at {setting:g}: no file was written")
            data = file.read_bytes()
        return Coded(data, len(data), 0, 0, seconds)

    def decode(self, coded: Coded) -> Decoded:
        with tempfile.TemporaryDirectory() as folder:
            file, out = Path(folder) / "x.licv", Path(folder) / "out.y4m"
            file.write_bytes(coded.data)
            started = time.perf_counter()
            self._run("decode", str(file), "-o", str(out))
            seconds = time.perf_counter() - started
            return Decoded(read_planes(out), seconds)

    def _run(self, *arguments: str) -> str:
        """What a run of the program wrote."""
        try:
            done = subprocess.run(
                [*self._program, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S,
                check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerFailed(f"{self.name}: {error}") from error
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise PeerFailed(f"{self.name}: exit status {done.returncode}: {' '.join(last)}")
        return done.stdout


def write_lossless(clip: Clip, path: Path) -> None:
    """The clip's frames as FFV1 in Matroska, with its colour description."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=clip.rate)
        stream.width, stream.height = clip.size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = (
            clip.colour
        )
        for number, planes in enumerate(clip.frames):
            frame = to_frame(planes, number)
            frame.time_base = 1 / clip.rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
