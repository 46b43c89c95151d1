"""BD-rate of clips, files of points, and the quality that is compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bjontegaard", reason="bench extra not installed")

from click.testing import CliRunner

from bench.__main__ import main
from bench.video.points import Point, load_points
from bench.video.quality import CAP, compare, frame_psnr
from bench.video.rates import bd_of, table


def curve(factor: float) -> list[Point]:
    """Four points that spend `factor` times the bits of the first curve."""
    return [
        Point(bpp=b * factor, psnr=q)
        for b, q in ((0.37, 42.9), (0.20, 39.8), (0.107, 36.7), (0.055, 34.0))
    ]


def planes(value: int, chroma: int = 128) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = np.full((6, 10), value, np.uint8)
    u = np.full((3, 5), chroma, np.uint8)
    return y, u, u.copy()


def test_fewer_bits_at_the_same_quality() -> None:
    rates = bd_of({"a": curve(0.5), "b": curve(1.25)}, {"a": curve(1), "b": curve(1)})

    assert rates.by_clip["a"] == pytest.approx(-50, abs=1e-6)
    assert rates.by_clip["b"] == pytest.approx(25, abs=1e-6)
    assert rates.mean == pytest.approx(-12.5, abs=1e-6)
    assert rates.overlap == 1


def test_clip_without_a_figure_is_told_and_not_in_the_mean() -> None:
    far = [Point(bpp=0.01, psnr=20.0), Point(bpp=0.02, psnr=22.0)]
    anchor = {"a": curve(1), "b": curve(1), "c": curve(1)}

    rates = bd_of({"a": curve(0.9), "b": far}, anchor)

    assert rates.mean == pytest.approx(-10, abs=1e-6)
    assert "no common quality" in rates.missing["b"]
    assert rates.missing["c"] == "not measured"
    head, rows = table({"ours": {"a": curve(0.9), "b": far}, "anchor": anchor}, "anchor")
    assert head[:5] == ["codec", "a", "b", "c", "mean"]
    assert rows[0][:5] == ["ours", "-10.0 %", "", "", "-10.0 % (1 of 3 clips)"]


def test_psnr_is_of_each_plane_of_each_frame_then_the_mean() -> None:
    same, off = planes(100), planes(101, 130)
    luma, chroma = 10 * np.log10(255**2), 10 * np.log10(255**2 / 4)

    assert frame_psnr(same, same) == (CAP, CAP, CAP)
    assert frame_psnr(same, off) == pytest.approx((luma, chroma, chroma))
    found = compare([same, same], [same, off])
    assert found.by_frame[0] == CAP
    assert found.by_frame[1] == pytest.approx((6 * luma + 2 * chroma) / 8, abs=1e-4)
    assert found.psnr == pytest.approx((CAP + (6 * luma + 2 * chroma) / 8) / 2)
    assert found.y == pytest.approx((CAP + luma) / 2)
    with pytest.raises(ValueError, match="1 frames were decoded, expected 2"):
        compare([same, same], [same])
    with pytest.raises(ValueError, match="samples"):
        frame_psnr(same, planes(1)[:1] * 3)


def test_command_reads_plain_points(tmp_path: Path) -> None:
    def rows(factor: float) -> list[dict[str, float]]:
        return [{"bpp": p.bpp, "psnr": p.psnr, "enc_fps": 100.0} for p in curve(factor)]

    file = tmp_path / "plain.json"
    file.write_text(json.dumps({"a": {"x265-medium-zl": rows(1), "other": rows(1.1)}}))

    done = CliRunner().invoke(main, ["video-bd", str(file)])

    assert done.exit_code == 0, done.output
    assert "| other | +10.0 % | +10.0 % | 100/s |  |" in done.output
    assert set(load_points(file)) == {"x265-medium-zl", "other"}
    file.write_text("[1]")
    assert CliRunner().invoke(main, ["video-bd", str(file)]).exit_code == 1
    file.write_text(json.dumps({"a": {"other": rows(1.1)}}))
    done = CliRunner().invoke(main, ["video-bd", str(file)])
    assert "x265-medium-zl was not measured" in done.output
