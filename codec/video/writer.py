"""`codec.VideoWriter`: pictures from a program, one after another, to a file."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from fractions import Fraction
from typing import Any, BinaryIO, Self

import numpy as np

from codec.errors import OptionError
from codec.image.atomic import atomic_write, check_target
from codec.video.color import BT709, planes_of
from codec.video.encoding import Coded, Recording
from codec.video.heads import new_head, parse_rate
from codec.video.options import VideoOptions
from codec.video.types import Planes, VideoFrame, chroma_size

__all__ = ["VideoWriter"]

_CHROMA = {"420": True, "444": False}


class VideoWriter:
    """Writes a video file from pictures.

        with codec.VideoWriter("clip.licv", fps=25, quality=60) as writer:
            for array in arrays:
                writer.append(array)

    The file gets its name when the block ends; after an exception there is none.
    """

    def __init__(
        self,
        target: str | os.PathLike[str] | BinaryIO,
        *,
        fps: float | str | Fraction = 25,
        quality: float | None = None,
        level: int | None = None,
        effort: int = 7,
        lowdelay: bool = False,
        keyint: int | None = None,
        chroma: str = "420",
        matrix: int = BT709,
        full_range: bool = False,
        rotation: int = 0,
        aspect: float | Fraction = 1,
        time_base: Fraction | None = None,
        threads: int = 0,
        force: bool = True,
    ) -> None:
        """Checks the options and opens the file; the size is that of the first picture.

        Args:
            target: a path, or a binary file object, which need not be seekable.
            fps: pictures a second; 29.97 is 30000/1001.
            quality, level, effort, lowdelay, keyint, threads: see `VideoOptions`.
            chroma: "420" or "444".
            matrix: 1 (BT.709), 5 or 6 (BT.601): how RGB becomes Y, U, V, or how planes were made.
            full_range: whether Y, U, V use 0..255, instead of 16..235.
            rotation: degrees clockwise that a player turns the picture: 0, 90, 180, 270.
            aspect: width of a sample by its height.
            time_base: seconds a tick of `pts`; by default a tick is a picture.
            force: whether an existing file may be replaced.

        Raises:
            OptionError: an option is out of its range.
            OutputExists, OutputError: as `atomic_write`.
        """
        self._options = VideoOptions(
            quality=quality, level=level, effort=effort, lowdelay=lowdelay, keyint=keyint,
            threads=threads,
        )  # fmt: skip
        if chroma not in _CHROMA:
            raise OptionError(f"chroma is '420' or '444', not {chroma!r:.100}")
        if matrix not in (1, 5, 6):
            raise OptionError(f"matrix is 1 (BT.709), 5 or 6 (BT.601), not {matrix!r:.100}")
        if rotation not in (0, 90, 180, 270):
            raise OptionError(f"rotation is 0, 90, 180 or 270, not {rotation!r:.100}")
        self._rate = parse_rate(fps)
        self._ticks = 1 / self._rate if time_base is None else _fraction(time_base, "a tick")
        if time_base is not None and not 0 < self._ticks < 1000:
            raise OptionError(f"a tick takes more than 0 seconds, not {time_base!r:.100}")
        self._timed = time_base is not None
        self._step = max(1, round(1 / self._rate / self._ticks))
        self._facts: dict[str, Any] = {
            "subsampled": _CHROMA[chroma], "matrix": matrix, "full_range": bool(full_range),
            "rotation": rotation, "aspect": _fraction(aspect, "aspect").limit_denominator(10_000),
            "time_base": self._ticks, "frame_rate": self._rate,
        }  # fmt: skip
        self._stack = ExitStack()
        self._recording: Recording | None = None
        self._size: tuple[int, int] | None = None
        self._held: VideoFrame | None = None
        self._open = True
        if isinstance(target, (str, os.PathLike)):
            check_target(target, force=force)
            self._file = self._stack.enter_context(atomic_write(target, force=force))
        elif hasattr(target, "write"):
            self._file = target
        else:
            raise OptionError(
                f"a video is written to a path or a file, not {type(target).__name__}"
            )

    @property
    def coded(self) -> Coded:
        """What was written: frames, bytes, rate; complete after the block.

        Raises:
            OptionError: nothing was.
        """
        if self._recording is None:
            raise OptionError("no picture was coded yet")
        return self._recording.coded

    def append(
        self,
        picture: np.ndarray[Any, Any] | Planes,
        *,
        pts: int | None = None,
        duration: int | None = None,
    ) -> None:
        """Appends a picture.

        Args:
            picture: uint8 (H, W, 3) RGB or (H, W) grey, or three planes Y, U, V of the chroma that
                the writer has.
            pts: when it is shown, in ticks of `time_base`; by default a step after the last.
            duration: for how long; by default until the next one.

        Raises:
            OptionError: it has another size or type than the first, its time is not after the one
                before, or the writer is closed.
        """
        if not self._open:
            raise OptionError("the writer is closed")
        planes = self._planes(picture)
        held = self._held
        if pts is None:
            pts = 0 if held is None else held.pts + (held.duration or self._step)
        if pts < 0 or (held is not None and pts <= held.pts):
            before = "0" if held is None else f"{held.pts}, that of the picture before"
            raise OptionError(f"times grow: {pts} does not come after {before}")
        if held is not None:
            self._push(VideoFrame(held.planes, held.pts, held.duration or pts - held.pts))
        self._held = VideoFrame(planes, pts, duration or (0 if self._timed else self._step))

    def close(self) -> None:
        """Writes what is left; the file gets its name.

        Raises:
            OptionError: there are no pictures.
        """
        if not self._open:
            return
        if self._held is None:
            self.abort()
            raise OptionError("a video has at least one picture: none was appended")
        try:
            held = self._held
            self._push(VideoFrame(held.planes, held.pts, held.duration or self._step))
            self._open = False
            assert self._recording is not None
            self._recording.finish()
        except BaseException as error:
            self._open = False
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        self._stack.close()

    def abort(self) -> None:
        """Closes without a file."""
        if self._open:
            self._open = False
            with suppress(_Stopped):
                self._stack.__exit__(_Stopped, _Stopped(), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _planes(self, picture: Any) -> Planes:
        """The planes of a picture, checked."""
        if isinstance(picture, (tuple, list)) and len(picture) == 3:
            planes = tuple(np.asarray(plane) for plane in picture)
            if any(plane.dtype != np.uint8 or plane.ndim != 2 for plane in planes):
                raise OptionError("planes are three arrays (H, W) of uint8")
            height, width = planes[0].shape
            across, down = chroma_size(width, height, self._facts["subsampled"])
            if any(plane.shape != (down, across) for plane in planes[1:]):
                raise OptionError(
                    f"with Y of {width}x{height} the planes U and V are {across}x{down}, not "
                    f"{planes[1].shape[1]}x{planes[1].shape[0]}"
                )
            self._check_size(width, height)
            y, u, v = (np.array(plane, order="C") for plane in planes)
            return y, u, v
        array = np.asarray(picture)
        if array.dtype != np.uint8 or array.ndim not in (2, 3):
            raise OptionError(
                f"a picture is uint8 of shape (H, W, 3) or (H, W), or three planes, not "
                f"{array.dtype} of shape {array.shape}"
            )
        if array.ndim == 2:
            array = array[:, :, None]
        if array.shape[2] not in (1, 3):
            raise OptionError(f"a picture has 3 channels, or 1 of grey, not {array.shape[2]}")
        height, width = array.shape[:2]
        self._check_size(width, height)
        return planes_of(
            np.broadcast_to(array, (height, width, 3)),
            subsampled=self._facts["subsampled"],
            matrix=self._facts["matrix"],
            full_range=self._facts["full_range"],
        )

    def _check_size(self, width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise OptionError(f"a picture of {width}x{height} has no pixels")
        if self._size is None:
            self._size = width, height
        if self._size != (width, height):
            raise OptionError(
                f"a picture is {width}x{height}, those before {self._size[0]}x{self._size[1]}: all "
                f"pictures of a video have one size"
            )

    def _push(self, frame: VideoFrame) -> None:
        if self._recording is None:
            assert self._size is not None
            head = new_head(*self._size, **self._facts)
            self._recording = Recording(head, self._file, self._options)
        self._recording.push(frame)


def _fraction(value: Any, what: str) -> Fraction:
    try:
        return Fraction(value)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
        raise OptionError(f"{what} is a number, not {value!r:.100}") from error


class _Stopped(BaseException):
    """Unwinds the output of a writer that is given up."""
