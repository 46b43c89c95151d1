"""VTM in its low-delay configuration, where its programs are given, on the first 33 frames.

    ENCODER -c encoder_lowdelay_vtm.cfg -i in.yuv -b out.bin -o /dev/null -wdt W -hgt H -fr R -f N
            -q QP --IntraPeriod=-1 --InputBitDepth=8 --InternalBitDepth=10 --OutputBitDepth=8
            --InputChromaFormat=420 --ConformanceWindowMode=1 --Level=6.2
    DECODER -b out.bin -o out.yuv -d 8

Every byte of out.bin counts. A frame takes minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.peers import PeerFailed, PeerMissing
from bench.video.clips import Clip, Planes
from bench.video.peers import Coded, Decoded

__all__ = ["FRAMES", "NAME", "Programs", "VtmPeer"]

NAME = "vtm-ld"
FRAMES = 33
"""Of each clip, as papers code VTM on class D."""
TIMEOUT_S = 12 * 3600.0
_CONFIG = "encoder_lowdelay_vtm.cfg"


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths: EncoderApp, DecoderApp, and the configuration (None: in `cfg` above the encoder)."""

    encoder: Path | None = None
    decoder: Path | None = None
    config: Path | None = None


class VtmPeer:
    """VTM; the setting is the QP. Clips must have at most `FRAMES` frames and even sides."""

    name = NAME
    settings = (22, 27, 32, 37)
    steps = range(45, 15, -1)

    def __init__(self, programs: Programs) -> None:
        if programs.encoder is None or programs.decoder is None:
            raise PeerMissing(f"{NAME}: give its programs with --vtm-encoder and --vtm-decoder")
        self._encoder, self._decoder = programs.encoder, programs.decoder
        folders = [parent / "cfg" / _CONFIG for parent in self._encoder.resolve().parents[:7]]
        tried = [programs.config] if programs.config else folders
        config = next((path for path in tried if path.is_file()), None)
        if config is None:
            raise PeerMissing(f"{NAME}: {_CONFIG} not found; give it with --vtm-config")
        self._config = config
        said = self._run([str(self._encoder), "--help"], allowed=(0, 1))
        found = re.search(r"[Vv]ersion\W{0,3}(\d[\w.\-]*)", said)
        self.version = f"VTM {found.group(1) if found else 'of unknown version'}, {config.name}"

    def encode(self, clip: Clip, setting: float) -> Coded:
        (width, height), count = clip.size, len(clip.frames)
        if count > FRAMES or width % 2 or height % 2:
            raise PeerFailed(f"{NAME}: {clip.name} has {count} frames of {width} x {height}")
        with tempfile.TemporaryDirectory() as folder:
            source, file = Path(folder) / "in.yuv", Path(folder) / "out.bin"
            source.write_bytes(b"".join(p.tobytes() for frame in clip.frames for p in frame))
            started = time.perf_counter()
            self._run([
                str(self._encoder), "-c", str(self._config), "-i", str(source), "-b", str(file),
                "-o", os.devnull, "-wdt", str(width), "-hgt", str(height),
                "-fr", str(round(clip.rate)), "-f", str(count), "-q", f"{setting:g}",
                "--IntraPeriod=-1", "--InputBitDepth=8", "--InternalBitDepth=10",
                "--OutputBitDepth=8", "--InputChromaFormat=420", "--ConformanceWindowMode=1",
                "--Level=6.2",
            ])  # fmt: skip
            data = file.read_bytes() if file.exists() else b""
        if not data:
            raise PeerFailed(f"{NAME} at QP {setting:g}: the encoder wrote no file")
        return Coded((data, width, height), len(data), 0, 0, time.perf_counter() - started)

    def decode(self, coded: Coded) -> Decoded:
        data, width, height = coded.data
        with tempfile.TemporaryDirectory() as folder:
            file, out = Path(folder) / "in.bin", Path(folder) / "out.yuv"
            file.write_bytes(data)
            started = time.perf_counter()
            self._run([str(self._decoder), "-b", str(file), "-o", str(out), "-d", "8"])
            seconds = time.perf_counter() - started
            raw = np.frombuffer(out.read_bytes() if out.exists() else b"", np.uint8)
        luma = width * height
        if not raw.size or raw.size % (luma * 3 // 2):
            raise PeerFailed(f"{NAME}: the decoder wrote {raw.size} samples")
        return Decoded(
            [_planes(row, width, height) for row in raw.reshape(-1, luma * 3 // 2)], seconds
        )

    def _run(self, command: list[str], allowed: tuple[int, ...] = (0,)) -> str:
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerFailed(f"{NAME}: {error}") from error
        if done.returncode not in allowed:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise PeerFailed(f"{NAME}: exit status {done.returncode}: {' '.join(last)}")
        return done.stdout + done.stderr


def _planes(row: np.ndarray, width: int, height: int) -> Planes:
    luma, quarter = width * height, width * height // 4
    y, u, v = np.split(row, [luma, luma + quarter])
    half = (height // 2, width // 2)
    return y.reshape(height, width), u.reshape(half), v.reshape(half)
