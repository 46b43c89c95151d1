"""`codec info` of videos: what a file says about itself, without decoding and without NumPy."""

from __future__ import annotations

import json
from typing import Any

from codec.cli.streams import show
from codec.cli.video_decode import opened_file
from codec.cli.video_progress import clock
from codec.options import Limits

__all__ = ["show_video"]


def show_video(name: str, limits: Limits, *, as_json: bool, chunks: bool) -> None:
    """Shows the description of a file; with `chunks` each of its parts as well.

    Raises:
        CodecError: the file is damaged; it is shown as far as it goes.
    """
    from codec.video.describe import VideoInfo, describe

    parts: list[dict[str, Any]] = []
    with opened_file(name) as file:
        for found in describe(file, limits):
            if isinstance(found, VideoInfo):
                break
            if not chunks:
                continue
            if as_json:
                parts.append(_part(found))
            else:
                show(_part_line(found, header=not parts))
                parts = [{}]
    assert isinstance(found, VideoInfo)
    if as_json:
        listed = {"chunks": parts} if chunks else {}
        show(json.dumps({"file": name} | found.as_dict() | listed))
    else:
        show(_text(name, found))
    if found.problem is not None:
        raise found.problem


def _part(chunk: Any) -> dict[str, Any]:
    packet = chunk.packet
    values = {"name": chunk.name, "offset": chunk.offset, "length": chunk.size}
    if packet is not None:
        for name in ("key", "level", "references", "slot", "track", "pts", "duration"):
            if hasattr(packet, name):
                values[name] = getattr(packet, name)
    return values


def _part_line(chunk: Any, *, header: bool) -> str:
    packet = chunk.packet
    about = ""
    if hasattr(packet, "level"):
        slots = ",".join(map(str, packet.references)) or "-"
        kept = "-" if packet.slot is None else packet.slot
        about = f"{packet.pts:12} level {packet.level:2}  from {slots}  kept in {kept}"
    elif packet is not None:
        about = f"{packet.pts:12} track {packet.track}"
    line = f"  {chunk.name:6}{chunk.offset:12}{chunk.size:10}{about}"
    return f"  chunk       offset     bytes        time\n{line}" if header else line


def _text(name: str, found: Any) -> str:
    rate = "variable" if found.frame_rate is None else f"{found.frame_rate:.6g} frames/s"
    levels = sorted(found.levels)
    spread = (
        f"{levels[0]}" if len(levels) == 1 else f"{levels[0]} to {levels[-1]}" if levels else ""
    )
    colours = f"{found.chroma}, {found.matrix}, {'full' if found.full_range else 'limited'} range"
    rows = [
        ("video", f"{found.width}x{found.height}, {colours}"),
        (
            "length",
            f"{found.frames} frames, {clock(found.duration)} ({found.duration:.3f} s), {rate}",
        ),
        ("size", f"{found.bytes} bytes, {found.bitrate / 1000:.1f} kbit/s, {found.bpp:.4f} bpp"),
        (
            "key frames",
            f"{found.key_frames}, at most {found.longest_gop} frames from one to the next",
        ),
        ("levels", spread),
        (
            "models",
            f"{found.model_id} ({found.weights_hash}), {found.inter_id} ({found.inter_hash})",
        ),
    ]
    if found.rotation:
        rows.append(("rotation", f"{found.rotation} degrees clockwise"))
    if tuple(found.aspect) != (1, 1):
        rows.append(("aspect", f"{found.aspect[0]}:{found.aspect[1]} of a sample"))
    for number, track in enumerate(found.tracks, 1):
        language = f", {track.language}" if track.language else ""
        speed = 8 * track.bytes / found.duration / 1000 if found.duration else 0.0
        layout = track.layout or f"{track.channels} channels"
        rows.append(
            (
                f"sound {number}",
                f"{track.codec}, {track.sample_rate} Hz, {layout}{language}, "
                f"{track.packets} packets, {track.bytes} bytes, {speed:.1f} kbit/s",
            )
        )
    return "\n".join([name, *(f"  {key:12}{value}" for key, value in rows)])
