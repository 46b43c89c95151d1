"""Pictures out of public repositories: screenshots of a program, and collections of test images."""

from __future__ import annotations

import io
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bench.graphics.base import NotMade, program, run, save

__all__ = ["REPOSITORIES", "collection", "screenshots"]


@dataclass(frozen=True, slots=True)
class _Repository:
    """Where a repository is, its licence, and the folders whose files are taken."""

    address: str
    licence: str
    folders: tuple[str, ...]


REPOSITORIES = {
    "spyder": _Repository("https://github.com/spyder-ide/spyder-docs", "MIT", ("doc",)),
    "pillow": _Repository("https://github.com/python-pillow/Pillow", "MIT-CMU", ("Tests/images",)),
    "pngsuite": _Repository("https://github.com/lunapaint/pngsuite", "PngSuite's", ("png",)),
}
_SCREENSHOTS = (
    "doc/images/mainwindow/mainwindow_default_1610.png",
    "doc/images/mainwindow/mainwindow_dark_1610.png",
    "doc/images/mainwindow/mainwindow_custom_1610.png",
    "doc/images/terminal/terminal-standard.png",
    "doc/images/notebook/notebook-standard.png",
    "doc/images/variable_explorer/variable-explorer-dataframe.png",
    "doc/images/variable_explorer/variable-explorer-standard.png",
    "doc/images/outline/outline-standard.png",
    "doc/images/profiler/profiler-standard.png",
    "doc/images/pylint/code-analysis-standard.png",
    "doc/workshops/images/workshop-1/netflix-history.png",
)


def screenshots(clone: Path | None, folder: Path) -> list[str]:
    """Screenshots of a development environment, alpha laid on white. Raises NotMade."""
    with tempfile.TemporaryDirectory() as temporary:
        where = clone or _clone("spyder", Path(temporary))
        made = []
        for path in _SCREENSHOTS:
            with Image.open(io.BytesIO(_blob(where, path))) as image:
                made.append(save(image, folder / f"spyder-{Path(path).name}"))
    return made


def collection(name: str, clone: Path | None, folder: Path) -> list[str]:
    """Every file of the folders of a repository, as it is. Raises NotMade."""
    with tempfile.TemporaryDirectory() as temporary:
        where = clone or _clone(name, Path(temporary))
        paths = _git(where, "ls-tree", "-r", "--name-only", "-z", "HEAD").decode().split("\0")
        wanted = [p for p in paths if p.startswith(tuple(f"{f}/" for f in _of(name).folders))]
        absent = []
        for path in wanted:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.write_bytes(_blob(where, path))
            except NotMade:
                absent.append(path)
    told = [f"{len(wanted) - len(absent)} files in {folder.name} ({_of(name).address})"]
    return told + [f"not in that clone: {path}" for path in absent]


def _of(name: str) -> _Repository:
    return REPOSITORIES[name]


def _clone(name: str, folder: Path) -> Path:
    target = folder / name
    run([program("git"), "clone", "--quiet", "--depth", "1", _of(name).address, str(target)])
    return target


def _blob(clone: Path, path: str) -> bytes:
    return _git(clone, "cat-file", "blob", f"HEAD:{path}")


def _git(clone: Path, *words: str) -> bytes:
    """What git says of a clone, with or without a work tree."""
    done = subprocess.run(
        [program("git"), "-C", str(clone), *words], capture_output=True, check=False
    )
    if done.returncode:
        raise NotMade(f"git {words[0]}: {done.stderr.decode().strip()}")
    return done.stdout
