"""The benchmark's command line: python -m bench rd | report | readme."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

import click
from tqdm import tqdm

from bench import measure, peers, readme, report
from bench.machine import machine
from bench.pairs import Pair, pairs
from bench.peers import Peer, PeerMissing
from bench.store import Point, Store
from bench.summary import deltas, published, read_results, results, write_results

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_OUT = click.Path(file_okay=False, path_type=Path)
DEFAULT_CODECS = "wavelet,jpeg,webp,avif"


class _Codecs(click.ParamType[list[str]]):
    name = "NAME,…"

    def convert(self, value: str, param: object, ctx: click.Context | None) -> list[str]:
        names = [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            if name not in peers.NAMES:
                self.fail(f"no codec is called {name!r}; known: {', '.join(peers.NAMES)}")
        return names


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Where the codec stands, against VTM and everything a user could pick."""


@main.command()
@click.option("--images", type=_FOLDER, required=True, help="Folder of images.")
@click.option(
    "--codecs", type=_Codecs(), default=DEFAULT_CODECS, show_default=True,
    help=f"Of {', '.join(peers.NAMES)}.",
)  # fmt: skip
@click.option("--out", type=_OUT, required=True, help="Where points are kept; a later run goes on.")
@click.option("--every", default=1, show_default=True, help="Use every n-th image.")
@click.option(
    "--jobs", default=os.cpu_count(), show_default="processors",
    help="Runs of other programs (VTM, HM, VVenC) at a time.",
)  # fmt: skip
@click.option("--vtm-encoder", metavar="PATH", help="EncoderApp of VTM.")
@click.option("--vtm-decoder", metavar="PATH", help="DecoderApp of VTM.")
@click.option(
    "--vtm-config", metavar="PATH", help="encoder_intra_vtm.cfg; else beside the encoder."
)
@click.option("--hm-encoder", metavar="PATH", help="TAppEncoder of HM.")
@click.option("--hm-decoder", metavar="PATH", help="TAppDecoder of HM.")
@click.option("--hm-config", metavar="PATH", help="encoder_intra_main_rext.cfg.")
@click.option("--vvenc-encoder", metavar="PATH", help="vvencFFapp.")
@click.option("--vvenc-decoder", metavar="PATH", help="vvdecapp.")
def rd(
    images: Path, codecs: list[str], out: Path, every: int, jobs: int, **programs: str | None
) -> None:
    """Rate and distortion of codecs on a folder of images, from real files."""
    try:
        files = measure.image_files(images, every)
        out.mkdir(parents=True, exist_ok=True)
        store = Store(out / "points.jsonl")
    except (measure.NoImages, ValueError) as error:
        raise click.ClickException(str(error)) from error
    found, missing = _make(codecs, {k: v for k, v in programs.items() if v is not None})
    todo = measure.tasks(found, files, store.keys())
    started = time.time()
    with tqdm(total=len(todo), unit="point", disable=None) as bar:

        def progress(task: measure.Task, point: Point | None) -> None:
            bar.set_postfix_str(f"{task.peer.name} {task.setting:g} {task.file.name}")
            bar.update()

        try:
            failures = measure.run(todo, store, jobs, progress)
        except KeyboardInterrupt:
            click.echo("interrupted; the finished points are kept, a later run goes on", err=True)
            sys.exit(130)
        finally:
            _close(found)
    _describe(out, images, files, missing, failures, time.time() - started)
    _table(store.points)
    for line in [*missing.values(), *failures]:
        click.echo(f"missing: {line}", err=True)
    sys.exit(1 if missing or failures else 0)


def _make(names: list[str], paths: dict[str, str]) -> tuple[list[Peer], dict[str, str]]:
    """The codecs that can run here, and why the others cannot."""
    found, missing = [], {}
    for name in names:
        try:
            found.append(peers.make(name, paths))
        except PeerMissing as error:
            missing[name] = str(error)
    return found, missing


def _close(found: list[Peer]) -> None:
    """End the processes that codecs have started."""
    for peer in found:
        close = getattr(peer, "close", None)
        if close is not None:
            close()


def _describe(
    out: Path,
    images: Path,
    files: list[Path],
    missing: dict[str, str],
    failures: list[str],
    seconds: float,
) -> None:
    """Append to `out`/runs.jsonl how the points came to be."""
    command = " ".join(["python -m bench", *sys.argv[1:]]).replace(str(images), "IMAGES")
    run = {
        "command": command.replace(str(out), "OUT"),
        "machine": machine(),
        "python": platform.python_version(),
        "images": [file.name for file in files],
        "missing": missing,
        "failures": failures,
        "seconds": round(seconds, 1),
    }
    with (out / "runs.jsonl").open("a") as file:
        file.write(json.dumps(run) + "\n")


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
@click.option("--out", type=_OUT, help="Where to; the first folder otherwise.")
def report_command(
    folders: tuple[Path, ...], images: Path | None, beside: list[str], bpp: float, out: Path | None
) -> None:
    """report.html, plots and a table from measured points."""
    try:
        points = [p for f in folders for p in Store(f / "points.jsonl").points]
        shown = None if images is None else _pairs(images, beside, bpp)
        written = report.write(results(points), out or folders[0], shown)
    except (ValueError, measure.NoImages) as error:
        raise click.ClickException(str(error)) from error
    runs = [f / "runs.jsonl" for f in folders]
    told = [json.loads(line) for r in runs if r.exists() for line in r.read_text().splitlines()]
    write_results((out or folders[0]) / "results.json", points, told)
    for path in written:
        click.echo(path)


def _pairs(images: Path, beside: list[str], bpp: float) -> list[Pair]:
    """Pictures of ours and of the codecs that can run here."""
    (own,), _ = _make(["wavelet"], {})
    found, missing = _make(beside, {})
    for line in missing.values():
        click.echo(f"missing: {line}", err=True)
    try:
        return pairs(images, own, found, bpp)
    finally:
        _close([own, *found])


@main.command("readme")
@click.argument("results_json", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def readme_command(results_json: Path, file: Path) -> None:
    """Write the benchmark's part of a README from the results.json of a report."""
    try:
        readme.write(file, read_results(results_json))
    except (ValueError, StopIteration) as error:
        raise click.ClickException(f"{file.name}: {error}") from error


if __name__ == "__main__":
    main()
