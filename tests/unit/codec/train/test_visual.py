"""What a visual model is trained for, and on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from codec.errors import OptionError
from codec.image.metrics import ms_ssim
from codec.train.drawn import draw
from codec.train.features import Features, texture, wasserstein, write_features
from codec.trainable.blocks import GatedBlock
from codec.trainable.distortion import PARTS, Recipe, Visual, squared_error
from codec.trainable.restore import bound, restore
from codec.trainable.structure import SMALLEST_SIDE, low_pass_error, luma_first, similarity
from codec.trainable.weights import read_trained, read_units
from networks import weights_file
from tests.model_fixtures import synthetic_picture

RECIPE = Recipe((0.2, 2.0, 0.1, 0.5), (0.4, 1.0, 0.1, 0.1), (436.0, 1300.0, 15.4))


def pair(side: int = 192, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture and the same with noise and a cast, (1, side, side, 3) in 0..1."""
    picture = torch.from_numpy(synthetic_picture(side, side, seed=seed)).float()[None] / 255
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))
    return (picture + 0.03 * noise + 0.01).clamp(0, 1), picture


def test_similarity_is_ms_ssim() -> None:
    changed, picture = (x * 255 for x in pair())
    a, b = (x.round()[0].to(torch.uint8).numpy() for x in (picture, changed))
    planes = [torch.from_numpy(x).float().permute(2, 0, 1)[None] / 255 for x in (a, b)]

    plain, weighted = similarity(*planes)

    assert float(plain) == pytest.approx(ms_ssim(a, b), abs=1e-4)
    assert 0 < float(weighted) < 1
    assert float(weighted) != pytest.approx(float(plain), abs=1e-3)
    assert [float(x) for x in similarity(planes[0], planes[0])] == pytest.approx([1.0, 1.0])


def test_low_pass_sees_a_cast_and_no_checker() -> None:
    y, x = np.mgrid[:32, :32]
    checker = torch.from_numpy(((x + y) % 2 - 0.5).astype(np.float32))[None, ..., None]

    assert float(low_pass_error(checker.expand(1, 32, 32, 3))) == pytest.approx(0, abs=1e-6)
    assert float(low_pass_error(torch.full((1, 32, 32, 3), 0.25))) == pytest.approx(0.5)


def test_parts_have_their_shares_by_level() -> None:
    changed, picture = pair()
    visual = Visual(RECIPE, 64, lambda x_hat, x, mask: torch.full((len(x),), 7.0))
    mask = torch.zeros(picture.shape[:3])

    parts = visual.parts(changed, picture, mask)[0]
    low, high = (visual(changed, picture, torch.tensor([n]), mask)[0] for n in (0, 63))

    units = torch.tensor([1.0, *RECIPE.units])
    assert float(low) == pytest.approx(float((parts * units * torch.tensor(RECIPE.low)).sum()))
    assert float(high) == pytest.approx(float((parts * units * torch.tensor(RECIPE.high)).sum()))
    assert float(parts[0]) == pytest.approx(float(squared_error(changed, picture)))
    assert len(parts) == len(PARTS)


def test_luma_counts_most_where_the_recipe_says_so() -> None:
    changed, picture = pair()
    alike, first = (Visual(replace(RECIPE, luma=luma), 64).parts for luma in (False, True))
    grey, red, green, blue = (
        torch.tensor(c, dtype=torch.float32).expand(1, 2, 2, 3) * 0.1
        for c in ((1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    )

    errors = [float(luma_first(d).mean()) for d in (grey, red, green, blue)]

    assert errors[0] == pytest.approx(0.01, rel=1e-5)
    assert errors[2] > errors[1] > errors[3] > 0
    assert float(first(picture, picture)[0, :3].abs().max()) < 1e-5
    assert not torch.allclose(alike(changed, picture), first(changed, picture))
    tinted = picture + torch.tensor([0.0, 0.0, 0.1])
    assert float(first(tinted, picture)[0, 0]) < float(alike(tinted, picture)[0, 0])


@pytest.mark.parametrize("luma", [False, True])
def test_recipes_come_back_from_weights_files(luma: bool) -> None:
    recipe = replace(RECIPE, luma=luma)

    assert Recipe.of(json.loads(json.dumps(asdict(recipe)))) == recipe


def test_without_texture_the_others_have_its_share() -> None:
    changed, picture = pair()
    alone, whole = Visual(RECIPE, 64), Visual(RECIPE, 64, lambda x_hat, x, mask: x.sum(0))

    assert torch.all(alone.weights[:, 3] == 0)
    ratio = alone.weights[:, :3] / whole.weights[:, :3]
    assert ratio[0].tolist() == pytest.approx([2.8 / 2.3] * 3)
    assert float(alone(picture, picture, torch.tensor([5]))) == pytest.approx(0, abs=1e-2)
    assert float(alone(changed, picture, torch.tensor([5]))) > 1


def test_small_pictures_are_held_to_their_squared_error() -> None:
    changed, picture = pair(SMALLEST_SIDE - 1)

    found = Visual(RECIPE, 64)(changed, picture, torch.tensor([5]))

    torch.testing.assert_close(found, squared_error(changed, picture))


def test_what_is_drawn_counts_more() -> None:
    changed, picture = pair()
    mask = torch.zeros(picture.shape[:3])
    visual = Visual(RECIPE, 64)
    nothing = visual.parts(changed, picture, mask)

    mask[:, :96] = 1

    assert float(visual.parts(changed, picture, mask)[0, 0]) > 1.5 * float(nothing[0, 0])


def test_drawing_marks_what_it_changes() -> None:
    crops = torch.from_numpy(np.stack([synthetic_picture(128, 128, seed=n) for n in range(24)]))
    before = crops.clone()

    mask = draw(crops, 0.7, np.random.default_rng(2))

    changed = (crops != before).any(-1)
    drawn = mask.flatten(1).any(1)
    assert 8 < int(drawn.sum()) < 24
    assert not (changed & (mask == 0)).any()
    assert bool(changed.flatten(1).any(1)[drawn].all())
    same = draw(before.clone(), 0.7, np.random.default_rng(2))
    assert torch.equal(mask, same)


def test_nothing_is_drawn_without_a_share() -> None:
    crops = torch.zeros(4, 64, 64, 3, dtype=torch.uint8)

    assert not draw(crops, 0.0, np.random.default_rng(0)).any()
    assert not crops.any()


@pytest.fixture
def layers() -> dict[str, list[np.ndarray]]:
    """Random weights as Keras has them."""
    generator = np.random.default_rng(4)
    sides, found, last = {"squeeze1x1": 1, "expand1x1": 1, "expand3x3": 3}, {}, 64

    def layer(side: int, inputs: int, outputs: int) -> list[np.ndarray]:
        kernel = generator.normal(size=(side, side, inputs, outputs))
        return [kernel * (2 / (side * side * inputs)) ** 0.5, np.zeros(outputs)]

    found["conv1"] = layer(3, 3, 64)
    for fire, squeeze, expand in (
        ("fire2", 16, 64), ("fire3", 16, 64), ("fire4", 32, 128), ("fire5", 32, 128),
    ):  # fmt: skip
        for part, side in sides.items():
            shape = (last, squeeze) if part == "squeeze1x1" else (squeeze, expand)
            found[f"{fire}/{part}"] = layer(side, *shape)
        last = 2 * expand
    return found


@pytest.fixture
def features(tmp_path: Path, layers: dict[str, list[np.ndarray]]) -> Path:
    """A file of them."""
    path = tmp_path / "features.npz"
    write_features(layers, path)
    return path


def test_features_are_the_layers(features: Path, layers: dict[str, list[np.ndarray]]) -> None:
    """The first map at one place, by hand: samples 2 y .. 2 y + 2, nothing beyond the border."""
    picture = pair(64)[1]
    kernel, bias = layers["conv1"]

    found = Features(features)(picture)[0][0, :, 5, 7]

    blue = picture[0].numpy()[..., ::-1] * 255 - (103.9, 116.8, 123.7)
    raw = np.maximum(np.einsum("yxi,yxio->o", blue[10:13, 14:17], kernel) + bias, 0)
    assert np.count_nonzero(raw) > 10
    cosine = float(found.numpy() @ raw / np.linalg.norm(found.numpy()) / np.linalg.norm(raw))
    assert cosine == pytest.approx(1, abs=1e-5)


def test_features_have_three_scales(features: Path) -> None:
    maps = Features(features)(pair()[1])

    assert [tuple(m.shape[1:]) for m in maps] == [(64, 96, 96), (128, 47, 47), (256, 23, 23)]
    assert all(float(m.square().mean()) == pytest.approx(1, rel=1e-4) for m in maps)


def test_wrong_features_are_refused(tmp_path: Path, features: Path) -> None:
    with np.load(features) as archive:
        arrays = dict(archive)
    arrays.pop("fire5_expand3x3.bias")
    np.savez(tmp_path / "less.npz", **arrays)

    with pytest.raises(OptionError, match=r"fire5_expand3x3\.bias is missing"):
        Features(tmp_path / "less.npz")
    with pytest.raises(OptionError, match=r"none\.npz"):
        Features(tmp_path / "none.npz")


def test_texture_may_move_where_sigma_is_large() -> None:
    """The same noise elsewhere: far by samples, near by statistics."""
    generator = torch.Generator().manual_seed(5)
    a, b = (torch.rand(1, 8, 64, 64, generator=generator) for _ in range(2))

    by_sample, by_statistics = (
        float(wasserstein(a, b, torch.full((1, 1, 64, 64), sigma))) for sigma in (0.0, 3.0)
    )

    assert by_statistics < 0.05 * by_sample
    assert float(wasserstein(a, a, torch.full((1, 1, 64, 64), 3.0))) == 0
    darker = float(wasserstein(a, 0.5 * a, torch.full((1, 1, 64, 64), 3.0)))
    assert darker > 5 * by_statistics


def test_texture_is_found_in_noise_alone() -> None:
    flat = torch.full((1, 1, 64, 64), 0.5)
    edge = flat.clone()
    edge[..., 32:] = 1.0
    noise = flat + 0.1 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(6))

    assert float(texture(flat).max()) == 0
    assert float(texture(edge).max()) < 0.1
    assert float(texture(noise).mean()) > 1.5


def test_bounded_blocks_do_not_explode() -> None:
    block = GatedBlock(16, 64)
    torch.nn.init.normal_(block.reduce.weight)
    x = torch.randn(1, 8, 8, 16, generator=torch.Generator().manual_seed(7))
    level = torch.tensor([3])
    block.requires_grad_(False)
    free = block(1000 * x, level) - 1000 * x

    block.bound(torch.full((16,), 1.0), torch.full((16,), 2.0))

    assert torch.isfinite(block(1000 * x, level)).all()
    assert float((block(1000 * x, level) - 1000 * x).abs().max()) < 0.01 * float(free.abs().max())
    block.bound(torch.full((16,), 1e6), torch.full((16,), 1e6))
    torch.testing.assert_close(block(1000 * x, level) - 1000 * x, free)


@pytest.mark.weights
def test_landed_weights_bound_the_blocks_at_what_photographs_do_not_reach() -> None:
    from codec.models import registry
    from codec.train.data import load_rgb
    from codec.trainable.model import ImageModel

    data = registry.default("wavelet").path.read_bytes()
    weights = read_trained(data)
    model = ImageModel(weights.config).eval()
    restore(model, weights)
    photo = load_rgb(Path(__file__).parents[4] / "examples" / "kodim23.png")[:128, :128]
    x, level = photo[None].float() / 255, torch.tensor([40])
    checker = torch.zeros_like(x)
    checker[:, ::2, ::2] = checker[:, 1::2, 1::2] = 1.0
    with torch.no_grad():
        before, exploded = model(x, level)[0], model(checker, level)[0]
        bound(model, read_units(data))
        after, kept = model(x, level)[0], model(checker, level)[0]

    assert float((after - before).abs().max()) < 1 / 255
    assert float(kept.abs().max()) < float(exploded.abs().max())
    assert float(kept.abs().max()) < 10


@pytest.mark.weights
def test_weights_tell_what_they_were_trained_for() -> None:
    from codec.models import registry

    data = registry.default("wavelet").path.read_bytes()
    assert read_trained(data).distortion is None

    entries = weights_file.read(data) | {"distortion": json.dumps(asdict(RECIPE)).encode()}

    assert read_trained(weights_file.write(entries)).distortion == RECIPE


PROCESS = """
import torch
from codec.train import parallel
parallel.begin()
rank = float(parallel.rank())
gradients = [torch.full((2, 3), rank + 1), None, torch.tensor([rank * 4])]
parallel.average(gradients)
held = torch.tensor([parallel.rank()])
parallel.share([held])
print(parallel.count(), gradients[0].unique().tolist(), gradients[2].tolist(), held.tolist(),
      parallel.of_first(parallel.rank() + 0.5))
"""


def test_processes_share_gradients_and_time() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS], stdout=subprocess.PIPE, text=True,
            env=os.environ | {
                "WORLD_SIZE": "2", "RANK": str(rank), "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1",
            },
        )
        for rank in range(2)
    ]  # fmt: skip

    said = [process.communicate(timeout=240)[0] for process in started]

    assert said == ["2 [1.5] [2.0] [0] 0.5\n"] * 2
