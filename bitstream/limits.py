"""What a caller is willing to read: compared before anything is allocated (SPEC.md, section 5)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bitstream.errors import BadField, LimitExceeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Upper bounds by name, whole numbers; 0 means unlimited.

    Raises:
        BadField: a limit is negative.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0:
                raise BadField(f"limit {field.name}", found=value, expected="0 or more")

    def check(
        self,
        what: str,
        value: int,
        name: str,
        *,
        offset: int | None = None,
        chunk: str | None = None,
    ) -> None:
        """Raises `LimitExceeded` if a value, described by `what`, is above the limit `name`."""
        limit = int(getattr(self, name))
        if limit and value > limit:
            raise LimitExceeded(
                f"{what} exceeds {name}",
                found=value,
                expected=f"at most {limit}",
                offset=offset,
                chunk=chunk,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Bounds):
    """Upper bounds on what a file may ask for; 0 means unlimited.

    Args:
        max_pixels: width x height. The default, 2^28, is 16384 x 16384: 768 MiB as 8-bit RGB.
        max_dimension: width and height, in pixels.
        max_tiles: tiles of the grid. 2^28 pixels make 65,536 whole tiles of the smallest size,
            64 x 64; the default leaves as much again for those cut at the border.
        max_metadata_bytes: each of ICC, EXIF and XMP.
        max_file_bytes: the whole file. The default is 2^28 pixels x 4 samples of 8 bits.

    Raises:
        BadField: a limit is negative.
    """

    max_pixels: int = 2**28
    max_dimension: int = 32768
    max_tiles: int = 2**17
    max_metadata_bytes: int = 16 * 2**20
    max_file_bytes: int = 2**30

    def check_size(
        self, width: int, height: int, *, offset: int | None = None, chunk: str | None = None
    ) -> None:
        """Raises `LimitExceeded` if a picture of this size, in pixels, is too large."""
        self.check("width", width, "max_dimension", offset=offset, chunk=chunk)
        self.check("height", height, "max_dimension", offset=offset, chunk=chunk)
        self.check("number of pixels", width * height, "max_pixels", offset=offset, chunk=chunk)

    def check_tiles(
        self, count: int, *, offset: int | None = None, chunk: str | None = None
    ) -> None:
        """Raises `LimitExceeded` if a grid has too many tiles."""
        self.check("number of tiles", count, "max_tiles", offset=offset, chunk=chunk)

    def check_metadata(
        self, size: int, *, offset: int | None = None, chunk: str | None = None
    ) -> None:
        """Raises `LimitExceeded` if a metadata chunk has too many bytes."""
        self.check("metadata size", size, "max_metadata_bytes", offset=offset, chunk=chunk)

    def check_file(self, size: int) -> None:
        """Raises `LimitExceeded` if a file has too many bytes."""
        self.check("file size", size, "max_file_bytes")
