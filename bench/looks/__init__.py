"""A page to look at pictures: the original, ours and other codecs at equal bytes.

    region.py     the part of a large picture that is shown
    versions.py   a picture by every codec at every rate: files, figures, what is shown
    page.py       the page, from page.html, page.css and page.js
    commands.py   python -m bench looks

How people use the page, and what equal bytes are here: bench/README.md, "Looking".
"""

from __future__ import annotations
