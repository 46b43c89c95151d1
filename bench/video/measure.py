"""A run: every codec on every clip at every setting, kept in a book of points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.peers import PeerFailed
from bench.video.clips import Clip, read_clip
from bench.video.peers import VideoPeer
from bench.video.points import Book, Point
from bench.video.programs import FRAMES, NAME
from bench.video.quality import compare, ms_ssim

__all__ = ["measure", "run"]


def measure(peer: VideoPeer, clip: Clip, setting: float, structure: bool = False) -> Point:
    """One point: encoded, decoded, compared.

    Args:
        structure: MS-SSIM as well.

    Raises:
        PeerFailed: the codec failed, or gave other frames than went in.
    """
    coded = peer.encode(clip, setting)
    decoded = peer.decode(coded)
    count = len(clip.frames)
    try:
        quality = compare(clip.frames, decoded.frames)
        similar = round(ms_ssim(clip.frames, decoded.frames), 6) if structure else None
    except ValueError as error:
        raise PeerFailed(f"{peer.name} at {setting:g}, {clip.name}: {error}") from error
    return Point(
        bpp=8 * coded.bytes / clip.pixels, psnr=quality.psnr, setting=float(setting),
        bytes=coded.bytes, header=coded.header, text=coded.text, y=round(quality.y, 4),
        u=round(quality.u, 4), v=round(quality.v, 4), enc_fps=round(count / coded.seconds, 2),
        dec_fps=round(count / decoded.seconds, 2), ms_ssim=similar, psnr_by_frame=quality.by_frame,
    )  # fmt: skip


def run(
    peers: list[VideoPeer],
    files: list[Path],
    book: Book,
    frames: int | None = None,
    again: frozenset[str] = frozenset(),
    structure: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Measures what the book lacks, and the codecs of `again` anew; returns what failed.

    Args:
        frames: of each clip, from the first; None: all.
        progress: is told of each point.

    Raises:
        ValueError: a clip is not 4:2:0, or the book has other frames of it.
    """
    failures = []
    for file in files:
        clip = read_clip(file, frames)
        for peer in peers:
            if peer.name == NAME and len(clip.frames) > FRAMES:
                failures.append(f"{NAME}: {clip.name} has more than {FRAMES} frames; use --frames")
                continue
            if book.has(clip, peer.name) and peer.name not in again:
                continue
            points = []
            try:
                for setting in peer.settings:
                    points.append(measure(peer, clip, setting, structure))
                    one = points[-1]
                    progress(
                        f"{clip.name:16} {peer.name:16} {setting:4g} {one.bytes:8} bytes "
                        f"{one.bpp:.4f} bpp {one.psnr:.3f} dB, {one.enc_fps:.3g} and "
                        f"{one.dec_fps:.3g} frames/s"
                    )
            except PeerFailed as error:
                failures.append(str(error))
                continue
            book.put(clip, peer.name, peer.version, points)
    return failures
