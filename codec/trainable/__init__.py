"""The models in floats, in PyTorch: what trains, what refinement derives by, what is exported."""

from __future__ import annotations
