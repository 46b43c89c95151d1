"""`codec decode`: files of this codec to image files; videos go to `video_decode`."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import bitstream
from codec.cli import common
from codec.cli.common import Command, Session
from codec.cli.jobs import (
    Job,
    open_input,
    plan,
    run_jobs,
    summary,
    summary_line,
    write_output,
)
from codec.cli.streams import STDIO
from codec.cli.totals import Totals
from codec.cli.tree_videos import video_jobs
from codec.cli.trees import find_inputs
from codec.cli.video_options import (
    TREE_FORMAT,
    DecodeArguments,
    begins_video,
    decodes_video,
    is_still,
    names_video,
    refuse_newer,
    video_decode_options,
)
from codec.errors import OptionError, translated
from codec.options import Crop, DecoderOptions, Limits

if TYPE_CHECKING:
    from codec.cli.video_decode import DecodeJob
    from codec.decoder import Decoder
    from codec.image.writing import OutputFormat


@click.command(cls=Command, short_help="Decode to image files and videos.")
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    callback=common.OUTPUT_OPTION_CALLBACK,
    help="Output image, - for stdout; with %05d in it one for each input.",
)
@click.option(
    "--format",
    "format_name",
    metavar="png|jpg|webp|tiff|ppm|pgm|pam|mkv|mp4|mov|y4m",
    help="Type of the output.  [default: from the suffix; png with --output-dir]",
)
@common.crop_option
@click.option(
    "--output-quality",
    type=click.IntRange(1, 100),
    default=95,
    show_default=True,
    help="Of jpg, webp and H.264 output; 100 makes webp and H.264 lossless.",
)
@click.option(
    "--conceal",
    is_flag=True,
    help="Guess what is damaged or missing in a file of profile vq, instead of refusing it.",
)
@video_decode_options
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
def decode(
    session: Session,
    inputs: tuple[str, ...],
    output: str | None,
    format_name: str | None,
    crop: Crop | None,
    output_quality: int,
    conceal: bool,
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
    video: DecodeArguments,
) -> int:
    """Decode files of this codec to image files: png, jpg, webp, tiff, ppm, pgm or pam by suffix.

    Videos become mkv (exact), mp4, mov, y4m or numbered images, with their sound where that fits.

    \b
    codec decode photo.lic -o photo.png
    codec decode photo.lic -o part.png --crop 128,64,512,512
    codec decode small --output-dir photos           the tree below small
    codec decode - -o - --format ppm < photo.lic | display
    codec decode frame-*.lic -o - --format ppm | ffmpeg -f image2pipe -c:v ppm -i - out.mp4
    codec decode damaged.lic -o out.png --conceal    of profile vq: what is lost is guessed
    codec decode clip.licv -o clip.mkv               or clip.mp4, frames/%05d.png
    codec decode clip.licv -o part.mkv --start 12.5 --duration 3
    codec decode clip.licv -o - | ffplay -
    """

    def of_video(as_format: str | None) -> DecodeJob:  # whose module pictures alone do without
        from codec.cli.video_decode import DecodeJob

        limits = Limits(max_pixels=max_pixels, max_dimension=max_dimension)
        return DecodeJob(
            as_format, output_quality, threads, limits, force, as_json, progress, video
        )

    if decodes_video(inputs, video.given or names_video(format_name, inputs)):
        from codec.cli.video_decode import decode_videos

        return decode_videos(
            session, inputs, output, output_dir, of_video(format_name), no_output=no_output,
            full_names=full_names, keep_going=keep_going, skip_existing=skip_existing,
            replace_input=replace_input,
        )  # fmt: skip
    from codec.image.writing import find_format

    found = find_inputs(inputs, output, output_dir, is_still, begins_video, keep_going=keep_going)
    if output_dir is not None and format_name is None:
        format_name = "png"
    output_format: OutputFormat | None = None
    if not no_output and (output is not None or output_dir is not None):
        try:
            output_format = find_format(None if output == STDIO else output, format_name)
        except OptionError:
            refuse_newer(inputs[0])  # it may be a video: what it is comes first
            raise
    suffix = "" if output_format is None else output_format.suffixes[0]
    joined = output_format is not None and output_format.name in ("ppm", "pam")
    totals = Totals()
    jobs = plan(
        found.sources, output, output_dir, suffix=suffix, no_output=no_output,
        below=found.below, full_names=full_names, joined=joined,
    )  # fmt: skip
    if as_json and output == STDIO:
        raise click.UsageError("--json and -o - would both write to stdout")
    videos = video_jobs(
        found, output, output_dir, suffix=f".{TREE_FORMAT}", of_pictures=("format_name", "crop"),
        reason="{}, as given, is of pictures", no_output=no_output, full_names=full_names,
    )  # fmt: skip
    clips = {job.source for job in videos}
    options = common.decoder_options(
        device, threads, max_pixels, max_dimension, crop=crop, conceal=conceal
    )
    work = _Work(session, options, output_format)

    def run(job: Job) -> None:
        if job.source in clips:
            from codec.cli.video_decode import decode_one

            decode_one(session, job, of_video(TREE_FORMAT))
            totals.add_video(job)
            return
        report, written = work.decode(
            job,
            output_quality=output_quality,
            strip=strip,
            ignore_alpha=ignore_alpha,
            force=force,
            repeat=repeat,
            progress=progress,
        )
        if as_json:
            click.echo(json.dumps(report))
        session.say(summary_line(report))
        totals.add(report, report["bytes"], written)

    code = run_jobs(
        session, [*jobs, *videos], run, force=force, keep_going=keep_going,
        skip_existing=skip_existing, replace_input=replace_input,
    )  # fmt: skip
    return totals.finish(session, found, code)


class _Work:
    """Decodes one file after another with one decoder, loaded after the first header."""

    def __init__(
        self, session: Session, options: DecoderOptions, output_format: OutputFormat | None
    ) -> None:
        self._session = session
        self._options = options
        self._format = output_format
        self._decoder: Decoder | None = None

    def decode(
        self,
        job: Job,
        *,
        output_quality: int,
        strip: frozenset[str],
        ignore_alpha: bool,
        force: bool,
        repeat: int,
        progress: str | None,
    ) -> tuple[dict[str, Any], int]:
        """Decodes one file; returns what is to be reported of it, and the bytes of the output."""
        from codec.api import info, read_data
        from codec.frame.concealing import damaged_within
        from codec.image.writing import image_bytes
        from codec.options import check_crop

        # 1. the header, so that what cannot be is refused before any weights are loaded
        limits, crop = self._options.limits, self._options.crop
        data = read_data(open_input(job.source), limits=limits)
        conceal = self._options.conceal
        described = info(data, limits=limits, strict=not conceal)
        if described.problem is not None and not conceal:
            raise described.problem
        width, height = described.width, described.height
        if crop is not None:
            _, _, width, height = check_crop(crop, width, height)
        if self._format is not None:
            self._format.check(
                width,
                height,
                alpha=described.alpha and not ignore_alpha,
                channels=described.channels,
                bits=described.bit_depth,
            )
        decoder = self._load()

        # 2. the work
        seconds = []
        for _ in range(repeat):
            started = time.perf_counter()
            with common.progress(self._session, progress, job.source) as update, translated():
                picture = decoder.decode_picture(data, crop, update, conceal=conceal)
            seconds.append(time.perf_counter() - started)

        # 3. the result
        if ignore_alpha:
            picture = replace(picture, alpha=None)
        image = b""
        if self._format is not None:
            picture = picture.without(strip)
            image = image_bytes(picture, self._format, quality=output_quality)
            write_output(image, job.target, force=force)
        # Of the whole file, also with a crop: bits per pixel of a part would mean nothing.
        report = summary(
            job,
            width=described.width,
            height=described.height,
            planes=described.channels + described.alpha,
            size=len(data),
            seconds=min(seconds),
        )
        if conceal:
            salvaged = bitstream.salvage(data, limits)
            area = crop or (0, 0, described.width, described.height)
            report["damaged_tiles"] = len(damaged_within(salvaged, area))
        return report | {"crop": crop}, len(image)

    def _load(self) -> Decoder:
        if self._decoder is None:
            from codec.decoder import Decoder

            self._decoder = Decoder(
                device=self._options.device,
                threads=self._options.threads,
                limits=self._options.limits,
            )
            common.log_machine(self._decoder)
        return self._decoder
