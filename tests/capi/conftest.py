"""Both builds of the C library, once per session; skipped where there is nothing to build with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from codec.models import registry
from tests.capi import library as lic


@pytest.fixture(scope="session")
def entry() -> registry.ModelEntry:
    return registry.default("wavelet")


@pytest.fixture(scope="session")
def compilers() -> tuple[str, str]:
    cc, cxx = shutil.which("cc"), shutil.which("c++")
    if cc is None or cxx is None:
        pytest.skip("no C and C++ compiler")
    return cc, cxx


@pytest.fixture(scope="session")
def installed(compilers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lib, include and the program lic_convert."""
    cmake = lic.find_cmake()
    if cmake is None:
        pytest.skip("no cmake")
    return lic.build(cmake, tmp_path_factory.mktemp("capi"))


@pytest.fixture(scope="session")
def library(installed: Path) -> lic.Library:
    names = ("liblic.so", "liblic.dylib")
    (path,) = [path for path in (installed / "lib").iterdir() if path.name in names]
    return lic.load(path)


@pytest.fixture(scope="session")
def sanitized(
    compilers: tuple[str, str], installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with the programs replay and replay_without_zlib."""
    folder = tmp_path_factory.mktemp("sanitized")
    lic.build_sanitized(compilers, installed / "lib" / "liblic.a", folder)
    return folder


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    from PIL import Image

    return np.array(Image.open(lic.ROOT / "examples" / "kodim23.png"))
