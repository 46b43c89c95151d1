"""What a conformance vector is, and how one is checked. Reads only; `generate.py` writes.

    vectors/NAME/input.bin       a file of the codec
    vectors/NAME/expected.json   its header, and the SHA-256 of the latents of every tile
    vectors/NAME/expected.png    its pixels
    corrupt/NAME.bin             a file that is refused; corrupt/expected.json names the error
    SHA256SUMS                   of every file above

Latents are hashed as y_hat in units of 2^-5 symbols, int32 little-endian, (h, w, channels) in C
order. Latents and pixels are the same on every machine for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import bitstream
from codec.decoder import Decoder
from codec.image.files import open_picture
from codec.image.picture import Picture
from codec.options import Limits

HERE = Path(__file__).parent
SUMS = "SHA256SUMS"
INPUT, EXPECTED, PIXELS = "input.bin", "expected.json", "expected.png"


class VectorMismatch(AssertionError):
    """A file does not decode to what its vector says, or the vector itself was changed."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What decoding a file must give, pixels apart.

    header: fields of the header by name, bytes in hexadecimal. latents: SHA-256 of each tile's,
    None for those that have none, nothing for a predictive picture.
    metadata: sizes of icc, exif, xmp and alpha in bytes, absent ones left out.
    """

    header: dict[str, Any]
    latents: list[str | None]
    metadata: dict[str, int]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @staticmethod
    def from_json(text: str) -> Expected:
        return Expected(**json.loads(text))


def describe(data: bytes, decoder: Decoder) -> tuple[Expected, Picture]:
    """What a file decodes to, as vectors write it down."""
    container = bitstream.read(data)
    header = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in asdict(container.header).items()
    }
    hashes = [
        None if y_hat is None else hashlib.sha256(y_hat.astype("<i4").tobytes()).hexdigest()
        for y_hat in decoder.tile_latents(data)
    ]
    parts = {name: getattr(container, name) for name in ("icc", "exif", "xmp", "alpha")}
    metadata = {name: len(part) for name, part in parts.items() if part is not None}
    return Expected(header, hashes, metadata), decoder.decode_picture(data)


def check_vector(folder: Path, decoder: Decoder) -> None:
    """Decodes a vector and compares.

    Raises:
        VectorMismatch: header, metadata, latents or pixels are not those written down.
        OSError: a file of the vector is missing.
    """
    expected = Expected.from_json((folder / EXPECTED).read_text())
    pixels = open_picture(folder / PIXELS, limits=Limits()).to_numpy()
    found, picture = describe((folder / INPUT).read_bytes(), decoder)
    for part in ("header", "metadata", "latents"):
        if getattr(found, part) != getattr(expected, part):
            raise VectorMismatch(
                f"{folder.name}: {part}: found {getattr(found, part)}, "
                f"expected {getattr(expected, part)}"
            )
    decoded = picture.to_numpy()
    found_kind, wanted_kind = (f"{p.dtype} {p.shape}" for p in (decoded, pixels))
    if found_kind != wanted_kind:
        raise VectorMismatch(f"{folder.name}: found {found_kind}, expected {wanted_kind}")
    wrong = np.argwhere(decoded != pixels)
    if len(wrong):
        row, column, channel = wrong[0]
        raise VectorMismatch(
            f"{folder.name}: {len(wrong)} samples differ, first that of row {row}, "
            f"column {column}, channel {channel}: found {decoded[row, column, channel]}, "
            f"expected {pixels[row, column, channel]}"
        )


def frozen_files(root: Path) -> Iterator[str]:
    """Names of all files that must not change, relative to `root`, in order."""
    for part in ("corrupt", "vectors"):
        for path in sorted((root / part).rglob("*")):
            if path.is_file():
                yield path.relative_to(root).as_posix()


def sums(root: Path) -> str:
    """The content of SHA256SUMS, as `sha256sum -c` reads it."""
    rows = (
        f"{hashlib.sha256((root / n).read_bytes()).hexdigest()}  {n}" for n in frozen_files(root)
    )
    return "".join(row + "\n" for row in rows)


def check_sums(root: Path) -> None:
    """Compares every frozen file with SHA256SUMS.

    Raises:
        VectorMismatch: a file is missing, was changed, or is not listed.
        OSError: there is no list.
    """
    listed = set((root / SUMS).read_text().splitlines())
    there = set(sums(root).splitlines())
    if listed != there:
        names = sorted({row.split("  ", 1)[1] for row in listed ^ there})
        raise VectorMismatch(f"changed, missing or not listed: {', '.join(names)}")
