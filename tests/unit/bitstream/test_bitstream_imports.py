"""The package stands alone: standard library only, quick to import, all names listed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bitstream

ROOT = Path(bitstream.__file__).resolve().parents[1]

PROBE = """
import sys
import bitstream
import bitstream.video
heavy = {"numpy", "torch", "PIL", "click", "codec", "entropy", "bench"} & set(sys.modules)
assert not heavy, heavy
foreign = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
assert foreign <= {"bitstream", "__main__"}, foreign
"""


def run(code: str) -> None:
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    subprocess.run(command, check=True, cwd=ROOT, timeout=60)


def test_only_the_standard_library_is_imported() -> None:
    run(PROBE)


def test_import_takes_well_under_a_second_of_processor_time() -> None:
    code = "import time; t = time.process_time(); import bitstream; t = time.process_time() - t"
    run(f"{code}\nassert t < 0.5, t")


def test_all_public_names_exist() -> None:
    assert all(hasattr(bitstream, name) for name in bitstream.__all__)
    assert len(set(bitstream.__all__)) == len(bitstream.__all__)


def test_inspect_is_the_function_and_not_the_module() -> None:
    assert callable(bitstream.inspect)
