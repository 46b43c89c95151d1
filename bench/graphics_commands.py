"""Commands for what is no photograph: lossless, collections, equal-bytes, graphics."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from tqdm import tqdm

import codec
from bench import equal_bytes, graphics, lossless, peers, strangers
from bench.choices import end, made, names_in
from bench.images import NoImages, image_files
from bench.peers import PeerFailed, PeerMissing, exact
from bench.runs import run_of

__all__ = ["add_to"]

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_IMAGES = click.option("--images", type=_FOLDER, required=True, help="Folder of images.")
_EVERY = click.option("--every", default=1, show_default=True, help="Use every n-th image.")
_ONLY = click.option(
    "--names", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the names of the images to take, one a line.",
)  # fmt: skip
_JSON = click.option("--out", type=_FILE, help="JSON file to write.")
LOSSLESS = "png,webp,jxl-e3,jxl-e7,jxl-e9,ffv1,ours"

Made = TypeVar("Made")


def _make(names: list[str], make: Callable[[str], Made]) -> tuple[list[Made], list[str]]:
    """The codecs that can run here, and why the others cannot."""
    try:
        found, missing = made(names, make)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    return found, list(missing.values())


def _files(images: Path, every: int, names: Path | None) -> list[Path]:
    """The images of a folder, or those of them that a file names, one a line."""
    try:
        files = image_files(images, every)
    except NoImages as error:
        raise click.ClickException(str(error)) from error
    if names is None:
        return files
    wanted = names.read_text().split("\n")
    found = {file.name: file for file in files}
    absent = [name for name in wanted if name and name not in found]
    if absent or not any(wanted):
        raise click.ClickException(f"{names.name}: not in the folder: {', '.join(absent) or 'any'}")
    return [found[name] for name in wanted if name]


def _write(out: Path | None, told: dict[str, Any]) -> None:
    """The JSON file, where one is wanted."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(told, indent=1) + "\n")


@click.command("lossless")
@_IMAGES
@_EVERY
@_ONLY
@click.option("--codecs", default=LOSSLESS, show_default=True, help=f"Of {', '.join(exact.NAMES)}.")
@click.option(
    "--near-lossless", "near", default=0, type=click.IntRange(0, 255),
    help="Largest error that ours may make; only ours runs then.",
)  # fmt: skip
@click.option(
    "--cores", type=click.IntRange(1), default=1, show_default=True,
    help="Of the processor that a codec may use.",
)  # fmt: skip
@click.option(
    "--others", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier result on the same images: codecs that are not measured now.",
)  # fmt: skip
@click.option("--title", default="", help="What the pictures are, for the tables of documents.")
@_JSON
def lossless_command(
    images: Path, every: int, names: Path | None, codecs: str, near: int, cores: int, title: str,
    others: Path | None, out: Path | None,
) -> None:  # fmt: skip
    """Bits per pixel and speed of lossless codecs, every file decoded and compared."""
    files = _files(images, every, names)
    wanted = [n for n in names_in(codecs) if not near or n.partition("-")[0] == exact.OURS]
    if not wanted:
        raise click.ClickException("--near-lossless measures ours alone: name it in --codecs")
    lossless.use_cores(cores)
    found, missing = _make(wanted, lambda name: exact.make(name, near))
    with tqdm(total=len(found) * len(files), unit="file", disable=None) as bar:

        def progress(text: str) -> None:
            bar.set_postfix_str(text)
            bar.update()

        rows, failures = lossless.measure(found, files, near, progress)
    run = run_of(out or Path("OUT"), images, files, {})
    try:
        earlier, runs = ([], []) if others is None else lossless.taken(others, rows, run, near)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    rows += earlier
    click.echo(lossless.markdown(rows, near), nl=False)
    told = run | {
        "earlier_runs": runs, "title": title, "near_lossless": near, "cores": cores,
        "missing": missing,
        "failures": failures, "rows": [row.as_json() for row in rows],
    }  # fmt: skip
    _write(out, told)
    end([*missing, *failures])


@click.command("collections")
@_IMAGES
@click.option("--quality", type=click.FloatRange(0, 100), default=75, show_default=True)
@_JSON
def collections_command(images: Path, quality: float, out: Path | None) -> None:
    """Strangers' test images through encode and decode: refused, failed, poor, too large."""
    files = strangers.files_of(images)
    with tqdm(total=len(files), unit="file", disable=None) as bar:

        def progress(text: str) -> None:
            bar.set_postfix_str(text)
            bar.update()

        found = strangers.measure(images, quality, progress)
    told = strangers.summary(found)
    click.echo(strangers.text_of(told))
    run = run_of(out or Path("OUT"), images, [], {})
    del run["images"], run["data_sha256"]
    told = run | {"quality": quality, "codec": codec.__version__} | told
    _write(out, told)
    sys.exit(1 if told["failures"] else 0)


@click.command("equal-bytes")
@_IMAGES
@_EVERY
@_ONLY
@click.option("--codecs", default="avif,webp", show_default=True, help="To compare ours with.")
@click.option("--quality", type=click.FloatRange(0, 100), default=75, show_default=True)
@click.option("--effort", type=click.IntRange(1, 10), help="Of ours.")
@_JSON
def equal_bytes_command(
    images: Path, every: int, names: Path | None, codecs: str, quality: float, effort: int | None,
    out: Path | None,
) -> None:  # fmt: skip
    """Ours at a quality and others at the same bytes: PSNR and SSIMULACRA2 of each picture."""
    files = _files(images, every, names)
    found, problems = _make(names_in(codecs), peers.make)
    try:
        score = equal_bytes.ssimulacra2()
    except PeerMissing as error:
        raise click.ClickException(str(error)) from error
    options = {} if effort is None else {"effort": effort}
    rows = []
    click.echo(equal_bytes.head([equal_bytes.OURS, *(peer.name for peer in found)]), nl=False)
    for file in files:
        try:
            rows.append(equal_bytes.measure(file, found, quality, score, **options))
            click.echo(equal_bytes.line(rows[-1]), nl=False)
        except (PeerFailed, codec.CodecError) as error:
            problems.append(f"{file.name}: {error}")
    peers.close(found)
    if rows:
        click.echo(equal_bytes.foot(rows), nl=False)
    told = run_of(out or Path("OUT"), images, files, {}) | {
        "quality": quality, "missing": problems,
        "versions": {equal_bytes.OURS: codec.__version__} | {p.name: p.version for p in found},
        "rows": [version.as_json() for row in rows for version in row],
    }  # fmt: skip
    _write(out, told)
    end(problems)


@click.command("graphics")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--clone", "clones", multiple=True, metavar="NAME=PATH",
    help=f"A clone that is there already, of {', '.join(graphics.REPOSITORIES)}.",
)  # fmt: skip
@click.option("--photographs", type=_FOLDER, help="To dither and to reduce, beside the example.")
def graphics_command(out: Path, clones: tuple[str, ...], photographs: Path | None) -> None:
    """Make and gather screenshots, charts, pages and dithers, and two collections."""
    given = dict(clone.partition("=")[::2] for clone in clones)
    unknown = sorted(set(given) - set(graphics.REPOSITORIES))
    if unknown:
        raise click.ClickException(f"no source is called {', '.join(unknown)}")
    os.makedirs(out, exist_ok=True)
    gathered, problems = graphics.gather(out, {n: Path(p) for n, p in given.items()}, photographs)
    for line in gathered:
        click.echo(line)
    end(problems)


def add_to(group: click.Group) -> None:
    """Makes these commands part of a group."""
    for command in (lossless_command, collections_command, equal_bytes_command, graphics_command):
        group.add_command(command)
