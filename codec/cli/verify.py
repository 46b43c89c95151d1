"""`codec verify`: decode a file completely, and measure it against its source."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from codec import api
from codec.cli import common
from codec.cli.common import Command, Session
from codec.cli.jobs import Job, open_input, run_jobs
from codec.cli.streams import STDIO, show
from codec.cli.video_options import decodes_video


@click.command(cls=Command, short_help="Decode completely and compare with the source.")
@click.argument("file", metavar="FILE")
@click.option("--against", metavar="SOURCE", help="Source image or video to compare with.")
@common.machine_options
@common.limit_options
@common.json_option
@common.verbosity_options
@click.pass_obj
def verify(
    session: Session,
    file: str,
    against: str | None,
    device: str,
    threads: int,
    max_pixels: int,
    max_dimension: int,
    as_json: bool,
) -> int:
    """Check every checksum and decode completely; with --against state PSNR,
    MS-SSIM and SSIMULACRA2.

    Of videos: PSNR of Y, U and V, mean over the pictures, and (6Y+U+V)/8.

    The digest is the SHA-256 of the decoded samples, the same on every machine; --json has all of
    it.
    """
    if file == STDIO and against == STDIO:
        raise click.UsageError("only one of FILE and --against can be standard input")
    options = common.decoder_options(device, threads, max_pixels, max_dimension)

    def run(job: Job) -> None:
        if decodes_video([job.source], given=False):
            from codec.cli.video_verify import verify_one

            verify_one(session, job.source, against, options, as_json=as_json)
            return
        found = api.verify(
            open_input(job.source),
            None if against is None else open_input(against),
            device=options.device,
            threads=options.threads,
            limits=options.limits,
        )
        if as_json:
            click.echo(json.dumps({"file": job.source, "ok": True} | asdict(found)))
            return
        show(_line(job.source, found))

    return run_jobs(session, [Job(file, None)], run, force=False)


def _line(name: str, found: api.Verification) -> str:
    """One line for people."""
    parts = [
        f"{name}: ok, {found.width}x{found.height}, {found.tiles} tile{'s' * (found.tiles != 1)}, "
        f"{found.bytes} bytes, {found.bpp:.3f} bpp, pixels {found.digest[:16]}"
    ]
    if found.identical:
        parts.append("identical to the source")
    elif found.psnr is not None:
        parts.append(f"PSNR {found.psnr:.3f} dB")
    if found.identical is not None and not found.identical:
        shown = "not defined below 161 px" if found.ms_ssim is None else f"{found.ms_ssim:.5f}"
        parts.append(f"MS-SSIM {shown}")
        score = found.ssimulacra2
        parts.append(f"SSIMULACRA2 {'not defined below 8 px' if score is None else f'{score:.2f}'}")
    if found.alpha_identical is not None:
        parts.append("alpha identical" if found.alpha_identical else "alpha DIFFERS")
    return ", ".join(parts)
