"""Coder P: exact, bounded, the same on all instruction sets, and as PREDICTIVE.md says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from entropy.errors import CorruptStream, EntropyCodingError, StreamExhausted
from entropy.predictive import photo
from entropy.predictive._predictive import photo_bits, photo_decode, photo_encode
from entropy.predictive.features import FEATURES, LIMIT, bin_of
from networks import native, weights_file
from networks.errors import UnknownInstructionSet

WEIGHTS = Path(__file__).parents[4] / "codec/models/data/predictive-12.weights"
Pixels = npt.NDArray[np.uint16]


@pytest.fixture(scope="module")
def model() -> photo.Model:
    entries = weights_file.read(WEIGHTS.read_bytes())
    return photo.Model({k: v for k, v in entries.items() if isinstance(v, np.ndarray)})


def kernels() -> list[str]:
    return [name for name in native.instruction_sets() if name not in ("neon", "wasm")]


def picture(kind: str, shape: tuple[int, int, int], bits: int = 8, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    highest = (1 << bits) - 1
    y, x = np.mgrid[:height, :width].astype(np.float64)
    if kind == "noise":
        values = rng.integers(0, highest + 1, shape).astype(np.float64)
    elif kind == "extremes":
        values = rng.integers(0, 2, shape) * float(highest)
    elif kind == "flat":
        values = np.full(shape, highest / 3)
    elif kind == "gradient":
        values = np.repeat(((x + 2 * y) / (width + 2 * height) * highest)[..., None], channels, 2)
    else:  # texture
        wave = (np.sin(x / 7) + np.cos(y / 5) + 2) / 4
        values = wave[..., None] * highest * 0.98 + rng.normal(0, highest / 60, shape)
    return np.clip(np.round(values), 0, highest).astype(np.uint16)


def check(pixels: Pixels, bits: int, error: int, name: str = "") -> bytes:
    payload, decoded = photo_encode(pixels, bits, error, name)

    found = photo_decode(payload, bits, error, *pixels.shape, name)

    np.testing.assert_array_equal(found, decoded)
    assert np.abs(found.astype(int) - pixels).max() <= error
    return payload


SHAPES = [
    (1, 1, 3),
    (1, 1, 1),
    (1, 37, 3),
    (29, 1, 3),
    (3, 70, 3),
    (17, 5, 1),
    (64, 64, 3),
    (50, 133, 3),
]
KINDS = ["noise", "extremes", "flat", "gradient", "texture"]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("bits", "errors"), [(8, (0, 1, 2, 5, 40)), (16, (0, 1, 700, 65535)), (11, (0, 3))]
)
def test_no_sample_is_further_off_than_the_error(
    shape: tuple[int, int, int], kind: str, bits: int, errors: tuple[int, ...]
) -> None:
    pixels = picture(kind, shape, bits)

    for error in errors:
        check(pixels, bits, error)


@pytest.mark.parametrize("kind", KINDS)
def test_all_instruction_sets_give_the_same(kind: str) -> None:
    for bits, error, shape in [
        (8, 0, (70, 90, 3)),
        (8, 3, (40, 70, 3)),
        (16, 0, (33, 65, 3)),
        (16, 90, (20, 30, 1)),
    ]:
        pixels = picture(kind, shape, bits)
        payloads = {check(pixels, bits, error, name) for name in kernels()}

        assert len(payloads) == 1


@pytest.mark.parametrize(
    ("kind", "shape", "bits", "error"),
    [
        ("texture", (19, 23, 3), 8, 0),
        ("texture", (18, 20, 3), 8, 2),
        ("gradient", (35, 9, 1), 16, 0),
        ("texture", (9, 70, 1), 16, 300),
        ("extremes", (6, 7, 3), 8, 1),
        ("noise", (4, 5, 3), 16, 0),
        ("texture", (65, 64, 1), 8, 0),
        ("flat", (3, 5, 3), 8, 0),
    ],
)
def test_reference_decoder_agrees(
    kind: str, shape: tuple[int, int, int], bits: int, error: int, model: photo.Model
) -> None:
    pixels = picture(kind, shape, bits)
    payload, decoded = photo_encode(pixels, bits, error)

    np.testing.assert_array_equal(photo.decode(payload, bits, error, shape, model), decoded)


def test_payloads_are_small() -> None:
    assert len(check(picture("noise", (1, 1, 3)), 8, 0)) == 4  # as they are
    assert len(check(picture("flat", (64, 64, 3)), 8, 0)) < 120
    noise = picture("noise", (64, 64, 3))
    assert len(check(noise, 8, 0)) == 1 + noise.size
    assert len(check(picture("texture", (64, 64, 3)), 8, 0)) < 0.8 * noise.size


def test_samples_may_lie_apart() -> None:
    """Strides belong to the C++ interface; here only arrays without gaps are taken."""
    pixels = picture("texture", (20, 20, 3))

    with pytest.raises(TypeError):
        photo_encode(pixels[:, ::2], 8, 0)


@pytest.mark.parametrize("error", [0, 4])
@pytest.mark.parametrize("name", ["", "scalar"])
def test_damage_is_found(error: int, name: str) -> None:
    shape = (40, 50, 3)
    payload, _ = photo_encode(picture("texture", shape), 8, error)
    rng = np.random.default_rng(1)
    for end in [0, 1, 2, 5, 20, len(payload) // 2, len(payload) - 2, len(payload) - 1]:
        with pytest.raises((StreamExhausted, CorruptStream)):
            photo_decode(payload[:end], 8, error, *shape, name)
    with pytest.raises(CorruptStream):
        photo_decode(payload + b"\0\0", 8, error, *shape, name)
    with pytest.raises(CorruptStream):
        photo_decode(b"\x07" + payload[1:], 8, error, *shape, name)
    for _ in range(150):
        damaged = bytearray(payload)
        for at in rng.integers(1, len(payload), rng.integers(1, 4)):
            damaged[at] ^= 1 << rng.integers(0, 8)
        if bytes(damaged) == payload:
            continue
        with pytest.raises((StreamExhausted, CorruptStream)):
            photo_decode(bytes(damaged), 8, error, *shape, name)


def test_any_bytes_get_an_answer() -> None:
    rng = np.random.default_rng(2)
    for n in range(300):
        data = bytes([1]) + rng.bytes(int(rng.integers(0, 400)))
        bits, error = [(8, 0), (16, 0), (16, 65535), (8, 9), (1, 0)][n % 5]
        try:
            found = photo_decode(data, bits, error, 9, 17, 3)
        except EntropyCodingError:
            continue
        assert found.max() < 1 << bits


def test_reference_decoder_rejects_what_the_compiled_one_rejects(model: photo.Model) -> None:
    shape = (6, 7, 3)
    payload, _ = photo_encode(picture("texture", shape), 16, 0)
    rng = np.random.default_rng(3)
    for _ in range(12):
        damaged = bytearray(payload)
        damaged[rng.integers(0, len(payload))] ^= 1 << rng.integers(0, 8)
        errors = []
        for decode in (
            lambda d: photo_decode(d, 16, 0, *shape),
            lambda d: photo.decode(d, 16, 0, shape, model),
        ):
            try:
                decode(bytes(damaged))
                errors.append(None)
            except EntropyCodingError as error:
                errors.append(type(error))
        assert errors[0] == errors[1]


def test_bits_are_about_those_that_are_spent() -> None:
    for kind in ("texture", "noise"):
        pixels = picture(kind, (256, 256, 3))
        spent = 8 * len(photo_encode(pixels, 8, 0)[0])

        assert abs(photo_bits(pixels, 8, 0) / spent - 1) < 0.1


def test_wrong_arguments_are_refused() -> None:
    pixels = picture("flat", (4, 4, 3))
    for bits, error in [(0, 0), (17, 0), (8, 65536)]:
        with pytest.raises(ValueError, match="bits"):
            photo_encode(pixels, bits, error)
    with pytest.raises(ValueError, match="channels"):
        photo_encode(pixels[..., :2].copy(), 8, 0)
    with pytest.raises(ValueError, match="above"):
        photo_encode(pixels + np.uint16(200), 8, 0)
    with pytest.raises(UnknownInstructionSet):
        photo_encode(pixels, 8, 0, "abacus")


def test_no_sum_leaves_32_bits(model: photo.Model) -> None:
    """The proof that PREDICTIVE.md speaks of: the largest inputs times the sizes of the weights."""
    reciprocals, logarithms = (t.astype(np.int64) for t in model.scale_tables)
    activity = np.unique(np.geomspace(45, (1 << 24) - 1, 400_000).astype(np.int32))
    activity = np.union1d(activity, np.arange(45, 1 << 14, dtype=np.int32))
    r = reciprocals[bin_of(activity)]
    plain = ((activity >> 4) - (activity >> 7)) * r
    eighths = ((activity >> 1) - (activity >> 4)) * r
    assert max(plain.max(), eighths.max()) < 1 << 31
    largest = max(-((-plain) >> 14).min(), -((-eighths) >> 17).min())
    assert largest <= LIMIT
    assert np.abs(logarithms).max() < 1 << 13
    assert 26 * 32768 * LIMIT + 512 < 1 << 31  # any coefficients
    for c in range(3):
        for name, bound in (("first", 128), ("second", 255), ("third", 4095)):
            weights = model.tensors[f"photo/{c}/{name}/weights"].astype(np.int64)
            bias = model.tensors[f"photo/{c}/{name}/bias"].astype(np.int64)
            # Vector code adds 128 to the first inputs, which at most doubles them.
            size = 2 * bound if name == "first" else bound
            assert (np.abs(weights).sum(1) * size + np.abs(bias)).max() < 1 << 30
            if name == "third":
                continue
            assert (model.tensors[f"photo/{c}/{name}/shift"] >= 0).all()
            w = np.abs(weights)
            assert w.max() <= 127
            assert (
                max((w[:, 0::4] + w[:, 2::4]).max(), (w[:, 1::4] + w[:, 3::4]).max()) * 255
                < 1 << 15
            )
        assert model.tensors[f"photo/{c}/first/weights"].shape[1] == FEATURES[c]
