"""The command looks: a page to look at pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from tqdm import tqdm

from bench import equal_bytes, peers
from bench.choices import end, made, names_in
from bench.images import NoImages, image_files
from bench.looks import page
from bench.looks.versions import Look, Shown, scorer, versions
from bench.machine import machine
from bench.peers import PeerMissing

__all__ = ["add_to", "chosen_files"]

_FILE = click.Path(dir_okay=False, path_type=Path)


class _Rates(click.ParamType[list[float]]):
    name = "BPP,…"

    def convert(self, value: str, param: object, ctx: click.Context | None) -> list[float]:
        try:
            rates = sorted({float(text) for text in value.split(",")})
        except ValueError:
            rates = []
        if not rates or not 0 < rates[0] <= rates[-1] <= 100:
            self.fail(f"{value!r} is not a list of bits per pixel such as 0.15,0.3,0.6")
        return rates


class _Size(click.ParamType[tuple[int, int]]):
    name = "WIDTHxHEIGHT"

    def convert(
        self, value: str | tuple[int, int], param: object, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        sides = value.split("x")
        if len(sides) != 2 or not all(s.isdecimal() and 0 < int(s) < 10**6 for s in sides):
            self.fail(f"{value!r} is not a size such as 640x416")
        return int(sides[0]), int(sides[1])


def chosen_files(folders: Iterable[Path], every: int, names: Path | None) -> list[Path]:
    """Every n-th image of each folder; or those that a file names, one a line, in its order.

    A line is NAME, or FOLDER/NAME with the last part of the folder's path. Lines that begin with #
    say something to people.

    Raises:
        NoImages: a folder has none, or a line names no image or several.
    """
    files = [file for folder in folders for file in image_files(folder, every)]
    if names is None:
        return files
    chosen = []
    for line in names.read_text().splitlines():
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        found = [f for f in files if name in (f.name, f"{f.resolve().parent.name}/{f.name}")]
        if len(found) != 1:
            raise NoImages(f"{names.name}: {name} names {len(found)} images of the folders")
        chosen += found
    if not chosen:
        raise NoImages(f"{names.name} names no image")
    return chosen


@click.command("looks")
@click.option(
    "--images", "folders", multiple=True, required=True, help="Folder of images; again for more.",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)  # fmt: skip
@click.option("--every", type=click.IntRange(1), default=1, help="Use every n-th image.")
@click.option(
    "--names", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the images to take, NAME or FOLDER/NAME, one a line.",
)  # fmt: skip
@click.option("--bpp", "rates", type=_Rates(), default="0.15,0.3,0.6", show_default=True)
@click.option(
    "--codecs", default="wavelet,visual,avif,jxl", show_default=True,
    help=f"Of {', '.join(peers.NAMES)}.",
)  # fmt: skip
@click.option(
    "--region", type=_Size(), default="640x416", show_default=True,
    help="What is shown of a larger picture, in pixels; of an upright one, turned.",
)  # fmt: skip
@click.option("--out", type=_FILE, required=True, help="The page.")
def looks_command(
    folders: tuple[Path, ...], every: int, names: Path | None, rates: list[float], codecs: str,
    region: tuple[int, int], out: Path,
) -> None:  # fmt: skip
    """A page to look at pictures: original, ours and others at equal bytes."""
    try:
        files = chosen_files(folders, every, names)
        found, missing = made(names_in(codecs), peers.make)
    except (NoImages, ValueError) as error:
        raise click.ClickException(str(error)) from error
    problems = [
        text if text.startswith(name) else f"{name}: {text}" for name, text in missing.items()
    ]
    if not found:
        raise click.ClickException(f"no codec can run here: {'; '.join(problems)}")
    try:
        score = scorer()
    except PeerMissing as error:
        score = None
        problems.append(str(error))
    with tqdm(total=len(files) * len(rates), unit="rate", disable=None) as bar:

        def progress(text: str) -> None:
            bar.set_postfix_str(text)
            bar.update()

        try:
            looks = [versions(file, found, rates, score, region, progress) for file in files]
        finally:
            peers.close(found)
    problems += [line for look in looks for line in look.failures]
    shown = [peer.name for peer in found]
    notes = {peer.name: peer.version for peer in found} | {
        "command": _command([*folders, *([] if names is None else [names]), out]),
        "machine": machine(),
    }
    page.write(looks, shown, problems, notes, out)
    click.echo(_table(looks, shown), nl=False)
    click.echo(f"{out.name}: {out.stat().st_size / 1e6:.1f} MB")
    end(problems)


def _command(paths: Iterable[Path]) -> str:
    """The command line, without where things are on this machine."""
    short = {path: path.name for path in paths}
    words = ["python -m bench"]
    for word in sys.argv[1:]:
        option, equals, value = word.rpartition("=")
        words.append(option + equals + short.get(Path(value), value))
    return " ".join(words)


def _table(looks: Sequence[Look], codecs: Sequence[str]) -> str:
    """PSNR and SSIMULACRA2 of every picture, rate by rate, with means."""
    text = ""
    for number, rate in enumerate(looks[0].rates):
        rows = []
        for look in looks:
            made = [look.rates[number].made[name] for name in codecs]
            row = [one.figures for one in made if isinstance(one, Shown)]
            if len(row) == len(codecs):
                rows.append(row)
        if rows:
            text += f"{rate.bpp:g} bpp\n\n{equal_bytes.head(list(codecs))}"
            text += "".join(map(equal_bytes.line, rows)) + equal_bytes.foot(rows) + "\n"
    return text


def add_to(group: click.Group) -> None:
    """Makes the command part of a group."""
    group.add_command(looks_command)
