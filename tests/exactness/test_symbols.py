"""C1: one file gives the same symbols and y_hat, whatever decodes it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

import bitstream
from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.models.geometry import latent_size
from codec.models.registry import ModelEntry
from codec.models.weights import ModelWeights, load_model
from entropy.coder import Decoder as RangeDecoder
from entropy.coder import encode as encode_segments
from entropy.coder.backends import Backend
from networks.export.integer_layers import IntegerNetwork
from entropy.integer.ops import NumpyOps
from networks.train.spec import MEAN_BITS
from entropy.models.latent_codec import LatentCodec
from entropy.models.quadtree import ORDER, STEPS, Context, hyper_synthesis
from tests.model_fixtures import synthetic_picture
from tests.unit.entropy.coder.cases import BACKENDS

CPU = torch.device("cpu")


@pytest.fixture
def tiny_file(tiny_model: ModelEntry) -> bytes:
    """A file of 3 x 3 tiles, some of them narrow."""
    return Encoder(precision="float32").encode(synthetic_picture(150, 170), level=40, tile=64)


@pytest.fixture
def restore_threads() -> Iterator[None]:
    """Puts the number of threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    assert all(torch.equal(a.cpu(), b.cpu()) for a, b in zip(found, expected, strict=True))


@pytest.mark.usefixtures("restore_threads")
def test_one_and_two_threads(tiny_file: bytes) -> None:
    one = Decoder(threads=1).latents(tiny_file)
    two = Decoder(threads=2).latents(tiny_file)

    assert_same(two, one)


def test_float32_and_bfloat16_decoders(tiny_file: bytes) -> None:
    ours = [Decoder(precision=p) for p in ("float32", "bfloat16")]

    assert_same(ours[1].latents(tiny_file), ours[0].latents(tiny_file))
    pixels = [decoder.decode(tiny_file).astype(int) for decoder in ours]
    assert np.abs(pixels[0] - pixels[1]).max() <= 1


def decode_by_definition(
    payload: bytes, size: tuple[int, int], level: int, weights: ModelWeights, backend: Backend
) -> np.ndarray:
    """y_hat (h, w, latent) in units of 2^-MEAN_BITS: int64 networks, and the range coder named."""
    config = weights.config.entropy
    reader = RangeDecoder(payload, weights.tables.cdf, backend=backend)
    shape = (size[0] // 4, size[1] // 4, config.hyper)
    row = weights.tables.z_index[level]
    z = reader.decode(np.ascontiguousarray(np.broadcast_to(row, shape)).reshape(-1))
    ops = NumpyOps(weights.network, level)
    context = Context(ops, hyper_synthesis(ops, z.astype(np.int64).reshape(1, *shape)))
    y_hat = np.zeros((*size, config.latent), dtype=np.int64)
    for step in range(STEPS):
        parameters = context.parameters(step)
        means = np.concatenate([mean for mean, _ in parameters])
        indexes = np.concatenate([index for _, index in parameters]).astype(np.uint8)
        if config.trellis_step:
            found, tables = reader.decode_trellis(indexes.reshape(-1), 64, config.trellis_states)
            symbols = found.astype(np.int64)
            points = 2 * symbols - (tables >= 64) * np.sign(symbols)
            values = means + config.trellis_step * points.reshape(means.shape)
        else:
            symbols = reader.decode(indexes.reshape(-1)).astype(np.int64).reshape(means.shape)
            values = means + (symbols << MEAN_BITS)
        for c, group in enumerate(ORDER[step]):
            part = slice(group * config.group, (group + 1) * config.group)
            y_hat[c // 2 :: 2, c % 2 :: 2, part] = values[c]
        if step + 1 < STEPS:
            context.update(step, [values[c : c + 1] for c in range(4)])
    reader.finish()
    return y_hat


@pytest.mark.parametrize("backend", BACKENDS)
def test_numpy_definition_of_a_whole_file(
    tiny_file: bytes, tiny_weights: ModelWeights, backend: Backend
) -> None:
    container = bitstream.read(tiny_file)
    decoded = Decoder().latents(tiny_file)

    for index in (0, 2, 7, 8):
        r = container.grid.rectangle(index)
        size = (latent_size(r.height), latent_size(r.width))
        expected = decode_by_definition(
            container.tile(index), size, container.header.level, tiny_weights, backend
        )
        found = decoded[index] * 2**MEAN_BITS
        assert np.array_equal(found.numpy().astype(np.int64), expected)


def some_latents(weights: ModelWeights) -> tuple[LatentCodec, Tensor, Tensor]:
    """The codec of a model, and y (8, 12) and z for it."""
    config = weights.config.entropy
    codec = LatentCodec(config, weights.network, weights.tables, CPU)
    generator = torch.Generator().manual_seed(1)
    y = torch.randn(8, 12, config.latent, generator=generator) * 4
    return codec, y, torch.randn(2, 3, config.hyper, generator=generator).round()


@pytest.mark.parametrize("backend", BACKENDS)
def test_numpy_definition_along_the_trellis(
    trellis_weights: ModelWeights, backend: Backend
) -> None:
    codec, y, z = some_latents(trellis_weights)
    payload, _ = codec.compress(y, z, 20, trellis_weights.dead_zone)

    expected = decode_by_definition(payload, (8, 12), 20, trellis_weights, backend)

    found = codec.decompress(payload, 8, 12, 20) * 2**MEAN_BITS
    assert np.array_equal(found.numpy().astype(np.int64), expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", ["tiny_weights", "trellis_weights"])
def test_range_coder_backends_write_the_same_payload(
    model: str, backend: Backend, request: pytest.FixtureRequest
) -> None:
    weights: ModelWeights = request.getfixturevalue(model)
    codec, y, z = some_latents(weights)

    segments, _ = codec.segments(y, z, 20, weights.dead_zone)
    payload, _ = codec.compress(y, z, 20, weights.dead_zone)

    assert encode_segments(segments, weights.tables.cdf, backend=backend) == payload


def with_layers_per_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another order of the sums: every matrix product in two halves of its inputs."""
    whole = torch.nn.functional.linear

    def halved(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        half = weight.shape[1] // 2
        first = whole(x[..., :half], weight[:, :half])
        return whole(x[..., half:], weight[:, half:], bias) + first

    monkeypatch.setattr(torch.nn.functional, "linear", halved)


def test_order_of_the_sums_does_not_matter(
    tiny_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Decoder().latents(tiny_file)

    with_layers_per_call(monkeypatch)

    assert_same(Decoder().latents(tiny_file), expected)


def test_tiles_do_not_depend_on_each_other(tiny_file: bytes) -> None:
    """One tile of the file alone in a container decodes to the same latents."""
    container = bitstream.read(tiny_file)
    decoded = Decoder().latents(tiny_file)
    for index in (4, 8):
        r = container.grid.rectangle(index)
        header = bitstream.Header(
            width=r.width, height=r.height, channels=3, alpha=False,
            model_id=container.header.model_id, weights_hash=container.header.weights_hash,
            level=container.header.level, tile_log2=6,
        )  # fmt: skip
        alone = bitstream.write(bitstream.Container(header=header, tiles=[container.tile(index)]))
        assert_same(Decoder().latents(alone), [decoded[index]])


def random_payload_inputs(network: IntegerNetwork) -> Tensor:
    """z beyond anything trained."""
    hyper = network.layers["hyper.in"].spec.inputs
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-32000, 32001, (1, 3, 2, hyper), generator=generator).float()


def test_hostile_hyper_latents_stay_exact(tiny_weights: ModelWeights) -> None:
    from entropy.integer.torch_ops import TorchNetwork

    z = random_payload_inputs(tiny_weights.network)

    found = hyper_synthesis(TorchNetwork(tiny_weights.network, CPU).bind(5), z)

    expected = hyper_synthesis(NumpyOps(tiny_weights.network, 5), z.numpy().astype(np.int64))
    assert np.array_equal(found.numpy().astype(np.int64), expected)


@pytest.mark.gpu
def test_cpu_file_decodes_on_cuda_to_the_same_latents(tiny_file: bytes) -> None:
    ours, theirs = Decoder(device="cpu"), Decoder(device="cuda")

    assert_same(theirs.latents(tiny_file), ours.latents(tiny_file))
    difference = theirs.decode(tiny_file).astype(int) - ours.decode(tiny_file)
    assert np.abs(difference).max() <= 1


@pytest.mark.gpu
@pytest.mark.usefixtures("tiny_model")
def test_cuda_file_decodes_on_cpu_to_the_same_latents() -> None:
    file = Encoder(device="cuda").encode(synthetic_picture(150, 170), level=40, tile=64)

    assert_same(Decoder(device="cpu").latents(file), Decoder(device="cuda").latents(file))


@pytest.mark.weights
def test_registered_model_equals_its_definition() -> None:
    """The trained integers, on one tile: every layer of the shipped network against NumPy."""
    from codec.models import registry

    entry = registry.default("wavelet")
    weights = load_model(entry)
    file = Encoder(precision="float32").encode(synthetic_picture(64, 64), level=44)
    container = bitstream.read(file)

    expected = decode_by_definition(container.tile(0), (4, 4), 44, weights, "reference")

    found = Decoder().latents(file)[0] * 2**MEAN_BITS
    assert np.array_equal(found.numpy().astype(np.int64), expected)


@pytest.mark.gpu
@pytest.mark.weights
def test_registered_model_on_cuda_equals_cpu() -> None:
    file = Encoder(device="cpu").encode(synthetic_picture(200, 300), level=44)

    assert_same(Decoder(device="cuda").latents(file), Decoder(device="cpu").latents(file))
