"""C4: same input, options and version give the same bytes, for any number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from codec.encoder import Encoder
from tests.model_fixtures import synthetic_picture

KODIM23 = Path(__file__).parents[2] / "examples" / "kodim23.png"


@pytest.fixture(autouse=True)
def _restore_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def photograph(height: int, width: int) -> np.ndarray:
    """The middle of a Kodak image."""
    with Image.open(KODIM23) as image:
        pixels = np.asarray(image.convert("RGB"))
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


@pytest.mark.usefixtures("tiny_model")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
@pytest.mark.parametrize("level", [20, 63])
def test_bytes_do_not_depend_on_threads(precision: str, level: int) -> None:
    picture = photograph(256, 320)

    files = [
        Encoder(threads=threads, precision=precision).encode(picture, level=level, tile=128)
        for threads in (1, 2)
    ]

    assert files[0] == files[1]


@pytest.mark.usefixtures("tiny_model")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_two_encodings_give_the_same_bytes(precision: str) -> None:
    picture = synthetic_picture(100, 130)

    encoder = Encoder(precision=precision)
    first = encoder.encode(picture, quality=70)
    encoder.encode(synthetic_picture(64, 64, seed=9), quality=20)

    assert encoder.encode(picture, quality=70) == first
    assert Encoder(precision=precision).encode(picture, quality=70) == first


@pytest.mark.usefixtures("tiny_model")
def test_a_target_gives_the_bytes_of_its_level() -> None:
    picture, encoder = synthetic_picture(100, 130), Encoder()
    file = encoder.encode(picture, level=33)

    assert encoder.encode(picture, target_size=len(file)) in {
        encoder.encode(picture, level=level) for level in range(33, 64)
    }


@pytest.mark.weights
@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_bytes_of_the_registered_model_do_not_depend_on_threads(precision: str) -> None:
    picture = photograph(384, 512)

    files = [
        Encoder(threads=threads, precision=precision).encode(picture, level=50)
        for threads in (1, 2)
    ]

    assert files[0] == files[1]
