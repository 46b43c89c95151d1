"""From float layers to the integers of a program."""

from __future__ import annotations
