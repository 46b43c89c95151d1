"""Writes the conformance vectors; the only program that does.

    python tests/conformance/generate.py

makes the vectors that are not there yet, with the current default model, and lists their hashes. It
never overwrites: what was written once is decodable for ever (DESIGN C2). A new model gets new
vectors, under new names: their names begin with the name of the model.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # a plain checkout, run as a script

import bitstream  # noqa: E402
from codec.decoder import Decoder  # noqa: E402
from codec.encoder import Encoder  # noqa: E402
from codec.errors import CodecError  # noqa: E402
from codec.image.picture import Picture  # noqa: E402
from codec.image.writing import write_image  # noqa: E402
from codec.models import registry  # noqa: E402
from codec.options import EncoderOptions  # noqa: E402
from tests.conformance.harness import (  # noqa: E402
    EXPECTED,
    HERE,
    INPUT,
    PIXELS,
    SUMS,
    check_sums,
    check_vector,
    describe,
    sums,
)
from tests.conformance.writing import command, flipped, write_corrupt  # noqa: E402
from tests.model_fixtures import synthetic_picture  # noqa: E402
from tests.strategies_container import chunk, varint  # noqa: E402

KODIM23 = ROOT / "examples" / "kodim23.png"


def photograph() -> Picture:
    """A crop of Kodak image 23, 160 x 120, with the head of a parrot."""
    with Image.open(KODIM23) as image:
        pixels = np.asarray(image.convert("RGB"))[80:200, 140:300]
    return Picture.from_numpy(np.ascontiguousarray(pixels))


def small_photograph() -> Picture:
    """96 x 64 of it."""
    return Picture.from_numpy(np.ascontiguousarray(photograph().samples[:64, :96]))


def with_metadata() -> Picture:
    """100 x 70, RGB and alpha, with every kind of metadata."""
    picture = Picture.from_numpy(synthetic_picture(70, 100, 4, seed=103))
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"  # orientation 6
    return replace(picture, icc=b"a profile", exif=exif, xmp=b"<x:xmpmeta/>")


def screen() -> Picture:
    """140 x 90, few colours: boxes, lines and a dither."""
    y, x = np.mgrid[:90, :140]
    pixels = np.full((90, 140, 3), 245, np.uint8)
    pixels[10:40, 10:70] = (30, 60, 120)
    pixels[y % 9 == 0] = (0, 0, 0)
    dither = (x * 7 + y * 3) % 16 < x // 9
    pixels[50:, 70:] = np.where(dither[50:, 70:, np.newaxis], (250, 80, 0), (0, 80, 250))
    return Picture.from_numpy(pixels)


def noise(side: int = 30) -> Picture:
    """A square of noise, which is not worth coding."""
    rng = np.random.default_rng(5)
    return Picture.from_numpy(rng.integers(0, 256, (side, side, 3), np.uint8))


def mixed() -> Picture:
    """A photograph of 160 x 120 with text-like lines and a corner of noise, 192 x 192 in all."""
    pixels = np.zeros((192, 192, 3), np.uint8)
    pixels[:120, :160] = photograph().samples
    pixels[120:, :] = photograph().samples[:72, :1]
    pixels[:120, 160:] = pixels[:120, 159:160]
    pixels[64:128, 64:128] = screen().samples[20:84, 20:84]
    pixels[128:, 128:] = noise(64).samples
    return Picture.from_numpy(pixels)


def decoded_jpeg() -> Picture:
    """The photograph as a JPEG of quality 85 gives it back: it lies on a lattice."""
    data = io.BytesIO()
    Image.fromarray(small_photograph().samples).save(data, "JPEG", quality=85, subsampling=0)
    return Picture.from_numpy(np.asarray(Image.open(data)))


def deep(channels: int) -> Picture:
    """45 x 30 of 16 bits: a ramp with noise in all of them."""
    rng = np.random.default_rng(16 + channels)
    y, x = np.mgrid[:30, :45]
    ramp = (x * 311 + y * 97)[..., np.newaxis] + rng.integers(0, 700, (30, 45, channels))
    return Picture.from_numpy(ramp.astype(np.uint16))


CASES: dict[str, tuple[Callable[[], Picture], EncoderOptions]] = {
    "rgb-1x1": (
        lambda: Picture.from_numpy(np.array([[[200, 30, 90]]], dtype=np.uint8)),
        EncoderOptions(level=63),
    ),
    "grey-65x33": (
        lambda: Picture.from_numpy(synthetic_picture(33, 65, 1, seed=101)),
        EncoderOptions(level=24),
    ),
    "rgba-100x70-metadata": (with_metadata, EncoderOptions(level=40)),
    "rgb-200x136-tiles": (
        lambda: Picture.from_numpy(synthetic_picture(136, 200, 3, seed=104)),
        EncoderOptions(level=48, tile=64),
    ),
    "photo-low": (photograph, EncoderOptions(level=0)),
    "photo-high": (photograph, EncoderOptions(level=63)),
    "mixed": (mixed, EncoderOptions(level=47)),
}
FEWER = {name: CASES[name] for name in ("rgba-100x70-metadata", "photo-low", "photo-high", "mixed")}
PREDICTIVE: dict[str, tuple[Callable[[], Picture], EncoderOptions]] = {
    "rgb-1x1": (
        lambda: Picture.from_numpy(np.array([[[200, 30, 90]]], dtype=np.uint8)),
        EncoderOptions(lossless=True),
    ),
    "photo": (small_photograph, EncoderOptions(lossless=True)),
    "photo-tiles": (small_photograph, EncoderOptions(lossless=True, tile=64)),
    "photo-near-3": (small_photograph, EncoderOptions(near_lossless=3)),
    "jpeg": (decoded_jpeg, EncoderOptions(lossless=True)),
    "screen": (screen, EncoderOptions(lossless=True)),
    "noise": (noise, EncoderOptions(lossless=True)),
    "rgba-100x70-metadata": (with_metadata, EncoderOptions(lossless=True)),
    "grey16-45x30": (lambda: deep(1), EncoderOptions(lossless=True)),
    "rgba16-45x30": (lambda: deep(4), EncoderOptions(lossless=True)),
    "rgb16-near-500": (lambda: deep(3), EncoderOptions(near_lossless=500)),
}


def rebuilt_head(data: bytes, **changes: int) -> bytes:
    """The file with fields of HEAD replaced, and its check right: what no encoder writes."""
    header = bitstream.read_header(data)
    fields = {
        "width": header.width,
        "height": header.height,
        "model_id": header.model_id,
        "level": header.level,
        "tile_log2": header.tile_log2,
    } | changes
    samples = int(header.alpha) << 5 | int(header.channels == 3) << 4 | 7
    payload = b"".join(
        [
            varint(fields["width"]),
            varint(fields["height"]),
            bytes([samples, 0]),
            fields["model_id"].to_bytes(2, "little"),
            header.weights_hash,
            bytes([fields["level"], fields["tile_log2"]]),
        ]
    )
    start = len(bitstream.MAGIC) + 1
    length = bitstream.inspect(data).chunks[0].size
    return data[:start] + chunk(bitstream.ChunkType.HEAD, payload) + data[start + length :]


def corrupt_files(data: bytes) -> dict[str, bytes]:
    """Files that must be refused, made of a sound one with several tiles."""
    info = bitstream.inspect(data)
    container = bitstream.read(data)
    tile = info.tiles[2]
    at_tiles = info.chunks[-1].offset
    header = container.header
    short = list(container.tiles)
    short[1] = short[1][:-3]
    return {
        "empty": b"",
        "foreign": b"\x89PNG\r\n\x1a\n" + data,
        "truncated-in-header": data[:12],
        "truncated-in-tiles": data[:-20],
        "flipped-in-header": flipped(data, 9),
        "flipped-in-tile": flipped(data, tile.offset + tile.length // 2),
        "flipped-in-index": flipped(data, info.chunks[-1].offset + 4),
        "trailing-byte": data + b"\0",
        "unknown-version": data[:4] + b"\x02" + data[5:],
        "unknown-model": rebuilt_head(data, model_id=65535),
        "retired-model": rebuilt_head(data, model_id=9),
        "wrong-weights": bitstream.write(
            replace(container, header=replace(header, weights_hash=b"\xde\xad\xbe\xef"))
        ),
        "unknown-critical-chunk": data[:at_tiles] + chunk(0x40, b"news") + data[at_tiles:],
        "huge-dimensions": rebuilt_head(data, width=1 << 30, height=1 << 30, tile_log2=15),
        "zero-width": rebuilt_head(data, width=0),
        "level-64": rebuilt_head(data, level=64),
        "tile-cut-with-right-checks": bitstream.write(replace(container, tiles=short)),
    }


def error_of(data: bytes, decoder: Decoder) -> str:
    """Name of the error that decoding gives."""
    try:
        decoder.decode(data)
    except CodecError as error:
        return type(error).__name__
    raise SystemExit("a corrupt file decodes: nothing was written for it")


def generate(root: Path) -> list[str]:
    """Writes what is not there yet below `root` and the list of hashes; returns the new names."""
    if (root / SUMS).exists():
        check_sums(root)
    encoder, decoder = Encoder(), Decoder()
    made, prefix = [], encoder.entry.name
    exact = registry.predictive().name
    cases = {f"{prefix}-{case}": (encoder, *made_of) for case, made_of in CASES.items()}
    cases |= {f"{exact}-{case}": (encoder, *made_of) for case, made_of in PREDICTIVE.items()}
    for entry in registry.entries():
        if entry.default and entry.tune != registry.NONE and entry.name != prefix:
            other = Encoder(model=entry.name)
            for case, (make, options) in FEWER.items():
                assert options.level is not None
                level = options.level * (entry.levels - 1) // 63
                cases[f"{entry.name}-{case}"] = (other, make, replace(options, level=level))
    for case, (encodes, picture, options) in cases.items():
        folder = root / "vectors" / case
        if folder.exists():
            continue
        data = encodes.encode_picture(picture(), options)
        expected, decoded = describe(data, decoder)
        folder.mkdir(parents=True)
        (folder / INPUT).write_bytes(data)
        (folder / EXPECTED).write_text(expected.to_json())
        write_image(replace(decoded, icc=None, exif=None, xmp=None), folder / PIXELS)
        check_vector(folder, decoder)
        made.append(folder.name)
    source = (root / "vectors" / f"{prefix}-rgb-200x136-tiles" / INPUT).read_bytes()
    made += write_corrupt(
        root, prefix, corrupt_files(source), lambda _, data: error_of(data, decoder)
    )
    (root / SUMS).write_text(sums(root))
    return made


if __name__ == "__main__":
    command("write the conformance vectors not there yet", HERE, generate)
