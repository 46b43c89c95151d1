"""Small clips, made by PyAV where a test wants one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["AUDIO_RATE", "make_clip", "picture"]

AUDIO_RATE = 48000


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """RGB (h, w, 3): a ramp with a square that moves."""
    y, x = np.mgrid[:height, :width]
    rgb = np.stack([2 * x + 40, 3 * y + 30, x + y + 60], axis=2).astype(np.uint8)
    left = 4 * number % max(width, 1)
    rgb[height // 4 : height // 2, left : left + 12] = (200, 60, 90)
    return rgb


def make_clip(
    path: Path,
    *,
    codec: str = "libx264",
    kind: str = "yuv420p",
    width: int = 64,
    height: int = 48,
    frames: int = 10,
    rate: Fraction | int = 25,
    ticks: Fraction | None = None,
    times: list[int] | None = None,
    turned: int = 0,
    audio: tuple[str, ...] = (),
    languages: tuple[str, ...] = (),
    options: dict[str, str] | None = None,
    **colour: Any,
) -> Path:
    """Makes a clip.

    Args:
        path: where; the suffix decides the type of the file.
        codec, kind: of the pictures: ffmpeg's names of an encoder and a format of samples.
        width, height, frames, rate: of the pictures.
        ticks: time base of `times`.
        times: of the pictures, in ticks; by default one after another.
        turned: degrees clockwise that a player turns the pictures.
        audio: encoders of tracks of sound.
        languages: of these tracks.
        options: of the encoder.
        colour: attributes of the codec context, such as color_range.
    """
    import av

    if codec == "ffv1" and options is None:
        options = {"level": "3", "slices": "1"}  # more of them need larger pictures
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=rate, options=dict(options or {}))
        video.width, video.height, video.pix_fmt = width, height, kind
        for name, value in colour.items():
            setattr(video.codec_context, name, value)
        base = ticks or 1 / Fraction(rate)
        video.codec_context.time_base = base
        if turned:
            video.set_display_rotation(-turned)
        sounds = []
        for number, name in enumerate(audio):
            sound = out.add_stream(name, rate=AUDIO_RATE)
            sound.layout = "stereo"
            if number < len(languages):
                sound.metadata["language"] = languages[number]
            sounds.append(sound)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, width, height), format="rgb24")
            frame = frame.reformat(
                format=kind,
                dst_colorspace=colour.get("colorspace"),
                dst_color_range=colour.get("color_range"),
            )
            frame.pts = times[number] if times else number
            frame.time_base = base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        seconds = (times[-1] if times else frames) * base
        for number, sound in enumerate(sounds):
            _sing(out, sound, number, float(seconds))
    return path


def _sing(out: Any, stream: Any, number: int, seconds: float) -> None:
    """A tone as long as the pictures."""
    import av

    if not stream.codec_context.is_open:
        stream.codec_context.open()
    resampler = av.AudioResampler(
        format=stream.codec_context.format, layout="stereo", rate=AUDIO_RATE,
        frame_size=stream.codec_context.frame_size or None,
    )  # fmt: skip
    samples = max(int(seconds * AUDIO_RATE), 1024)
    tone = 9000 * np.sin(np.arange(samples) * (0.03 + 0.02 * number))
    frame = av.AudioFrame.from_ndarray(
        tone.astype(np.int16).repeat(2)[None], format="s16", layout="stereo"
    )
    frame.sample_rate, frame.pts = AUDIO_RATE, 0
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        out.mux(stream.encode(piece))
    out.mux(stream.encode(None))
