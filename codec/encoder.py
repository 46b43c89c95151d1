"""Encoder: a picture -> a file of this codec, at a level or what was asked of size or quality."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import bitstream
from codec.errors import (
    OptionError,
    TargetUnreachable,
    UnknownModel,
    UnsupportedImage,
    translated,
)
from codec.frame.devices import frame_model, require_torch, resolve_device
from codec.frame.encodings import Encodings, Progress
from codec.frame.leaving import as_computing, stoppable
from codec.image.arithmetic import as_usual
from codec.image.picture import Picture
from codec.image.ssimulacra2 import SSIMULACRA2_MIN_SIDE
from codec.models import registry
from codec.models.quality import level_of, quality_of
from codec.options import (
    DEFAULT_EFFORT,
    DEFAULT_PROFILE,
    DEFAULT_TILE_PX,
    REFINED_FROM,
    DecoderOptions,
    EncoderOptions,
    Limits,
    check_device,
    check_limits,
    check_progress,
    check_threads,
    parse_size,
    parse_strip,
)
from codec.rate_control import largest_within, smallest_reaching

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codec.frame.refined import TileRefiner
    from codec.image.files import ImageSource

__all__ = ["Encoder"]

REFINED_PASSES = 3
"""Refined encodings that a search takes as a rule: two where the direct pass found the level."""

Find = Callable[[Encodings, int | None], int]
"""(encodings, a level that is probably near) -> the level that is asked for."""
Measure = Callable[[Encodings], Callable[[int], float]]
"""encodings -> their quality by level."""


class Encoder:
    """Encodes pictures with one model. Pickles: a copy in another process loads the model itself.

    Args:
        profile: recipe to encode with, None for the usual one; its default model is taken.
        model: name of a registered model instead; of that profile, if one is given.
        tune: what the model is tuned for, "psnr" (the default) or "visual".
        device: "auto", "cpu", "cuda" or "cuda:N"; the bytes do not depend on it up to effort 7.
        threads: of the processor, 0 for all; the bytes do not depend on it.
        limits: the largest image taken, and the largest file made.

    Raises:
        OptionError: an option is out of range, or there is no such device.
        UnknownModel: there is no such profile or model, or none with that tune, or the model is of
            another profile than the one that is named.
        WeightsMismatch: its weights are missing or damaged.
    """

    def __init__(
        self,
        profile: str | None = None,
        *,
        model: str | None = None,
        tune: str | None = None,
        device: str = "auto",
        threads: int = 0,
        limits: Limits | None = None,
    ) -> None:
        self._limits = check_limits(limits)
        self.entry = suited_entry(profile, model, tune)
        self._threads = check_threads(threads)
        self.device = resolve_device(check_device(device))
        if self.entry.profile != registry.PREDICTIVE:
            with translated():
                frame_model(self.entry, self.device)

    @classmethod
    def suited(
        cls, options: EncoderOptions, profile: str | None, *, model: str | None,
        machine: DecoderOptions, tune: str | None = None,
    ) -> Encoder:  # fmt: skip
        """An encoder for those options alone: exact files need no model, and load none.

        Args:
            options: of the pictures that are to be encoded.
            profile, model, tune: as in the constructor; looked up also where they are not needed.
            machine: device, threads and limits.

        Raises: as the constructor.
        """
        if options.error is not None:
            suited_entry(profile, model, tune)
            profile, model, tune = registry.PREDICTIVE, None, None
        return cls(
            profile, model=model, tune=tune, device=machine.device, threads=machine.threads,
            limits=machine.limits,
        )  # fmt: skip

    def encode(
        self,
        image: ImageSource,
        *,
        quality: float | None = None,
        level: int | None = None,
        target_bpp: float | None = None,
        target_size: int | str | None = None,
        target_psnr: float | None = None,
        target_ssimulacra2: float | None = None,
        tile: int = DEFAULT_TILE_PX,
        strip: str | Iterable[str] = (),
        effort: int = DEFAULT_EFFORT,
        lossless: bool = False,
        near_lossless: int | None = None,
    ) -> bytes:
        """The bytes of a file; arguments as in `EncoderOptions`, image as in `codec.encode`.

        Raises:
            CodecError: the image cannot be read or is of a kind that is not taken, an option is out
                of range, or the target cannot be reached.
        """
        from codec.image.files import open_picture

        size = parse_size(target_size) if isinstance(target_size, str) else target_size
        options = EncoderOptions(
            quality, level, target_bpp, size, target_psnr, tile, parse_strip(strip), effort,
            lossless, near_lossless, target_ssimulacra2,
        )  # fmt: skip
        return self.encode_picture(open_picture(image, limits=self._limits), options)

    @as_computing
    @as_usual
    def encode_picture(
        self, picture: Picture, options: EncoderOptions, progress: Progress | None = None
    ) -> bytes:
        """The bytes of a file.

        Args:
            picture: what to encode.
            options: how; targets are searched by bisection over the levels, about six encodings,
                of which two or three are refined where the effort asks for that.
            progress: called with the finished share, 0..1.

        Raises:
            TargetUnreachable: no level reaches the target; states the nearest value.
            UnsupportedImage: samples of 16 bits, which lossy files do not have; or a side is too
                short for the measure that is the target.
            LimitExceeded: the picture or its metadata are over a limit.
            OptionError: the level is not one of the model, or the effort needs PyTorch, which is
                not installed.
        """
        if not isinstance(picture, Picture) or not isinstance(options, EncoderOptions):
            raise OptionError(
                f"encode_picture takes a Picture and EncoderOptions, not "
                f"{type(picture).__name__} and {type(options).__name__}"
            )
        check_progress(progress)
        progress = stoppable(progress)
        self._check_limits(picture.without(options.strip), options.tile)
        if options.error is not None:
            return self._exact(picture, options, options.error, progress)
        if self.entry.profile == registry.PREDICTIVE:
            raise OptionError(
                f"{self.entry.name} codes samples as they are: lossless=True or near_lossless=N"
            )
        if picture.bits != 8:
            raise UnsupportedImage(
                f"{picture.bits}-bit samples: use lossless=True or near_lossless=N, or reduce to "
                f"8 bits first"
            )
        if options.target_ssimulacra2 is not None:
            _check_measurable(picture)
        refiner = self._refiner(options.effort)
        direct = options.quality is not None or options.level is not None
        # Bisection among `levels` files and none of them takes at most so many encodings.
        passes = self.entry.levels.bit_length() if refiner is None else REFINED_PASSES
        with translated():
            encodings = Encodings(
                self.entry, frame_model(self.entry, self.device), picture.without(options.strip),
                options.tile, passes=1 if direct else passes, threads=self._threads,
                refiner=refiner, progress=progress, limits=self._limits,
            )  # fmt: skip
            data = self._find(encodings, options, picture.width * picture.height)
        progress(1.0)
        return data

    def _check_limits(self, picture: Picture, tile: int) -> None:
        """Refuses before the work what the writer would refuse after it."""
        grid = bitstream.TileGrid(picture.width, picture.height, tile.bit_length() - 1)
        with translated():
            self._limits.check_size(picture.width, picture.height)
            self._limits.check_tiles(grid.count)
            for block in (picture.icc, picture.exif, picture.xmp):
                self._limits.check_metadata(len(block or b""))

    def _exact(
        self, picture: Picture, options: EncoderOptions, error: int, progress: Progress
    ) -> bytes:
        from codec.frame.exact import encode_exact

        with translated():
            data = encode_exact(
                picture.without(options.strip), error, tile=options.tile, effort=options.effort,
                threads=self._threads, progress=progress, limits=self._limits,
            )  # fmt: skip
        progress(1.0)
        return data

    def _refiner(self, effort: int) -> TileRefiner | None:
        if effort < REFINED_FROM:
            return None
        if self.entry.profile == registry.VECTORS:
            raise OptionError(
                f"effort {effort}: {self.entry.name} has code vectors, which are not refined; "
                f"efforts are 1 to {REFINED_FROM - 1}"
            )
        require_torch(f"effort {effort}")
        from codec.frame.refined import tile_refiner

        with translated():
            return tile_refiner(self.entry, effort, self._threads)

    def _find(self, encodings: Encodings, options: EncoderOptions, pixels: int) -> bytes:
        """The file that the options ask for."""
        levels = self.entry.levels
        if options.quality is not None:
            return encodings.file(level_of(options.quality, levels))
        if options.level is not None:
            if options.level >= levels:
                raise OptionError(
                    f"level: found {options.level}, model {self.entry.name} has 0..{levels - 1}"
                )
            return encodings.file(options.level)
        if options.target_psnr is not None:
            return self._reaching(
                encodings, options, lambda e: e.psnr, options.target_psnr, "{} dB"
            )
        if options.target_ssimulacra2 is not None:
            return self._reaching(
                encodings, options, lambda e: e.ssimulacra2, options.target_ssimulacra2,
                "SSIMULACRA2 {}",
            )  # fmt: skip
        if options.target_bpp is not None:
            limit, asked = int(options.target_bpp * pixels / 8), f"{options.target_bpp:g} bpp"
        else:
            assert options.target_size is not None
            limit, asked = options.target_size, f"{options.target_size} bytes"
        level = self._search(
            encodings, options, lambda e, start: largest_within(e.size, limit, levels, start)
        )
        if level >= 0:
            return encodings.file(level)
        least: float = encodings.size(0)
        said = f"{least} bytes"
        if options.target_bpp is not None:
            said = f"{math.ceil(8e4 * least / pixels) / 1e4:.4f} bpp"
            least *= 8 / pixels
        raise TargetUnreachable(
            f"the target is {asked}, the smallest file that {self.entry.name} gives this image has "
            f"{said} (quality 0)",
            nearest=least,
        )

    def _reaching(
        self, encodings: Encodings, options: EncoderOptions, measure: Measure, target: float,
        said: str,
    ) -> bytes:  # fmt: skip
        """The smallest file of a quality; `said` is how its values are written."""
        levels = self.entry.levels
        level = self._search(
            encodings, options,
            lambda e, start: smallest_reaching(measure(e), target, levels, start),
        )  # fmt: skip
        if level < levels:
            return encodings.file(level)
        best = measure(encodings)(levels - 1)
        raise TargetUnreachable(
            f"the target is {said.format(f'{target:g}')}, the best that {self.entry.name} gives "
            f"this image is {said.format(f'{best:.2f}')} "
            f"(quality {quality_of(levels - 1, levels)}); lossless is exact",
            nearest=best,
        )

    def _search(self, encodings: Encodings, options: EncoderOptions, find: Find) -> int:
        """The level that `find` finds; where files are refined, from the one it finds without."""
        if options.effort < REFINED_FROM:
            return find(encodings, None)
        start = find(encodings.unrefined(), None)
        return find(encodings, min(max(start, 0), self.entry.levels - 1))


def _check_measurable(picture: Picture) -> None:
    if min(picture.width, picture.height) < SSIMULACRA2_MIN_SIDE:
        raise UnsupportedImage(
            f"SSIMULACRA2 is not defined for sides below {SSIMULACRA2_MIN_SIDE} pixels; this image "
            f"is {picture.width}x{picture.height}: take another target"
        )


def suited_entry(profile: str | None, model: str | None, tune: str | None) -> registry.ModelEntry:
    """The model that those name, as `Encoder` takes them. Raises UnknownModel."""
    if profile is None:
        return registry.chosen(DEFAULT_PROFILE, model, tune)
    registry.default(profile)
    entry = registry.chosen(profile, model, tune)
    if entry.profile != profile:
        raise UnknownModel(f"{entry.name} is of profile {entry.profile}, not of {profile!r}")
    return entry
