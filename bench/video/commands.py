"""Commands for video: video, video-bd, video-report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from bench.choices import end, names_in
from bench.images import NoImages
from bench.peers import PeerFailed, PeerMissing
from bench.runs import run_of
from bench.video import report
from bench.video.clips import clip_files, read_clip
from bench.video.measure import run
from bench.video.ours import QUALITIES, OursPeer, is_ours
from bench.video.peers import NAMES, SHORT, PyAVPeer, VideoPeer
from bench.video.player import film
from bench.video.points import Book, Point, load_points
from bench.video.programs import NAME, Programs, VtmPeer
from bench.video.quality import missing_vmaf
from bench.video.rates import ANCHORS, markdown, table

__all__ = ["add_to"]

_READ = click.Path(exists=True, dir_okay=False, path_type=Path)
_WRITE = click.Path(dir_okay=False, path_type=Path)
_CLIPS = click.option(
    "--clips", type=click.Path(exists=True, path_type=Path), required=True, multiple=True,
    help="Folder of lossless clips, or one of them; may be given again.",
)  # fmt: skip
DEFAULT = "ours-ld,ours-ra,x264-zl,x264,x265-zl,x265,svtav1,vp9"


def _names(text: str) -> list[str]:
    """The names that points are kept under."""
    names = [SHORT.get(name, name) for name in names_in(text)]
    for name in names:
        if name not in (*NAMES, NAME) and not is_ours(name):
            known = ", ".join([*SHORT, *NAMES, NAME, "ours-ld, ours-ra (-e1 to -e10)"])
            raise click.ClickException(f"no codec is called {name!r}; known: {known}")
    return names


def make_peer(name: str, qualities: list[float], programs: Programs) -> VideoPeer:
    """A codec by the name of its points. Raises PeerMissing where it cannot run."""
    if is_ours(name):
        return OursPeer(name, qualities)
    return VtmPeer(programs) if name == NAME else PyAVPeer(name)


def _make(
    names: list[str], qualities: str, programs: Programs
) -> tuple[list[VideoPeer], list[str]]:
    """The codecs that can run here, and why the others cannot."""
    found, missing = [], []
    try:
        values = [float(value) for value in qualities.split(",")]
    except ValueError as error:
        raise click.ClickException(f"--qualities: numbers expected, found {qualities!r}") from error
    for name in names:
        try:
            found.append(make_peer(name, values, programs))
        except (PeerMissing, PeerFailed) as error:
            missing.append(str(error))
    return found, missing


@click.command("video")
@_CLIPS
@click.option("--codecs", default=DEFAULT, show_default=True, help="Names, with commas.")
@click.option("--frames", type=click.IntRange(1), help="Of each clip, from the first.  [all]")
@click.option(
    "--qualities", default=",".join(f"{q:g}" for q in QUALITIES), show_default=True,
    help="Of our codec.",
)  # fmt: skip
@click.option("--again", default="", help="Codecs to measure anew, with commas.")
@click.option("--ms-ssim", "structure", is_flag=True, help="MS-SSIM of luma as well.")
@click.option("--vtm-encoder", type=_READ, help="EncoderApp of VTM.")
@click.option("--vtm-decoder", type=_READ, help="DecoderApp of VTM.")
@click.option("--vtm-config", type=_READ, help="encoder_lowdelay_vtm.cfg; else near the encoder.")
@click.option("-o", "--out", type=_WRITE, required=True, help="Points; a later run goes on.")
def video_command(
    clips: tuple[Path, ...], codecs: str, frames: int | None, qualities: str, again: str,
    structure: bool, vtm_encoder: Path | None, vtm_decoder: Path | None, vtm_config: Path | None,
    out: Path,
) -> None:  # fmt: skip
    """Rate and distortion of codecs on lossless clips, from whole files."""
    programs = Programs(vtm_encoder, vtm_decoder, vtm_config)
    found, missing = _make(_names(codecs), qualities, programs)
    started = time.time()
    try:
        files = clip_files(list(clips))
        book = Book(out)
        told = run_of(out, None, files, {str(place): str(place) for place in clips})
        book.add_run(told)
        failures = run(
            found, files, book, frames, frozenset(_names(again)), structure,
            lambda line: click.echo(line, err=True),
        )  # fmt: skip
    except (NoImages, ValueError, ImportError) as error:
        raise click.ClickException(str(error)) from error
    _show(book.points(), list(ANCHORS))
    click.echo(f"{time.time() - started:.0f} s; {missing_vmaf()}", err=True)
    end([*missing, *failures])


@click.command("video-bd")
@click.argument("files", type=_READ, nargs=-1, required=True)
@click.option("--anchor", default=ANCHORS[0], show_default=True, help="Codec to compare with.")
@click.option("--anchors", type=_READ, help="Other file that has the anchor.")
def bd_command(files: tuple[Path, ...], anchor: str, anchors: Path | None) -> None:
    """BD-rate of all codecs of files of points, by clip and in the mean.

    A codec's clip is taken from the last file that has it.
    """
    try:
        points = _merged([*files, *([anchors] if anchors else [])])
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    _show(points, [SHORT.get(anchor, anchor)], strict=True)


@click.command("video-report")
@click.argument("files", type=_READ, nargs=-1, required=True)
@click.option(
    "--clips",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="Folder of the clips, or one of them: the page plays them.",
)
@click.option("--play", default="", help="Names of those to play, with commas.  [three of them]")
@click.option("--ours", default="ours-ld", show_default=True, help="Codec that is played.")
@click.option("--quality", default=40.0, show_default=True, help="Its setting.")
@click.option("--beside", default="x265-zl", show_default=True, help="Codecs beside it.")
@click.option("--frames", type=click.IntRange(1), help="That are played.  [all]")
@click.option("--note", multiple=True, help="A sentence below the tables.")
@click.option("-o", "--out", type=_WRITE, required=True, help="The page.")
def report_command(
    files: tuple[Path, ...], clips: tuple[Path, ...], play: str, ours: str, quality: float,
    beside: str, frames: int | None, note: tuple[str, ...], out: Path,
) -> None:  # fmt: skip
    """One page from files of points: tables, curves, PSNR by frame, and clips to compare."""
    try:
        points = _merged(files)
        films = []
        if clips:
            found, missing = _make(_names(f"{ours},{beside}"), f"{quality:g}", Programs())
            if missing:
                raise click.ClickException("; ".join(missing))
            for file in _played(clip_files(list(clips)), play):
                films.append(film(read_clip(file, frames), found[0], quality, found[1:]))
                click.echo(f"{file.stem}: {len(films[-1].data):,} bytes of film", err=True)
        report.write(points, films, out, [*note, missing_vmaf() + "."])
    except (NoImages, PeerFailed, ValueError) as error:
        raise click.ClickException(str(error)) from error
    size = out.stat().st_size
    click.echo(f"{out} {size:,} bytes")
    if size > report.LARGEST:
        click.echo("a large page: play fewer clips (--play) or frames (--frames)", err=True)


def _played(files: list[Path], names: str) -> list[Path]:
    """The clips of these names, or three of them. Raises NoImages where one is not there."""
    if not names:
        return files[:: max(1, len(files) // 3)][:3]
    by_name = {file.stem: file for file in files}
    wanted = [name.strip() for name in names.split(",")]
    if lost := [name for name in wanted if name not in by_name]:
        raise NoImages(f"no clip is called {', '.join(lost)}")
    return [by_name[name] for name in wanted]


def _merged(files: Sequence[Path]) -> dict[str, dict[str, list[Point]]]:
    """Points of several files: a codec's clip is the last file's that has it."""
    points: dict[str, dict[str, list[Point]]] = {}
    for file in files:
        for codec, by_clip in load_points(file).items():
            points.setdefault(codec, {}).update(by_clip)
    return points


def _show(
    points: dict[str, dict[str, list[Point]]], anchors: list[str], strict: bool = False
) -> None:
    """A table for each anchor; one that was not measured is left out, or an error."""
    for anchor in anchors:
        try:
            text = markdown(*table(points, anchor))
        except ValueError as error:
            if strict:
                raise click.ClickException(str(error)) from error
            continue
        click.echo(f"BD-rate against {anchor}\n\n{text}")


def add_to(group: click.Group) -> None:
    """Hang the commands on the benchmark's."""
    for command in (video_command, bd_command, report_command):
        group.add_command(command)
