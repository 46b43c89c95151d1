"""The public names of every package: listed, there, and documented."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = ("codec", "entropy", "networks", "bitstream")
MAX_LINES = 500


def modules() -> Iterator[str]:
    for package in SHIPPED:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def source_of(module: str) -> Path:
    path = ROOT / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def listed(module: str) -> list[str] | None:
    """`__all__` of a module, without importing it."""
    for node in ast.parse(source_of(module).read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            assert isinstance(names, list)
            return names
    return None


WITH_NAMES = [module for module in modules() if listed(module) is not None]


@pytest.mark.parametrize("module", WITH_NAMES)
def test_listed_names_exist_once_and_in_order(module: str) -> None:
    names = listed(module)
    if module == "codec.__main__":
        return
    imported = importlib.import_module(module)

    assert names is not None
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(imported, name)] == []


def test_packages_list_their_names() -> None:
    assert {"codec", "entropy.coder", "networks.native", "bitstream"} <= set(WITH_NAMES)


@pytest.mark.parametrize("module", list(modules()))
def test_module_begins_as_the_house_wants(module: str) -> None:
    """A docstring, annotations postponed if there is code, no more than 500 lines."""
    text = source_of(module).read_text()
    tree = ast.parse(text)

    assert ast.get_docstring(tree) or not tree.body, f"{module} has no docstring"
    assert len(tree.body) < 2 or "from __future__ import annotations" in text
    assert len(text.splitlines()) <= MAX_LINES


def public_definitions(module: str) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    names = listed(module)
    for node in ast.parse(source_of(module).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in (names or ()):
            yield node


@pytest.mark.parametrize("module", WITH_NAMES)
def test_listed_names_are_documented(module: str) -> None:
    bare = [node.name for node in public_definitions(module) if not ast.get_docstring(node)]

    assert bare == []


@pytest.mark.parametrize("package", SHIPPED)
def test_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
