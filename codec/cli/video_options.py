"""Options of the command line that concern videos, collected; and what is a video.

Options of videos stand among those of pictures: one command encodes both. Which of the two an input
is follows from its first bytes, and from the suffix .licv of an output.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, TypeVar

import click

from codec.cli.common import Command
from codec.cli.streams import STDIO, standard_input
from codec.cli.trees import PROBE_BYTES, has_folder
from codec.errors import OptionError, UnsupportedVersion

__all__ = [
    "TREE_FORMAT",
    "VIDEO_SUFFIX",
    "DecodeArguments",
    "EncodeArguments",
    "begins_video",
    "decodes_video",
    "encodes_video",
    "foreign_option",
    "is_still",
    "is_video",
    "kind_of_coded",
    "names_video",
    "refuse_newer",
    "refuse_others",
    "starts_video",
    "video_decode_options",
    "video_encode_options",
]

VIDEO_SUFFIX = ".licv"
TREE_FORMAT = "mkv"
"""What videos of folders become where pictures become png: it holds them exactly."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class EncodeArguments:
    """Options of `codec encode` for videos, as given."""

    lowdelay: bool = False
    target_bitrate: int | None = None
    keyint: str | None = None
    start: Fraction | None = None
    duration: Fraction | None = None
    fps: Fraction | None = None
    chroma: str | None = None
    no_audio: bool = False
    recover: bool = False

    @property
    def given(self) -> bool:
        """Whether any was."""
        return self != EncodeArguments()


@dataclass(frozen=True, slots=True)
class DecodeArguments:
    """Options of `codec decode` for videos, as given."""

    start: Fraction | None = None
    duration: Fraction | None = None
    no_audio: bool = False
    recover: bool = False
    output_codec: str | None = None

    @property
    def given(self) -> bool:
        """Whether any was."""
        return self != DecodeArguments()


def _parsed(name: str) -> Callable[..., Any]:
    """A callback that parses text by a function of codec.video; loaded when there is text."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        if value is None:
            return None
        from codec.video import heads, rate, trim

        parse = {
            "rate": heads.parse_rate, "bits": rate.parse_bit_rate, "time": trim.parse_time,
        }[name]  # fmt: skip
        try:
            return parse(value)
        except OptionError as error:
            raise click.BadParameter(str(error), ctx=ctx, param=param) from error

    return callback


_PART = (
    click.option(
        "--start",
        metavar="TIME",
        callback=_parsed("time"),
        help="Video: begin here, in seconds or as 1:02.5.",
    ),
    click.option(
        "--duration", metavar="TIME", callback=_parsed("time"), help="Video: take so much."
    ),
    click.option("--no-audio", is_flag=True, help="Video: leave the sound out."),
)

_ENCODE = (
    click.option(
        "--lowdelay",
        is_flag=True,
        help="Video: code pictures in the order in which they are shown, for calls.",
    ),
    click.option(
        "--target-bitrate",
        metavar="RATE",
        callback=_parsed("bits"),
        help="Video: bits a second as in 800k or 1.5M, without the sound; several passes.",
    ),
    click.option(
        "--keyint",
        metavar="N|Ns",
        help="Video: pictures (48) or seconds (2s) from one key frame to the next; 0: one.  "
        "[default: 2s]",
    ),
    *_PART,
    click.option(
        "--fps",
        metavar="RATE",
        callback=_parsed("rate"),
        help="Video: pictures a second of numbered images.  [default: 25]",
    ),
    click.option(
        "--chroma",
        type=click.Choice(["420", "444"]),
        help="Video: what RGB becomes.  [default: 444]",
    ),
    click.option(
        "--recover", is_flag=True, help="Video: take of a damaged source what can be read."
    ),
)

_DECODE = (
    *_PART,
    click.option(
        "--output-codec",
        type=click.Choice(["h264", "ffv1"]),
        help="Video: of mkv, or of mp4 and mov.  [default: ffv1, exact, for mkv, else h264]",
    ),
    click.option(
        "--recover", is_flag=True, help="Video: decode what damage has left, and say what it took."
    ),
)


def video_encode_options(function: Function) -> Function:
    """Adds the options of `EncodeArguments`; the function gets them as `video`."""
    return _collecting(function, EncodeArguments, _ENCODE)


def video_decode_options(function: Function) -> Function:
    """Adds the options of `DecodeArguments`; the function gets them as `video`."""
    return _collecting(function, DecodeArguments, _DECODE)


def _collecting(function: Function, kind: type[Any], options: Sequence[Any]) -> Function:
    names = [field.name for field in fields(kind)]

    @functools.wraps(function)
    def collected(*args: Any, **kwargs: Any) -> Any:
        given = {name: kwargs.pop(name) for name in names}
        return function(*args, video=kind(**given), **kwargs)

    result: Any = collected
    for option in reversed(options):
        result = option(result)
    return result  # type: ignore[no-any-return]


def refuse_others(ctx: click.Context, taken: Sequence[str], what: str) -> None:
    """Refuses options that were given, but do not concern what is worked on.

    Args:
        ctx: of the command.
        taken: names of the parameters that do.
        what: is worked on, for the message.

    Raises:
        click.UsageError: one was given.
    """
    option = foreign_option(ctx, taken)
    if option is not None:
        raise click.UsageError(f"{option} does not concern {what}")


def foreign_option(ctx: click.Context, taken: Sequence[str]) -> str | None:
    """The first option that was given and is none of `taken`, as it is written; None of none."""
    assert isinstance(ctx.command, Command)
    for param in ctx.command.params:
        name = param.name or ""
        source = ctx.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        if given and param.expose_value and name not in taken:
            return param.opts[-1]
    return None


_STARTS = (
    (0, b"YUV4MPEG2"),
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (0, b"FLV\x01"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # ASF, WMV
    (0, b"OggS"),
    (0, b"DKIF"),  # IVF
    (0, b"\0\0\1\xba"),  # MPEG program stream
    (0, b"\0\0\1\xb3"),  # MPEG video
    (0, b"\0\0\0\1\x67"),  # H.264
    (0, b"\0\0\0\1\x40\x01"),  # HEVC
    (0, b"nut/multimedia container"),
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (4, b"free"),
    (4, b"skip"),
)
_STILL_BRANDS = (b"avif", b"avis", b"mif1", b"msf1", b"hei", b"hev", b"crx", b"jp2", b"jpx")


def starts_video(head: bytes) -> bool:
    """Whether a file that starts so is a video, of a type that is read here or not."""
    if head[4:8] == b"ftyp":
        return not head[8:12].startswith(_STILL_BRANDS)
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    if head[:1] == b"\x47" and len(head) > 376:  # packets of a transport stream
        return head[188:189] == head[376:377] == b"\x47"
    return any(head.startswith(start, at) for at, start in _STARTS)


def encodes_video(inputs: Sequence[str], output: str | None, given: bool) -> bool:
    """Whether `codec encode` is to make videos.

    Args:
        inputs, output: of the command line.
        given: whether options were given that concern videos alone.

    Raises:
        click.UsageError: they were, and the input is no video; or inputs of both kinds.
    """
    if output is not None and output.lower().endswith(VIDEO_SUFFIX):
        return True
    if has_folder(inputs):
        return given
    _refuse_mixed(inputs, _kind_of_source)
    head = _begin(inputs[0])
    if starts_video(head):
        return True
    if given and head:
        raise click.UsageError(
            f"options of videos were given, and {inputs[0]} is none: name the output "
            f"OUT{VIDEO_SUFFIX} to make one of it"
        )
    return given


def decodes_video(inputs: Sequence[str], given: bool) -> bool:
    """Whether `codec decode`, `info` or `verify` is to read videos.

    Args:
        inputs: of the command line.
        given: whether options were given that concern videos alone.

    Raises:
        click.UsageError: they were, and the input is a still image; or inputs of both kinds.
    """
    import bitstream

    if has_folder(inputs):
        return given
    _refuse_mixed(inputs, kind_of_coded)
    try:
        kind = bitstream.kind(_begin(inputs[0]))
    except bitstream.BitstreamError:
        return given  # the command says what is wrong
    if given and kind == "still":
        raise click.UsageError(f"options of videos were given, and {inputs[0]} is a still image")
    return kind == "video"


def is_video(source: str) -> bool:
    """Whether an input of `codec encode` is a video by its first bytes."""
    return starts_video(_begin(source))


def refuse_newer(source: str) -> None:
    """Refuses a file of a version of this format that is not known.

    Raises:
        UnsupportedVersion: it is one.
    """
    import bitstream

    try:
        bitstream.kind(_begin(source))
    except bitstream.UnsupportedVersion as error:
        raise UnsupportedVersion(f"{source}: {error}") from error
    except bitstream.BitstreamError:
        pass  # told when it is read


def _refuse_mixed(inputs: Sequence[str], kind_of: Callable[[bytes], str | None]) -> None:
    """Refuses videos and still images in one command.

    Args:
        inputs: of the command line; folders are not looked into.
        kind_of: "video", "still", or None of what is neither, from the first bytes of a file.

    Raises:
        click.UsageError: there are both.
    """
    first: dict[str, str] = {}
    for name in inputs if len(inputs) > 1 else ():
        kind = None if name == STDIO else kind_of(_begin(name))
        if kind is not None:
            first.setdefault(kind, name)
    if len(first) > 1:
        raise click.UsageError(
            f"{first['video']} is a video and {first['still']} a still image: "
            f"one command takes one kind"
        )


def _kind_of_source(head: bytes) -> str | None:
    from codec.image.files import is_image

    if starts_video(head):
        return "video"
    return "still" if is_image(head) else None


def kind_of_coded(head: bytes) -> str | None:
    """Whether a file of ours that begins so is a "video" or a "still" image; None: is neither."""
    import bitstream

    try:
        return bitstream.kind(head)
    except bitstream.BitstreamError:
        return None


def names_video(format_name: str | None, inputs: Sequence[str]) -> bool:
    """Whether a format is one of videos, and folders are to be looked into for them."""
    if format_name is None or not has_folder(inputs):
        return False
    return format_name.lower().removeprefix(".") in ("mkv", "mp4", "mov", "y4m")


def begins_video(head: bytes) -> bool:
    """Whether a file that begins so is a video of ours."""
    return kind_of_coded(head) == "video"


def is_still(head: bytes) -> bool:
    """Whether a file that begins so is ours and no video."""
    import bitstream

    return bitstream.has_magic(head) and not begins_video(head)


def _begin(source: str) -> bytes:
    """The first bytes of an input, which stay there; none of what cannot be looked at so."""
    try:
        if source == STDIO:
            return _peek(standard_input())
        if not os.path.isfile(source):  # a pipe by name loses what is read of it
            return b""
        with open(source, "rb") as file:
            return file.read(PROBE_BYTES)
    except (OSError, ValueError):
        return b""  # told when it is opened


def _peek(stream: Any) -> bytes:
    if hasattr(stream, "peek"):
        return bytes(stream.peek(PROBE_BYTES))[:PROBE_BYTES]
    if not stream.seekable():
        return b""
    head: bytes = stream.read(PROBE_BYTES)
    stream.seek(-len(head), os.SEEK_CUR)
    return head
