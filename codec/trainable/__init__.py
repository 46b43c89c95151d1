"""The models in floats, in PyTorch: what trains, what refinement differentiates, what is exported."""

from __future__ import annotations
