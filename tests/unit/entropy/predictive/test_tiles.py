"""Tiles that have modes: payloads, cells, damage (entropy/SPEC.md, Modes)."""

from __future__ import annotations

import numpy as np
import pytest

from entropy.errors import CorruptStream, EntropyCodingError, StreamExhausted
from entropy.predictive import native
from entropy.predictive.native import Cell, Kind
from entropy.predictive.payload import pixels_by_mode

SIZES = [(1, 1), (1, 70), (65, 3), (64, 64), (130, 100)]


def picture(height: int, width: int, channels: int = 3, bits: int = 8) -> np.ndarray:
    """Half a smooth ramp with noise, half a pattern of few colours."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:height, :width]
    smooth = (3 * x + 2 * y)[..., np.newaxis] + rng.integers(0, 9, (height, width, channels))
    flat = np.where((x // 3 + y // 5) % 2, 20, 200)[..., np.newaxis]
    values = np.where((x < width // 2)[..., np.newaxis], smooth % 256, flat)
    if bits == 16:
        return (values * 256 + rng.integers(0, 256, values.shape)).astype(np.uint16)
    return np.broadcast_to(values, (height, width, channels)).astype(np.uint8)


def decoded(tiles: list[bytes], pixels: np.ndarray, tile_log2: int, error: int = 0) -> np.ndarray:
    height, width = pixels.shape[:2]
    out = np.zeros_like(pixels)
    native.decode(
        tiles.__getitem__, (width, height), tile_log2, error, (0, 0, width, height), out, only=True
    )
    return out


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("strength", list(native.Strength))
def test_pictures_come_back(
    size: tuple[int, int], channels: int, bits: int, strength: native.Strength
) -> None:
    pixels = picture(*size, channels, bits)

    tiles = native.encode(pixels, 6, strength=strength, threads=2)

    assert len(tiles) == -(-size[0] // 64) * -(-size[1] // 64)
    assert np.array_equal(decoded(tiles, pixels, 6), pixels)
    assert native.encode(pixels, 6, strength=strength, threads=1) == tiles


@pytest.mark.parametrize("error", [1, 2, 7, 300])
def test_largest_error_is_kept(error: int) -> None:
    pixels = picture(70, 90, 3, 16 if error > 255 else 8)

    tiles = native.encode(pixels, 7, error)

    found = np.abs(decoded(tiles, pixels, 7, error).astype(int) - pixels)
    assert 0 < found.max() <= error


def test_noise_is_raw_and_no_larger() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)

    (tile,) = native.encode(pixels, 6)

    assert len(tile) <= pixels.nbytes + 2
    assert np.array_equal(decoded([tile], pixels, 6), pixels)


def test_an_area_needs_only_its_tiles() -> None:
    pixels = picture(200, 150)
    tiles = native.encode(pixels, 6)
    asked = []

    def tile(n: int) -> bytes:
        asked.append(n)
        return tiles[n]

    out = np.zeros((70, 20, 3), np.uint8)
    native.decode(tile, (150, 200), 6, 0, (60, 100, 20, 70), out)

    assert asked == [3, 4, 6, 7]
    assert np.array_equal(out, pixels[100:170, 60:80])


CELLS = np.array([[Cell.LEARNED, Cell.SHARED, Cell.OWN], [Cell.SHARED, Cell.OWN, Cell.LEARNED]])


def test_cells_replace_their_pixels_and_no_others() -> None:
    pixels = picture(100, 150)
    payload = native.mixed_tile(pixels, CELLS, 2, b"learned part")

    parts = native.tile_parts(payload, (150, 100))
    out = np.full_like(pixels, 77)
    native.decode(lambda _: payload, (150, 100), 8, 2, (0, 0, 150, 100), out)

    assert (parts.kind, parts.learned) == (Kind.CELLS, b"learned part")
    assert list(parts.map) == CELLS.reshape(-1).tolist()
    cells = np.kron(CELLS, np.ones((64, 64), int))[:100, :150]
    assert (out[cells == Cell.LEARNED] == 77).all()
    assert np.array_equal(out[cells == Cell.SHARED], pixels[cells == Cell.SHARED])
    assert np.abs(out.astype(int) - pixels)[cells == Cell.OWN].max() <= 2
    found = pixels_by_mode(payload, 150, 100)
    assert found["learned"] == 64 * 64 + 22 * 36
    assert found["screen"] == 64 * 64 + 64 * 36
    assert sum(found.values()) == 150 * 100


def test_a_learned_tile_has_only_that() -> None:
    payload = bytes([Kind.LEARNED]) + b"payload"

    parts = native.tile_parts(payload, (10, 10))

    assert (parts.kind, parts.map, parts.learned, parts.coder) == (
        Kind.LEARNED, b"", b"payload", None,
    )  # fmt: skip
    assert pixels_by_mode(payload, 10, 10) == {"learned": 100}


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", StreamExhausted),
        (b"\x03x", CorruptStream),  # of no kind
        (b"\x00", CorruptStream),  # learned, and nothing there
        (b"\x02", StreamExhausted),  # no map
        (b"\x02\x00\x00learned", CorruptStream),  # nothing predictive
        (b"\x02\x03\x00\x01x", CorruptStream),  # a cell of mode 3
        (b"\x02\x00\x10", CorruptStream),  # a cell behind the last
        (b"\x02\x01\x00\x05abc", StreamExhausted),  # less than the shared cells say
        (b"\x02\x01\x00\x80\x80\x80\x80\x10", CorruptStream),  # a length of 33 bits
        (b"\x02\x01\x00\x80\x00", CorruptStream),  # a length that could be shorter
        (b"\x02\x55\x05\x01x", StreamExhausted),  # shared alone, cut
    ],
)
def test_wrong_payloads_are_refused(payload: bytes, error: type[Exception]) -> None:
    out = np.zeros((100, 150, 3), np.uint8)
    with pytest.raises(error):
        native.decode(lambda _: payload, (150, 100), 8, 0, (0, 0, 150, 100), out)


@pytest.mark.parametrize(
    "part",
    [b"", b"\x03", b"\x20", b"\x00short", b"\x01\x01", b"\x01\x05abcdef", b"\x1c\x00", b"\x04\x00"],
)
def test_wrong_parts_are_refused(part: bytes) -> None:
    payload = bytes([Kind.WHOLE]) + part
    with pytest.raises(EntropyCodingError):
        native.decode(lambda _: payload, (9, 9), 6, 4, (0, 0, 9, 9), np.zeros((9, 9, 3), "u1"))


def test_a_learned_part_without_a_model_is_refused() -> None:
    payload = bytes([Kind.LEARNED]) + b"payload"
    with pytest.raises(CorruptStream, match="without a model"):
        decoded([payload], picture(9, 9), 6)


def test_every_changed_byte_is_survived() -> None:
    """What is read is bounded by the payload; what comes out may be anything of the right size."""
    pixels = picture(100, 150)
    payload = native.mixed_tile(pixels, CELLS, 2, b"learned")
    out = np.zeros_like(pixels)
    for at in range(0, len(payload), max(1, len(payload) // 100)):
        for change in (0x01, 0x80, 0xFF):
            damaged = bytearray(payload)
            damaged[at] ^= change
            for data in (bytes(damaged), payload[:at]):
                try:
                    native.decode(lambda _, d=data: d, (150, 100), 8, 2, (0, 0, 150, 100), out)
                except EntropyCodingError:
                    continue


def test_cell_facts_tell_screens_from_noise() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    text = np.broadcast_to(
        np.where(np.indices((64, 64)).sum(0) % 16 < 3, 0, 255)[..., None], (64, 64, 3)
    )
    facts = native.cell_facts(np.concatenate([noise, text.astype(np.uint8)], axis=1))

    assert facts.equal[0] < 0.01
    assert facts.equal[1] > 0.5
    assert facts.step[0] == pytest.approx(255**2 / 6, rel=0.1)
    assert facts.spread[0] == pytest.approx(255**2 / 12, rel=0.1)


def test_fill_keeps_what_is_not_marked_and_goes_on_smoothly() -> None:
    y, x = np.mgrid[:128, :192]
    ramp = np.stack([x, y, x + y], -1).astype(np.uint8) // 2
    damaged = ramp.copy()
    damaged[:64, 64:128] = np.random.default_rng(0).integers(0, 256, (64, 64, 3))

    filled = native.fill(damaged, [0, 1, 0, 0, 0, 0])

    inside = np.zeros((128, 192), bool)
    inside[:64, 64:128] = True
    assert np.array_equal(filled[~inside], ramp[~inside])
    assert np.abs(filled.astype(int) - ramp)[inside].mean() < 8
    assert np.abs(np.diff(filled.astype(int), axis=1))[:64, 60:132].max() < 20


@pytest.mark.parametrize("most", [0.5, 3.0, 8.0])
def test_measuring_stops_where_a_tile_has_cost_enough(most: float) -> None:
    random = np.random.default_rng(5)
    noise = random.integers(0, 256, (128, 320, 3), np.uint8)
    pixels = np.concatenate([noise, np.full((128, 192, 3), 40, np.uint8)], axis=1)
    marked = np.ones(16, np.uint8)
    marked[3] = 0

    whole = native.screen_bits(pixels, 8, marked)
    cut = native.screen_bits(pixels, 8, marked, most=most)

    left, right = np.arange(16) % 8 < 4, np.arange(16) % 8 >= 4
    for tile in (left, right):
        enough = most * 64 * 64 * marked[tile].sum()
        if whole[tile].sum() <= enough:
            assert np.array_equal(cut[tile], whole[tile])
        else:
            assert enough < cut[tile].sum() <= whole[tile].sum()
    assert whole[left].sum() > 8 * 64 * 64 * 7
    assert whole[(np.arange(16) % 8) > 4].sum() < 0.5 * 64 * 64 * 6
