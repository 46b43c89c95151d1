"""`codec decode` of videos: to mp4, mov, mkv, y4m, numbered images, or a pipe of y4m."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from codec.cli.common import Session
from codec.cli.jobs import Job, open_input, plan, refuse_terminal, run_jobs
from codec.cli.streams import STDIO, standard_output
from codec.cli.totals import leave_pictures_out, say_left_out
from codec.cli.trees import Found, find_inputs, has_folder
from codec.cli.video_options import (
    TREE_FORMAT,
    DecodeArguments,
    begins_video,
    is_still,
    refuse_others,
)
from codec.cli.video_progress import frame_progress
from codec.errors import OptionError, convert, translated
from codec.image.source import open_path
from codec.options import Limits

if TYPE_CHECKING:
    from bitstream.video import VideoStreamReader

__all__ = [
    "DecodeJob",
    "decode_one",
    "decode_videos",
    "opened_file",
]


_TAKEN = (
    "inputs", "output", "format_name", "output_quality", "start", "duration", "no_audio", "recover",
    "output_codec", "force", "replace_input", "output_dir", "device", "full_names", "keep_going",
    "skip_existing", "threads", "max_pixels", "max_dimension", "as_json", "progress", "no_output",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DecodeJob:
    """What `codec decode` was asked for, of what concerns videos."""

    format_name: str | None
    quality: int
    threads: int
    limits: Limits
    force: bool
    as_json: bool
    progress: str | None
    video: DecodeArguments


def decode_videos(
    session: Session,
    inputs: Sequence[str],
    output: str | None,
    output_dir: Path | None,
    asked: DecodeJob,
    *,
    no_output: bool,
    full_names: bool,
    keep_going: bool,
    skip_existing: bool,
    replace_input: bool,
) -> int:
    """Decodes videos one after another; of folders, those below them.

    Returns:
        The exit code.
    """
    refuse_others(click.get_current_context(), _TAKEN, "videos")
    if asked.as_json and output == STDIO:
        raise click.UsageError("--json and -o - would both write to stdout")
    found = find_inputs(inputs, output, output_dir, is_still, begins_video, keep_going=keep_going)
    if has_folder(inputs):
        leave_pictures_out(found)
    jobs = _plan(found, output, output_dir, asked, no_output=no_output, full_names=full_names)
    if output_dir is not None:  # a name with a % is made up of others then, no pattern
        asked = replace(asked, format_name=asked.format_name or TREE_FORMAT)
    code = run_jobs(
        session, jobs, lambda job: decode_one(session, job, asked), force=asked.force,
        keep_going=keep_going, skip_existing=skip_existing, replace_input=replace_input,
    )  # fmt: skip
    return say_left_out(session, found, code)


def decode_one(session: Session, job: Job, asked: DecodeJob) -> None:
    """Decodes one video, and says so."""
    report = _decode(session, job, asked)
    if asked.as_json:
        click.echo(json.dumps(report))
    session.say(_line(report))


def _plan(
    found: Found,
    output: str | None,
    output_dir: Path | None,
    asked: DecodeJob,
    *,
    no_output: bool,
    full_names: bool,
) -> list[Job]:
    """Which input goes where; a name with a number in it is one output of one input."""
    from codec.video.writing import find_video_format

    inputs = [*found.sources, *found.videos]
    if output is not None and output_dir is None and not no_output:
        find_video_format(output, asked.format_name)
        if len(inputs) > 1:
            raise click.UsageError("several videos need --output-dir DIR")
        if output == STDIO:
            refuse_terminal()
        return [Job(inputs[0], output, numbered="%" in output)]
    format_name = asked.format_name or "mkv"
    suffix = "." + find_video_format(None, format_name)
    return plan(
        inputs, output, output_dir, suffix=suffix, no_output=no_output, below=found.below,
        full_names=full_names,
    )  # fmt: skip


def _decode(session: Session, job: Job, asked: DecodeJob) -> dict[str, Any]:
    """Decodes one video; returns what is to be reported of it."""
    from codec.video.decoding import played
    from codec.video.outputs import SinkOptions
    from codec.video.streams import open_stream
    from codec.video.types import VideoFrame
    from codec.video.writing import open_sink

    started = time.perf_counter()
    video = asked.video
    frames = 0
    with ExitStack() as stack:
        file = stack.enter_context(opened_file(job.source))
        reader = open_stream(file, asked.limits, recover=video.recover)
        seekable = file.seekable()
        total, rate = _expected(reader, seekable, video)
        sink = None
        if job.target is not None:
            target: Any = standard_output() if job.target == STDIO else job.target
            options = SinkOptions(
                format=asked.format_name,
                codec=video.output_codec,
                quality=asked.quality,
                audio=not video.no_audio,
                rate=rate,
                force=asked.force,
            )
            sink = stack.enter_context(open_sink(target, reader.head, options))
        items = played(
            reader, threads=asked.threads, start=video.start, duration=video.duration,
            seekable=seekable,
        )  # fmt: skip
        with frame_progress(session, asked.progress, job.source, total) as update:
            for item in items:
                if not isinstance(item, VideoFrame):
                    if sink is not None:
                        sink.write_audio(item)
                    continue
                if sink is not None:
                    sink.write(item)
                frames += 1
                if update is not None:
                    update(frames)
        _check_found(frames, video, reader)
    for note in [] if sink is None else sink.notes:
        session.say(f"{job.source}: {note}")
    for damage in reader.damage:
        lost = "" if damage.frames is None else f", {damage.frames} pictures lost"
        session.say(f"{job.source}: damaged at byte {damage.offset}: {damage.error}{lost}")
    seconds = time.perf_counter() - started
    head = reader.head
    return {
        "input": job.source,
        "output": job.target,
        "width": head.width,
        "height": head.height,
        "frames": frames,
        "damages": len(reader.damage),
        "seconds": seconds,
        "fps": frames / seconds,
    }


def _expected(
    reader: VideoStreamReader, seekable: bool, video: DecodeArguments
) -> tuple[int | None, Fraction | None]:
    """How many pictures there will be, if that is known, and the rate for types that have one."""
    nominal = Fraction(*reader.head.frame_rate)
    if not seekable:
        return None, nominal or None
    with translated():
        index = reader.index()
    ticks = Fraction(*reader.head.time_base)
    mean = index.frames / (index.duration * ticks) if index.duration else Fraction(25)
    rate = nominal or mean.limit_denominator(1001)
    whole = index.duration * ticks
    part = max(whole - (video.start or 0), Fraction(0))
    if video.duration is not None:
        part = min(part, video.duration)
    total = index.frames if part == whole else round(part * mean)
    return total or None, rate


def _check_found(frames: int, video: DecodeArguments, reader: VideoStreamReader) -> None:
    if frames:
        return
    if reader.damage:
        raise convert(reader.damage[0].error)
    where = f" from {float(video.start):g} s on" if video.start else ""
    raise OptionError(f"there are no pictures{where}: the video is shorter")


@contextmanager
def opened_file(source: str) -> Iterator[BinaryIO]:
    """An input as a binary file; stdin is not closed."""
    opened = open_input(source)
    if isinstance(opened, str):
        with open_path(opened) as file:
            yield file
    else:
        yield opened


def _line(report: dict[str, Any]) -> str:
    """One line for people."""
    target = f" -> {report['output']}" if report["output"] is not None else ""
    return (
        f"{report['input']}{target}: {report['width']}x{report['height']}, "
        f"{report['frames']} frames, {report['seconds']:.1f} s ({report['fps']:.1f} frames/s)"
    )
