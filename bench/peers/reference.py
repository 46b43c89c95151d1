"""Reference coders that run as other programs, with one documented command line each.

    VTM   ENCODER -c encoder_intra_vtm.cfg -i in.yuv -b out.bin -o /dev/null -wdt W -hgt H
          -f 1 -fr 1 -q QP --InputChromaFormat=444 --InputBitDepth=10 --InternalBitDepth=10
          --ConformanceWindowMode=1
          DECODER -b out.bin -o out.yuv -d 10
    HM    the same with encoder_intra_main_rext.cfg
    VVenC ENCODER -i in.yuv -b out.bin -s WxH -c yuv420_10 -r 1 -f 1 --preset slower
          --intraperiod 1 --internal-bitdepth 10 -q QP     (4:2:0 only)

in.yuv is `bench.yuv`: BT.709, full range, 10 bits. bpp counts the whole of out.bin.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import yuv
from bench.peers.base import RGB, PeerFailed, PeerMissing, join_size, split_size

QPS = (47.0, 42.0, 37.0, 32.0, 27.0, 22.0)
TIMEOUT_S = 3600.0
"""Of one image at one setting; VTM needs up to five minutes for a Kodak image."""


@dataclass(frozen=True, slots=True)
class _Program:
    """A pair of programs: how they are found, and the arguments of the encoder."""

    title: str
    encoder: str
    decoder: str
    config: str | None
    chroma: str


_PROGRAMS = {
    "vtm": _Program("VTM", "EncoderApp", "DecoderApp", "encoder_intra_vtm.cfg", "444"),
    "hm": _Program("HM", "TAppEncoder", "TAppDecoder", "encoder_intra_main_rext.cfg", "444"),
    "vvenc": _Program("VVenC", "vvencFFapp", "vvdecapp", None, "420"),
}
NAMES = tuple(_PROGRAMS)


class ReferencePeer:
    """A reference coder; the setting is minus the QP, so that bits rise with it.

    Args:
        name: "vtm", "hm" or "vvenc".
        paths: "NAME_encoder", "NAME_decoder", "NAME_config" -> path; where one is absent, the
            environment variable CODEC_BENCH_ of that name in capitals, then the search path.
        timeout: seconds for one run of a program.
    """

    parallel = True
    settings = tuple(-qp for qp in QPS)

    def __init__(
        self, name: str, paths: Mapping[str, str] | None = None, timeout: float = TIMEOUT_S
    ) -> None:
        self.name, self._program, self._timeout = name, _PROGRAMS[name], timeout
        paths = paths or {}
        self._encoder = _find(name, "encoder", paths, self._program.encoder)
        self._decoder = _find(name, "decoder", paths, self._program.decoder)
        self._config = self._find_config(paths)
        self.version = self._version()

    def encode(self, image: RGB, setting: float) -> bytes:
        height, width = image.shape[:2]
        with tempfile.TemporaryDirectory() as folder:
            source, file = Path(folder) / "in.yuv", Path(folder) / "out.bin"
            source.write_bytes(self._raw(image))
            common = ["-i", str(source), "-b", str(file), "-q", f"{-setting:g}"]
            if self._config is None:
                size = f"{width + width % 2}x{height + height % 2}"
                options = ["-s", size, "-c", "yuv420_10", "-r", "1", "-f", "1"]
                options += ["--preset", "slower", "--intraperiod", "1", "--internal-bitdepth", "10"]
            else:
                options = ["-c", str(self._config), "-o", os.devnull, "-f", "1", "-fr", "1"]
                options += ["-wdt", str(width), "-hgt", str(height), "--InputChromaFormat=444"]
                options += ["--InputBitDepth=10", "--InternalBitDepth=10"]
                options += ["--ConformanceWindowMode=1"]
            self._run([self._encoder, *options, *common])
            data = file.read_bytes() if file.exists() else b""
        if not data:
            raise PeerFailed(f"{self.name} at QP {-setting:g}: the encoder wrote no file")
        return join_size(data, image)

    def decode(self, data: bytes) -> RGB:
        stream, height, width = split_size(data)
        with tempfile.TemporaryDirectory() as folder:
            file, out = Path(folder) / "in.bin", Path(folder) / "out.yuv"
            file.write_bytes(stream)
            self._run([self._decoder, "-b", str(file), "-o", str(out), *self._decoder_options()])
            raw = np.frombuffer(out.read_bytes() if out.exists() else b"", np.uint16)
        full = self._program.chroma == "444"
        h, w = (height, width) if full else (height + height % 2, width + width % 2)
        if raw.size != (3 * h * w if full else h * w * 3 // 2):
            raise PeerFailed(f"{self.name}: the decoder wrote {raw.size} samples")
        if full:
            return yuv.to_rgb(raw.reshape(3, h, w))
        chroma = raw[h * w :].reshape(2, h // 2, w // 2)
        planes = np.stack([raw[: h * w].reshape(h, w), *map(yuv.double, chroma)])
        return yuv.to_rgb(planes[:, :height, :width])

    def _decoder_options(self) -> list[str]:
        return ["-d", "10"] if self._config is not None else []

    def _raw(self, image: RGB) -> bytes:
        """The picture as the coder reads it: planes of 16-bit samples."""
        if self._program.chroma == "444":
            return yuv.to_planes(image).tobytes()
        return b"".join(p.tobytes() for p in yuv.to_planes_420(yuv.pad_even(image)))

    def _find_config(self, paths: Mapping[str, str]) -> Path | None:
        """The configuration file: given, or in `cfg` beside or above the encoder; VTM's own build
        leaves that six folders down.
        """
        if self._program.config is None:
            return None
        key = f"{self.name}_config"
        given = paths.get(key) or os.environ.get(f"CODEC_BENCH_{key.upper()}")
        folders = [p / "cfg" for p in Path(self._encoder).resolve().parents[:7]]
        tried = [Path(given)] if given else [f / self._program.config for f in folders]
        for path in tried:
            if path.is_file():
                return path
        raise PeerMissing(
            f"{self.name}: {self._program.config} not found; give its path with "
            f"CODEC_BENCH_{key.upper()}"
        )

    def _version(self) -> str:
        """What the encoder calls itself."""
        try:
            flag = "--version" if self._config is None else "--help"
            said = subprocess.run(
                [self._encoder, flag], capture_output=True, text=True, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerMissing(f"{self.name}: {self._encoder} does not run: {error}") from error
        found = re.search(r"[Vv]ersion\W{0,3}(\d[\w.\-]*)", said.stdout + said.stderr)
        return f"{self._program.title} {found.group(1) if found else 'of unknown version'}"

    def _run(self, command: list[str]) -> None:
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=self._timeout, check=False
            )
        except OSError as error:
            raise PeerFailed(f"{self.name}: {error}") from error
        except subprocess.TimeoutExpired as error:
            raise PeerFailed(f"{self.name}: no end after {self._timeout:g} s") from error
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise PeerFailed(f"{self.name}: exit status {done.returncode}: {' '.join(last)}")


def _find(name: str, role: str, paths: Mapping[str, str], program: str) -> str:
    """Path of a program."""
    key = f"{name}_{role}"
    variable = f"CODEC_BENCH_{key.upper()}"
    given = paths.get(key) or os.environ.get(variable)
    found = shutil.which(given or program) or shutil.which(f"{program}Static")
    if found is None:
        raise PeerMissing(
            f"{name}: {given or program} not found; "
            f"give its path with --{name}-{role} or {variable}"
        )
    return found
