"""Transforms: the graphs of the networks between pixels and latents."""

from __future__ import annotations
