"""The definition of what a video's frame decodes to, written down once more, slowly, from
entropy/INTER.md: for tests, which compare the compiled decoder with it.

    decisions.py   what a frame learns; estimates, mixtures, the range coder
    blocks.py      trees, blocks, vectors: what is where
    residual.py    the coefficients of a block, and the samples that they stand for
    prediction.py  samples from other pictures, and from those around a square
    frames.py      a frame: its head, its decisions, its samples, the filter
    slots.py       pictures in slots, and what frames learn from each other
    decoder.py     the decoder of a video, with the stills of key frames
"""

from __future__ import annotations

from codec.video.reference.decoder import ReferenceDecoder

__all__ = ["ReferenceDecoder"]
