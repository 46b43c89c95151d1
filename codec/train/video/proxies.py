"""python -m codec.train.video.proxies CLIPS... --out FOLDER: dumps of another codec to start with.

Clips are shrunk, which takes the noise of their own compression away; photographs are moved. Both
are coded by x265 without its filters at one random quantiser a sequence, and written in the format
of `codec.train.video.samples`. Level 63 - q has the step of its quantiser q. Needs PyAV.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from codec.train.video.motion import predict
from codec.train.video.samples import write_dump

__all__ = ["coded", "moved_photograph", "sequences", "tasks"]

Frame = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
ENDINGS = {".mp4", ".mkv", ".webm", ".mov"}
QUANTISERS = (12, 50)
FILES = 3
"""Sequences for each clip or photograph and pass."""


def sequences(path: Path, rng: np.random.Generator, frames: int) -> list[Frame]:
    """Y, U, V of a part of a clip, shrunk by 2 or more, with sides that are multiples of 16."""
    import av

    with av.open(str(path)) as clip:
        stream = clip.streams.video[0]
        stride = int(rng.integers(1, 3))
        total = stream.frames or 200
        first = int(rng.integers(0, max(1, total - frames * stride)))
        shrink = rng.uniform(2, max(2.01, min(4, stream.width / 320)))
        width, height = (int(n / shrink / 16) * 16 for n in (stream.width, stream.height))
        found = []
        for n, frame in enumerate(clip.decode(stream)):
            if n >= first and (n - first) % stride == 0:
                small = frame.reformat(width, height, "yuv420p", interpolation="AREA")
                found.append(_planes(small))
            if len(found) == frames:
                break
    return found if rng.random() < 0.5 else found[::-1]


def moved_photograph(path: Path, rng: np.random.Generator, frames: int) -> list[Frame]:
    """A photograph under a smooth camera motion, 384x256, with a little noise of every frame."""
    import av
    from PIL import Image

    with Image.open(path) as picture:
        shrink = rng.uniform(1.0, 2.0)
        size = (int(picture.width / shrink), int(picture.height / shrink))
        pixels = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX))
    source = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()
    height, width = 256, 384
    speed = rng.exponential([3.0, 3.0, 0.004, 0.006]) * rng.choice([-1, 1], 4)
    x, y = (rng.uniform(0, max(1, n - m)) for n, m in ((size[0], width), (size[1], height)))
    angle, zoom = rng.normal(0, 0.02), 1.0
    noise = rng.exponential(0.7) if rng.random() < 0.5 else 0.0
    v, u = torch.meshgrid(
        torch.arange(height) - height / 2, torch.arange(width) - width / 2, indexing="ij"
    )
    found = []
    for _ in range(frames):
        c, s = np.cos(angle) * zoom, np.sin(angle) * zoom
        place = torch.stack([(c * u - s * v + x + width / 2) / size[0] * 2 - 1,
                             (s * u + c * v + y + height / 2) / size[1] * 2 - 1], -1)  # fmt: skip
        view = F.grid_sample(
            source, place[None].float(), mode="bicubic", padding_mode="reflection",
            align_corners=False,
        )[0]  # fmt: skip
        if noise:
            view = view + torch.from_numpy(rng.normal(0, noise, view.shape)).float()
        rgb = view.clamp(0, 255).round().byte().permute(1, 2, 0).contiguous().numpy()
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        found.append(_planes(frame.reformat(format="yuv420p")))
        x, y, angle, zoom = x + speed[0], y + speed[1], angle + speed[2], zoom * (1 + speed[3])
    return found


def _planes(frame: Any) -> Frame:
    h, w = frame.height, frame.width
    flat = frame.to_ndarray()
    y, u, v = flat[:h], flat[h : h + h // 4], flat[h + h // 4 :]
    return y.copy(), u.reshape(h // 2, w // 2).copy(), v.reshape(h // 2, w // 2).copy()


def coded(frames: list[Frame], q: int, rng: np.random.Generator) -> list[list[NDArray[np.uint16]]]:
    """What x265 makes of frames at quantiser q, with 10 bits: Y, U, V of every one of them."""
    import av

    height, width = frames[0][0].shape
    codec = av.CodecContext.create("libx265", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p10le"
    codec.framerate, codec.thread_count = Fraction(25), 1
    given = {
        "qp": q, "aq-mode": 0, "ipratio": 1, "pbratio": 1, "psy-rd": 0, "psy-rdoq": 0,
        "bframes": int(rng.choice([0, 0, 3])), "keyint": int(rng.choice([2, 8, 250])),
        "rdoq-level": int(rng.choice([0, 1, 2])), "strong-intra-smoothing": 0, "pools": "none",
        "frame-threads": 1, "log-level": "none", "scenecut": 0,
    }  # fmt: skip
    options = ":".join(f"{k}={v}" for k, v in given.items())
    filters = "deblock=0,0" if rng.random() < 0.2 else "no-deblock=1:no-sao=1"
    codec.options = {
        "preset": str(rng.choice(["veryfast", "medium"])),
        "x265-params": f"{options}:{filters}",
    }
    packets = []
    for n, planes in enumerate(frames):
        frame = av.VideoFrame(width, height, "yuv420p10le")
        for plane, samples in zip(frame.planes, planes, strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
            rows[:, : plane.width] = samples.astype(np.uint16) * 4
            plane.update(rows.tobytes())
        frame.pts = n
        packets += codec.encode(frame)
    packets += codec.encode(None)
    decoder = av.CodecContext.create("hevc", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    if codec.extradata:
        decoder.extradata = codec.extradata
    shown = [f for packet in packets for f in decoder.decode(packet)]
    shown += decoder.decode(None)
    assert len(shown) == len(frames)
    return [[
        np.frombuffer(bytes(p), np.uint16).reshape(p.height, p.line_size // 2)[:, : p.width].copy()
        for p in f.planes
    ] for f in shown]  # fmt: skip


def dump(frames: list[Frame], path: Path, rng: np.random.Generator) -> None:
    """Codes a sequence and writes its dump."""
    q = int(rng.integers(*QUANTISERS))
    found = coded(frames, q, rng)
    floats = [[torch.from_numpy(p.astype(np.float32)) for p in f] for f in found]
    predicted = [found[0]]
    for now, before in zip(floats[1:], floats, strict=False):
        moved = predict(now, before)
        predicted.append([p.round().clamp(0, 1023).numpy().astype(np.uint16) for p in moved])
    planes: dict[str, NDArray[Any]] = {}
    for n, name in enumerate("yuv"):
        planes[f"rec_{name}"] = np.stack([f[n] for f in found])
        planes[f"pred_{name}"] = np.stack([f[n] for f in predicted])
        planes[f"src_{name}"] = np.stack([f[n] for f in frames])
    write_dump(path, planes, np.full(len(frames), 63 - q))


def tasks(paths: list[Path], passes: int) -> Iterator[tuple[int, Path]]:
    """Clips, each once in every pass, and photographs, each in one of them; numbers of passes."""
    files = [f for p in paths for f in (sorted(p.iterdir()) if p.is_dir() else [p])]
    clips = [f for f in files if f.suffix in ENDINGS]
    photographs = [f for f in files if f.suffix in {".webp", ".png", ".jpg"}]
    for n in range(passes):
        share = len(photographs) // passes
        some = photographs[n * share : (n + 1) * share]
        yield from ((n, f) for clip in clips for f in [clip])
        yield from ((n, f) for f in some)


def main() -> None:
    """Command line of the module."""
    parser = argparse.ArgumentParser(prog="python -m codec.train.video.proxies")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--passes", type=int, default=4, help="over the clips; photographs once")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    for n, path in tasks(options.paths, options.passes):
        read = sequences if path.suffix in ENDINGS else moved_photograph
        frames = read(path, rng, options.frames)
        if len(frames) > 1:
            dump(frames, options.out / f"{path.stem}-{n}.npz", rng)


if __name__ == "__main__":
    main()
