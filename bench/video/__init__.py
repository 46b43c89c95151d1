"""Video: rate and distortion of codecs on lossless clips, whole files, all frames.

`clips` reads, `peers`, `ours` and `programs` code, `quality` compares, `measure` runs, `points`
keeps, `rates` gives BD-rates, `report` and `player` show.
"""

from __future__ import annotations
