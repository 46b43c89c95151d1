"""The benchmark's command line: python -m bench rd | speed | coder | own | weights | report |
readme; of `metric_commands`, metrics | metrics-bd | text-set; of `graphics_commands`, lossless |
collections | equal-bytes | graphics; of `looks.commands`, looks; and of `video.commands`,
video | video-bd | video-report.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click
from tqdm import tqdm

from bench import (
    coder,
    graphics_commands,
    measure,
    metric_commands,
    own,
    peers,
    readme,
    report,
    survive,
    weights,
)
from bench.choices import end, made, names_in
from bench.looks import commands as looks_commands
from bench.pairs import Pair, pairs
from bench.peers import Peer
from bench.runs import add_run, run_of
from bench.speed import SpeedFailed, measure_codec, read_rows
from bench.speed import markdown as speed_table
from bench.store import Point, Store
from bench.summary import deltas, published, read_report, results, summarise, write_report
from bench.video import commands as video_commands
from codec.errors import CodecError

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_OUT = click.Path(file_okay=False, path_type=Path)
DEFAULT_CODECS = "wavelet,jpeg,webp,avif"


class _Codecs(click.ParamType[list[str]]):
    name = "NAME,…"

    def convert(self, value: str, param: object, ctx: click.Context | None) -> list[str]:
        names = names_in(value)
        for name in names:
            if name not in peers.NAMES:
                self.fail(f"no codec is called {name!r}; known: {', '.join(peers.NAMES)}")
        return names


_PROGRAMS = {
    "--vtm-encoder": "EncoderApp of VTM.",
    "--vtm-decoder": "DecoderApp of VTM.",
    "--vtm-config": "encoder_intra_vtm.cfg; else beside the encoder.",
    "--hm-encoder": "TAppEncoder of HM.",
    "--hm-decoder": "TAppDecoder of HM.",
    "--hm-config": "encoder_intra_main_rext.cfg.",
    "--vvenc-encoder": "vvencFFapp.",
    "--vvenc-decoder": "vvdecapp.",
}


def _codec_options(command: Callable[..., None]) -> Callable[..., None]:
    """Which codecs run on which images, and where other programs are."""
    for option in reversed([
        click.option("--images", type=_FOLDER, required=True, help="Folder of images."),
        click.option(
            "--codecs", type=_Codecs(), default=DEFAULT_CODECS, show_default=True,
            help=f"Of {', '.join(peers.NAMES)}.",
        ),
        click.option("--every", default=1, show_default=True, help="Use every n-th image."),
        *(click.option(name, metavar="PATH", help=text) for name, text in _PROGRAMS.items()),
    ]):  # fmt: skip
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Where the codec stands, against VTM and everything a user could pick."""


@main.command()
@_codec_options
@click.option("--out", type=_OUT, required=True, help="Where points are kept; a later run goes on.")
@click.option(
    "--every-setting", default=1, show_default=True, type=click.IntRange(1),
    help="Use every n-th setting of a codec.",
)  # fmt: skip
@click.option(
    "--jobs", default=os.cpu_count(), show_default="processors",
    help="Runs of other programs (VTM, HM, VVenC) at a time.",
)  # fmt: skip
@metric_commands.metric_options
def rd(
    images: Path, codecs: list[str], out: Path, every: int, every_setting: int, jobs: int,
    metrics: list[str], vmaf: str | None, keep_decoded: Path | None, **programs: str | None,
) -> None:  # fmt: skip
    """Rate and distortion of codecs on a folder of images, from real files."""
    try:
        files = measure.image_files(images, every)
        out.mkdir(parents=True, exist_ok=True)
        store = Store(out / "points.jsonl")
    except (measure.NoImages, ValueError) as error:
        raise click.ClickException(str(error)) from error
    found, missing = _make(codecs, _given(programs))
    wanted = metric_commands.prepare(metrics, vmaf, files)
    missing |= wanted.missing
    todo = measure.tasks(found, files, store.keys(wanted.names), every_setting)
    started = time.time()
    with tqdm(total=len(todo), unit="point", disable=None) as bar:

        def progress(task: measure.Task, point: Point | None) -> None:
            bar.set_postfix_str(f"{task.peer.name} {task.setting:g} {task.file.name}")
            bar.update()

        try:
            failures = measure.run(todo, store, jobs, progress, wanted.measured, keep_decoded)
        except KeyboardInterrupt:
            click.echo("interrupted; the finished points are kept, a later run goes on", err=True)
            sys.exit(130)
        finally:
            peers.close(found)
    run = run_of(out, images, files, _given(programs | {"vmaf": vmaf}), keep_decoded)
    run |= {"missing": missing, "failures": failures, "seconds": round(time.time() - started, 1)}
    add_run(out, run)
    _table(store.points)
    end([*missing.values(), *failures])


@main.command()
@_codec_options
@click.option("--out", type=_OUT, required=True, help="Where speed.json goes.")
@click.option("--bpp", default=0.5, show_default=True, help="Bits per pixel to come near to.")
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True, help="Passes.")
@click.option(
    "--cores", type=click.IntRange(1), default=os.cpu_count(), show_default="all",
    help="Of the processor that a codec may use.",
)  # fmt: skip
def speed(
    images: Path, codecs: list[str], out: Path, every: int, bpp: float, repeat: int, cores: int,
    **programs: str | None,
) -> None:  # fmt: skip
    """Speed and memory of codecs on a folder of images, at about the same rate."""
    try:
        files = measure.image_files(images, every)
    except measure.NoImages as error:
        raise click.ClickException(str(error)) from error
    rows, failures = [], []
    for name in tqdm(codecs, unit="codec", disable=None):
        try:
            rows.append(measure_codec(name, files, bpp, repeat, cores, _given(programs)))
        except SpeedFailed as error:
            failures.append(str(error))
    out.mkdir(parents=True, exist_ok=True)
    told = run_of(out, images, files, _given(programs)) | {
        "cores": cores, "failures": failures, "rows": [asdict(row) for row in rows],
    }  # fmt: skip
    (out / "speed.json").write_text(json.dumps(told, indent=1) + "\n")
    click.echo(speed_table(rows), nl=False)
    end(failures)


@main.command("coder")
@click.option("--images", type=_FOLDER, help="Code what these give, not Gaussian symbols.")
@click.option("--every", default=1, show_default=True, help="Use every n-th image.")
@click.option("--level", default=40, show_default=True, help="Quality level of the images.")
@click.option("--symbols", default=1_000_000, show_default=True, help="Gaussian symbols.")
@click.option("--seconds", default=1.0, show_default=True, help="CPU time for each figure.")
@click.option("--out", type=_OUT, help="Where coder.json goes.")
def coder_command(
    images: Path | None, every: int, level: int, symbols: int, seconds: float, out: Path | None
) -> None:
    """The range coder beside constriction's and CompressAI's, on one core."""
    try:
        files = [] if images is None else measure.image_files(images, every)
    except measure.NoImages as error:
        raise click.ClickException(str(error)) from error
    case = coder.photograph_case(files, level) if files else coder.synthetic_case(symbols)
    found, messages = coder.run(case, seconds)
    click.echo(coder.markdown(case, found, messages))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        told = run_of(out, images, files, {}) | coder.as_json(case, found, messages)
        (out / "coder.json").write_text(json.dumps(told, indent=1) + "\n")


@main.command("own")
@click.option("--image", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--repeat", default=9, show_default=True)
@click.option("--megapixels", type=float, help="Also encode and decode a picture of this size.")
@click.option("--out", type=click.Path(path_type=Path), help="JSON file to write.")
def own_command(image: Path, repeat: int, megapixels: float | None, out: Path | None) -> None:
    """Our codec alone: by instruction set and level, from a cold shell, on a large image."""
    text = json.dumps(own.measure(image, repeat, megapixels), indent=1) + "\n"
    if out is not None:
        out.write_text(text)
    click.echo(text, nl=False)


@main.command("weights")
@click.argument(
    "files", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, required=True
)
@click.option("--images", type=_FOLDER, required=True, help="Folder of images.")
@click.option("--every", default=1, show_default=True, help="Use every n-th image.")
def weights_command(files: tuple[Path, ...], images: Path, every: int) -> None:
    """BD-rate of weights files and checkpoints against the first, by ideal code length."""
    try:
        click.echo(weights.markdown(weights.measure(list(files), images, every)))
    except (CodecError, FileNotFoundError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def _given(programs: dict[str, str | None]) -> dict[str, str]:
    return {name: path for name, path in programs.items() if path is not None}


def _make(names: list[str], paths: dict[str, str]) -> tuple[list[Peer], dict[str, str]]:
    """The codecs that can run here, and why the others cannot."""
    return made(names, lambda name: peers.make(name, paths))


def _table(points: list[Point]) -> None:
    """BD-rates against the published VTM on standard output."""
    anchor = published()[0]
    measured = results(points)
    for result, delta in zip(measured, deltas(anchor, measured).values(), strict=True):
        text = delta if isinstance(delta, str) else f"{delta.rate:+7.2f} %"
        click.echo(f"{result.codec:12} {text}  {result.version}")


@main.command("report")
@click.argument("folders", type=_FOLDER, nargs=-1, required=True)
@click.option("--images", type=_FOLDER, help="Images to show side by side, at the same file size.")
@click.option(
    "--beside", type=_Codecs(), default="avif,webp", show_default=True, help="Codecs shown so."
)
@click.option("--bpp", default=0.3, show_default=True, help="Bits per pixel that ours may spend.")
@click.option(
    "--others",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An earlier results.json of the same images: codecs that the folders lack.",
)
@click.option("--out", type=_OUT, help="Where to; the first folder otherwise.")
def report_command(
    folders: tuple[Path, ...],
    images: Path | None,
    beside: list[str],
    bpp: float,
    others: Path | None,
    out: Path | None,
) -> None:
    """report.html, plots and a table from measured points."""
    runs = [f / "runs.jsonl" for f in folders]
    told = [json.loads(line) for r in runs if r.exists() for line in r.read_text().splitlines()]
    try:
        points = [p for f in folders for p in Store(f / "points.jsonl").points]
        found = summarise(points, told)
        if others is not None:
            found = found.with_others(read_report(others))
        shown = None if images is None else _pairs(images, beside, bpp)
        speeds = [row for f in folders for row in read_rows(f / "speed.json")]
        written = report.write(found.codecs, out or folders[0], shown, speeds)
    except (KeyError, ValueError, measure.NoImages) as error:
        raise click.ClickException(str(error)) from error
    write_report((out or folders[0]) / "results.json", found)
    for path in written:
        click.echo(path)


def _pairs(images: Path, beside: list[str], bpp: float) -> list[Pair]:
    """Pictures of ours and of the codecs that can run here."""
    (ours,), _ = _make(["wavelet"], {})
    found, missing = _make(beside, {})
    for line in missing.values():
        click.echo(f"missing: {line}", err=True)
    try:
        return pairs(images, ours, found, bpp)
    finally:
        peers.close([ours, *found])


@main.command("survive")
@click.option("--count", default=10_000, show_default=True, type=click.IntRange(1))
@click.option(
    "--first", default=0, show_default=True, type=click.IntRange(0), help="Seed of the first."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="JSON with the worst.")
def survive_command(count: int, first: int, out: Path | None) -> None:
    """Random synthetic pictures at random levels: none may be 2 dB worse than its mean colour."""
    found = survive.measure(count, first, out)
    for row in found[:10]:
        click.echo(
            f"{row.margin:+.2f} dB  {row.kind} {row.size[0]}x{row.size[1]}, level {row.level}, "
            f"seed {row.seed}: {row.psnr:.2f} dB, its mean colour {row.mean_colour:.2f}"
        )
    destroyed = sum(row.margin < -survive.TOLERANCE for row in found)
    click.echo(f"{destroyed} of {count} destroyed")
    if destroyed:
        raise SystemExit(1)


@main.command("readme")
@click.argument("folder", type=_FOLDER)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def readme_command(folder: Path, file: Path) -> None:
    """Write the benchmark's part of a README, and its plot, from results.json and speed.json."""
    try:
        readme.write(file, folder)
    except (OSError, ValueError, StopIteration) as error:
        raise click.ClickException(f"{file.name}: {error}") from error


graphics_commands.add_to(main)
looks_commands.add_to(main)
metric_commands.add_to(main)
video_commands.add_to(main)


if __name__ == "__main__":
    main()
