"""What the subcommands share: options, messages, progress, input and output, batches.

Results go to stdout, everything else to stderr. Exit codes:

    0    success
    1    other failure: input or output, some files of a batch, a target that cannot be reached
    2    wrong usage, and images of a kind that is not taken
    3    input is not ours, damaged or truncated
    4    version, model or weights not available
    5    a limit is exceeded
    130  interrupted (143 if terminated)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import Handler, LogRecord
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from codec.cli.streams import is_terminal, output, tell, tell_raw
from codec.errors import OptionError, translated
from codec.options import (
    Crop,
    DecoderOptions,
    Limits,
    check_device,
    parse_crop,
    parse_size,
    parse_strip,
)

if TYPE_CHECKING:
    from codec.decoder import Decoder
    from codec.encoder import Encoder

EXIT_FAILURE = 1

_log = logging.getLogger(__name__)

_WARNINGS = "py.warnings"
_LOGGERS = ("codec", "entropy", "bitstream", _WARNINGS)

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]


@dataclass
class Session:
    """How much one call of the program says; made by `main`, set by -v and --quiet."""

    verbosity: int = 0
    quiet: bool = False

    def report(self, error: BaseException, name: str | None = None) -> None:
        """Shows an error on stderr, always."""
        text = str(error)
        if isinstance(error, OSError) and error.strerror:
            text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        prefix = f"{name}: " if name and not text.startswith(name) else ""
        tell(f"codec: error: {prefix}{text}")

    def say(self, text: str) -> None:
        """Shows a line about the work on stderr, unless --quiet."""
        if not self.quiet:
            tell(text)

    @contextmanager
    def show_logs(self) -> Iterator[None]:
        """Shows what the library logs, for the time of one call of the program."""
        handler = _StderrHandler()
        handler.setFormatter(logging.Formatter("codec: %(levelname)s: %(message)s"))
        handler.addFilter(self._wanted)
        loggers = [logging.getLogger(name) for name in _LOGGERS]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG)
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            for logger, level in zip(loggers, levels, strict=True):
                logger.removeHandler(handler)
                logger.setLevel(level)

    def _wanted(self, record: LogRecord) -> bool:
        if self.quiet:
            return record.levelno >= logging.ERROR
        if record.name == _WARNINGS:
            return self.verbosity > 0
        return record.levelno >= logging.WARNING - 10 * min(self.verbosity, 2)


class _StderrHandler(Handler):
    """Writes to the stderr of the moment, which tests exchange."""

    def emit(self, record: LogRecord) -> None:
        record.levelname = record.levelname.lower()
        tell(self.format(record))


class Command(click.Command):
    """A subcommand whose hidden (expert) options --help-all shows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--help-all"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                help="Show this message with the expert options and exit.",
                callback=_show_help_all,
            )
        )

    def help_all(self, ctx: click.Context) -> str:
        """The help text with all options."""
        hidden = [p for p in self.params if isinstance(p, click.Option) and p.hidden]
        for option in hidden:
            option.hidden = False
        try:
            return self.get_help(ctx)
        finally:
            for option in hidden:
                option.hidden = True


def _show_help_all(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        command = ctx.command
        assert isinstance(command, Command)
        click.echo(command.help_all(ctx))
        ctx.exit()


def _chain(*decorators: Decorator[Any]) -> Decorator[Any]:
    def decorate(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def _parsed(parse: Callable[[str], Any]) -> Callable[..., Any]:
    """A click callback that parses text; a bad value is a usage error that names the option."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        if value is None:
            return None
        try:
            return parse(value)
        except OptionError as error:
            raise click.BadParameter(str(error), ctx=ctx, param=param) from error

    return callback


def _set_verbosity(ctx: click.Context, _: click.Parameter, value: int) -> None:
    ctx.ensure_object(Session).verbosity = value


def _set_quiet(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.ensure_object(Session).quiet = value


verbosity_options = _chain(
    click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_set_verbosity,
        help="Say more; twice for debugging.",
    ),
    click.option(
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_set_quiet,
        help="Say nothing but errors.",
    ),
)

machine_options = _chain(
    click.option(
        "--device",
        default="auto",
        show_default=True,
        metavar="auto|cpu|cuda[:N]",
        callback=_parsed(check_device),
        help="Where to compute; files decode to the same pixels everywhere.",
    ),
    click.option(
        "-j",
        "--threads",
        type=click.IntRange(0, 1024),
        default=0,
        show_default=True,
        help="Processor threads, 0 for all; the result does not depend on it.",
    ),
)

limit_options = _chain(
    click.option(
        "--max-pixels",
        type=click.IntRange(min=0),
        default=Limits().max_pixels,
        show_default=True,
        help="Refuse images with more pixels; 0 for no limit.",
    ),
    click.option(
        "--max-dimension",
        type=click.IntRange(min=0),
        default=Limits().max_dimension,
        show_default=True,
        help="Refuse images with a longer side, in pixels; 0 for no limit.",
    ),
)

force_option = click.option(
    "-f/-n",
    "-y",
    "--force/--no-overwrite",
    default=False,
    help="Replace existing output, or refuse to.  [default: refuse]",
)

replace_input_option = click.option(
    "--replace-input",
    is_flag=True,
    help="With --force, replace the input too where the output has its name.",
)

progress_option = click.option(
    "--progress",
    type=click.Choice(["off", "bar", "json"]),
    default=None,
    help="Show progress on stderr.  [default: bar if stderr is a terminal]",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Report in JSON on stdout.")

strip_option = click.option(
    "--strip",
    default="",
    metavar="exif,xmp,icc,all",
    callback=_parsed(parse_strip),
    help="Leave this metadata out; the orientation stays.  [default: keep all]",
)

ignore_alpha_option = click.option(
    "--ignore-alpha", is_flag=True, help="Drop the alpha channel instead of keeping it."
)

crop_option = click.option(
    "--crop",
    metavar="X,Y,W,H",
    callback=_parsed(parse_crop),
    help="Decode only this part, in pixels from the upper left corner.",
)

batch_options = _chain(
    click.option(
        "--output-dir",
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="Write one output for each input into this folder; of a folder, its whole tree.",
    ),
    click.option(
        "--full-names",
        is_flag=True,
        help="With --output-dir keep the suffixes of inputs in names: a.png.lic, not a.lic.",
    ),
    click.option("--keep-going", is_flag=True, help="Go on with the next input after an error."),
    click.option(
        "--skip-existing", is_flag=True, help="Leave out inputs whose output is there already."
    ),
)

timing_options = _chain(
    click.option(
        "--repeat",
        type=click.IntRange(1, 1000),
        default=1,
        show_default=True,
        hidden=True,
        help="Do the work N times and state the least time.",
    ),
    click.option("--no-output", is_flag=True, hidden=True, help="Write nothing."),
)


def log_machine(worker: Encoder | Decoder) -> None:
    """Tells with -v where an encoder or a decoder computes."""
    from networks.native import instruction_set

    with translated():
        kernels = f", kernels {instruction_set()}" if worker.device == "cpu" else ""
    _log.info("device %s%s", worker.device, kernels)


OUTPUT_OPTION_CALLBACK = output
SIZE_OPTION_CALLBACK = _parsed(parse_size)
DEVICE_OPTION_CALLBACK = _parsed(check_device)


def decoder_options(
    device: str,
    threads: int,
    max_pixels: int,
    max_dimension: int,
    crop: Crop | None = None,
    conceal: bool = False,
) -> DecoderOptions:
    """The values of `machine_options` and `limit_options` as one object."""
    limits = Limits(max_pixels=max_pixels, max_dimension=max_dimension)
    return DecoderOptions(crop=crop, device=device, threads=threads, limits=limits, conceal=conceal)


@contextmanager
def progress(
    session: Session, mode: str | None, label: str
) -> Iterator[Callable[[float], None] | None]:
    """Shows how far the work on one file is.

    Args:
        session: --quiet turns the bar off.
        mode: "off", "bar", "json", or None for a bar if stderr is a terminal.
        label: name of the file.

    Yields:
        A function to be called with the part that is done, 0..1; None if nothing is shown.
    """
    if mode is None:
        mode = "bar" if is_terminal(error=True) and not session.quiet else "off"
    if mode == "off":
        yield None
        return
    show: Callable[[str, int], None] = _show_json if mode == "json" else _show_bar
    shown = -1

    def update(fraction: float) -> None:
        nonlocal shown
        percent = int(100 * min(max(fraction, 0.0), 1.0))
        if percent != shown:
            shown = percent
            show(label, percent)

    try:
        yield update
    finally:
        if mode == "bar":
            tell_raw("\r\x1b[K")


def _show_json(label: str, percent: int) -> None:
    import json

    tell(json.dumps({"file": label, "percent": percent}))


def _show_bar(label: str, percent: int) -> None:
    tell_raw(f"\r{label} [{'#' * (percent // 4):25}] {percent:3d} %")
