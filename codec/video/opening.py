"""Which source reads an input: told by its content, not by its name.

path, file, pattern ──► open_source ──► VideoSource
                           ├── Y4mSource         .y4m, from a file or a pipe    no PyAV
                           ├── SequenceSource    frames/%05d.png                no PyAV
                           └── AvSource          any file that PyAV reads
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from codec.image.pnm import Rejoined
from codec.image.source import open_path
from codec.video.inputs import SourceOptions, VideoSource
from codec.video.sequences import SequenceSource, first_number
from codec.video.trim import trimmed
from codec.video.y4m import SIGNATURE, Y4mSource

if TYPE_CHECKING:
    from bitstream.video import AudioPacket
    from codec.video.types import VideoFrame

__all__ = ["open_source"]


def open_source(
    source: str | BinaryIO, options: SourceOptions | None = None, *, name: str = "the input"
) -> VideoSource:
    """Opens an input by its content.

    Args:
        source: a path, a pattern with a number in it (frames/%05d.png), or a binary file object,
            which is read from where it stands and need not be seekable.
        options: how it is read.
        name: of a file object, for messages.

    Raises:
        UnreadableVideo: no video, or a damaged one.
        UnsupportedVideo: of a kind that is not taken; the message says what to do.
        LimitExceeded: its pictures are too large.
        OSError: it cannot be opened or read.
    """
    options = options or SourceOptions()
    opened = _opened(source, options, name)
    if options.start is None and options.duration is None:
        return opened
    return _Part(opened, options)


def _opened(source: str | BinaryIO, options: SourceOptions, name: str) -> VideoSource:
    if not isinstance(source, str):
        joined = Rejoined(source, len(SIGNATURE))
        stream = cast("BinaryIO", joined)
        if joined.head == SIGNATURE:
            return Y4mSource(stream, options, name=name)
        return _by_pyav(stream, options, name)
    if first_number(source) is not None:
        return SequenceSource(source, options)
    file = open_path(source)
    try:
        if file.read(len(SIGNATURE)) == SIGNATURE:
            file.seek(0)
            return Y4mSource(file, options, name=source, owned=True)
    except BaseException:
        file.close()
        raise
    file.close()
    return _by_pyav(source, options, source)


def _by_pyav(file: str | BinaryIO, options: SourceOptions, name: str) -> VideoSource:
    from codec.video.source import AvSource

    return AvSource(file, options, name=name)


class _Part(VideoSource):
    """A part of another source; see `trimmed`."""

    def __init__(self, whole: VideoSource, options: SourceOptions) -> None:
        super().__init__(whole.head)
        self.notes = whole.notes
        self._whole, self._options = whole, options

    def __iter__(self) -> Iterator[VideoFrame | AudioPacket]:
        return trimmed(self._whole, self.head, self._options.start, self._options.duration)

    def close(self) -> None:
        self._whole.close()
