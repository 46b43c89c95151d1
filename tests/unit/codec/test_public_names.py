"""The public names: all there, loaded when used, and light until then."""

from __future__ import annotations

import subprocess
import sys

import pytest

import codec
from codec import errors


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh process has loaded after running some code."""
    program = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


@pytest.mark.parametrize("name", codec.__all__)
def test_public_name_exists(name: str) -> None:
    assert getattr(codec, name) is not None


def test_every_error_is_public() -> None:
    exported = {name for name in errors.__all__ if name[0].isupper()}

    assert exported <= set(codec.__all__)


def test_names_are_listed_once() -> None:
    assert len(set(codec.__all__)) == len(codec.__all__)
    assert set(codec.__all__) <= set(dir(codec))


def test_unknown_name_raises() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        codec.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    "code",
    [
        "import codec",
        "import codec; codec.info; codec.Limits; codec.CodecError",
        "import codec.cli.main, codec.cli.info, codec.cli.encode, codec.cli.decode",
    ],
)
def test_neither_torch_nor_numpy_is_loaded_early(code: str) -> None:
    assert not {"torch", "numpy", "PIL"} & loaded_after(code)


def test_decoder_needs_no_encoder() -> None:
    loaded = loaded_after("import codec; codec.Decoder")

    assert "codec.decoder" in loaded
    assert not {name for name in loaded if name.startswith(("codec.encoder", "codec.train"))}
