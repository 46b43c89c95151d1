"""Pages through headless Chromium, as a screen shows them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from bench.graphics.base import program, run, save
from bench.graphics.pages import pages

__all__ = ["BROWSERS", "make"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def make(folder: Path) -> list[str]:
    """A screenshot of each page. Raises NotMade where there is no browser."""
    browser = program(*BROWSERS)
    made = []
    with tempfile.TemporaryDirectory() as temporary:
        shot, file = Path(temporary) / "shot.png", Path(temporary) / "page.html"
        for name, page in pages().items():
            file.write_text(page.html)
            run([
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", "--hide-scrollbars",
                f"--user-data-dir={temporary}/profile", f"--window-size={page.width},{page.height}",
                f"--force-device-scale-factor={page.scale}", f"--screenshot={shot}", file.as_uri(),
            ])  # fmt: skip
            with Image.open(shot) as image:
                made.append(save(image, folder / f"browser-{name}.png"))
    return made
