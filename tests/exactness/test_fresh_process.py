"""C5: the decoder stands alone, in a process that has never seen an encoder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.models.registry import ModelEntry
from tests.model_fixtures import synthetic_picture

PROGRAM = """
import sys
from codec.models import registry
entry = registry.ModelEntry({entry})
registry.entries = lambda: (entry,)
from codec.decoder import Decoder
import numpy
picture = Decoder().decode(open({file!r}, "rb").read())
numpy.save({out!r}, picture)
print("\\n".join(sys.modules))
"""


@pytest.fixture
def tiny_file(tiny_model: ModelEntry, tmp_path: Path) -> Path:
    """A file on disk."""
    path = tmp_path / "picture.lic"
    path.write_bytes(Encoder().encode(synthetic_picture(70, 90, 4), level=40, tile=64))
    return path


def test_decoding_in_a_fresh_process(
    tiny_file: Path, tiny_model: ModelEntry, tmp_path: Path
) -> None:
    fields = ", ".join(f"{f}={getattr(tiny_model, f)!r}" for f in ModelEntry.__slots__)
    out = tmp_path / "pixels.npy"
    program = PROGRAM.format(entry=fields, file=str(tiny_file), out=str(out))

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=600
    )

    assert result.returncode == 0, result.stderr
    loaded = set(result.stdout.split())
    assert "codec.decoder" in loaded
    assert not [m for m in loaded if m.startswith(("codec.encoder", "codec.train", "bench"))]
    assert not {"click", "compressai", "constriction"} & loaded
    assert np.array_equal(np.load(out), Decoder().decode(tiny_file.read_bytes()))
