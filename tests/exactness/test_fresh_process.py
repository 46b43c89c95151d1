"""C5: the decoder stands alone, in a process that never saw an encoder; PyTorch is not needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import codec
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.models.registry import ModelEntry
from tests.fresh import WITHOUT_TORCH, fresh, loaded_after, registering
from tests.model_fixtures import synthetic_picture

OURS = ("bench", "bitstream", "codec", "entropy", "networks")
DECODER = {
    "codec",
    "codec.decoder",
    "codec.errors",
    "codec.frame",
    "codec.frame._frame",
    "codec.frame.concealing",
    "codec.frame.devices",
    "codec.frame.geometry",
    "codec.frame.leaving",
    "codec.frame.model",
    "codec.frame.predictive",
    "codec.image",
    "codec.image.alpha",
    "codec.image.arithmetic",
    "codec.image.color",
    "codec.image.exif",
    "codec.image.picture",
    "codec.image.png_chunks",
    "codec.image.source",
    "codec.image.xmp",
    "codec.models",
    "codec.models.quality",
    "codec.models.registry",
    "codec.models.weights",
    "codec.options",
    "entropy",
    "entropy.errors",
    "entropy.predictive",
    "entropy.predictive._tiles",
    "entropy.predictive.native",
    "networks",
    "networks._networks",
    "networks.bounds",
    "networks.errors",
    "networks.native",
    "networks.program",
    "networks.weights_file",
}
"""Modules of ours that decoding may load, but for those of the container and the range coder."""
FOREIGN = {"click", "compressai", "constriction", "matplotlib", "PIL", "torch", "tqdm", "triton"}


@pytest.fixture
def tiny_file(tiny_model: ModelEntry, tmp_path: Path) -> Path:
    """A file on disk."""
    path = tmp_path / "picture.lic"
    path.write_bytes(Encoder().encode(synthetic_picture(70, 90, 4), level=40, tile=64))
    return path


def test_decoding_in_a_fresh_process_loads_the_decoder_and_nothing_else(
    tiny_file: Path, tiny_model: ModelEntry, tmp_path: Path
) -> None:
    out = tmp_path / "pixels.npy"
    loaded = loaded_after(
        f"{registering(tiny_model)}\n"
        "import codec, numpy\n"
        f"numpy.save({str(out)!r}, codec.Decoder().decode({str(tiny_file)!r}))"
    )

    ours = {name for name in loaded if name.split(".")[0] in OURS}
    below = {name for name in ours if name.startswith(("bitstream", "entropy.coder"))}
    assert "codec.decoder" in loaded
    assert sorted(ours - below - DECODER) == []
    assert not FOREIGN & {name.split(".")[0] for name in loaded}
    assert np.array_equal(np.load(out), Decoder().decode(tiny_file.read_bytes()))


EVERYTHING = """
import sys
import numpy
import codec
picture = numpy.load({picture!r})
data = codec.encode(picture, level=30, tile=64)
small = codec.encode(picture, target_psnr=25)
assert numpy.array_equal(codec.decode(data, crop=(3, 4, 50, 60)), codec.decode(data)[4:64, 3:53])
assert codec.info(data).level == 30
found = codec.verify(data, picture)
assert found.psnr > 20
assert "torch" not in sys.modules
sys.stdout.write(found.digest)
open({out!r}, "wb").write(data)
"""


@pytest.mark.parametrize("before", ["", WITHOUT_TORCH], ids=["torch", "no torch"])
def test_everything_but_refinement_works_without_torch(
    tiny_model: ModelEntry, tmp_path: Path, before: str
) -> None:
    picture, out = synthetic_picture(90, 110), tmp_path / "out.lic"
    np.save(tmp_path / "picture.npy", picture)
    code = EVERYTHING.format(picture=str(tmp_path / "picture.npy"), out=str(out))

    digest = fresh(before + registering(tiny_model) + code).stdout

    here = codec.encode(picture, level=30, tile=64)
    assert out.read_bytes() == here
    assert digest == codec.verify(here).digest


REFUSED = """
import codec, numpy
from codec.errors import OptionError
for call in (
    lambda: codec.encode(numpy.zeros((8, 8, 3), numpy.uint8), effort=8),
    lambda: codec.encode(numpy.zeros((8, 8, 3), numpy.uint8), device="cuda"),
    lambda: codec.decode({file!r}, device="cuda"),
    lambda: codec.Encoder(device="cuda:1"),
    lambda: codec.Decoder(device="cuda"),
):
    try:
        call()
    except OptionError as error:
        print(error)
    else:
        raise SystemExit("not refused")
"""


def test_what_needs_torch_says_how_to_get_it(tiny_file: Path, tiny_model: ModelEntry) -> None:
    code = REFUSED.format(file=str(tiny_file))

    said = fresh(WITHOUT_TORCH + registering(tiny_model) + code).stdout.splitlines()

    assert [line.partition(" needs")[0] for line in said] == [
        "effort 8", "device 'cuda'", "device 'cuda'", "device 'cuda:1'", "device 'cuda'",
    ]  # fmt: skip
    for line in said:
        assert line.endswith(
            "needs PyTorch, which is not installed: pip install 'learned-codec[train]'"
        )
