"""Commands of metrics beyond PSNR: metrics, metrics-bd, text-set; and rd's options for them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from tqdm import tqdm

from bench.choices import end, names_in
from bench.decoded import complete, originals, wanting
from bench.images import NoImages, image_files
from bench.metric_rates import as_json, markdown, rates
from bench.metrics import GROUPS, METRICS, POINT, Measured, make, names_of, needs_mask
from bench.runs import add_run, run_of
from bench.store import Point, Store
from bench.text_set import write_text_set
from codec.errors import CodecError

__all__ = ["Wanted", "add_to", "metric_options", "prepare"]

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_OUT = click.Path(file_okay=False, path_type=Path)
_EVERY = click.option("--every", default=1, show_default=True, help="Use every n-th image.")


class _Metrics(click.ParamType[list[str]]):
    name = "NAME,…"

    def convert(self, value: str, param: object, ctx: click.Context | None) -> list[str]:
        try:
            return names_of(value)
        except ValueError as error:
            self.fail(str(error))


_METRICS = click.option(
    "--metrics", type=_Metrics(), default="psnr,psnr-yuv,ms-ssim", show_default=True,
    help=f"Of {', '.join([*POINT, *METRICS, *GROUPS])}; the first three every point has.",
)  # fmt: skip
_VMAF = click.option("--vmaf", metavar="PATH", help="Program vmaf of libvmaf.")


def metric_options(command: Callable[..., None]) -> Callable[..., None]:
    """Of rd: what to measure, with which program, and where decoded pictures stay."""
    keep = click.option(
        "--keep-decoded", type=_OUT, help="Keep decoded pictures here, CODEC/SETTING/IMAGE.png."
    )
    return _METRICS(_VMAF(keep(command)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The metrics of a run.

    names: those that can run here, which a point must have to be complete.
    missing: the others, with the reason.
    """

    names: Sequence[str] = ()
    missing: dict[str, str] = field(default_factory=dict)
    measured: Measured = field(default_factory=lambda: Measured({}))


def prepare(names: Sequence[str], vmaf: str | None, files: list[Path]) -> Wanted:
    """Load the metrics that can run on this machine and on these images."""
    missing = needs_mask(names, files)
    paths = {} if vmaf is None else {"vmaf": vmaf}
    scores, others = make([name for name in names if name not in missing], paths)
    return Wanted(list(scores), missing | others, Measured(scores))


@click.command("metrics")
@click.argument("folder", type=_FOLDER)
@click.option("--images", type=_FOLDER, required=True, help="Folder of the originals.")
@click.option("--decoded", type=_FOLDER, required=True, help="Pictures as CODEC/SETTING/IMAGE.png.")
@click.option("--codecs", metavar="NAME,…", help="Only these.")
@click.option("--every", default=1, show_default=True, help="Only points of every n-th image.")
@_METRICS
@_VMAF
def metrics_command(
    folder: Path,
    images: Path,
    decoded: Path,
    codecs: str | None,
    every: int,
    metrics: list[str],
    vmaf: str | None,
) -> None:
    """Add metrics to the points of FOLDER/points.jsonl from decoded pictures that were kept."""
    try:
        files = image_files(images, every)
        store = Store(folder / "points.jsonl")
    except (NoImages, ValueError) as error:
        raise click.ClickException(str(error)) from error
    wanted = prepare(metrics, vmaf, files)
    chosen = None if codecs is None else names_in(codecs)
    known = originals(files)
    todo = wanting(store, chosen, wanted.names)
    if every > 1:
        todo = [point for point in todo if point.image_sha256 in known]
    started = time.time()
    with tqdm(total=len(todo), unit="point", disable=None) as bar:

        def progress(point: Point) -> None:
            bar.set_postfix_str(f"{point.codec} {point.setting:g} {point.image}")
            bar.update()

        failures = complete(todo, store, known, decoded, wanted.measured, progress)
    run = run_of(folder, images, files, {"vmaf": vmaf} if vmaf else {}, decoded)
    run |= {"missing": wanted.missing, "failures": failures}
    run["seconds"] = round(time.time() - started, 1)
    add_run(folder, run)
    click.echo(f"{len(todo) - len(failures)} points completed")
    end([*wanted.missing.values(), *failures])


@click.command("metrics-bd")
@click.argument("points", type=click.Path(exists=True, path_type=Path), nargs=-1, required=True)
@click.option("--anchor", default="vtm", show_default=True, help="Codec to compare with.")
@click.option(
    "--codecs", metavar="NAME,…", help="Only these, and the anchor; all of them otherwise."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="JSON file to write."
)  # fmt: skip
def metrics_bd_command(
    points: tuple[Path, ...], anchor: str, codecs: str | None, out: Path | None
) -> None:
    """BD-rate of each codec by each metric against the anchor, image by image.

    POINTS are files points.jsonl, or the folders that they are in; of a measurement that several
    have, the last counts.
    """
    try:
        read = {point.key: point for path in points for point in _points(path)}
        named = None if codecs is None else {anchor, *names_in(codecs)}
        chosen = [p for p in read.values() if named is None or p.codec in named]
        found = rates(chosen, anchor)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(markdown(found), nl=False)
    if out is not None:
        out.write_text(json.dumps(as_json(found), indent=1) + "\n")


def _points(path: Path) -> list[Point]:
    file = path / "points.jsonl" if path.is_dir() else path
    if not file.exists():
        raise ValueError(f"{path.name} has no points.jsonl")
    return Store(file).points


@click.command("text-set")
@click.argument("images", type=_FOLDER)
@click.argument("out", type=_OUT)
@_EVERY
def text_set_command(images: Path, out: Path, every: int) -> None:
    """Draw lines of text onto images: OUT/NAME.png, and where the text is, OUT/NAME.mask.png."""
    try:
        written = write_text_set(image_files(images, every), out)
    except NoImages as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(written)} pictures")


@click.command("low-rate")
@click.option("--images", type=_FOLDER, required=True, help="Folder of the originals.")
@click.option("--every", default=1, show_default=True, help="Use every n-th image.")
@click.option("--levels", default="0,4,8", show_default=True, help="Of profile vq.")
@click.option("--codecs", metavar="NAME,…", default="wavelet,avif", show_default=True)
@click.option("--lost", default=0.2, show_default=True, help="Share of the packets that is lost.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="JSON of all rows.")
@_METRICS
@_VMAF
def low_rate_command(
    images: Path, every: int, levels: str, codecs: str, lost: float, out: Path | None,
    metrics: list[str], vmaf: str | None,
) -> None:  # fmt: skip
    """Profile vq beside others at its own bytes, whole and with packets lost."""
    from bench import low_rate
    from bench.peers import PeerFailed, PeerMissing, close, make

    try:
        files = image_files(images, every)
        numbers = [int(text) for text in levels.split(",")]
        others = [make(name, {}) for name in names_in(codecs)]
    except (NoImages, PeerMissing, ValueError) as error:
        raise click.ClickException(str(error)) from error
    wanted = prepare(metrics, vmaf, files)
    rows = []
    try:
        with tqdm(total=len(files) * len(numbers) * (2 + len(others)), disable=None) as bar:
            for row in low_rate.measure(files, others, numbers, lost, wanted.measured):
                rows.append(row)
                bar.update()
    except (PeerFailed, ValueError, CodecError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        close(others)
    if out is not None:
        out.write_text(json.dumps(rows, indent=0) + "\n")
    click.echo(low_rate.table(rows))
    end(wanted.missing.values())


def add_to(group: click.Group) -> None:
    """Makes these commands part of a group."""
    for command in (metrics_command, metrics_bd_command, text_set_command, low_rate_command):
        group.add_command(command)
