"""Speed and memory: measured in other processes, failures named, the rate come near to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")
pytest.importorskip("bjontegaard", reason="bench extra not installed")
pytest.importorskip("matplotlib", reason="bench extra not installed")

from bench import peers
from bench.__main__ import main
from bench.measure import image_files
from bench.speed import Row, SpeedFailed, markdown, measure_codec, read_rows
from tests.bench.test_peers import stand_in


def test_row_has_speeds_and_memory(images: Path) -> None:
    row = measure_codec("webp", image_files(images), bpp=3.0, repeat=1, cores=1, paths={})

    assert row.codec == "webp"
    assert row.setting in peers.make("webp").settings
    assert row.encode_mp_s > 0
    assert row.decode_mp_s > 0
    # Python, NumPy and Pillow, but not torch, which this process has loaded or not
    assert 10 < row.decode_peak_mb < 200
    assert 10 < row.encode_peak_mb < 200


def test_memory_of_other_codecs_has_no_torch_in_it() -> None:
    code = "import sys, bench.speed; assert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.parametrize("bpp", [0.01, 3.0, 50.0])
def test_setting_is_the_nearest_to_the_rate(images: Path, bpp: float) -> None:
    from bench.measure import load

    file = image_files(images)[0]
    image, peer = load(file), peers.make("jpeg")
    rates = {s: 8 * len(peer.encode(image, s)) / (48 * 64) for s in peer.settings}

    row = measure_codec("jpeg", [file], bpp, repeat=1, cores=1, paths={})

    assert row.setting == min(rates, key=lambda s: max(rates[s] / bpp, bpp / rates[s]))
    assert row.bpp == pytest.approx(rates[row.setting], abs=1e-4)


def test_failing_codec_is_named(images: Path, tmp_path: Path) -> None:
    with pytest.raises(SpeedFailed, match="vtm: exit status 3"):
        measure_codec("vtm", image_files(images), 1.0, 1, 1, stand_in(tmp_path, fail=True))


def test_command_keeps_what_it_measured_and_names_the_rest(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEC_BENCH_VTM_ENCODER", str(tmp_path / "nowhere"))
    out = tmp_path / "out"
    words = ["speed", "--images", str(images), "--codecs", "jpeg,vtm", "--out", str(out)]
    words += ["--repeat", "1"]
    monkeypatch.setattr(sys, "argv", ["bench", *words])

    result = CliRunner().invoke(main, words)

    assert result.exit_code == 1
    assert "| jpeg |" in result.output
    assert "missing: vtm: " in result.output
    told = json.loads((out / "speed.json").read_text())
    assert [row["codec"] for row in told["rows"]] == ["jpeg"]
    assert len(told["failures"]) == 1
    (row,) = read_rows(out / "speed.json")
    assert row.codec == "jpeg"
    assert told["command"].startswith("python -m bench speed --images IMAGES --codecs jpeg,vtm")


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["speed", "--images", str(tmp_path), "--out", str(tmp_path / "out")]
    )

    assert result.exit_code == 1
    assert "no images in" in result.output


def test_table_begins_with_the_fastest_decoder() -> None:
    rows = [Row(name, "1", 1.0, 0.5, 1.0, speed, 10, 20) for name, speed in (("a", 2), ("b", 30))]

    lines = markdown(rows).splitlines()

    assert lines[2] == "| b | 0.50 | 1 MP/s | 30 MP/s | 10 MB | 20 MB |"
    assert len(lines) == 4


def test_rows_of_another_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    assert read_rows(path) == []
    path.write_text("{}")

    with pytest.raises(ValueError, match=r"speed\.json: not from"):
        read_rows(path)
