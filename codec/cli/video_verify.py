"""`codec verify` of videos: decode completely, and measure against the source."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from codec.cli.common import Session
from codec.cli.jobs import open_input
from codec.cli.streams import show
from codec.cli.video_decode import opened_file
from codec.cli.video_progress import frame_progress
from codec.options import DecoderOptions

__all__ = ["verify_one"]


def verify_one(
    session: Session, name: str, against: str | None, options: DecoderOptions, *, as_json: bool
) -> None:
    """Decodes a video and says what came of it.

    Raises:
        CodecError: it does not decode, or is not the same video as the source.
    """
    from codec.video.checking import verify_video
    from codec.video.inputs import SourceOptions
    from codec.video.opening import open_source

    with ExitStack() as stack:
        file = stack.enter_context(opened_file(name))
        source = None
        if against is not None:
            wanted = SourceOptions(limits=options.limits)
            source = stack.enter_context(
                open_source(open_input(against), wanted, name="standard input")
            )
        with frame_progress(session, None, name, None) as update:
            found = verify_video(
                file, source, threads=options.threads, limits=options.limits, progress=update
            )
    if as_json:
        show(json.dumps({"file": name, "ok": True} | asdict(found)))
        return
    show(_line(name, found))


def _line(name: str, found: Any) -> str:
    """One line for people."""
    parts = [
        f"{name}: ok, {found.width}x{found.height}, {found.frames} frames, {found.duration:.2f} s, "
        f"samples {found.digest[:16]}"
    ]
    if found.identical:
        parts.append("identical to the source")
    elif found.identical is not None:
        parts.append(
            f"PSNR {found.psnr:.3f} dB (Y {found.psnr_y:.3f}, U {found.psnr_u:.3f}, "
            f"V {found.psnr_v:.3f}; worst {found.worst:.3f} at {found.worst_frame})"
        )
    if found.times_identical is not None:
        parts.append("times identical" if found.times_identical else "times DIFFER")
    if found.audio_identical is not None:
        parts.append("sound identical" if found.audio_identical else "sound DIFFERS")
    return ", ".join(parts)
