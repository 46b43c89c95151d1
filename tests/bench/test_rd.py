"""The runs: resumed, interrupted, failing; and what is written about them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")
pytest.importorskip("bjontegaard", reason="bench extra not installed")

from bench import measure, peers
from bench.__main__ import main
from bench.peers import RGB, PeerFailed
from bench.store import Point, Store
from bench.summary import results
from tests.bench.test_peers import stand_in


def rd(*arguments: str | Path) -> tuple[int, str]:
    words = ["rd", *map(str, arguments)]
    with mock.patch.object(sys, "argv", ["bench", *words]):  # the runs tell their command
        result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


def test_run_measures_every_setting_on_every_image(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    code, text = rd("--images", images, "--codecs", "jpeg,webp", "--out", out)

    points = Store(out / "points.jsonl").points
    wanted = sum(len(peers.make(name).settings) for name in ("jpeg", "webp")) * 3
    assert code == 0, text
    assert len(points) == wanted
    assert all(p.bpp == pytest.approx(8 * p.bytes / p.width / p.height) for p in points)
    assert all(p.bytes > 0 for p in points)
    jpeg, webp = results(points)
    assert (jpeg.codec, webp.codec) == ("jpeg", "webp")
    assert jpeg.complete
    assert jpeg.means[0].psnr < jpeg.means[-1].psnr
    (run,) = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    assert run["images"] == ["0.png", "1.png", "2.png"]
    assert run["missing"] == {}
    assert run["command"] == "python -m bench rd --images IMAGES --codecs jpeg,webp --out OUT"


def test_second_run_only_does_what_is_left(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rd("--images", images, "--codecs", "jpeg", "--out", out)
    path = out / "points.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-2]) + lines[-1][:20])  # stopped in the middle of a line

    code, _ = rd("--images", images, "--codecs", "jpeg", "--out", out)

    again = path.read_text().splitlines(keepends=True)
    assert code == 0
    assert again[: len(lines) - 2] == lines[:-2]
    assert len(again) == len(lines)


def test_missing_program_is_named_and_the_rest_is_measured(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CODEC_BENCH_VTM_ENCODER", raising=False)

    code, text = rd("--images", images, "--codecs", "vtm,jpeg", "--out", tmp_path / "out")

    assert code == 1
    assert "missing: vtm: EncoderApp not found" in text
    assert {p.codec for p in Store(tmp_path / "out" / "points.jsonl").points} == {"jpeg"}
    run = json.loads((tmp_path / "out" / "runs.jsonl").read_text())
    assert list(run["missing"]) == ["vtm"]


def test_other_programs_run_side_by_side(images: Path, tmp_path: Path) -> None:
    paths = stand_in(tmp_path)
    options = ["--vtm-encoder", paths["vtm_encoder"], "--vtm-decoder", paths["vtm_decoder"]]

    code, text = rd(
        "--images", images, "--codecs", "vtm", "--jobs", "3", "--out", tmp_path / "out", *options
    )

    points = Store(tmp_path / "out" / "points.jsonl").points
    assert code == 0, text
    assert {(p.version, p.setting) for p in points} == {
        ("VTM 17.2", float(-qp)) for qp in (47, 42, 37, 32, 27, 22)
    }
    run = json.loads((tmp_path / "out" / "runs.jsonl").read_text())
    assert str(tmp_path) not in run["command"]
    assert "--vtm-encoder EncoderApp" in run["command"]


def test_failing_program_gives_an_exit_status(images: Path, tmp_path: Path) -> None:
    paths = stand_in(tmp_path, fail=True)
    options = ["--vtm-encoder", paths["vtm_encoder"], "--vtm-decoder", paths["vtm_decoder"]]

    code, text = rd("--images", images, "--codecs", "vtm", "--out", tmp_path / "out", *options)

    assert code == 1
    assert "vtm at -47 on 0.png: vtm: exit status 3" in text
    assert not Store(tmp_path / "out" / "points.jsonl").points


class _Stops:
    """A codec during whose second image the user presses Ctrl-C."""

    name, version, settings, parallel = "stops", "1", (1.0,), False

    def __init__(self, error: type[BaseException]) -> None:
        self._error, self._calls = error, 0

    def encode(self, image: RGB, setting: float) -> bytes:
        self._calls += 1
        if self._calls > 2:  # the first image is coded twice, to warm up
            raise self._error("no")
        return image.tobytes()

    def decode(self, data: bytes) -> RGB:
        import numpy as np

        pixels = np.frombuffer(data, np.uint8).reshape(48, 64, 3)
        return np.asarray(255 - pixels)


def test_interruption_keeps_the_finished_points(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "make", lambda name, paths: _Stops(KeyboardInterrupt))

    code, text = rd("--images", images, "--codecs", "jpeg", "--out", tmp_path / "out")

    assert code == 130
    assert "finished points are kept" in text
    assert len(Store(tmp_path / "out" / "points.jsonl").points) == 1


def test_failure_leaves_the_other_points(images: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "points.jsonl")
    todo = measure.tasks([_Stops(PeerFailed)], measure.image_files(images), store.keys())

    failures = measure.run(todo, store, 1, lambda task, point: None)

    assert failures == ["stops at 1 on 1.png: no", "stops at 1 on 2.png: no"]
    assert [p.image for p in store.points] == ["0.png"]


@pytest.mark.parametrize("content", [None, b"not an image"])
def test_folder_without_readable_images_is_refused(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    if content is not None:
        (folder / "broken.png").write_bytes(content)

    code, text = rd("--images", folder, "--codecs", "jpeg", "--out", tmp_path / "out")

    assert code == 1
    assert ("no images in" if content is None else "broken.png: cannot be read") in text
    assert not (tmp_path / "out").exists()


def test_unknown_codec_is_a_usage_error(images: Path, tmp_path: Path) -> None:
    code, text = rd("--images", images, "--codecs", "h266", "--out", tmp_path / "out")

    assert code == 2
    assert "no codec is called 'h266'" in text


def test_file_that_holds_no_points_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.jsonl"
    path.write_text('{"codec": "x"}\n')

    with pytest.raises(ValueError, match=r"points\.jsonl, line 1: not a point"):
        Store(path)


def test_infinite_quality_survives_the_file(tmp_path: Path) -> None:
    inf, nan = float("inf"), float("nan")
    point = Point("a", "1", 1.0, "i.png", "0" * 64, 8, 8, 9, inf, inf, nan, 0.1, 0.2)
    Store(tmp_path / "p.jsonl").add(point)

    (found,) = Store(tmp_path / "p.jsonl").points

    assert found.psnr == inf
    assert found.ms_ssim != found.ms_ssim
    assert "Infinity" not in (tmp_path / "p.jsonl").read_text()


def test_only_settings_with_every_image_make_a_mean() -> None:
    def point(setting: float, image: str) -> Point:
        return Point("a", "1", setting, image, image, 8, 8, 9, 30.0, 30.0, 0.9, 0.1, 0.2)

    (found,) = results([point(1, "x"), point(1, "y"), point(2, "x")])

    assert [mean.setting for mean in found.means] == [1]
    assert not found.complete
