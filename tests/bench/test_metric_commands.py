"""rd --metrics, metrics, metrics-bd and text-set."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")
pytest.importorskip("bjontegaard", reason="bench extra not installed")

from bench import metric_table
from bench.__main__ import main
from bench.images import image_files, load
from bench.metric_rates import as_json, markdown, rates
from bench.metrics import JPEG_AI, METRICS
from bench.store import Point, Store
from bench.text_set import draw_text
from tests.model_fixtures import save_pictures, synthetic_picture


def bench(*arguments: str | Path) -> tuple[int, str]:
    words = [*map(str, arguments)]
    with mock.patch.object(sys, "argv", ["bench", *words]):
        result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_points_without_more_metrics_are_written_as_before(images: Path, tmp_path: Path) -> None:
    code, text = bench("rd", "--images", images, "--codecs", "jpeg", "--out", tmp_path)

    assert code == 0, text
    fields = [*Point.__dataclass_fields__]
    assert fields.pop() == "metrics"
    assert all(list(line) == fields for line in lines(tmp_path / "points.jsonl"))


def test_points_that_lack_a_metric_are_measured_again(images: Path, tmp_path: Path) -> None:
    command = ("rd", "--images", images, "--codecs", "jpeg", "--out", tmp_path)
    bench(*command)
    before = Store(tmp_path / "points.jsonl").points

    code, text = bench(*command, "--metrics", "psnr,nlpd,psnr-hvs")
    again, _ = bench(*command, "--metrics", "psnr-hvs,ms-ssim")

    after = Store(tmp_path / "points.jsonl").points
    assert (code, again) == (0, 0), text
    assert [p.key for p in after] == [p.key for p in before]
    assert [p.bytes for p in after] == [p.bytes for p in before]
    assert all(p.metrics.keys() == {"nlpd", "psnr-hvs"} for p in after)
    assert len(lines(tmp_path / "points.jsonl")) == 2 * len(before)  # the third run had nothing


def test_metrics_of_two_runs_come_together(images: Path, tmp_path: Path) -> None:
    command = ("rd", "--images", images, "--codecs", "jpeg", "--out", tmp_path, "--metrics")
    bench(*command, "nlpd")
    bench(*command, "psnr-hvs,nlpd")

    assert all(
        p.metrics.keys() == {"nlpd", "psnr-hvs"} for p in Store(tmp_path / "points.jsonl").points
    )


def test_missing_metric_is_named_and_the_rest_is_measured(images: Path, tmp_path: Path) -> None:
    code, text = bench(
        "rd", "--images", images, "--codecs", "jpeg", "--out", tmp_path,
        "--metrics", "nlpd,vmaf,text-error", "--vmaf", tmp_path / "none",
    )  # fmt: skip

    assert code == 1
    assert "missing: vmaf: " in text
    assert "missing: text-error: no NAME.mask.png" in text
    points = Store(tmp_path / "points.jsonl").points
    assert all(list(p.metrics) == ["nlpd"] for p in points)
    (run,) = lines(tmp_path / "runs.jsonl")
    assert set(run["missing"]) == {"vmaf", "text-error"}  # type: ignore[call-overload]
    assert str(tmp_path) not in str(run["command"])


def test_unknown_metric_is_a_usage_error(images: Path, tmp_path: Path) -> None:
    code, text = bench("rd", "--images", images, "--out", tmp_path, "--metrics", "lpips")

    assert code == 2
    assert "no metric is called 'lpips'" in text


def kept(images: Path, out: Path) -> tuple[str | Path, ...]:
    """Points with their decoded pictures, and the command that completes them."""
    decoded = out / "decoded"
    code, text = bench(
        "rd", "--images", images, "--codecs", "jpeg", "--out", out, "--keep-decoded", decoded
    )
    assert code == 0, text
    return ("metrics", out, "--images", images, "--decoded", decoded, "--metrics", "nlpd")


def test_kept_pictures_complete_points_without_coding(images: Path, tmp_path: Path) -> None:
    command = kept(images, tmp_path)
    before = Store(tmp_path / "points.jsonl").points
    wanted = bench("rd", "--images", images, "--codecs", "jpeg", "--out", tmp_path / "again",
                   "--metrics", "nlpd")  # fmt: skip

    code, text = bench(*command)

    after = Store(tmp_path / "points.jsonl").points
    assert code == wanted[0] == 0, text
    assert [replace(p, metrics={}) for p in after] == before
    coded = {p.key: p.metrics for p in Store(tmp_path / "again" / "points.jsonl").points}
    assert all(p.metrics == coded[p.key] for p in after)
    assert bench(*command)[1].startswith("0 points completed")
    assert str(tmp_path) not in str(lines(tmp_path / "runs.jsonl")[1]["command"])


def test_every_second_image_is_completed_and_the_rest_is_left(images: Path, tmp_path: Path) -> None:
    code, text = bench(*kept(images, tmp_path), "--every", "2")

    assert code == 0, text
    done = {p.image for p in Store(tmp_path / "points.jsonl").points if p.metrics}
    assert done == {"0.png", "2.png"}


def test_pictures_of_something_else_are_refused(images: Path, tmp_path: Path) -> None:
    command = kept(images, tmp_path)
    settings = sorted((tmp_path / "decoded" / "jpeg").iterdir())
    Image.fromarray(synthetic_picture(48, 64, seed=9)).save(settings[0] / "0.png")
    (settings[1] / "1.png").unlink()

    code, text = bench(*command)

    assert code == 1
    assert f"jpeg at {settings[0].name} on 0.png: the stored picture has" in text
    assert f"on 1.png: no jpeg/{settings[1].name}/1.png" in text
    points = Store(tmp_path / "points.jsonl").points
    assert sum(not p.metrics for p in points) == 2


def test_other_originals_are_refused(images: Path, tmp_path: Path) -> None:
    command = list(kept(images, tmp_path))
    save_pictures(tmp_path / "others", (48, 64))
    command[3] = tmp_path / "others"
    Image.fromarray(synthetic_picture(48, 64, seed=5)).save(tmp_path / "others" / "0.png")

    code, text = bench(*command)

    assert code == 1
    assert "its original is not among the images" in text


def test_undefined_metric_survives_the_file(tmp_path: Path) -> None:
    point = Point("a", "1", 1.0, "i", "0", 8, 8, 9, 1.0, 1.0, 1.0, 0.1, 0.2, {"fsim": math.nan})
    Store(tmp_path / "p").add(point)

    (found,) = Store(tmp_path / "p").points

    assert math.isnan(found.metrics["fsim"])
    assert Store(tmp_path / "p").keys(["fsim"]) == {point.key}
    assert not Store(tmp_path / "p").keys(["nlpd"])
    assert "NaN" not in (tmp_path / "p").read_text()


def points(codec: str, factor: float, images: str = "xy", **shift: float) -> list[Point]:
    """A codec that spends `factor` times the bits of quality q = log2 of rate, on every metric."""
    found = []
    for image in images:
        for q in range(8):
            size = round(factor * 10_000 * 2 ** (q * 0.7))
            metrics = {
                name: METRICS[name].quality(0.5 + 0.05 * (q + shift.get(name.replace("-", "_"), 0)))
                for name in METRICS
            }
            found.append(Point(codec, "1", float(q), image, image, 1000, 1000, size, 30.0 + q, 30.0,
                               math.nan, 0.1, 0.1, metrics))  # fmt: skip
    return found


def test_rates_of_known_curves() -> None:
    """Half the bits everywhere; and one step of quality more at VMAF: 2^-0.7 of those."""
    found = rates(points("vtm", 1) + points("ours", 0.5, vmaf=1), "vtm")

    cells = found.cells["ours"]
    assert cells["nlpd"].rate == pytest.approx(-50, abs=0.1)
    assert cells["wd"].rate == pytest.approx(-50, abs=0.1)
    assert cells["vmaf"].rate == pytest.approx(-100 * (1 - 0.5 * 2**-0.7), abs=0.2)
    assert cells["psnr"].images == 2
    assert "ms-ssim" not in cells
    expected = np.mean([cells[name].rate for name in JPEG_AI])
    assert found.mean_of_seven("ours") == pytest.approx(expected)
    assert as_json(found)["codecs"]["ours"]["metrics"]["fsim"]["images"] == 2
    assert f"**{expected:+.1f}**" in markdown(found)


def test_only_images_that_both_have_count_and_all_seven_make_a_mean() -> None:
    other = [
        replace(p, metrics={k: v for k, v in p.metrics.items() if k != "vif"})
        for p in points("ours", 0.5, "yz")
    ]

    found = rates(points("vtm", 1) + other, "vtm")

    assert found.cells["ours"]["nlpd"].images == 1
    assert found.mean_of_seven("ours") is None
    assert "**" not in markdown(found)
    assert "| -50.0 (1) |" in markdown(found)


def test_points_that_spend_more_for_less_are_left_out() -> None:
    bent = [
        replace(p, metrics=p.metrics | {"vmaf": 0.0}) if p.setting == 4 else p
        for p in points("ours", 0.5)
    ]

    found = rates(points("vtm", 1) + bent, "vtm").cells["ours"]

    assert found["vmaf"].rate == pytest.approx(-50, abs=0.5)


def test_metrics_bd_reads_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for path, found in (("a/points.jsonl", points("vtm", 1)), ("b.jsonl", points("ours", 0.5))):
        store = Store(tmp_path / path)
        for point in found:
            store.add(point)

    code, text = bench(
        "metrics-bd", tmp_path / "a", tmp_path / "b.jsonl", "--out", tmp_path / "bd.json"
    )

    assert code == 0, text
    assert "| ours |" in text
    assert json.loads((tmp_path / "bd.json").read_text())["anchor"] == "vtm"
    assert bench("metrics-bd", tmp_path / "b.jsonl")[0] == 1
    assert "no points of the anchor 'vtm'" in bench("metrics-bd", tmp_path / "b.jsonl")[1]


def test_readme_has_the_table_of_the_results(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    text = (root / "README.md").read_text()
    before, _, rest = text.partition(metric_table.BEGIN)
    document = tmp_path / "README.md"
    document.write_text(
        before + metric_table.BEGIN + metric_table.END + rest.partition(metric_table.END)[2]
    )

    code, said = bench("readme", root / "bench" / "results" / "metrics", document)

    assert code == 0, said
    assert document.read_text() == text
    assert "| AVIF (speed 4) | 0 | 0 |" in text
    document.write_text("no marks\n")
    assert bench("readme", root / "bench" / "results" / "metrics", document)[0] == 1


def test_results_that_lack_a_codec_are_refused(tmp_path: Path) -> None:
    (tmp_path / metric_table.FILE).write_text('{"anchor": "avif", "codecs": {}}')

    with pytest.raises(ValueError, match="lacks 'visual'"):
        metric_table.filled(metric_table.BEGIN + metric_table.END, tmp_path)


def test_two_versions_of_a_codec_are_refused() -> None:
    older = [replace(p, version="0") for p in points("vtm", 2)]

    with pytest.raises(ValueError, match="vtm has points of 2 versions"):
        rates(points("vtm", 1) + older, "vtm")


def test_text_set_makes_pictures_and_masks(tmp_path: Path) -> None:
    save_pictures(tmp_path / "images", (256, 384), (40, 30))
    command = ("text-set", tmp_path / "images", tmp_path / "out")

    code, text = bench(*command)

    assert code == 0, text
    files = image_files(tmp_path / "out")
    assert [f.name for f in files] == ["0.png", "1.png"]  # masks are no images
    picture, original = load(files[0]), load(tmp_path / "images" / "0.png")
    mask = np.asarray(Image.open(tmp_path / "out" / "0.mask.png").convert("L")) > 127
    changed = np.any(picture != original, 2)
    assert 0.01 < changed.mean() < mask.mean() < 0.5
    assert not (changed & ~mask).any()
    before = (tmp_path / "out" / "0.png").read_bytes()
    bench(*command)
    assert (tmp_path / "out" / "0.png").read_bytes() == before


def test_text_differs_between_images_and_stands_out() -> None:
    grey = np.full((256, 384, 3), 200, np.uint8)

    (first, mask), (second, _) = draw_text(grey, 1), draw_text(grey, 2)

    assert (first != second).any()
    assert first[mask].min() == 0
    assert draw_text(255 - grey, 1)[0].max() == 255


def test_rd_measures_text_where_the_mask_is(tmp_path: Path) -> None:
    save_pictures(tmp_path / "images", (256, 384))
    bench("text-set", tmp_path / "images", tmp_path / "text")

    code, text = bench("rd", "--images", tmp_path / "text", "--codecs", "jpeg",
                       "--out", tmp_path / "out", "--metrics", "text-error")  # fmt: skip

    assert code == 0, text
    errors = [p.metrics["text-error"] for p in Store(tmp_path / "out" / "points.jsonl").points]
    assert errors[0] > 2 * errors[-1] > 0
