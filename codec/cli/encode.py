"""`codec encode`: image files to files of this codec; videos go to `video_encode`."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bitstream.constants import MAX_ERROR
from codec.cli import common
from codec.cli.common import Command, Session
from codec.cli.jobs import (
    FILE_SUFFIX,
    Job,
    check_job,
    input_bytes,
    keep_time,
    numbered,
    open_input,
    plan,
    run_jobs,
    summary,
    summary_line,
    write_output,
)
from codec.cli.sequences import holds_several, pictures
from codec.cli.streams import STDIO
from codec.cli.totals import Totals
from codec.cli.tree_videos import video_jobs
from codec.cli.trees import find_inputs
from codec.cli.video_options import (
    VIDEO_SUFFIX,
    EncodeArguments,
    encodes_video,
    starts_video,
    video_encode_options,
)
from codec.errors import translated
from codec.models import registry
from codec.options import (
    DEFAULT_EFFORT,
    DEFAULT_PROFILE,
    DEFAULT_QUALITY,
    DEFAULT_TILE_PX,
    MAX_EFFORT,
    REFINED_FROM,
    DecoderOptions,
    EncoderOptions,
    Limits,
)
from codec.video.options import DEFAULT_VIDEO_QUALITY

if TYPE_CHECKING:
    from codec.cli.video_encode import EncodeJob
    from codec.encoder import Encoder
    from codec.image.picture import Picture


_OF_PICTURES = (
    "lossless", "near_lossless", "target_bpp", "target_size", "target_psnr", "target_ssimulacra2",
)  # fmt: skip
"""Options that ask for what videos do not have: in a folder they are left out then."""


@click.command(cls=Command, short_help="Encode images and videos.")
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    callback=common.OUTPUT_OPTION_CALLBACK,
    help="Output file, - for stdout; with %05d in it one for each of several pictures.",
)
@click.option(
    "-q",
    "--quality",
    type=click.FloatRange(0, 100),
    help="0..100, larger is better and bigger; 100 is not lossless (--lossless is).  "
    f"[default: {DEFAULT_QUALITY:g}; video: {DEFAULT_VIDEO_QUALITY:g}]",
)
@click.option("--lossless", is_flag=True, help="Every sample comes back as it was; 8 and 16 bits.")
@click.option(
    "--near-lossless",
    type=click.IntRange(0, MAX_ERROR),
    metavar="N",
    help="No sample is off by more than N.",
)
@click.option(
    "--target-bpp",
    type=click.FloatRange(0, 1e6, min_open=True),
    help="Best quality of at most this many bits per pixel (searches: slower).",
)
@click.option(
    "--target-size",
    metavar="SIZE",
    callback=common.SIZE_OPTION_CALLBACK,
    help="Best quality of at most this many bytes, as in 60kB or 60KiB (searches: slower).",
)
@click.option(
    "--target-psnr",
    type=click.FloatRange(0, 100, min_open=True),
    help="Smallest file of at least this PSNR in dB (searches: slower).",
)
@click.option(
    "--target-ssimulacra2",
    type=click.FloatRange(0, 100, min_open=True),
    metavar="SCORE",
    help="Smallest file of at least this score of SSIMULACRA2: at 70 one sees a difference if one "
    "looks for it, at 90 none (searches: slower).",
)
@click.option(
    "-e",
    "--effort",
    type=click.IntRange(1, MAX_EFFORT),
    default=DEFAULT_EFFORT,
    show_default=True,
    help="From 8 on seek a smaller file of the same quality, many times slower; up to 7 alike. "
    "Lossless: 1-3 fast, 4-7, 8-10 smallest.",
)
@click.option("--level", type=click.IntRange(0, 63), hidden=True, help="Raw level of the model.")
@click.option(
    "-p",
    "--profile",
    help="Recipe: wavelet; wavelet-light, which encodes many times faster to larger files; vq, for "
    f"0.01 to 0.04 bpp and lossy links.  [default: {DEFAULT_PROFILE}]",
)
@click.option("-m", "--model", metavar="NAME", help="Model.  [default: current one of the profile]")
@click.option(
    "--tune",
    type=click.Choice(registry.tunes()),
    help="What the model is tuned for: error of samples, or what people see.  [default: psnr]",
)
@click.option(
    "--tile",
    type=int,
    default=DEFAULT_TILE_PX,
    show_default=True,
    hidden=True,
    help="Side of a tile in pixels, a power of two in 64..32768.",
)
@video_encode_options
@common.strip_option
@common.ignore_alpha_option
@common.force_option
@common.replace_input_option
@common.batch_options
@common.machine_options
@common.limit_options
@common.json_option
@common.progress_option
@common.timing_options
@common.verbosity_options
@click.pass_obj
def encode(
    session: Session,
    inputs: tuple[str, ...],
    output: str | None,
    quality: float | None,
    lossless: bool,
    near_lossless: int | None,
    target_bpp: float | None,
    target_size: int | None,
    target_psnr: float | None,
    target_ssimulacra2: float | None,
    effort: int,
    level: int | None,
    profile: str | None,
    model: str | None,
    tune: str | None,
    tile: int,
    strip: frozenset[str],
    ignore_alpha: bool,
    force: bool,
    replace_input: bool,
    output_dir: Path | None,
    full_names: bool,
    keep_going: bool,
    skip_existing: bool,
    device: str,
    threads: int,
    max_pixels: int,
    max_dimension: int,
    as_json: bool,
    progress: str | None,
    repeat: int,
    no_output: bool,
    video: EncodeArguments,
) -> int:
    """Encode images (PNG, JPEG, WebP, TIFF, PPM, PAM, BMP, GIF) and videos; told by content.

    \b
    codec encode photo.jpg -o photo.lic -q 80
    codec encode *.png --output-dir small --target-bpp 0.5
    codec encode photos --output-dir small           the tree below photos
    ffmpeg -i in.mp4 -f image2pipe -c:v ppm - | codec encode - -o frame-%05d.lic
    codec encode clip.mp4 -o clip.licv -q 60         the sound is kept
    codec encode frames/%05d.png -o clip.licv --fps 24
    ffmpeg -i x.mov -f yuv4mpegpipe - | codec encode - -o x.licv
    """

    def of_video() -> EncodeJob:  # whose module pictures alone do without
        from codec.cli.video_encode import EncodeJob

        limits = Limits(max_pixels=max_pixels, max_dimension=max_dimension)
        return EncodeJob(
            quality, level, effort, threads, limits, ignore_alpha, force, as_json, progress, video
        )

    if encodes_video(inputs, output, video.given):
        from codec.cli.video_encode import encode_videos

        return encode_videos(
            session, inputs, output, output_dir, of_video(), no_output=no_output,
            full_names=full_names, keep_going=keep_going, skip_existing=skip_existing,
            replace_input=replace_input,
        )  # fmt: skip
    options = EncoderOptions(
        quality=quality,
        level=level,
        target_bpp=target_bpp,
        target_size=target_size,
        target_psnr=target_psnr,
        target_ssimulacra2=target_ssimulacra2,
        tile=tile,
        strip=strip,
        effort=effort,
        lossless=lossless,
        near_lossless=near_lossless,
    )
    machine = common.decoder_options(device, threads, max_pixels, max_dimension)
    from codec.image.files import is_image, open_picture

    totals = Totals()
    found = find_inputs(inputs, output, output_dir, is_image, starts_video, keep_going=keep_going)
    jobs = plan(
        found.sources, output, output_dir, suffix=FILE_SUFFIX, no_output=no_output,
        below=found.below, full_names=full_names, holds_several=holds_several,
    )  # fmt: skip
    if as_json and output == STDIO:
        raise click.UsageError("--json and -o - would both write to stdout")
    if found.videos:
        from codec.encoder import suited_entry

        suited_entry(profile, model, tune)  # told now, where no picture asks for it
    videos = video_jobs(
        found, output, output_dir, suffix=VIDEO_SUFFIX, of_pictures=_OF_PICTURES,
        reason="{} does not concern videos", no_output=no_output, full_names=full_names,
    )  # fmt: skip
    clips = {job.source for job in videos}
    work = _Work(session, options, machine, profile, model, tune)

    def run_one(job: Job, picture: Picture, bytes_in: int) -> None:
        if ignore_alpha:
            picture = replace(picture, alpha=None)
        report = work.encode(job, picture, force=force, repeat=repeat, progress=progress)
        if as_json:
            click.echo(json.dumps(report))
        session.say(summary_line(report))
        totals.add(report, bytes_in, report["bytes"])

    def run(job: Job) -> None:
        if job.source in clips:
            from codec.cli.video_encode import encode_one

            encode_one(session, job, [], of_video())
            totals.add_video(job)
            return
        if not job.numbered:
            picture = open_picture(open_input(job.source), limits=machine.limits)
            run_one(job, picture, input_bytes(job.source))
            return
        assert job.target is not None
        for number, picture in enumerate(pictures(job.source, machine.limits), 1):
            part = Job(job.source, numbered(job.target, number), job.in_tree)
            if skip_existing and os.path.lexists(str(part.target)):
                session.say(f"{job.source}: skipped, {part.target} exists")
                continue
            check_job(part, force=force, replace_input=replace_input)
            run_one(part, picture, picture.to_numpy().nbytes)
            keep_time(part)

    code = run_jobs(
        session, [*jobs, *videos], run, force=force, keep_going=keep_going,
        skip_existing=skip_existing, replace_input=replace_input,
    )  # fmt: skip
    return totals.finish(session, found, code)


class _Work:
    """Encodes one file after another with one encoder, loaded after the first image."""

    def __init__(
        self,
        session: Session,
        options: EncoderOptions,
        machine: DecoderOptions,
        profile: str | None,
        model: str | None,
        tune: str | None,
    ) -> None:
        self._session = session
        self._options = options
        self._machine = machine
        self._profile = profile
        self._model, self._tune = model, tune
        self._encoder: Encoder | None = None

    def encode(
        self, job: Job, picture: Picture, *, force: bool, repeat: int, progress: str | None
    ) -> dict[str, Any]:
        """Encodes one picture; returns what is to be reported of it."""
        # 1. the encoder, after the picture: a bad one is refused before any weights are loaded
        encoder = self._load()

        # 2. the work
        seconds = []
        for _ in range(repeat):
            started = time.perf_counter()
            with common.progress(self._session, progress, job.source) as update, translated():
                data = encoder.encode_picture(picture, self._options, update)
            seconds.append(time.perf_counter() - started)

        # 3. the result
        write_output(data, job.target, force=force)
        from codec.api import info

        report = summary(
            job,
            width=picture.width,
            height=picture.height,
            planes=picture.channels + (picture.alpha is not None),
            size=len(data),
            seconds=min(seconds),
        )
        described = info(data, limits=self._machine.limits)
        return report | {"quality": described.quality, "level": described.level}

    def _load(self) -> Encoder:
        if self._encoder is None:
            from codec.encoder import Encoder

            if self._options.effort >= REFINED_FROM and self._options.error is None:
                # PyTorch's threads spin while they wait, which stalls them where another
                # process wants the processor. Said before PyTorch is loaded; this process is ours.
                os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
            self._encoder = Encoder.suited(
                self._options, self._profile, model=self._model, machine=self._machine,
                tune=self._tune,
            )  # fmt: skip
            common.log_machine(self._encoder)
        return self._encoder
