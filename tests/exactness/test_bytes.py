"""C4: same input, options and version give the same bytes and pixels, whatever runs them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import codec
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.errors import OptionError
from codec.frame import model as model_module
from codec.frame.model import KEPT, loaded
from codec.models import registry
from codec.models.registry import ModelEntry
from networks import native
from tests.fresh import fresh, registering
from tests.model_fixtures import synthetic_picture

KODIM23 = Path(__file__).parents[2] / "examples" / "kodim23.png"
KERNELS = native.instruction_sets()
THREADS = [1, 2, 3]


def photograph(height: int, width: int) -> np.ndarray:
    """The middle of a Kodak image."""
    with Image.open(KODIM23) as image:
        pixels = np.asarray(image.convert("RGB"))
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def test_there_are_kernels_for_every_processor() -> None:
    assert KERNELS[-1] == "scalar"
    assert set(KERNELS) <= set(native.instruction_sets(runnable=False))


@pytest.mark.usefixtures("tiny_model")
@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("level", [0, 20, 63])
@pytest.mark.parametrize("tile", [64, 1024])
def test_bytes_and_pixels_do_not_depend_on_kernels_and_threads(
    monkeypatch: pytest.MonkeyPatch, kernels: str, level: int, tile: int
) -> None:
    picture = photograph(150, 230)
    expected = Encoder(threads=1).encode(picture, level=level, tile=tile)
    pixels = Decoder(threads=1).decode(expected)

    monkeypatch.setenv("CODEC_ISA", kernels)

    assert loaded(registry.default("wavelet")).kernels == kernels
    for threads in THREADS:
        assert Encoder(threads=threads).encode(picture, level=level, tile=tile) == expected
        assert np.array_equal(Decoder(threads=threads).decode(expected), pixels)


@pytest.mark.weights
@pytest.mark.parametrize("kernels", KERNELS)
def test_registered_model_does_not_depend_on_kernels_and_threads(
    monkeypatch: pytest.MonkeyPatch, kernels: str
) -> None:
    picture = photograph(136, 200)
    expected = Encoder(threads=1).encode(picture, level=50, tile=128)
    pixels = Decoder(threads=1).decode(expected)

    monkeypatch.setenv("CODEC_ISA", kernels)

    for threads in THREADS:
        assert Encoder(threads=threads).encode(picture, level=50, tile=128) == expected
        assert np.array_equal(Decoder(threads=threads).decode(expected), pixels)


@pytest.mark.usefixtures("tiny_model")
def test_what_was_encoded_before_does_not_matter() -> None:
    picture = synthetic_picture(100, 130)

    encoder = Encoder()
    first = encoder.encode(picture, quality=70)
    encoder.encode(synthetic_picture(64, 64, seed=9), quality=20)

    assert encoder.encode(picture, quality=70) == first
    assert Encoder().encode(picture, quality=70) == first


@pytest.mark.usefixtures("tiny_model")
def test_a_target_gives_the_bytes_of_its_level() -> None:
    picture, encoder = synthetic_picture(100, 130), Encoder()
    file = encoder.encode(picture, level=33)

    assert encoder.encode(picture, target_size=len(file)) in {
        encoder.encode(picture, level=level) for level in range(33, 64)
    }


@pytest.mark.usefixtures("tiny_model")
@pytest.mark.parametrize("name", ["avx1024", "AVX2", "sse", " "])
def test_unknown_kernels_are_a_wrong_option(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    data = Encoder().encode(synthetic_picture(8, 8), level=1)
    monkeypatch.setenv("CODEC_ISA", name)

    for call in (Encoder, lambda: Decoder().decode(data), lambda: codec.verify(data)):
        with pytest.raises(OptionError, match=f"CODEC_ISA={name}: ") as caught:
            call()
        assert "scalar" in str(caught.value)  # what there is instead


def test_model_is_kept_and_the_oldest_is_dropped(
    tiny_entry: ModelEntry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(model_module, "_ready", type(model_module._ready)())
    paths = [tmp_path / f"{n}.weights" for n in range(KEPT + 1)]
    for path in paths:
        path.write_bytes(tiny_entry.path.read_bytes())
    entries = [replace(tiny_entry, file=str(path)) for path in paths]

    models = [loaded(entry) for entry in entries[:KEPT]]
    assert [loaded(entry) for entry in entries[:KEPT]] == models
    assert len(set(map(id, models))) == KEPT
    loaded(entries[0])  # used again: now the second is the oldest
    newest = loaded(entries[KEPT])

    assert len(model_module._ready) == KEPT
    assert loaded(entries[KEPT]) is newest
    assert loaded(entries[0]) is models[0]
    assert loaded(entries[1]) is not models[1]


@pytest.mark.usefixtures("tiny_model")
def test_many_threads_at_once_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "_ready", type(model_module._ready)())
    pictures = [synthetic_picture(70 + n, 100, seed=n) for n in range(4)]

    def work(n: int) -> tuple[bytes, bytes]:
        data = codec.encode(pictures[n % 4], level=40, tile=64, threads=1 + n % 3)
        return data, codec.decode(data, threads=1 + n % 2).tobytes()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(24)))

    for n, (data, pixels) in enumerate(found):
        assert (data, pixels) == found[n % 4]
        assert data == codec.encode(pictures[n % 4], level=40, tile=64)


def pickled(make: Callable[[], object]) -> object:
    return pickle.loads(pickle.dumps(make()))


@pytest.mark.usefixtures("tiny_model")
def test_encoder_and_decoder_pickle() -> None:
    picture = synthetic_picture(70, 90)
    data = Encoder().encode(picture, level=40)

    encoder = pickled(lambda: Encoder(threads=2))
    decoder = pickled(lambda: Decoder(threads=2, limits=codec.Limits(max_pixels=6300)))

    assert isinstance(encoder, Encoder)
    assert isinstance(decoder, Decoder)
    assert encoder.encode(picture, level=40) == data
    assert np.array_equal(decoder.decode(data), Decoder().decode(data))
    with pytest.raises(codec.LimitExceeded):
        decoder.decode(encoder.encode(synthetic_picture(70, 91), level=40))


FORKED = """
import os, threading
import numpy
import codec
picture = numpy.load({picture!r})
data = codec.encode(picture, level=40, tile=64, threads=2)
expected = codec.decode(data, threads=2)
from codec.frame import model
{before}
child = os.fork()
if child == 0:
    same = numpy.array_equal(codec.decode(data, threads=2), expected)
    os._exit(0 if same and codec.encode(picture, level=40, tile=64) == data else 3)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
HELD = """
held = threading.Event()
def hold():
    with model._lock:
        held.set()
        threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside a thread
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("before", ["", HELD], ids=["alone", "lock held"])
def test_child_of_a_fork_decodes(tiny_model: ModelEntry, tmp_path: Path, before: str) -> None:
    np.save(tmp_path / "picture.npy", synthetic_picture(150, 100))
    code = FORKED.format(picture=str(tmp_path / "picture.npy"), before=before)

    fresh(registering(tiny_model) + code)
