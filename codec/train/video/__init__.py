"""Training of the learned filter of video: decoded frames and their sources to a weights file."""

from __future__ import annotations
