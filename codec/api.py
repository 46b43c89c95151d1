"""The one-shot functions: encode, decode, info, verify.

    encode   image or path ──► Picture ──► Encoder ──► bytes
    decode   bytes or path ──► header within limits? ──► Decoder ──► numpy
    info     bytes or path ──► header and chunks ──► ImageInfo        (standard library only)
    verify   info ──► decode ──► Verification: PSNR, MS-SSIM, SSIMULACRA2 against the source

The models that were used last are kept ready for the next call.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import bitstream
from bitstream.constants import MAX_LEVEL
from codec.errors import CodecError, OptionError, UnknownModel, convert, translated
from codec.image import exif, xmp
from codec.image.source import DataSource, read_data
from codec.models import registry
from codec.models.quality import quality_of
from codec.options import (
    DEFAULT_EFFORT,
    DEFAULT_TILE_PX,
    Crop,
    DecoderOptions,
    EncoderOptions,
    Limits,
    check_crop,
    check_limits,
    parse_size,
    parse_strip,
)
from entropy.errors import EntropyCodingError
from entropy.predictive.payload import MODES, pixels_by_mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from codec.image.files import ImageSource
    from codec.image.picture import Picture, Samples

__all__ = [
    "UNKNOWN",
    "DataSource",
    "ImageInfo",
    "Verification",
    "check_crop_of",
    "compare",
    "decode",
    "digest",
    "encode",
    "info",
    "latents",
    "read_data",
    "verify",
]

UNKNOWN = "unknown"
"""Profile and model of a file whose model is not known here."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a file says about itself, without decoding it.

    Args:
        format_version: of the container.
        width, height: of the image, in pixels.
        channels: colour planes, 1 grey or 3 RGB; alpha does not count.
        bit_depth: bits per sample.
        alpha: whether there is an alpha plane.
        profile: recipe of the model, "unknown" if this program does not know the model.
        model: name of the model, or "unknown".
        tune: what the model is tuned for: "psnr", "visual", "none" or "unknown".
        model_id: its permanent number.
        weights_hash: first four bytes of the SHA-256 of its weights, in hexadecimal.
        quality: 0..100, that gives the level; None for a file that is predictive as a whole.
        level: 0..63, of the model.
        lossless: whether every sample comes back as it was.
        largest_error: of a sample, where the whole file promises one: 0 if lossless; else None.
        modes: share of the pixels that is coded by the model ("learned"), as photograph, as screen,
            or raw, of those that occur; empty for a damaged file.
        bytes: of the whole file.
        bpp: bits per pixel, all bytes of the file counted.
        tiles: number of tiles.
        tile: side of a whole tile, in pixels.
        orientation: of EXIF or else of XMP, 1 (upright) to 8; pixels are stored without it.
        icc_bytes, exif_bytes, xmp_bytes, alpha_bytes: sizes of the parts, 0 for absent ones.
        chunks: the parts of the file in order: name, offset, size, and whether the check is right.
        problem: the first thing that keeps the file from being decoded, or None.
    """

    format_version: int
    width: int
    height: int
    channels: int
    bit_depth: int
    alpha: bool
    profile: str
    model: str
    tune: str
    model_id: int
    weights_hash: str
    quality: int | None
    level: int
    lossless: bool
    largest_error: int | None
    modes: dict[str, float]
    bytes: int
    bpp: float
    tiles: int
    tile: int
    orientation: int
    icc_bytes: int
    exif_bytes: int
    xmp_bytes: int
    alpha_bytes: int
    chunks: tuple[bitstream.ChunkInfo, ...]
    problem: CodecError | None

    def as_dict(self) -> dict[str, Any]:
        """The fields in order for JSON; `problem` becomes its name and text."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["chunks"] = [asdict(chunk) for chunk in self.chunks]
        if self.problem is not None:
            values["problem"] = {
                "error": type(self.problem).__name__,
                "message": str(self.problem),
            }
        return values


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of decoding a file completely.

    Args:
        width, height: of the image, in pixels.
        bytes: of the file.
        bpp: bits per pixel, all bytes of the file counted.
        tiles: number of tiles whose check is right: all, or there would have been an error.
        digest: SHA-256 of the decoded samples, in hexadecimal: of (H, W, C) in C order, alpha as
            the last channel, uint8 or little-endian uint16. The same on every machine.
        identical: whether every sample of the colour planes equals the source; None without a
            source.
        psnr: dB over all samples of RGB (grey: of the one plane); None without a source or if
            identical. Where one of the two has 16 bits, the other is spread to them.
        ms_ssim: 0..1; None without a source or if a side of the image is below 161 pixels.
        ssimulacra2: of the colour planes, up to 100; None without a source or if a side of the
            image is below 8 pixels. 100 if identical.
        alpha_identical: whether the alpha plane equals that of the source; None if neither has one.
    """

    width: int
    height: int
    bytes: int
    bpp: float
    tiles: int
    digest: str
    identical: bool | None = None
    psnr: float | None = None
    ms_ssim: float | None = None
    ssimulacra2: float | None = None
    alpha_identical: bool | None = None


def encode(
    image: ImageSource,
    *,
    quality: float | None = None,
    level: int | None = None,
    target_bpp: float | None = None,
    target_size: int | str | None = None,
    target_psnr: float | None = None,
    target_ssimulacra2: float | None = None,
    profile: str | None = None,
    model: str | None = None,
    tune: str | None = None,
    tile: int = DEFAULT_TILE_PX,
    strip: str | Iterable[str] = (),
    effort: int = DEFAULT_EFFORT,
    lossless: bool = False,
    near_lossless: int | None = None,
    device: str = "auto",
    threads: int = 0,
    limits: Limits | None = None,
) -> bytes:
    """Encodes one image.

    Args:
        image: numpy array uint8 or uint16 of shape (H, W) or (H, W, C) with C = 1 grey, 2 grey and
            alpha, 3 RGB, 4 RGB and alpha; a PIL image; a path, the bytes of an image file, or a
            binary file object.
        quality, level, target_bpp, target_size, target_psnr, target_ssimulacra2: at most one; see
            `EncoderOptions`. A size may also be text such as "60kB".
        profile: recipe, None for the usual one, "wavelet".
        model: name of a model of it; by default its current one.
        tune: "psnr" (the default) or "visual": models for what people see.
        tile, strip, effort: see `EncoderOptions`.
        lossless: every sample comes back as it was, also of 16 bits.
        near_lossless: no sample is off by more than this.
        device, threads: see `DecoderOptions`; they do not change the bytes up to effort 7.
        limits: the largest image taken, and the largest file made.

    Returns:
        The bytes of the file.

    Raises:
        CodecError: see `codec.errors`.
        OSError: an input file cannot be opened or read.
    """
    size = parse_size(target_size) if isinstance(target_size, str) else target_size
    options = EncoderOptions(
        quality=quality,
        level=level,
        target_bpp=target_bpp,
        target_size=size,
        target_psnr=target_psnr,
        target_ssimulacra2=target_ssimulacra2,
        tile=tile,
        strip=parse_strip(strip),
        effort=effort,
        lossless=lossless,
        near_lossless=near_lossless,
    )
    machine = DecoderOptions(device=device, threads=threads, limits=check_limits(limits))
    from codec.encoder import Encoder
    from codec.image.files import open_picture

    picture = open_picture(image, limits=machine.limits)
    encoder = Encoder.suited(options, profile, model=model, machine=machine, tune=tune)
    with translated():
        return encoder.encode_picture(picture, options)


def decode(
    data: DataSource,
    *,
    crop: Crop | None = None,
    device: str = "auto",
    threads: int = 0,
    limits: Limits | None = None,
    conceal: bool = False,
) -> Samples:
    """Decodes one file.

    Pixels come as stored: an orientation in EXIF (`codec.info(data).orientation`) is not applied.

    Args:
        data: a path, the bytes of the file, or a binary file object.
        crop: x, y, width, height in pixels of the part that is wanted; only its tiles are decoded.
        device, threads, limits, conceal: see `DecoderOptions`.

    Returns:
        uint8 or uint16, shape (H, W, C) with C = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.

    Raises:
        CodecError: see `codec.errors`.
        OSError: the file cannot be opened or read.
    """
    options = DecoderOptions(
        crop=crop,
        device=device,
        threads=threads,
        limits=check_limits(limits),
        conceal=conceal,
    )
    return _decode_picture(read_data(data, limits=options.limits), options).to_numpy()


def latents(
    data: DataSource, *, device: str = "auto", threads: int = 0, limits: Limits | None = None
) -> NDArray[np.int32]:
    """The latents of a file, for learning on compressed data; see `Decoder.latents`.

    Args:
        data: a path, the bytes of the file, or a binary file object.
        device, threads, limits: see `DecoderOptions`.

    Returns:
        int32, shape (ceil(H / 16), ceil(W / 16), channels), in 2^-5 symbols.

    Raises:
        UnsupportedImage: a tile is coded sample by sample altogether, and has no latents.
        CodecError: see `codec.errors`.
        OSError: the file cannot be opened or read.
    """
    from codec.decoder import Decoder

    return Decoder(device=device, threads=threads, limits=limits).latents(data)


def info(data: DataSource, *, limits: Limits | None = None, strict: bool = True) -> ImageInfo:
    """Describes a file without decoding it; needs no weights and no NumPy.

    Args:
        data: a path, the bytes of the file, or a binary file object.
        limits: the largest file accepted.
        strict: raise if the file is damaged behind its header. Otherwise, and for an unknown
            model, the description comes with the error in `problem`.

    Raises:
        CodecError: the header cannot be read, or (strict) the file is damaged.
        OSError: the file cannot be opened or read.
    """
    limits = check_limits(limits)
    content = read_data(data, limits=limits)
    with translated():
        found = bitstream.inspect(content, limits)
        if strict and found.problem is not None:
            raise found.problem
    return _describe(found, content, limits)


def verify(
    data: DataSource,
    against: ImageSource | None = None,
    *,
    device: str = "auto",
    threads: int = 0,
    limits: Limits | None = None,
) -> Verification:
    """Checks every checksum, decodes the file completely, and compares it with its source.

    Args:
        data: a path, the bytes of the file, or a binary file object.
        against: the source image in any form that `encode` takes, or None.
        device, threads, limits: see `DecoderOptions`.

    Raises:
        CodecError: the file does not decode; or an `OptionError`: the source has another size.
        OSError: a file cannot be opened or read.
    """
    options = DecoderOptions(device=device, threads=threads, limits=check_limits(limits))
    content = read_data(data, limits=options.limits)
    info(content, limits=options.limits)
    picture = _decode_picture(content, options)
    return compare(content, picture, against, options.limits, threads=options.threads)


def compare(
    data: bytes,
    picture: Picture,
    against: ImageSource | None,
    limits: Limits,
    *,
    threads: int = 0,
) -> Verification:
    """Compares the decoded picture of a file with its source; the second half of `verify`."""
    header = bitstream.read_header(data, limits)
    plain = Verification(
        width=header.width,
        height=header.height,
        bytes=len(data),
        bpp=8 * len(data) / (header.width * header.height),
        tiles=bitstream.TileGrid(header.width, header.height, header.tile_log2).count,
        digest=digest(picture),
    )
    if against is None:
        return plain
    import numpy as np

    from codec.image import metrics
    from codec.image.files import open_picture
    from codec.image.picture import widened
    from codec.image.ssimulacra2 import ssimulacra2

    source = open_picture(against, limits=limits)
    if (source.width, source.height) != (picture.width, picture.height):
        raise OptionError(
            f"the source is {source.width}x{source.height}, "
            f"the file {picture.width}x{picture.height}: not the same image"
        )
    # Grey against RGB: the one plane stands for all three.
    shape = (picture.height, picture.width, max(source.channels, picture.channels))
    bits = max(source.bits, picture.bits)
    ours = np.broadcast_to(widened(picture.samples, bits), shape)
    theirs = np.broadcast_to(widened(source.samples, bits), shape)
    psnr = metrics.psnr(theirs, ours)
    with translated():
        seen = ssimulacra2(theirs, ours, threads)
    opaque = np.full((1, 1), 255, np.uint8)
    alphas = [
        widened(opaque if alpha is None else alpha, bits) for alpha in (source.alpha, picture.alpha)
    ]
    has_alpha = source.alpha is not None or picture.alpha is not None
    return replace(
        plain,
        identical=math.isinf(psnr),
        psnr=None if math.isinf(psnr) else psnr,
        ms_ssim=metrics.ms_ssim(theirs, ours),
        ssimulacra2=seen,
        alpha_identical=bool(np.all(alphas[0] == alphas[1])) if has_alpha else None,
    )


def digest(picture: Picture) -> str:
    """SHA-256 of the samples of a picture, as `Verification.digest` says."""
    pixels = picture.to_numpy()
    stored = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(stored.data.cast("B")).hexdigest()


def check_crop_of(data: bytes, crop: Crop | None, limits: Limits) -> None:
    """Checks a crop against the size in the header of a file, before any weights are loaded."""
    if crop is not None:
        with translated():
            header = bitstream.read_header(data, limits)
        check_crop(crop, header.width, header.height)


def _decode_picture(data: bytes, options: DecoderOptions) -> Picture:
    if not options.conceal:
        check_crop_of(data, options.crop, options.limits)
    from codec.decoder import Decoder

    decoder = Decoder(
        device=options.device,
        threads=options.threads,
        limits=options.limits,
    )
    with translated():
        return decoder.decode_picture(data, options.crop, conceal=options.conceal)


def _shares(container: bitstream.Container) -> dict[str, float]:
    """Share of the pixels by what codes them."""
    header = container.header
    if container.modes is None:
        return {"learned": 1.0}
    found: Counter[str] = Counter()
    for n in range(container.grid.count):
        _, _, width, height = container.grid.rectangle(n)
        found += pixels_by_mode(container.tile(n), width, height)
    pixels = header.width * header.height
    return {mode: found[mode] / pixels for mode in MODES if found[mode]}


def _describe(found: bitstream.FileInfo, content: bytes, limits: Limits) -> ImageInfo:
    header = found.header
    problem = None if found.problem is None else convert(found.problem)
    profile = model = tune = UNKNOWN
    levels = MAX_LEVEL + 1
    try:
        entry = registry.by_id(header.model_id)
        profile, model, levels, tune = entry.profile, entry.name, entry.levels, entry.tune
    except UnknownModel as error:
        problem = problem or error
    lengths = {chunk.name.strip(): chunk.length for chunk in found.chunks}
    turned = 1
    shares: dict[str, float] = {}
    largest_error = None
    if found.problem is None:
        container = bitstream.read(content, limits)
        turned = exif.orientation(container.exif) or xmp.orientation(container.xmp) or 1
        if container.modes is not None and container.modes.whole(header):
            largest_error = container.modes.error
        try:
            shares = _shares(container)
        except EntropyCodingError as error:
            problem = problem or convert(error)
    return ImageInfo(
        format_version=found.version,
        width=header.width,
        height=header.height,
        channels=header.channels,
        bit_depth=header.bit_depth,
        alpha=header.alpha,
        profile=profile,
        model=model,
        tune=tune,
        model_id=header.model_id,
        weights_hash=header.weights_hash.hex(),
        quality=None if profile == registry.PREDICTIVE else quality_of(header.level, levels),
        level=header.level,
        lossless=largest_error == 0,
        largest_error=largest_error,
        modes=shares,
        bytes=found.size,
        bpp=8 * found.size / (header.width * header.height),
        tiles=found.grid.count,
        tile=1 << header.tile_log2,
        orientation=turned,
        icc_bytes=lengths.get("ICCP", 0),
        exif_bytes=lengths.get("EXIF", 0),
        xmp_bytes=lengths.get("XMP", 0),
        alpha_bytes=lengths.get("ALPH", 0),
        chunks=found.chunks,
        problem=problem,
    )
