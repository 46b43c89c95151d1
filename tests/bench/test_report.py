"""The report: everything measured is in it, it stands alone, and a browser can show it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("bjontegaard", reason="bench extra not installed")
pytest.importorskip("matplotlib", reason="bench extra not installed")
pytest.importorskip("pytorch_msssim", reason="bench extra not installed")

from bench import peers, readme, report
from bench.__main__ import main
from bench.chart import Axis, Series, chart
from bench.pairs import Pair, pairs
from bench.speed import Row, read_rows
from bench.store import Point, Store
from bench.summary import Result, published, read_report, results

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def curve(codec: str, factor: float) -> list[Point]:
    """Points that spend `factor` times the bits of the published VTM."""
    anchor = published()[0]
    return [
        Point(codec, "1.0", float(n), "a.png", "0" * 64, 1000, 1000,
              round(factor * mean.bpp * 125000), mean.psnr, mean.psnr, 0.9, 0.5, 0.25)
        for n, mean in enumerate(anchor.means)
    ]  # fmt: skip


@pytest.fixture
def measured() -> list[Result]:
    return results(points())


def points() -> list[Point]:
    return curve("wavelet", 0.8) + curve("jpeg", 3.0)


@pytest.fixture
def shown(images: Path) -> list[Pair]:
    return pairs(images, peers.make("webp"), [peers.make("jpeg")], bpp=2.0)


def test_report_stands_alone(measured: list[Result], shown: list[Pair], tmp_path: Path) -> None:
    row = Row("webp", "1", 50.0, 0.5, 7.0, 99.0, 31, 32)
    written = report.write(measured, tmp_path, shown, [row])

    text = (tmp_path / "report.html").read_text()
    assert {path.name for path in written} == {
        "report.html", "rd.svg", "speed.svg", "rd.png", "table.md",
    }  # fmt: skip
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("https://arxiv", "")
    assert not re.findall(r"<!--\w+-->", text)
    assert "-20.0 %" in text
    assert "+200.0 %" in text
    assert text.count("data:image/webp") == 9
    assert "<td>99 MP/s</td><td>31 MB</td><td>32 MB</td>" in text
    assert "MLICv2+: -20.46 % against VTM-17.0" in text
    with Image.open(tmp_path / "rd.png") as plot:
        assert plot.size[0] > 700
    for name in ("rd.svg", "speed.svg"):
        ET.parse(tmp_path / name)


def test_table_is_in_order_and_names_what_was_published(measured: list[Result]) -> None:
    text = report.table(measured, published(), [Row("jpeg", "1", 50.0, 0.5, 7.0, 99.0, 31, 32)])
    rows = [line.split(" | ") for line in text.splitlines()[2:]]
    names = [row[0].removeprefix("| ") for row in rows]

    assert names.index("wavelet") < names.index("VTM 9.1, intra, 4:4:4") < names.index("jpeg")
    assert "published: " in next(row[5] for row in rows if row[0].startswith("| VTM"))
    ours = next(row for row in rows if row[0] == "| wavelet")
    # VTM gains 4.8 dB for e times the bits: 4.8 ln(1 / 0.8) = 1.07
    assert ours[1:5] == ["-20.0 %", "+1.07 dB", "about 2 MP/s", "about 4 MP/s"]
    assert next(row for row in rows if row[0] == "| jpeg")[3:5] == ["7 MP/s", "99 MP/s"]


def test_measured_vtm_adds_a_column() -> None:
    measured = results(curve("wavelet", 0.8) + curve("vtm", 0.5))

    head, _, *rows = (line.split(" | ") for line in report.table(measured, [], []).splitlines())

    assert head[1:3] == ["BD-rate", "against 1.0 here"]
    assert {row[0]: row[1:3] for row in rows} == {
        "| vtm": ["-50.0 %", "+0.0 %"],
        "| wavelet": ["-20.0 %", "+60.0 %"],
    }


def test_plot_as_a_file_names_its_curves(measured: list[Result]) -> None:
    root = ET.fromstring(report.plot(measured))

    texts = {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"wavelet", "jpeg", "VTM 9.1, intra, 4:4:4 (published)"} <= texts


def test_pictures_have_about_the_same_size(shown: list[Pair]) -> None:
    assert len(shown) == 3
    for pair in shown:
        original, ours, other = pair.versions
        assert (original.name, ours.name, other.name) == ("original", "webp", "jpeg")
        assert ours.bytes <= other.bytes < 1.1 * ours.bytes or other.bytes < 1000  # its least


def test_no_points_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    result = CliRunner().invoke(main, ["report", str(tmp_path / "in")])

    assert result.exit_code == 1
    assert "no codec has a setting with every image" in result.output


def test_command_writes_beside_the_points(tmp_path: Path) -> None:
    store = Store(tmp_path / "points.jsonl")
    for point in points():
        store.add(point)

    result = CliRunner().invoke(main, ["report", str(tmp_path)])

    assert result.exit_code == 0, result.output
    assert (tmp_path / "report.html").exists()
    again = read_report(tmp_path / "results.json").codecs
    assert [(r.codec, r.version, r.means) for r in again] == [
        (r.codec, r.version, r.means) for r in results(points())
    ]


def told(folder: Path, codecs: list[str], changed: str = "", lines: str = "") -> Path:
    """A folder of points of some codecs, with the run that made them."""
    folder.mkdir()
    store = Store(folder / "points.jsonl")
    for point in points():
        if point.codec in codecs:
            store.add(replace(point, image_sha256=point.image_sha256 + changed))
    run = {"command": f"python -m bench rd --images I --codecs {','.join(codecs)} --out O"}
    (folder / "runs.jsonl").write_text(json.dumps(run) + "\n" + lines)
    return folder


def test_other_codecs_come_from_an_earlier_report(tmp_path: Path) -> None:
    earlier, again = told(tmp_path / "a", ["wavelet", "jpeg"]), told(tmp_path / "b", ["wavelet"])
    assert CliRunner().invoke(main, ["report", str(earlier)]).exit_code == 0

    command = ["report", str(again), "--others", str(earlier / "results.json")]
    result = CliRunner().invoke(main, command)

    assert result.exit_code == 0, result.output
    found = read_report(again / "results.json")
    assert [r.codec for r in found.codecs] == ["wavelet", "jpeg"]
    assert [run["command"].split()[7] for run in found.runs] == ["wavelet,jpeg", "wavelet"]


def test_runs_that_name_no_codecs_stay(tmp_path: Path) -> None:
    bare = json.dumps({"command": "python -m bench rd --images I --out O"}) + "\n"
    earlier = told(tmp_path / "a", ["wavelet", "jpeg"], lines=bare)
    again = told(tmp_path / "b", ["wavelet"])
    assert CliRunner().invoke(main, ["report", str(earlier)]).exit_code == 0

    command = ["report", str(again), "--others", str(earlier / "results.json")]
    result = CliRunner().invoke(main, command)

    assert result.exit_code == 0, result.output
    assert len(read_report(again / "results.json").runs) == 3


def test_other_codecs_must_have_seen_the_same_images(tmp_path: Path) -> None:
    earlier, again = told(tmp_path / "a", ["jpeg"], "0"), told(tmp_path / "b", ["wavelet"])
    assert CliRunner().invoke(main, ["report", str(earlier)]).exit_code == 0

    command = ["report", str(again), "--others", str(earlier / "results.json")]
    result = CliRunner().invoke(main, command)

    assert result.exit_code == 1
    assert "other images" in result.output


def test_readme_is_written_between_its_marks(measured: list[Result]) -> None:
    text = readme.updated(f"a\n{readme.BEGIN}old\n{readme.END}z\n", measured, [], "x/rd.svg")

    assert text.startswith(f"a\n{readme.BEGIN}")
    assert text.endswith(f"{readme.END}z\n")
    assert "old" not in text
    assert "| wavelet | -20.0 % |" in text
    assert "](x/rd.svg)" in text
    assert readme.updated(text, measured, [], "x/rd.svg") == text
    with pytest.raises(ValueError, match="a document without"):
        readme.updated("a", measured, [], "rd.svg")


def test_short_table_of_a_readme_is_against_vtm() -> None:
    names = ("wavelet-e9", "vtm", "wavelet", "x265", "avif", "light", "jxl")
    factors = (0.75, 1.0, 0.9, 1.25, 1.5, 1.6, 2.0)
    measured = results([p for pair in zip(names, factors, strict=True) for p in curve(*pair)])
    speeds = [Row("wavelet", "50", 1.0, 3.5, 4.25, 5.5, 10, 20)]
    text = f"{readme.FEW_BEGIN}old\n{readme.FEW_END}"

    lines = readme.updated(text, measured, speeds, "rd.svg").splitlines()

    cells = [[cell.strip() for cell in line.split("|")[2:5]] for line in lines[3:-1]]
    assert [row[0] for row in cells] == [
        "-25.0 %", "0", "-10.0 %", "+25.0 %", "+50.0 %", "+60.0 %",
        "+100.0 %",
    ]  # fmt: skip
    assert cells[2][1:] == ["4.2 MP/s", "5.5 MP/s"]
    assert cells[0][1:] == ["", ""]


def test_labels_are_escaped() -> None:
    series = [Series("<b>&", [(1.0, 1.0)], ['"<'])]

    ET.fromstring(chart(series, Axis("x", 0, 2), Axis("<y>", 0, 2)))


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (Axis("", 0.0, 2.0), [0, 0.5, 1, 1.5, 2]),
        (Axis("", 24.0, 42.0), [24, 26, 28, 30, 32, 34, 36, 38, 40, 42]),
        (Axis("", 0.3, 30.0, log=True), [0.5, 1, 2, 5, 10, 20]),
    ],
)
def test_ticks_are_round(axis: Axis, expected: list[float]) -> None:
    assert axis.ticks() == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, 1280])
def test_browser_shows_it(
    measured: list[Result], shown: list[Pair], tmp_path: Path, width: int
) -> None:
    """Desktop and phone: the page is drawn, and nothing makes it wider than the window."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium on this machine")
    report.write(measured, tmp_path, shown)
    page = tmp_path / "report.html"
    # The width that the page needs, readable from its title after the scripts have run.
    probe = "<script>document.title = document.documentElement.scrollWidth</script></body>"
    page.write_text(page.read_text().replace("</body>", probe))
    shot = tmp_path / "shot.png"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
               f"--window-size={width},3000"]  # fmt: skip

    subprocess.run(
        [*command, f"--screenshot={shot}", page.as_uri()], check=True, timeout=120,
        capture_output=True,
    )  # fmt: skip
    dom = subprocess.run(
        [*command, "--dump-dom", page.as_uri()], check=True, timeout=120, capture_output=True,
        text=True,
    ).stdout  # fmt: skip

    with Image.open(shot) as picture:
        pixels = np.array(picture.convert("L"))
    assert pixels.std() > 10  # not an empty page
    title = re.search(r"<title>(\d+)</title>", dom)
    assert title is not None
    assert int(title[1]) <= max(width, 500)  # Chromium's windows have no less than 500 pixels
    assert dom.count("<select") == 6


def test_project_readme_is_up_to_date() -> None:
    """`python -m bench readme bench/results/kodak README.md` changes nothing."""
    root = Path(__file__).parents[2]
    text = (root / "README.md").read_text()

    folder = root / "bench" / "results" / "kodak"
    kept = read_report(folder / "results.json").codecs

    speeds = read_rows(folder / "speed.json")
    assert readme.updated(text, kept, speeds, "bench/results/kodak/rd.svg") == text
    assert (folder / "rd.svg").read_text() == report.plot(kept)
