"""C++ programs of tests/cpp compiled for processors that this one is not, and run in emulators.

Replay("neon") ──► aarch64-linux-gnu-g++, qemu-aarch64     Debian: g++-aarch64-linux-gnu, qemu-user
Replay("wasm") ──► zig c++ -target wasm32-wasi, node       PyPI: ziglang
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

__all__ = ["CPP", "DECODER", "TARGETS", "Replay"]

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
NETWORKS = CPP / "networks"
TESTS = ROOT / "tests" / "cpp"
SHARED = [
    NETWORKS / f"{name}.cpp" for name in (
        "chain", "kernels_scalar", "network", "prepare_attention", "prepare_simple", "prepare_sums",
        "program", "weights_file")
]  # fmt: skip
DECODER = [
    *(CPP / "video" / f"{name}.cpp" for name in (
        "blocks", "coder", "filter", "interpolate", "intra", "picture", "predict", "reconstruct",
        "scan", "transform")),
    CPP / "predictive" / "screen_bits.cpp",
]  # fmt: skip
"""What decodes videos, without the encoder."""
FLAGS = ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{NETWORKS}",
         f"-I{ROOT / 'cpp' / 'threads'}"]  # fmt: skip
TARGETS = ("neon", "wasm")


def _zig() -> list[str]:
    """The command of Zig: a program, or a Python package; empty if there is neither."""
    if shutil.which("zig"):
        return ["zig"]
    return [sys.executable, "-m", "ziglang"] if find_spec("ziglang") else []


class Replay:
    """The programs for one kind of kernels.

    Args:
        target: one of `TARGETS`, the name of the kernels.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        if target == "neon":
            self._compiler = [p for p in ["aarch64-linux-gnu-g++"] if shutil.which(p)]
            self._options = ["-static", "-pthread"]
            self._emulator = ["qemu-aarch64"]
            self._sources: list[Path] = []
        else:
            self._compiler = [*_zig(), "c++"] if _zig() else []
            self._options = ["-target", "wasm32-wasi", "-mcpu=generic+simd128"]
            self._emulator = ["node", "--no-warnings", str(TESTS / "run_wasi.mjs")]
            self._sources = [TESTS / "wasm_throw.cpp"]

    def missing(self) -> str:
        """What this machine lacks, for people; empty if nothing."""
        if not self._compiler:
            return {"neon": "no aarch64-linux-gnu-g++", "wasm": "no zig"}[self._target]
        return "" if shutil.which(self._emulator[0]) else f"no {self._emulator[0]}"

    def build(self, folder: Path) -> Path:
        """The program replay_program, compiled into a folder."""
        return self._build(folder, "replay_program", [])

    def build_samples(self, folder: Path, sources: Sequence[Path]) -> Path:
        """The program replay_samples with the predictive coders, compiled into a folder."""
        options = [f"-I{CPP / part}" for part in ("predictive", "coder")]
        options += ["-ffp-contract=off", f'-DPREDICTIVE_LANES4="{self._target}"']
        return self._build(folder, "replay_samples", sources, *options)

    def build_video(self, folder: Path) -> Path:
        """The program replay_video with the decoder of inter frames, compiled into a folder."""
        options = [f"-I{CPP / part}" for part in ("video", "predictive", "coder")]
        return self._build(folder, "replay_video", DECODER, *options)

    def _build(self, folder: Path, name: str, sources: Sequence[Path], *options: str) -> Path:
        program = folder / f"{name}_{self._target}"
        own = [*SHARED, NETWORKS / f"kernels_{self._target}.cpp", *self._sources, *sources]
        define = f"-DNETWORKS_{self._target.upper()}"
        flags = [*FLAGS, *self._options, define, *options]
        _run([*self._compiler, *flags, *own, TESTS / f"{name}.cpp", "-o", program])
        return program

    def run(self, program: Path, kernels: str, files: Sequence[Path]) -> str:
        """What the program prints; an AssertionError if it fails."""
        return _run([*self._emulator, program, kernels, *files])


def _run(command: Sequence[object]) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
