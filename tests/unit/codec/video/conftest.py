"""Fixtures of video: a coder in the place of the real one."""

from __future__ import annotations

import pytest


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoder and decoder are exact and fast, and write their own payloads."""
    from codec.video import decoding, encoding
    from tests.unit.codec.video.stand_in import VideoDecoder, VideoEncoder

    monkeypatch.setattr(encoding, "new_encoder", VideoEncoder)
    monkeypatch.setattr(decoding, "new_decoder", VideoDecoder)
