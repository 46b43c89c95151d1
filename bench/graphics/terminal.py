"""A terminal on a virtual screen: what xterm shows of programs that are everywhere."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from PIL import ImageGrab

from bench.graphics.base import ROOT, NotMade, program, save

__all__ = ["make"]

_WAIT_S = 3
"""Until the program has drawn everything."""
_SIZE = "1200x760"
_DARK = ("-bg", "#1e1e1e", "-fg", "#d4d4d4", "-fa", "DejaVu Sans Mono", "-fs", "11")
_LIGHT = ("-bg", "white", "-fg", "black", "-fa", "Liberation Mono", "-fs", "12")
_BITMAP = ("-bg", "black", "-fg", "#00ff66", "-fn", "fixed")
_SCREENS = {
    "listing": (_DARK, "ls -l --color=always /usr/bin | head -60"),
    "git": (_LIGHT, "git log --color=always --stat | head -60"),
    "bitmap-font": (_BITMAP, "cat bench/coder.py | head -90"),
    "processes": (_DARK, "top -n 1 -b | head -45"),
}
"""Name -> how the terminal looks, and what the shell runs in it."""


def make(folder: Path) -> list[str]:
    """A screenshot of each program. Raises NotMade where the terminal or the screen is missing."""
    server, terminal = program("Xvfb"), program("xterm")
    reads, writes = os.pipe()
    with tempfile.TemporaryDirectory() as temporary:
        screen = subprocess.Popen(
            [server, "-displayfd", str(writes), "-screen", "0", f"{_SIZE}x24", "-nolisten", "tcp"],
            pass_fds=[writes], stderr=subprocess.DEVNULL, cwd=temporary,
        )  # fmt: skip
        os.close(writes)
        try:
            with os.fdopen(reads) as told:
                number = told.readline().strip()
            if not number:
                raise NotMade("Xvfb did not start")
            return [
                _shot(terminal, f":{number}", look, command, folder / f"terminal-{name}.png")
                for name, (look, command) in _SCREENS.items()
            ]
        finally:
            screen.terminate()
            screen.wait()


def _shot(terminal: str, display: str, look: tuple[str, ...], command: str, file: Path) -> str:
    """Runs a command in a terminal that fills the screen, and takes the screen."""
    shown = subprocess.Popen(
        [terminal, "-display", display, *look, "-geometry", "200x60+0+0", "-e", "sh", "-c",
         f"{command}; sleep 60"],
        cwd=ROOT, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(_WAIT_S)
        if shown.poll() is not None:
            raise NotMade(f"xterm ended with status {shown.returncode}")
        return save(ImageGrab.grab(xdisplay=display), file)
    finally:
        shown.terminate()
        shown.wait()
