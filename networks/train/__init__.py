"""Float layers that train a network, quantisation-aware; PyTorch."""

from __future__ import annotations
