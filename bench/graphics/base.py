"""What the makers of graphics share."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from PIL import Image

__all__ = ["ROOT", "NotMade", "program", "run", "save"]

ROOT = Path(__file__).parents[2]
"""Of the checkout: its own texts and its example photograph are shown."""
TIMEOUT_S = 120


class NotMade(Exception):
    """Some pictures cannot be made here; the message says what is lacking."""


def program(*names: str) -> str:
    """The first of these programs that is installed. Raises NotMade."""
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    raise NotMade(f"{' or '.join(names)} is not installed")


def run(command: list[str]) -> None:
    """Runs a program to its end. Raises NotMade where it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotMade(f"{Path(command[0]).name}: no end after {TIMEOUT_S} s") from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise NotMade(f"{Path(command[0]).name}: exit status {done.returncode} {' '.join(last)}")


def save(image: Image.Image, file: Path) -> str:
    """Writes a picture as PNG in RGB, alpha laid on white; says what it is."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image.convert("RGB").save(file)
    return f"{file.name} {image.width}x{image.height}"
