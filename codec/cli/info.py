"""`codec info`: what files say about themselves, without weights and without torch."""

from __future__ import annotations

import click

from codec.api import UNKNOWN, ImageInfo
from codec.api import info as describe
from codec.cli import common
from codec.cli.common import Command, Session
from codec.cli.jobs import Job, open_input, run_jobs
from codec.cli.streams import show
from codec.cli.video_options import decodes_video
from codec.models import registry
from codec.options import Limits


@click.command(cls=Command, short_help="Describe files without decoding them.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each file, on a line.")
@common.limit_options
@common.verbosity_options
@click.pass_obj
def info(
    session: Session,
    files: tuple[str, ...],
    as_json: bool,
    max_pixels: int,
    max_dimension: int,
) -> int:
    """Describe files without decoding them; -v lists their parts. Checks all checksums.

    A damaged file is described as far as its header goes. The exit code is that of the problem, or
    1 if some of several files have one.
    """
    limits = Limits(max_pixels=max_pixels, max_dimension=max_dimension)

    def run(job: Job) -> None:
        if decodes_video([job.source], given=False):
            from codec.cli.video_info import show_video

            show_video(job.source, limits, as_json=as_json, chunks=session.verbosity > 0)
            return
        found = describe(open_input(job.source), limits=limits, strict=False)
        _show(job.source, found, as_json=as_json, chunks=session.verbosity > 0)
        if found.problem is not None:
            raise found.problem

    jobs = [Job(name, None) for name in files]
    return run_jobs(session, jobs, run, force=False, keep_going=True)


def _quality(found: ImageInfo) -> str:
    if found.lossless:
        return "lossless"
    if found.largest_error is not None:
        return f"no sample off by more than {found.largest_error}"
    return f"{found.quality} (level {found.level})"


def _show(name: str, found: ImageInfo, *, as_json: bool, chunks: bool) -> None:
    if as_json:
        import json  # only here: half of the time of this command is imports

        click.echo(json.dumps({"file": name} | found.as_dict()))
        return
    colours = "grey" if found.channels == 1 else "RGB"
    alpha = " + alpha" if found.alpha else ""
    across = -(-found.width // found.tile)
    tune = f"tune {found.tune}, " if found.tune not in (registry.NONE, UNKNOWN) else ""
    metadata = [
        f"{kind} {size}"
        for kind, size in (
            ("ICC", found.icc_bytes),
            ("EXIF", found.exif_bytes),
            ("XMP", found.xmp_bytes),
        )
        if size
    ]
    rows = [
        ("image", f"{found.width}x{found.height} {colours}{alpha}, {found.bit_depth} bits"),
        ("size", f"{found.bytes} bytes, {found.bpp:.3f} bpp"),
        ("quality", _quality(found)),
        ("coded by", ", ".join(f"{m} {share:.1%}" for m, share in found.modes.items()) or UNKNOWN),
        ("model", f"{found.model} (profile {found.profile}, {tune}id {found.model_id})"),
        ("weights", found.weights_hash),
        ("tiles", f"{found.tiles} ({across}x{found.tiles // across} of {found.tile} px)"),
        ("metadata", (", ".join(metadata) + " bytes") if metadata else "none"),
        ("format", f"version {found.format_version}"),
    ]
    if found.orientation != 1:
        rows.append(("orientation", str(found.orientation)))
    if found.alpha:
        rows.append(("alpha", f"{found.alpha_bytes} bytes"))
    lines = [name, *(f"  {key:12}{value}" for key, value in rows)]
    if chunks:
        lines.append("  chunk     offset      bytes  checksum")
        lines.extend(
            f"  {chunk.name:6}{chunk.offset:10}{chunk.size:11}  "
            f"{'right' if chunk.crc_ok else 'WRONG'}"
            for chunk in found.chunks
        )
    show("\n".join(lines))
