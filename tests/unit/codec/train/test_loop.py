"""The training loop: keeps to its time, logs, saves, resumes, and needs nothing compiled."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from codec.errors import OptionError
from codec.frame.model import FrameModel
from codec.train import export, loop
from codec.train.config import TrainConfig
from codec.train.data import Crops
from codec.train.validate import validate
from codec.trainable.model import ImageModel, lambdas
from codec.trainable.recipes import RECIPES
from codec.trainable.weights import read_trained
from entropy.models import gaussian
from tests.model_fixtures import TINY, save_pictures, synthetic_picture

RECIPE = """
total_minutes = 0.2
stages = [[0, 2, 64]]
warmup_steps = 2
refresh = 4
amp = false
trellis_step = 20
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of two pictures."""
    folder = tmp_path / "photos"
    save_pictures(folder, (96, 112), (96, 112))
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of small crops."""
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(autouse=True)
def _small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "wavelet", TINY)


def trainer(data: Path, **changes: object) -> loop.Trainer:
    options = {"stages": ((0.0, 2, 64),), "amp": False,
               "warmup_steps": 2, "refresh": 4} | changes  # fmt: skip
    return loop.Trainer(TrainConfig(**options), [data], torch.device("cpu"))  # type: ignore[arg-type]


def test_trains_logs_and_resumes(recipe: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    loop.run(recipe, [data], 0.02, out, validation=data, device="cpu")
    first = torch.load(out / "checkpoint.pt", weights_only=True)
    loop.run(recipe, [data], 0.02, out, resume=out / "checkpoint.pt", device="cpu")
    second = torch.load(out / "checkpoint.pt", weights_only=True)

    assert first["steps"] > 0
    assert second["steps"] > first["steps"]
    assert second["seconds"] > first["seconds"] > 0
    assert second["pixels"] > first["pixels"] >= first["steps"] * 2 * 64 * 64
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    (validation,) = [row["validation"] for row in rows if "validation" in row]
    assert [point["level"] for point in validation] == sorted(p["level"] for p in validation)
    assert all(point["bpp"] > 0 and point["psnr"] > 10 for point in validation)
    assert not list(out.glob("*.tmp"))


def test_recipe_that_has_ended_is_exported(recipe: Path, data: Path, tmp_path: Path) -> None:
    recipe.write_text(RECIPE.replace("total_minutes = 0.2", "total_minutes = 0.005"))
    out = tmp_path / "out"

    loop.run(recipe, [data], 5.0, out, device="cpu")

    state = torch.load(out / "checkpoint.pt", weights_only=True)
    assert state["progress"] >= 1
    weights = (out / "wavelet.weights").read_bytes()
    assert read_trained(weights).config == TINY
    (entry,) = tomllib.loads((out / "wavelet.toml").read_text())["model"]
    assert entry["sha256"] == hashlib.sha256(weights).hexdigest()


def test_checkpoint_of_an_ended_recipe_starts_anew_from_its_average(
    data: Path, tmp_path: Path
) -> None:
    first = trainer(data)
    first.start()
    first.step(0.5)
    first.seconds = first.config.total_minutes * 60
    first.save(tmp_path / "c.pt")

    second = trainer(data)
    second.load(tmp_path / "c.pt")

    assert (second.steps, second.seconds) == (0, 0.0)
    assert all(torch.equal(first.average[k], v) for k, v in second.model.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04junk"])
def test_file_that_is_no_checkpoint_is_refused(data: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.pt"
    path.write_bytes(content)

    with pytest.raises(OptionError, match=r"c\.pt"):
        trainer(data).load(path)


def test_missing_checkpoint_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"c\.pt"):
        trainer(data).load(tmp_path / "c.pt")


def test_checkpoint_of_another_model_is_refused(data: Path, tmp_path: Path) -> None:
    torch.save({"model": {}, "average": {}, "progress": 0.5}, tmp_path / "c.pt")

    with pytest.raises(OptionError, match=r"c\.pt"):
        trainer(data).load(tmp_path / "c.pt")


def cost(t: loop.Trainer, data: Path) -> list[float]:
    """Rate + lmbda * distortion over the pictures, at a low and a middle level."""
    points = validate(t.model, data, torch.device("cpu"), levels=(8, 32))
    t.model.train()
    table = lambdas(TINY.levels)
    return [
        p["bpp"] + float(table[int(p["level"])]) * 255.0**2 / 10 ** (p["psnr"] / 10) for p in points
    ]


def test_training_lowers_the_cost(data: Path) -> None:
    t = trainer(data, exact_from=1.0)
    t.start()
    before = cost(t, data)

    for n in range(30):
        t.step(n / 60)

    assert all(a < 0.97 * b for a, b in zip(cost(t, data), before, strict=True))


def test_every_stage_stays_finite(data: Path) -> None:
    t = trainer(data, exact_from=0.6, stages=((0.0, 2, 64), (0.6, 1, 64)))
    t.start()

    for n in range(9):
        assert bool(t.step(n / 9).isfinite().all())
        assert t.model.entropy.ops.exact == (n >= 6)

    assert t.pixels == 64 * 64 * (6 * 2 + 3)
    assert all(bool(torch.isfinite(p).all()) for p in t.model.parameters())


@pytest.mark.parametrize("optimizer", ["soap", "adamw"])
def test_resuming_continues_where_it_stopped(data: Path, tmp_path: Path, optimizer: str) -> None:
    """Saving and loading changes nothing: the next step of both is the same."""
    first = trainer(data, optimizer=optimizer)
    first.start()
    for n in range(3):
        first.step(n / 10)
    first.save(tmp_path / "c.pt")
    first.crops.reseed(first.config.seed + first.steps)
    second = trainer(data, optimizer=optimizer)
    second.load(tmp_path / "c.pt")
    for t in (first, second):
        torch.manual_seed(5)  # the noise of soft rates
        t.step(0.3)

    assert second.steps == first.steps == 4
    for (name, p), (_, q) in zip(
        first.model.state_dict().items(), second.model.state_dict().items(), strict=True
    ):
        assert torch.equal(p, q), name
    assert all(torch.equal(first.average[k], second.average[k]) for k in first.average)


def test_non_finite_gradients_are_skipped(data: Path) -> None:
    t = trainer(data)
    t.start()
    before = {k: v.clone() for k, v in t.model.state_dict().items()}
    t.gradients.weights = t.gradients.weights * float("nan")

    for _ in range(2):
        assert t.step(0.1).tolist() == [0.0] * 5 + [1.0]

    assert all(torch.equal(before[k], v) for k, v in t.model.state_dict().items())


def test_the_trellis_has_few_states_until_the_recipe_says_so(data: Path) -> None:
    t = trainer(data, trellis_step=20, few_states=0.5)
    t.start()
    assert t.model.entropy.trellis is not None
    for progress, states in ((0.1, 8), (0.5, 256)):
        t.step(progress)
        assert t.model.entropy.trellis.states == states


def test_weights_of_crops_move_no_crop_along_its_slope(data: Path) -> None:
    """A batch of one crop has the gradient it had; of two, the dearer one has less of a say."""

    def gradient(crop_weight: float, count: int) -> torch.Tensor:
        t = trainer(data, crop_weight=crop_weight, clip=1e9, level_weight=0.0)
        t.start()
        torch.manual_seed(3)
        crops, level = t.crops.batch(2, 64)[:count], torch.tensor([60, 2])[:count]
        t.gradients(crops, level, torch.zeros(crops.shape[:3]))
        return t.model.synthesis.stem.weight.grad.clone()

    assert torch.allclose(gradient(0.7, 1), gradient(0.0, 1), rtol=1e-4, atol=1e-9)
    alike = torch.cosine_similarity(
        torch.stack([gradient(w, 2).flatten() for w in (0.0, 0.9)]), gradient(0.0, 1).flatten()
    )
    assert alike[1] < alike[0]


def test_start_is_a_working_codec(data: Path) -> None:
    t = trainer(data)
    t.start()

    points = validate(t.averaged(), data, torch.device("cpu"), levels=(4, 32, 60))

    assert [p["bpp"] for p in points] == sorted(p["bpp"] for p in points)
    assert [p["psnr"] for p in points] == sorted(p["psnr"] for p in points)
    assert points[0]["psnr"] > 20


def test_checkpoint_exports_to_a_weights_file(data: Path, tmp_path: Path) -> None:
    """What runs it encodes and decodes with it; its tables are those of the training."""
    t = trainer(data, trellis_step=20)
    t.start()
    for _ in range(3):
        t.step(0.1)
    t.save(tmp_path / "checkpoint.pt")

    model = export.load_average(tmp_path / "checkpoint.pt")
    file = export.export(model, Crops([data], torch.device("cpu"), seed=1), count=4, side=64)

    assert isinstance(model, ImageModel)
    entry = tomllib.loads(export.manifest_entry(file, "x", 9, TrainConfig()))["model"][0]
    assert entry["id"] == 9
    assert entry["file"] == "x.weights"
    assert entry["exact"] is True
    runs = FrameModel(file)
    pixels = synthetic_picture(96, 80, seed=5)
    tiles, decoded = runs.encode(pixels, 50, 8, decoded=True)
    assert decoded is not None
    assert float(np.abs(decoded.astype(int) - pixels).mean()) < 12
    whole = runs.decode(tiles.__getitem__, (80, 96), 50, 8, (0, 0, 80, 96))
    assert np.array_equal(whole, decoded)


def test_tables_are_the_counts_of_the_training(data: Path, tmp_path: Path) -> None:
    t = trainer(data, trellis_step=20)
    t.start()
    for _ in range(3):
        t.step(0.1)
    t.save(tmp_path / "checkpoint.pt")

    model = export.load_average(tmp_path / "checkpoint.pt")
    file = export.export(model, Crops([data], torch.device("cpu"), seed=1), count=4, side=64)

    assert model.entropy.trellis is not None
    assert model.entropy.trellis.counts.any()
    again = read_trained(file)
    assert again.config.entropy.trellis_step == 20
    assert len(again.tables.cdf) == 192
    assert again.tables.cdf.skip_below == gaussian.SKIP_BELOW
    assert int(again.tables.z_index.min()) >= 128 + gaussian.SKIP_BELOW  # z is never skipped
    counts = model.entropy.trellis.counts.view(128, -1).double()
    gaussians = export._gaussians(20)
    for table in (int(counts.sum(1)[:64].argmax()), 64 + int(counts.sum(1)[64:].argmax())):
        cdf, zero = again.tables.cdf.cdfs[table].astype(int), -again.tables.cdf.offsets[table]
        total = float(counts[table, : zero + 1].sum()) + export.BLEND
        for symbol, share in ((0, 1.0), (1, 0.5)):
            wanted = share * float(counts[table, symbol])
            wanted += export.BLEND * gaussians[table][zero + symbol]
            for place in (zero + symbol, zero - symbol):
                found = (cdf[place + 1] - cdf[place]) / 65536
                assert found == pytest.approx(wanted / total, abs=1e-3)
    plain = export._tables(model.entropy.trellis, None)
    measured = [(a != b).any() for a, b in zip(plain.cdfs, again.tables.cdf.cdfs, strict=True)]
    assert not any(measured[:128])
    assert any(measured[128:])  # z


def test_a_model_without_a_trellis_is_not_exported(data: Path) -> None:
    model = ImageModel(TINY.with_trellis(0))

    with pytest.raises(OptionError, match="trellis_step"):
        export.export(model, Crops([data], torch.device("cpu"), seed=1), count=4, side=64)


def test_compiles_the_transforms_where_the_recipe_says_so(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[torch.nn.Module] = []
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self, dynamic: compiled.append(self), raising=True
    )

    trainer(data)
    assert compiled == []
    t = trainer(data, compile=True)

    assert compiled == [t.model.analysis, t.model.synthesis]


@pytest.mark.gpu
@pytest.mark.parametrize("trellis_step", [0, 20])
def test_a_gpu_trains_as_a_processor_does(data: Path, trellis_step: int) -> None:
    """Recorded and replayed, with crops of two sizes; what is not finite changes nothing."""
    device = torch.device("cuda")
    config = TrainConfig(
        stages=((0.0, 2, 64), (0.5, 1, 64)), warmup_steps=2, refresh=4, exact_from=0.8,
        trellis_step=trellis_step, few_states=0.3, crop_weight=0.3,
    )  # fmt: skip
    t = loop.Trainer(config, [data], device)
    t.start()
    t.model.cpu()
    before = cost(t, data)
    t.model.to(device)

    rows = torch.stack([t.step(n / 60) for n in range(50)]).cpu()

    assert bool(rows.isfinite().all())
    assert not rows[:, -1].any()
    assert len(rows[:, 0].unique()) > 40
    kept = {k: v.detach().clone() for k, v in t.model.named_parameters()}
    t.gradients.weights *= float("nan")
    assert t.step(0.4).tolist() == [0.0] * 5 + [1.0]
    assert all(torch.equal(kept[k], v) for k, v in t.model.named_parameters())
    t.model.cpu()
    assert all(a < 0.97 * b for a, b in zip(cost(t, data), before, strict=True))


PROGRAM = """
import sys
sys.modules["entropy.coder._rans"] = None
sys.modules["entropy.coder._rans_cuda"] = None
sys.modules["compressai"] = None
import torch
torch.set_num_threads(1)
from pathlib import Path
from codec.train import loop
from codec.trainable.recipes import RECIPES
from tests.model_fixtures import TINY
RECIPES["wavelet"] = TINY
loop.run(Path({recipe!r}), [Path({data!r})], 0.005, Path({out!r}), device="cpu")
loaded = {{name.split(".")[0] for name, module in sys.modules.items() if module is not None}}
assert not {{"compressai", "constriction"}} & loaded
"""


def test_training_needs_neither_the_extension_nor_compressai(
    recipe: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    program = PROGRAM.format(recipe=str(recipe), data=str(data), out=str(out))

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        timeout=600, cwd=Path(__file__).parents[4],
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    assert (out / "checkpoint.pt").exists()
