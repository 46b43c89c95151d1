"""A part of what `python -m tests.fuzz.lossless` does at length, and that it finds faults."""

from __future__ import annotations

import pytest

import codec
from tests.bench.stand_in_codec import stand_in_codec
from tests.fuzz.lossless import run


def test_pictures_of_every_kind_come_back() -> None:
    found = run(first=0, count=250)

    assert found.findings == []
    assert found.coded > 200


def test_errors_up_to_what_is_allowed_are_no_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in_codec(monkeypatch)

    found = run(first=0, count=20, near=(2,))

    assert found.findings == []
    assert found.coded == 20
    assert found.bytes[0] == found.bytes[2] > found.samples


def test_wrong_samples_and_alpha_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in_codec(monkeypatch, fault=4)

    found = run(first=0, count=20, near=(3, 5))

    off = [line for line in found.findings if ": off by" in line]
    assert len([line for line in off if "'lossless'" in line]) > 10
    assert len([line for line in off if "'near_lossless': 3" in line]) > 10
    assert not [line for line in off if "'near_lossless': 5" in line]


def test_only_sixteen_bits_may_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(image: object, *, lossless: bool = False, tile: int = 0, threads: int = 0) -> bytes:
        raise codec.UnsupportedImage("no")

    monkeypatch.setattr(codec, "encode", encode)

    found = run(first=0, count=40, near=())

    assert found.refused == 40
    assert 20 < len(found.findings) < 40
    assert all("refused: no" in line for line in found.findings)
    assert not any("uint16" in line for line in found.findings)
