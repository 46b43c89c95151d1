"""tests/cpp/replay_program.cpp compiled for processors that this one is not, and run in emulators.

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

__all__ = ["CPP", "TARGETS", "Replay"]

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
NETWORKS = CPP / "networks"
TESTS = ROOT / "tests" / "cpp"
SOURCES = [
    *(NETWORKS / f"{name}.cpp" for name in (
        "chain", "kernels_scalar", "network", "prepare_simple", "prepare_sums", "program",
        "weights_file")),
    TESTS / "replay_program.cpp",
]  # fmt: skip
FLAGS = ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{NETWORKS}",
         f"-I{ROOT / 'cpp' / 'threads'}"]  # fmt: skip
TARGETS = ("neon", "wasm")


def _zig() -> list[str]:
    """The command of Zig: a program, or a Python package; empty if there is neither."""
    if shutil.which("zig"):
        return ["zig"]
    return [sys.executable, "-m", "ziglang"] if find_spec("ziglang") else []


class Replay:
    """The program for one kind of kernels.

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
        """The program, compiled into a folder."""
        program = folder / f"replay_program_{self._target}"
        sources = [*SOURCES, NETWORKS / f"kernels_{self._target}.cpp", *self._sources]
        define = f"-DNETWORKS_{self._target.upper()}"
        _run([*self._compiler, *FLAGS, *self._options, define, *sources, "-o", program])
        return program

    def build_samples(self, folder: Path, sources: Sequence[Path]) -> Path:
        """The program replay_samples with the predictive coders, compiled into a folder."""
        program = folder / f"replay_samples_{self._target}"
        shared = [*SOURCES[:-1], NETWORKS / f"kernels_{self._target}.cpp", *self._sources]
        folders = [f"-I{CPP / part}" for part in ("predictive", "coder")] + ["-ffp-contract=off"]
        defines = [f"-DNETWORKS_{self._target.upper()}", f'-DPREDICTIVE_LANES4="{self._target}"']
        own = [*sources, TESTS / "replay_samples.cpp"]
        _run(
            [
                *self._compiler,
                *FLAGS,
                *folders,
                *self._options,
                *defines,
                *shared,
                *own,
                "-o",
                program,
            ]
        )
        return program

    def run(self, program: Path, kernels: str, files: Sequence[Path]) -> str:
        """What the program prints; an AssertionError if it fails."""
        return _run([*self._emulator, program, kernels, *files])


def _run(command: Sequence[object]) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
