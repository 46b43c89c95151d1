"""The command `codec`: the group, --version, and where errors become exit codes."""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

import codec
from codec.cli.common import EXIT_FAILURE, Command, Session
from codec.cli.streams import flush_output, open_descriptors, tell, tell_raw
from codec.errors import CodecError, translated

__all__ = ["cli", "main"]

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

_SUBCOMMANDS = ("encode", "decode", "info", "verify", "models", "train")


class Group(click.Group):
    """Loads a subcommand when it is called, and turns errors into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _SUBCOMMANDS:
            return None
        command = getattr(importlib.import_module(f"codec.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Runs the program and ends the process; see `codec.cli.common` for the exit codes."""
        session = Session()
        kwargs.update(standalone_mode=False, obj=session)
        with _terminable(), session.show_logs():
            code = self._run(session, *args, **kwargs)
        sys.exit(code)

    def _run(self, session: Session, *args: Any, **kwargs: Any) -> int:
        try:
            result = super().main(*args, **kwargs)
            flush_output()
        except click.ClickException as error:
            _show(error)
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            tell("codec: interrupted")
            return EXIT_INTERRUPTED
        except BrokenPipeError:
            return _broken_pipe()
        except SystemExit as error:
            # click ends a broken pipe this way, and the handler of SIGTERM.
            return _broken_pipe() if error.code == EXIT_FAILURE else EXIT_TERMINATED
        except CodecError as error:
            session.report(error)
            return error.exit_code
        except OSError as error:
            session.report(error)
            return EXIT_FAILURE
        except Exception as error:
            tell(f"codec: internal error (please report): {type(error).__name__}: {error}")
            if session.verbosity:
                tell_raw(traceback.format_exc())
            return EXIT_FAILURE
        return result if isinstance(result, int) else 0


def _show(error: click.ClickException) -> None:
    """Shows wrong usage as click does, if anybody listens."""
    text = io.StringIO()
    error.show(text)
    tell_raw(text.getvalue())


def _broken_pipe() -> int:
    """Nobody reads stdout any more: what is still buffered for it must not cause another error."""
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        return EXIT_FAILURE
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, descriptor)
    os.close(devnull)
    return EXIT_FAILURE


@contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM unwind the program, so that half-written files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, _exit_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _exit_terminated(number: int, frame: object) -> NoReturn:
    raise SystemExit(EXIT_TERMINATED)


def _show_version(verbose: int) -> None:
    import bitstream
    from codec.models import registry

    models = ", ".join(f"{entry.name} (id {entry.id})" for entry in registry.entries())
    click.echo(f"codec {codec.__version__}, file format {bitstream.VERSION}\nmodels: {models}")
    if not verbose:
        return
    from networks.native import instruction_set, instruction_sets, thread_count

    with translated():
        others = [name for name in instruction_sets() if name != instruction_set()]
        click.echo(
            f"kernels: {instruction_set()} (CODEC_ISA chooses; here run too: "
            f"{', '.join(others) or 'none'}), threads: {thread_count(0)}"
        )
    coder = "built" if importlib.util.find_spec("entropy.coder._rans_cuda") else "not built"
    torch = "installed" if importlib.util.find_spec("torch") else "not installed"
    click.echo(f"CUDA range coder: {coder}; PyTorch: {torch} (efforts 8-10, train, --device cuda)")


def _show_help_all(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if not value:
        return
    texts = [ctx.get_help()]
    for name in _SUBCOMMANDS:
        command = cli.get_command(ctx, name)
        assert isinstance(command, Command)
        inner = click.Context(command, info_name=name, parent=ctx)
        texts.append(command.help_all(inner))
    click.echo("\n\n".join(texts))
    ctx.exit()


@click.group(
    name="codec",
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 success, 1 other failure, 2 wrong usage or unsupported image, "
    "3 damaged or foreign input, 4 version, model or weights not available, "
    "5 limit exceeded, 130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    help="Show versions and models, with -v kernels and what is built, and exit.",
)
@click.option("-v", "--verbose", count=True, help="Say more with --version.")
@click.option(
    "--help-all",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_help_all,
    help="Show the help of all commands with the expert options and exit.",
)
@click.pass_context
def cli(ctx: click.Context, version: bool, verbose: int) -> None:
    """Learned image codec: photographs to small files and back."""
    if version:
        _show_version(verbose)
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


def main() -> NoReturn:
    """Entry point of the command `codec`."""
    open_descriptors()
    cli.main(prog_name="codec")
