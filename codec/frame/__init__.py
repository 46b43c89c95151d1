"""One frame to the payloads of its tiles and back; knows no file."""

from __future__ import annotations
