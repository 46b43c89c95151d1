"""The page to look at pictures: everything is in it, bytes are equal, and a browser runs it."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")
pytest.importorskip("bjontegaard", reason="bench extra not installed")

import codec
from bench import peers
from bench.__main__ import main
from bench.images import NoImages, load
from bench.looks import commands, page
from bench.looks.region import Region, choose
from bench.looks.versions import Look, scorer, versions
from bench.peers import PeerFailed, PeerMissing
from tests.model_fixtures import synthetic_picture

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
RATES = [1.0, 2.0]
ROOT = Path(__file__).parents[2]


def embedded(text: str, name: str) -> Any:
    """JSON of the page, by the id of its element."""
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', text)
    assert found is not None
    return json.loads(found[1])


def pixels(uri: str) -> np.ndarray[Any, Any]:
    """Of a data URI, which must be the lossless WebP that it claims to be."""
    kind, _, data = uri.partition(";base64,")
    assert kind == "data:image/webp"
    content = base64.b64decode(data, validate=True)
    assert b"VP8L" in content[:64]
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "WEBP"
        return np.array(image.convert("RGB"))


def made(files: list[Path], *names: str, largest: tuple[int, int] = (48, 32)) -> list[Look]:
    found = [peers.make(name) for name in names]
    try:
        return [versions(file, found, RATES, scorer(), largest) for file in files]
    finally:
        peers.close(found)


@pytest.fixture
def files(images: Path) -> list[Path]:
    return sorted(images.iterdir())[:2]


@pytest.fixture
def written(files: list[Path], tmp_path: Path) -> Path:
    """A page of two pictures, two rates and two codecs, one of which is missing a line."""
    out = tmp_path / "looks.html"
    lines = ["x: <not> here"]
    page.write(made(files, "webp", "avif"), ["avif", "webp"], lines, {"command": "a & b"}, out)
    return out


def test_page_has_every_picture_rate_and_codec(written: Path, files: list[Path]) -> None:
    text = written.read_text()

    head = embedded(text, "head")
    assert head["pictures"] == ["images/0", "images/1"]
    assert head["rates"] == RATES
    assert [one["title"] for one in head["codecs"]] == ["AVIF", "WebP"]
    for number, file in enumerate(files):
        picture, image = embedded(text, f"picture-{number}"), load(file)
        x, y, width, height = picture["region"]
        region = Region(x, y, width, height)
        assert np.array_equal(pixels(picture["uri"]), region.of(image))
        assert [rate["bpp"] for rate in picture["rates"]] == RATES
        for rate in picture["rates"]:
            assert set(rate["versions"]) == {"avif", "webp"}
            for one in rate["versions"].values():
                assert pixels(one["uri"]).shape == (height, width, 3)
    assert text.count("data:image/webp") == 2 * (1 + 2 * 2)


def test_page_needs_no_network_and_says_what_is_missing(written: Path) -> None:
    text = written.read_text()

    assert not re.findall(r'(?:src|href)="(?!data:)|url\(|@import|https?://', text)
    assert not re.findall(r"<!--\w+-->", text)
    assert "<li>missing: x: &lt;not&gt; here</li>" in text
    assert "<dd>a &amp; b</dd>" in text


def test_shown_is_what_the_codec_decodes_and_figures_are_of_the_whole(files: list[Path]) -> None:
    (look,) = made(files[:1], "webp")
    image, peer = load(files[0]), peers.make("webp")
    figures = look.rates[1].made["webp"].figures  # type: ignore[union-attr]
    budget = RATES[1] * image.shape[0] * image.shape[1] / 8

    data = next(d for d in (peer.encode(image, q) for q in range(101)) if len(d) >= budget)

    decoded = peer.decode(data)
    assert figures.bytes == len(data)
    mse = np.mean((decoded.astype(float) - image) ** 2)
    assert figures.psnr == pytest.approx(10 * np.log10(255**2 / mse))
    assert figures.ssimulacra2 == pytest.approx(scorer()(image, decoded))
    shown = look.rates[1].made["webp"].uri  # type: ignore[union-attr]
    assert np.array_equal(pixels(shown), look.region.of(decoded))


@pytest.mark.weights
def test_others_spend_no_fewer_bytes_than_ours(files: list[Path]) -> None:
    peer = peers.make("webp")
    for file, look in zip(files, made(files, "webp", "wavelet"), strict=True):
        sizes = [len(peer.encode(load(file), quality)) for quality in range(101)]
        for rate in look.rates:
            ours, theirs = (rate.made[name].figures for name in ("wavelet", "webp"))  # type: ignore[union-attr]
            assert ours.bytes <= rate.bpp * look.width * look.height / 8
            assert theirs.bytes == next(size for size in sizes if size >= ours.bytes)


@pytest.mark.weights
def test_ours_is_the_coarsest_where_nothing_fits(files: list[Path]) -> None:
    ours, image = peers.make("wavelet"), load(files[0])

    assert ours.within(image, 5) == ours.encode(image, 0)  # type: ignore[attr-defined]


def test_codec_that_fails_on_a_picture_is_told(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peers.make("webp")

    def broken(data: bytes) -> None:
        raise PeerFailed("webp: broken")

    monkeypatch.setattr(peer, "decode", broken)
    look = versions(files[0], [peer, peers.make("jpeg")], RATES[:1], None, (640, 416))

    assert look.failures == ["images/0 at 1 bpp: webp: broken"]
    assert look.rates[0].made["jpeg"].figures.ssimulacra2 is None  # type: ignore[union-attr]


def test_command_names_a_codec_that_is_missing(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = peers.make

    def without(name: str) -> peers.Peer:
        if name == "visual":
            raise PeerMissing("visual: profile wavelet has no tune 'visual'")
        return make(name)

    monkeypatch.setattr(peers, "make", without)
    out, names = tmp_path / "page" / "looks.html", tmp_path / "names.txt"
    names.write_text("# the second\nimages/1.png\n\n")
    words = ["looks", "--images", f"{images}/", f"--names={names}", "--bpp", "2,1"]
    words += ["--codecs", "visual,webp", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["bench", *words])

    result = CliRunner().invoke(main, words)

    assert result.exit_code == 1
    assert "missing: visual: profile wavelet has no tune 'visual'" in result.output
    text = out.read_text()
    assert "missing: visual: profile wavelet has no tune" in text
    assert embedded(text, "head")["pictures"] == ["images/1"]
    assert embedded(text, "head")["rates"] == [1, 2]
    assert str(tmp_path) not in text
    assert "looks --images images --names=names.txt --bpp 2,1" in text
    assert "1 bpp" in result.output
    assert "| images/1 |" in result.output


@pytest.mark.parametrize("name", ["visual", "visual-e8", "visual-e9"])
def test_version_without_the_visual_model_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(profile: str, tune: str) -> None:
        raise codec.UnknownModel(f"profile {profile} has no tune {tune!r}; known: psnr")

    monkeypatch.setattr(codec, "Encoder", none)

    with pytest.raises(PeerMissing, match=f"{name}: profile wavelet has no tune 'visual'"):
        peers.make(name)


@pytest.mark.parametrize(
    ("option", "value"), [("--bpp", "0"), ("--bpp", "x"), ("--region", "9"), ("--region", "0x4")]
)
def test_wrong_words_are_refused(images: Path, tmp_path: Path, option: str, value: str) -> None:
    words = ["looks", "--images", str(images), "--out", str(tmp_path / "a.html"), option, value]

    result = CliRunner().invoke(main, words)

    assert result.exit_code == 2
    assert "is not a" in result.output


def test_names_choose_among_several_folders(images: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(images, other)
    (other / "0.png").rename(other / "a.png")
    names = tmp_path / "names.txt"
    names.write_text("a.png\nother/1.png\n")

    found = commands.chosen_files([images, other], 1, names)

    assert found == [other / "a.png", other / "1.png"]
    names.write_text("1.png\n")
    with pytest.raises(NoImages, match=r"1\.png names 2 images"):
        commands.chosen_files([images, other], 1, names)
    assert len(commands.chosen_files([images, other], 2, None)) == 4


def test_region_is_where_there_is_most_to_see() -> None:
    image = np.full((200, 300, 3), 90, np.uint8)
    image[120:180, 200:280] = synthetic_picture(60, 80, seed=1)
    mask = np.zeros((200, 300), np.bool_)
    mask[10:20, 10:60] = True

    detail = choose(image, (100, 80))
    text = choose(image, (100, 80), mask)

    assert (detail.width, detail.height) == (100, 80)
    assert detail.x <= 200 < 280 <= detail.x + 100
    assert detail.y <= 120 < 180 <= detail.y + 80
    assert text.x <= 10 < 60 <= text.x + 100
    assert text.y <= 10
    assert choose(image[:50, :60], (100, 80)) == Region(0, 0, 60, 50)
    upright = choose(np.zeros((300, 200, 3), np.uint8), (100, 80))
    assert upright == Region(56, 96, 80, 100)


def test_set_has_sixteen_pictures_of_three_kinds() -> None:
    lines = (ROOT / "bench" / "results" / "looks" / "names.txt").read_text().splitlines()
    names = [line for line in lines if line and not line.startswith("#")]

    folders = [name.partition("/")[0] for name in names]
    assert len(set(names)) == 16
    assert [folders.count(one) for one in ("kodak", "graphics", "text")] == [8, 4, 4]


def test_script_parses(written: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    script = re.findall(r"<script>(.*?)</script>", written.read_text(), re.DOTALL)[-1]
    file = tmp_path / "page.js"
    file.write_text(script)

    subprocess.run([node, "--check", str(file)], check=True, timeout=60)


PROBE = """<script>
const said = [];
const at = () => ["left", "right"].map((id) => $(id).textContent + ":" + $(id).className);
const strike = (key, code = "", shiftKey = false) =>
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, shiftKey, bubbles: true }));
said.push(at());
strike("1", "Digit1"); strike("#", "Digit3", true); said.push(at());
strike(" "); said.push(at(), $("over").style.clipPath);
strike(" "); said.push(at(), $("over").style.clipPath);
strike("z"); strike("ArrowRight"); strike("ArrowUp"); strike("d");
said.push(location.hash, document.documentElement.scrollWidth);
setTimeout(() => {
  said.push($("difference").hidden);
  document.title = JSON.stringify(said);
}, 2000);
</script></body>"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [500, 1280])
def test_browser_answers_to_keys(written: Path, tmp_path: Path, width: int) -> None:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium on this machine")
    written.write_text(written.read_text().replace("</body>", PROBE))

    dom = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
         f"--window-size={width},900", "--virtual-time-budget=8000", "--dump-dom",
         written.as_uri()],
        check=True, timeout=120, capture_output=True, text=True,
    ).stdout  # fmt: skip

    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    first, chosen, left, left_cut, right, right_cut, address, wide, hidden = json.loads(title[1])
    assert first == ["AVIF:", "WebP:"]
    assert chosen == ["original:", "WebP:"]
    assert left == ["original:front", "WebP:back"]
    assert right == ["original:back", "WebP:front"]
    assert left_cut.endswith("100%)")
    assert right_cut != left_cut
    assert unescape(address).startswith("#picture=images%2F1&bpp=2&left=1&right=3&")
    assert "view=difference" in address
    assert "zoom=2" in address
    assert wide <= width
    assert hidden is False
