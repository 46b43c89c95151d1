"""The learned filter of video: its graph, its integers against its floats, its training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from codec.errors import OptionError, WeightsMismatch
from codec.train.video.export import read_filter, write_filter
from codec.train.video.motion import predict
from codec.train.video.network import FilterNetwork
from codec.train.video.samples import Dumps, to_batch, write_dump
from codec.train.video.training import Options, Trainer, load_average, validate
from codec.video.filter import (
    CORRECTION_LIMIT,
    LEVELS,
    PROGRAM,
    FilterConfig,
    macs_per_pixel,
    step_of_level,
)
from networks import definition, weights_file
from networks.native import NativeProgram
from networks.program import Program

TINY = FilterConfig(trunk=64, hidden=16, blocks=2)


def dump(folder: Path, name: str = "a", level: int = 30, size: tuple[int, int] = (48, 64)) -> Path:
    """Two frames of waves, with the noise of a quantiser; a prediction that is half right."""
    random = np.random.default_rng(level)
    step = 4 * step_of_level(level)
    planes = {}
    for plane in "yuv":
        h, w = size if plane == "y" else (size[0] // 2, size[1] // 2)
        y, x = np.mgrid[:h, :w]
        source = np.stack([128 + 60 * np.sin(x / 9 + n) * np.cos(y / 7) for n in range(2)])
        planes[f"src_{plane}"] = source.round().astype(np.uint8)
        noise = random.uniform(-step / 2, step / 2, (2, h // 2, w // 2))
        coded = 4 * source + noise.repeat(2, 1).repeat(2, 2)
        planes[f"rec_{plane}"] = coded.clip(0, 1023).round().astype(np.uint16)
        planes[f"pred_{plane}"] = (4 * source).clip(0, 1023).round().astype(np.uint16)
    path = folder / f"{name}.npz"
    write_dump(path, planes, np.array([level, level + 1]))
    return path


def awkward(config: FilterConfig = TINY) -> FilterNetwork:
    """A network in which no layer is idle."""
    torch.manual_seed(3)
    network = FilterNetwork(config)
    with torch.no_grad():
        for name, p in network.named_parameters():
            if name.startswith(("leave_", "trunk4")) and not name.endswith("spatial"):
                p.add_(torch.randn_like(p) * (0.3 if name.startswith("leave") else 0.1))
    return network.eval()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    found = weights_file.read(exported(tmp_path), LEVELS)[PROGRAM]
    assert isinstance(found, Program)
    return found


def exported(folder: Path) -> bytes:
    dump(folder)
    return write_filter(awkward(), (b for _, b in Dumps([folder], 0).whole(1)))


def test_cost_is_within_its_budget() -> None:
    assert macs_per_pixel(FilterConfig()) <= 16000


def test_untrained_it_corrects_nothing(tmp_path: Path) -> None:
    dump(tmp_path)
    batch = Dumps([tmp_path], 1).batch(2, 32)
    luma, chroma = FilterNetwork(TINY)(batch.luma, batch.chroma, batch.level)
    assert luma.shape == batch.wanted[0].shape
    assert chroma.shape == batch.wanted[1].shape
    assert not luma.any()
    assert not chroma.any()


def test_integers_do_what_floats_do(tmp_path: Path, program: Program) -> None:
    network = awkward()
    native = NativeProgram(program)
    for _, batch in Dumps([tmp_path], 0).whole(1):
        with torch.no_grad():
            wanted = network(batch.luma, batch.chroma, batch.level)
        inputs = [batch.luma[0].numpy().astype(np.int16), batch.chroma[0].numpy().astype(np.int16)]
        level = int(batch.level[0])
        found = definition.run(program, inputs, level)
        for one, other, floats in zip(found, native(inputs, level), wanted, strict=True):
            np.testing.assert_array_equal(one, other)
            exact = floats[0].numpy()
            assert np.abs(exact).max() > 3  # else this shows nothing
            assert np.abs(one - exact).max() <= 1


@pytest.mark.parametrize("level", [0, 31, 63])
def test_corrections_are_bounded_on_any_input(program: Program, level: int) -> None:
    random = np.random.default_rng(level)
    luma = random.choice([-1023, 1023], (24, 8, 2)).astype(np.int16)
    chroma = random.choice([-1023, 1023], (12, 4, 4)).astype(np.int16)
    expected = definition.run(program, [luma, chroma], level)
    for one, other in zip(expected, NativeProgram(program)([luma, chroma], level), strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.abs(one).max() <= CORRECTION_LIMIT
    assert expected[0].shape == (24, 8, 1)
    assert expected[1].shape == (12, 4, 2)


def test_floats_come_back_from_a_weights_file(tmp_path: Path) -> None:
    data = exported(tmp_path)
    network, again = awkward(), read_filter(data)
    batch = Dumps([tmp_path], 1).batch(2, 32)
    with torch.no_grad():
        for a, b in zip(network(batch.luma, batch.chroma, batch.level),
                        again(batch.luma, batch.chroma, batch.level), strict=True):  # fmt: skip
            assert (a - b).abs().max() < 0.5
    trainer = Trainer(TINY, Options(1))
    trainer.begin(again)
    assert torch.equal(trainer.averaged().leave_luma.weight, again.leave_luma.weight)
    with pytest.raises(OptionError):
        Trainer(FilterConfig(64, 8, 1), Options(1)).begin(again)
    with pytest.raises(WeightsMismatch):
        read_filter(data[:-1])
    with pytest.raises(WeightsMismatch):
        read_filter(weights_file.write({"config": b"{}"}))


def test_training_gains_and_goes_on(tmp_path: Path) -> None:
    dumps, out = tmp_path / "dumps", tmp_path / "filter.pt"
    dumps.mkdir()
    dump(dumps, level=24)
    options = Options(minutes=1000, batch=4, side=32, average=0.9)
    trainer = Trainer(TINY, options)
    data = Dumps([dumps], 1)
    for _ in range(60):
        trainer.step(data)
    assert validate(trainer.averaged(), data, 1)["24-31"][0] > 0.3
    trainer.save(out)
    ended = Trainer(TINY, replace(options, minutes=0.001))
    ended.load(out, resume=True)
    ended.run(data, data, out)
    assert "24-31" in json.loads(out.with_suffix(".jsonl").read_text().splitlines()[-1])["gain"]
    assert ended.steps > trainer.steps
    trainer.save(out)
    other = Trainer(TINY, options)
    other.load(out, resume=True)
    assert other.steps == trainer.steps
    assert validate(load_average(out), data) == validate(trainer.averaged(), data)
    with pytest.raises(OptionError):
        Trainer(FilterConfig(64, 8, 1), Options(1)).load(out, resume=False)


def test_crops_are_parts_of_frames(tmp_path: Path) -> None:
    path = dump(tmp_path)
    (tmp_path / "b.npz").write_bytes(path.read_bytes())
    batch = Dumps([tmp_path], 2, lambda name: name == "a").batch(4, 32)
    assert batch.luma.shape == (4, 32, 32, 2)
    assert batch.chroma.shape == (4, 16, 16, 4)
    # What is wanted and the difference to a perfect prediction are opposite, up to rounding.
    assert (batch.wanted[0][..., 0] + batch.luma[..., 1]).abs().max() <= 3
    assert (batch.wanted[1] + batch.chroma[..., 2:]).abs().max() <= 3
    assert set(batch.level.tolist()) <= {30, 31}


def test_small_frames_are_padded(tmp_path: Path) -> None:
    dump(tmp_path, size=(20, 28))
    dumps = Dumps([tmp_path], 2)
    assert dumps.batch(1, 64).luma.shape == (1, 64, 64, 2)
    assert next(iter(dumps.whole(1)))[1].luma.shape == (1, 24, 32, 2)


def test_bad_dumps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError):
        Dumps([tmp_path], 1).batch(1, 32)
    np.savez(tmp_path / "a.npz", rec_y=np.zeros((1, 8, 8), np.uint16))
    with pytest.raises(OptionError, match=r"a\.npz"):
        Dumps([tmp_path], 1)


def test_differences_are_clamped() -> None:
    shapes = {"y": (8, 8), "u": (4, 4), "v": (4, 4)}
    planes = {f"{k}_{p}": np.zeros(s, np.uint16) for p, s in shapes.items() for k in ("rec", "src")}
    planes |= {f"pred_{p}": np.full(s, 1023, np.uint16) for p, s in shapes.items()}
    batch = to_batch(planes, 3, np.ones(3, np.float32))
    assert batch.luma[0, 0].tolist() == [-512, -1023]
    assert batch.chroma[0, 0].tolist() == [-512, -512, -1023, -1023]


def test_motion_is_found_again() -> None:
    random = torch.Generator().manual_seed(1)
    small = torch.rand(1, 1, 20, 28, generator=random) * 900
    big = torch.nn.functional.interpolate(small, scale_factor=8, mode="bicubic")[0, 0]
    before, now = big[16:112, 16:144], big[19:115, 11:139]
    chroma = [x[::2, ::2] for x in (before, before)]
    y, u, v = predict([now, *chroma], [before, *chroma])
    assert (y - now)[16:-16, 16:-16].abs().mean() < 2
    assert u.shape == v.shape == (48, 64)


def test_another_codec_makes_dumps() -> None:
    pytest.importorskip("av")
    from codec.train.video.proxies import coded

    y, x = np.mgrid[:64, :80]
    luma = (128 + 60 * np.sin(x / 9) * np.cos(y / 7)).astype(np.uint8)
    frames = [(luma, luma[::2, ::2], luma[1::2, ::2])] * 3
    found = coded(frames, 20, np.random.default_rng(1))
    assert len(found) == 3
    for planes in found:
        for plane, wanted in zip(planes, frames[0], strict=True):
            assert plane.shape == wanted.shape
            assert np.abs(plane / 4 - wanted).mean() < 4


@pytest.mark.parametrize("filtered", [False, True])
def test_our_coder_makes_dumps(tmp_path: Path, filtered: bool) -> None:
    pytest.importorskip("av")
    pytest.importorskip("codec.video._video")
    from codec.train.video.dumps import Dumping
    from codec.video.options import VideoOptions
    from codec.video.types import VideoFrame

    weights = b""
    if filtered:
        (tmp_path / "dumps").mkdir()
        weights = exported(tmp_path / "dumps")
    y, x = np.mgrid[:48, :72]
    encoder = Dumping(72, 48, VideoOptions(level=30, effort=4, threads=1), weights)
    sources = []
    for n in range(3):
        luma = (128 + 60 * np.sin((x + 2 * n) / 9) * np.cos(y / 7)).astype(np.uint8)
        chroma = np.ascontiguousarray(luma[::2, ::2])
        sources.append(luma)
        encoder.push(VideoFrame((luma, chroma, chroma.copy()), n, 1))
    encoder.finish()
    encoder.write(tmp_path / "own.npz")
    with np.load(tmp_path / "own.npz") as found:
        assert found["rec_y"].shape == found["pred_y"].shape == (3, 48, 72)
        assert found["rec_u"].shape == (3, 24, 36)
        assert found["level"].shape == (3,)
        assert (found["src_y"][0] == sources[0]).all()
        assert np.abs(found["rec_y"] / 4 - found["src_y"]).mean() < 6
    assert Dumps([tmp_path], 1).batch(1, 32).luma.shape == (1, 32, 32, 2)


@pytest.mark.parametrize("lowdelay", [False, True])
def test_plans_name_every_frame_once(lowdelay: bool) -> None:
    pytest.importorskip("av")
    pytest.importorskip("codec.video._video")
    from codec.train.video.dumps import Dumping
    from codec.video.options import VideoOptions
    from codec.video.structure import Plan
    from codec.video.types import VideoFrame

    plans: list[Plan] = []

    class Planned(Dumping):
        def _code(self, frame, plan, base):
            plans.append(plan)
            return super()._code(frame, plan, base)

    encoder = Planned(16, 16, VideoOptions(lowdelay=lowdelay, keyint=0, threads=1), b"")
    for n in range(12):
        chroma = np.full((8, 8), 128, np.uint8)
        luma = np.full((16, 16), 100 + n, np.uint8)
        encoder.push(VideoFrame((luma, chroma, chroma), n, 1))
    encoder.finish()

    there = {0}
    for plan in plans:
        assert set(plan.references) <= there
        assert plan.number not in there
        there.add(plan.number)
    assert there == set(range(12))
