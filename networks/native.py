"""Programs in the compiled core: typed wrapper over `_networks`, built from cpp/networks.

The kernels are chosen by name: "avx512", "avxvnni", "avx2", "neon", "scalar", as the build and the
processor have them; the fastest by default, or what the environment variable CODEC_ISA says. The
integers are the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from networks.errors import NetworkError, UnknownInstructionSet
from networks.program import Program, Tensor
from networks.weights_file import write

if TYPE_CHECKING:
    from networks import _networks

try:
    from networks import _networks as _module
except ImportError as error:  # a plain checkout, or a build for another Python
    _reason: str | None = str(error)
else:
    _reason = None

__all__ = ["NativeProgram", "instruction_set", "instruction_sets", "require", "thread_count"]

ENVIRONMENT = "CODEC_ISA"


def require() -> None:
    """Raises NetworkError if the compiled core is missing, with the reason."""
    if _reason is not None:
        raise NetworkError(f"the compiled core networks._networks cannot be loaded: {_reason}")


def instruction_sets(*, runnable: bool = True) -> list[str]:
    """Names of the kernels in this build, the fastest first.

    Args:
        runnable: only what this processor can run.
    """
    require()
    return _module.kernel_names(runnable)


def instruction_set() -> str:
    """The kernels that are used: what CODEC_ISA names, or the fastest.

    Raises:
        UnknownInstructionSet: CODEC_ISA names none that can run here.
    """
    require()
    wanted = os.environ.get(ENVIRONMENT, "")
    try:
        return _module.kernels_named(wanted)
    except UnknownInstructionSet as error:
        raise UnknownInstructionSet(f"{ENVIRONMENT}={wanted}: {error}") from error


def thread_count(wanted: int) -> int:
    """Threads to use for an option of that number: 0 is one for each processor at hand."""
    if wanted == 0:
        try:
            wanted = len(os.sched_getaffinity(0))
        except AttributeError:  # not on this system
            wanted = os.cpu_count() or 1
    require()
    return min(wanted, _module.MOST_THREADS)


class NativeProgram:
    """A program with its weights packed for one kind of kernels.

    Args:
        program: proved when made.
        kernels: name, see `instruction_sets`; empty for the fastest.

    Raises:
        InvalidNetwork: the program breaks a rule or a bound.
        UnknownInstructionSet: there are no such kernels here.
    """

    def __init__(self, program: Program, kernels: str = "") -> None:
        require()
        self._network: _networks.Network = _module.Network(write({"p": program}), "p", kernels)

    def __call__(self, inputs: Sequence[Tensor], level: int, threads: int = 1) -> list[Tensor]:
        """Outputs (h, w, c) of inputs, C-contiguous, of the program's types and ranges.

        The result does not depend on the number of threads.
        """
        return self._network.run(list(inputs), level, threads)
