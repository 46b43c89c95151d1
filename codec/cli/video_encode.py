"""`codec encode` of videos: any file that PyAV reads, y4m, or numbered images, to .licv files."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from codec.cli.common import Session
from codec.cli.jobs import Job, open_input, plan, run_jobs
from codec.cli.streams import STDIO, standard_output
from codec.cli.totals import leave_pictures_out, say_left_out
from codec.cli.trees import find_inputs, has_folder
from codec.cli.video_options import (
    VIDEO_SUFFIX,
    EncodeArguments,
    is_video,
    refuse_others,
    starts_video,
)
from codec.cli.video_progress import frame_progress
from codec.image.atomic import atomic_write
from codec.options import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bitstream.video import VideoHead
    from codec.video.encoding import Coded
    from codec.video.inputs import VideoSource
    from codec.video.options import VideoOptions

__all__ = ["EncodeJob", "encode_one", "encode_videos"]

_TAKEN = (
    "inputs", "output", "quality", "level", "effort", "lowdelay", "target_bitrate", "keyint",
    "start", "duration", "fps", "chroma", "no_audio", "recover", "ignore_alpha", "force",
    "replace_input", "output_dir", "device", "full_names", "keep_going", "skip_existing", "threads",
    "max_pixels", "max_dimension", "as_json", "progress", "no_output",
)  # fmt: skip
_HIGHEST_EFFORT = 9
_NUMBER = re.compile(r"%0?[0-9]?d")


@dataclass(frozen=True, slots=True)
class EncodeJob:
    """What `codec encode` was asked for, of what concerns videos."""

    quality: float | None
    level: int | None
    effort: int
    threads: int
    limits: Limits
    ignore_alpha: bool
    force: bool
    as_json: bool
    progress: str | None
    video: EncodeArguments


def encode_videos(
    session: Session,
    inputs: Sequence[str],
    output: str | None,
    output_dir: Path | None,
    asked: EncodeJob,
    *,
    no_output: bool,
    full_names: bool,
    keep_going: bool,
    skip_existing: bool,
    replace_input: bool,
) -> int:
    """Encodes videos one after another; of folders, those below them.

    Several inputs with one output are images of one video, in their order.

    Returns:
        The exit code.
    """
    refuse_others(click.get_current_context(), _TAKEN, "videos")
    if asked.video.target_bitrate is not None and (
        asked.quality is not None or asked.level is not None
    ):
        raise click.UsageError("--target-bitrate excludes --quality and --level")
    if asked.as_json and output == STDIO:
        raise click.UsageError("--json and -o - would both write to stdout")
    if output is not None and _NUMBER.search(output):
        raise click.UsageError(
            "a video is one file, not numbered ones; of its pictures one by one: "
            "ffmpeg -i IN -f image2pipe -c:v ppm - | codec encode - -o frame-%05d.lic"
        )
    names = list(inputs)
    images: list[str] = []
    if output is not None and len(names) > 1:
        if any(is_video(name) for name in names):
            raise click.UsageError(
                "several videos need --output-dir DIR; one output takes several images"
            )
        images, names = names, names[:1]
    found = find_inputs(names, output, output_dir, _is_image, starts_video, keep_going=keep_going)
    if has_folder(names):
        leave_pictures_out(found)
    jobs = plan(
        [*found.sources, *found.videos], output, output_dir, suffix=VIDEO_SUFFIX,
        no_output=no_output, below=found.below, full_names=full_names,
    )  # fmt: skip
    code = run_jobs(
        session, jobs, lambda job: encode_one(session, job, images, asked), force=asked.force,
        keep_going=keep_going, skip_existing=skip_existing, replace_input=replace_input,
    )  # fmt: skip
    return say_left_out(session, found, code)


def encode_one(session: Session, job: Job, images: list[str], asked: EncodeJob) -> None:
    """Encodes one video, or images of one, and says so."""
    report = _encode(session, job, images, asked)
    if asked.as_json:
        click.echo(json.dumps(report))
    session.say(_line(report))


def _encode(session: Session, job: Job, images: list[str], asked: EncodeJob) -> dict[str, Any]:
    """Encodes one video; returns what is to be reported of it."""
    started = time.perf_counter()
    passes = 1
    with ExitStack() as stack:
        first = stack.enter_context(_opened(job.source, images, asked))
        options = _options(asked, first.head)
        if asked.video.target_bitrate is None:
            target = stack.enter_context(_target(job.target, asked.force, seekable=False))
            coded = _one_pass(session, job.source, first, target, options, asked)
        else:
            if job.source == STDIO:
                raise click.UsageError(
                    "--target-bitrate reads its input several times, standard input comes once: "
                    "give a file, or -q"
                )
            target = stack.enter_context(_target(job.target, asked.force, seekable=True))
            coded, passes = _to_rate(session, job.source, first, images, target, options, asked)
            _say_if_below(session, job.source, coded, asked.video.target_bitrate)
        for note in first.notes:
            session.say(f"{job.source}: {note}")
    seconds = time.perf_counter() - started
    return _report(job, coded, options, seconds, passes)


def _one_pass(
    session: Session,
    name: str,
    source: VideoSource,
    target: BinaryIO,
    options: VideoOptions,
    asked: EncodeJob,
) -> Coded:
    from codec.video.encoding import encode_source

    with frame_progress(session, asked.progress, name, source.frames) as update:
        return encode_source(source, target, options, progress=update)


def _to_rate(
    session: Session,
    name: str,
    first: VideoSource,
    images: list[str],
    target: BinaryIO,
    options: VideoOptions,
    asked: EncodeJob,
) -> tuple[Coded, int]:
    from codec.video.rate import encode_to_rate

    assert asked.video.target_bitrate is not None
    total = first.frames
    with ExitStack() as shown:

        def progress(number: int) -> Callable[[int], None]:
            shown.close()
            label = f"{name} (pass {number})"
            update = shown.enter_context(frame_progress(session, asked.progress, label, total))
            return update or (lambda _: None)

        return encode_to_rate(
            lambda: _opened(name, images, asked),
            target,
            options,
            asked.video.target_bitrate,
            progress=progress,
        )


def _say_if_below(session: Session, name: str, coded: Coded, wanted: float) -> None:
    """A video of little detail cannot take as much as one may want."""
    from codec.video.rate import TOLERANCE

    if coded.seconds and coded.bit_rate < wanted * (1 - TOLERANCE):
        session.say(
            f"{name}: {wanted:.0f} bits a second are more than it can take: the highest quality "
            f"has {coded.bit_rate:.0f}"
        )


def _opened(name: str, images: list[str], asked: EncodeJob) -> VideoSource:
    from codec.video.inputs import SourceOptions
    from codec.video.opening import open_source
    from codec.video.sequences import SequenceSource

    video = asked.video
    options = SourceOptions(
        rate=video.fps,
        subsampled=video.chroma == "420",
        audio=not video.no_audio,
        ignore_alpha=asked.ignore_alpha,
        recover=video.recover,
        start=video.start,
        duration=video.duration,
        limits=asked.limits,
    )
    if images:
        return SequenceSource(images, options)
    return open_source(open_input(name), options, name="standard input")


def _options(asked: EncodeJob, head: VideoHead) -> VideoOptions:
    from codec.video.options import VideoOptions

    return VideoOptions(
        quality=asked.quality,
        level=asked.level,
        effort=min(asked.effort, _HIGHEST_EFFORT),
        lowdelay=asked.video.lowdelay,
        keyint=_key_interval(asked.video.keyint, head),
        threads=asked.threads,
    )


def _key_interval(text: str | None, head: VideoHead) -> int | None:
    """Pictures from one key frame to the next: "48", or seconds: "2s"."""
    if text is None:
        return None
    number = text.strip().lower()
    try:
        if not number.endswith("s"):
            value = int(number)
        else:
            rate = Fraction(*head.frame_rate) or Fraction(25)
            seconds = Fraction(number.removesuffix("s"))
            value = max(round(seconds * rate), 1) if seconds else 0
    except (ValueError, ZeroDivisionError):
        value = -1
    if value < 0:
        raise click.UsageError(f"--keyint is a number of pictures (48) or seconds (2s), not {text}")
    return value


def _is_image(head: bytes) -> bool:
    from codec.image.files import is_image

    return is_image(head)


@contextmanager
def _target(name: str | None, force: bool, *, seekable: bool) -> Iterator[BinaryIO]:
    """The file that is written: complete or absent; or stdout; or nothing that stays."""
    if name is None:
        with tempfile.TemporaryFile() as nowhere:
            yield nowhere
    elif name != STDIO:
        with atomic_write(name, force=force) as file:
            yield file
    elif not seekable:
        stdout = standard_output()
        yield stdout
        stdout.flush()
    else:
        stdout = standard_output()
        with tempfile.TemporaryFile() as spool:
            yield spool
            spool.seek(0)
            while piece := spool.read(1 << 20):
                stdout.write(piece)
        stdout.flush()


def _report(
    job: Job, coded: Coded, options: VideoOptions, seconds: float, passes: int
) -> dict[str, Any]:
    from codec.video.options import quality_of

    head, length = coded.head, coded.seconds
    level = options.base_level
    if passes > 1 or coded.levels == {}:
        level = round(sum(n * k for n, k in coded.levels.items()) / max(coded.frames, 1))
    return {
        "input": job.source,
        "output": job.target,
        "width": head.width,
        "height": head.height,
        "frames": coded.frames,
        "key_frames": coded.keys,
        "duration": round(length, 6),
        "bytes": coded.bytes,
        "audio_bytes": coded.audio_bytes,
        "bitrate": round(coded.bit_rate, 1),
        "bpp": 8 * (coded.bytes - coded.audio_bytes)
        / (head.width * head.height * max(coded.frames, 1)),
        "tracks": len(head.tracks),
        "level": level,
        "quality": round(quality_of(level), 1),
        "passes": passes,
        "seconds": seconds,
        "fps": passes * coded.frames / seconds,
    }  # fmt: skip


def _line(report: dict[str, Any]) -> str:
    """One line for people."""
    target = f" -> {report['output']}" if report["output"] is not None else ""
    tracks = report["tracks"]
    sound = f", sound {report['audio_bytes']} bytes in {tracks}" if tracks else ""
    passes = f", {report['passes']} passes" if report["passes"] > 1 else ""
    return (
        f"{report['input']}{target}: {report['width']}x{report['height']}, "
        f"{report['frames']} frames, {report['duration']:.2f} s, {report['bytes']} bytes, "
        f"{report['bitrate'] / 1000:.1f} kbit/s, {report['bpp']:.4f} bpp{sound}, "
        f"{report['seconds']:.1f} s ({report['fps']:.1f} frames/s){passes}"
    )
