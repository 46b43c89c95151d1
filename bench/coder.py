"""Speed and size of the range coder beside constriction and CompressAI, in one run, on one core.

`python -m bench coder`. With --images the symbols are those that our encoder hands to the coder for
photographs. Without, they are zero-mean Gaussians under 64 tables with scales from 0.11 to 64, the
table of each symbol drawn so that small scales prevail; half of the symbols are skipped.

Every figure is the best of several repetitions, in CPU time of the one thread that works, per
*coded* symbol. The work is always the same: int16 symbols and uint8 indexes to bytes, and indexes
and bytes back to int16 symbols with zeros where skipped. Rows in brackets are bounds: their
input is prepared beforehand and their output left as it comes.

    ours                       entropy.coder, "native"
    ours, reference            the same in pure Python, on the first symbols only
    constriction               AnsCoder, one Categorical model per table, symbols sorted by table;
                               values of escapes are not coded; making the models is not timed
    (constriction, sorted)     only the calls of the coder
    constriction, Gaussian     AnsCoder with the QuantizedGaussian family, as its manual shows it
    CompressAI                 encode_with_indexes / decode_with_indexes
    (CompressAI, from lists)   only the calls of the coder
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

import codec
from entropy.coder import CdfTables, Decoder, backend, encode, pmf_to_cdf
from entropy.models.latent_codec import LatentCodec, Recipe
from networks import weights_file
from networks.native import NativeProgram
from networks.program import Program

Symbols = npt.NDArray[np.int16]
Indexes = npt.NDArray[np.uint8]
Entries = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint32]
TOTAL = 65536  # of every table


__all__ = ["Case", "Result", "as_json", "markdown", "photograph_case", "run", "synthetic_case"]

_REFERENCE_SYMBOLS = 20_000


@dataclass(frozen=True)
class Case:
    """What is coded: one segment and its tables."""

    symbols: Symbols
    indexes: Indexes
    tables: CdfTables

    @property
    def coded(self) -> npt.NDArray[np.bool_]:
        """Which symbols are not skipped."""
        return self.indexes >= self.tables.skip_below

    def entries(self) -> npt.NDArray[np.int64]:
        """Table entry of every coded symbol, the escape for those outside their table."""
        indexes = self.indexes[self.coded]
        last = np.array(self.tables.lengths)[indexes] - 1
        entries = self.symbols[self.coded] - np.array(self.tables.offsets)[indexes]
        return np.where((entries >= 0) & (entries < last), entries, last)

    def ideal_bytes(self) -> float:
        """Code length of all entries."""
        width = max(self.tables.lengths)
        costs = np.zeros((len(self.tables), width))
        for t, cdf in enumerate(self.tables.cdfs):
            costs[t, : len(cdf) - 1] = 16 - np.log2(np.diff(cdf.astype(np.int64)))
        return float(costs[self.indexes[self.coded], self.entries()].sum() / 8)


@dataclass(frozen=True)
class Result:
    """One row of the table."""

    coder: str
    encode_msymbols_s: float
    decode_msymbols_s: float
    bytes: int


def synthetic_case(size: int, seed: int = 1) -> Case:
    """Gaussian symbols under 64 tables, mostly of small scales; indexes below 8 are skipped."""
    rng = np.random.default_rng(seed)
    scales = np.geomspace(0.11, 64, 64)
    rows, offsets = [], []
    for scale in scales:
        reach = max(1, math.ceil(4 * scale))
        edges = (np.arange(-reach, reach + 2) - 0.5) / (scale * math.sqrt(2))
        pmf = np.diff([0.5 * math.erf(edge) for edge in edges])
        rows.append(pmf_to_cdf(np.append(pmf, 1 - pmf.sum())))
        offsets.append(-reach)
    indexes = np.minimum(rng.exponential(11.5, size), 63).astype(np.uint8)
    symbols = np.rint(rng.normal(size=size) * scales[indexes]).astype(np.int16)
    symbols[indexes < 8] = 0
    return Case(symbols, indexes, CdfTables(rows, None, offsets, 8))


def photograph_case(files: list[Path], level: int) -> Case:
    """What our encoder hands to the range coder for images, each one tile, all of it in a row."""
    entries = weights_file.read(codec.Encoder().entry.path.read_bytes())
    recipe: list[int] = cast(npt.NDArray[np.int32], entries["recipe"]).tolist()
    programs = {n: NativeProgram(e) for n, e in entries.items() if isinstance(e, Program)}
    tables = CdfTables.from_bytes(cast(bytes, entries["cdf"]))
    latents = LatentCodec(
        Recipe(recipe[0], recipe[2], recipe[4], recipe[5]), tables,
        cast(Indexes, entries["z_index"]), lambda name, inputs, at: programs[name](inputs, at),
    )  # fmt: skip
    seen: list[tuple[Symbols, Indexes]] = []
    for file in files:
        with Image.open(file) as image:
            pixels = np.asarray(image.convert("RGB"))
        height, width, _ = pixels.shape
        padded = np.pad(pixels, ((0, -height % 64), (0, -width % 64), (0, 0)), mode="edge")
        (y,) = programs["analysis"]([padded], level)
        (z,) = programs["hyper_analysis"]([y], level)
        seen += latents.compress(y, z, level)[2]
    symbols, indexes = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    return Case(symbols, indexes, tables)


def run(case: Case, seconds: float) -> tuple[list[Result], list[str]]:
    """Measure every coder that is there; also say which ones are not."""
    results, messages = [], []
    for measure_coder in (_ours, _reference, _constriction, _compressai):
        try:
            results += measure_coder(case, seconds)
        except ImportError as error:
            messages.append(f"not measured: {error}")
    return results, messages


def best_time(work: Callable[[], Any], seconds: float) -> float:
    """Least CPU time of `work`, over repetitions that take `seconds` together, at least three."""
    best, spent, repetitions = math.inf, 0.0, 0
    while repetitions < 3 or spent < seconds:
        start = time.thread_time()
        work()
        elapsed = time.thread_time() - start
        best, spent, repetitions = min(best, elapsed), spent + elapsed, repetitions + 1
    return best


def _row(
    name: str, count: int, data: int, write: Callable[[], Any], read: Callable[[], Any], s: float
) -> Result:
    return Result(name, count / best_time(write, s) / 1e6, count / best_time(read, s) / 1e6, data)


def _ours(case: Case, seconds: float, name: str = "ours") -> list[Result]:
    segments = [(case.symbols, case.indexes)]
    which = backend() if name == "ours" else "reference"
    data = encode(segments, case.tables, backend=which)

    def read() -> Symbols:
        decoder = Decoder(data, case.tables, backend=which)
        symbols = decoder.decode(case.indexes)
        decoder.finish()
        return symbols

    _require(np.array_equal(read(), case.symbols), name)
    count = int(case.coded.sum())

    def write() -> bytes:
        return encode(segments, case.tables, backend=which)

    return [_row(name, count, len(data), write, read, seconds)]


def _reference(case: Case, seconds: float) -> list[Result]:
    part = Case(case.symbols[:_REFERENCE_SYMBOLS], case.indexes[:_REFERENCE_SYMBOLS], case.tables)
    (row,) = _ours(part, min(seconds, 0.1), "ours, reference")
    return [Result(row.coder, row.encode_msymbols_s, row.decode_msymbols_s, 0)]


def _constriction(case: Case, seconds: float) -> list[Result]:
    import constriction

    stream = constriction.stream
    skip_below = case.tables.skip_below
    offsets = np.array(case.tables.offsets, dtype=np.int32)
    lasts = np.array(case.tables.lengths, dtype=np.int32) - 1
    pmfs = [np.diff(cdf.astype(np.float64)) / TOTAL for cdf in case.tables.cdfs]
    models = [stream.model.Categorical(pmf, perfect=False) for pmf in pmfs]

    def grouping(indexes: Indexes) -> tuple[npt.NDArray[np.intp], list[tuple[int, int, int]]]:
        """Order by table, skipped symbols left out, and (table, start, end) within it."""
        order = np.argsort(indexes, kind="stable")
        ends = np.cumsum(np.bincount(indexes, minlength=len(models)))
        first = int(ends[skip_below - 1]) if skip_below else 0
        starts = np.concatenate(([0], ends[:-1])) - first
        parts = zip(range(len(models)), starts.tolist(), (ends - first).tolist(), strict=True)
        return order[first:], [
            part for part in parts if part[0] >= skip_below and part[1] < part[2]
        ]

    def write_sorted(entries: Entries, parts: list[tuple[int, int, int]]) -> Words:
        coder = stream.stack.AnsCoder()
        for t, start, end in reversed(parts):
            coder.encode_reverse(entries[start:end], models[t])
        words: Words = coder.get_compressed()
        return words

    def read_sorted(words: Words, parts: list[tuple[int, int, int]]) -> Entries:
        coder = stream.stack.AnsCoder(words)
        entries = np.empty(parts[-1][2] if parts else 0, dtype=np.int32)
        for t, start, end in parts:
            entries[start:end] = coder.decode(models[t], end - start)
        return entries

    def sort_entries(order: npt.NDArray[np.intp]) -> Entries:
        indexes = case.indexes[order]
        entries = case.symbols[order] - offsets[indexes]
        last = lasts[indexes]
        return np.where(entries.view(np.uint32) < last, entries, last)

    def write() -> Words:
        order, parts = grouping(case.indexes)
        return write_sorted(sort_entries(order), parts)

    def read() -> Symbols:
        order, parts = grouping(case.indexes)
        symbols = np.zeros(len(case.indexes), dtype=np.int16)
        symbols[order] = read_sorted(words, parts) + offsets[case.indexes[order]]
        return symbols

    words = write()
    order, parts = grouping(case.indexes)
    entries = sort_entries(order)
    _require(np.array_equal(read_sorted(words, parts), entries), "constriction")
    wrong = int(np.count_nonzero(read() != case.symbols))  # values of escapes only
    _require(wrong <= int(np.count_nonzero(entries == lasts[case.indexes[order]])), "constriction")
    count, size = len(entries), words.nbytes
    rows = [_row("constriction", count, size, write, read, seconds)]
    rows.append(
        _row(
            "(constriction, sorted)",
            count,
            size,
            lambda: write_sorted(entries, parts),
            lambda: read_sorted(words, parts),
            seconds,
        )
    )
    return [*rows, _constriction_gaussian(case, stream, pmfs, seconds)]


def _constriction_gaussian(
    case: Case, stream: Any, pmfs: list[npt.NDArray[np.float64]], seconds: float
) -> Result:
    """QuantizedGaussian with the mean and the scale of each table."""
    steps = [np.arange(len(pmf)) for pmf in pmfs]
    means = [float((pmf * step).sum()) for pmf, step in zip(pmfs, steps, strict=True)]
    scales = np.array(
        [
            max(0.1, math.sqrt(float((pmf * (step - mean) ** 2).sum())))
            for pmf, step, mean in zip(pmfs, steps, means, strict=True)
        ]
    )
    centres = np.array(means) + case.tables.offsets
    reach = int(np.abs(case.symbols.astype(np.int64)).max()) + 1
    family = stream.model.QuantizedGaussian(-reach, reach)
    skip_below = case.tables.skip_below

    def write() -> Words:
        coded = case.indexes >= skip_below
        indexes = case.indexes[coded]
        coder = stream.stack.AnsCoder()
        coder.encode_reverse(
            case.symbols[coded].astype(np.int32), family, centres[indexes], scales[indexes]
        )
        words: Words = coder.get_compressed()
        return words

    def read() -> Symbols:
        coded = case.indexes >= skip_below
        indexes = case.indexes[coded]
        symbols = np.zeros(len(case.indexes), dtype=np.int16)
        symbols[coded] = stream.stack.AnsCoder(words).decode(
            family, centres[indexes], scales[indexes]
        )
        return symbols

    words = write()
    _require(np.array_equal(read(), case.symbols), "constriction, Gaussian")
    count = int(case.coded.sum())
    return _row("constriction, Gaussian", count, words.nbytes, write, read, seconds)


def _compressai(case: Case, seconds: float) -> list[Result]:
    from compressai import ans

    tables = [cdf.tolist() for cdf in case.tables.cdfs]
    parameters = tables, [len(cdf) for cdf in tables], list(case.tables.offsets)
    skip_below = case.tables.skip_below

    def write_lists(symbols: list[int], indexes: list[int]) -> bytes:
        data: bytes = ans.RansEncoder().encode_with_indexes(symbols, indexes, *parameters)
        return data

    def read_lists(data: bytes, indexes: list[int]) -> list[int]:
        symbols: list[int] = ans.RansDecoder().decode_with_indexes(data, indexes, *parameters)
        return symbols

    def write() -> bytes:
        coded = case.indexes >= skip_below
        return write_lists(case.symbols[coded].tolist(), case.indexes[coded].tolist())

    def read() -> Symbols:
        coded = case.indexes >= skip_below
        symbols = np.zeros(len(case.indexes), dtype=np.int16)
        symbols[coded] = read_lists(data, case.indexes[coded].tolist())
        return symbols

    data = write()
    _require(np.array_equal(read(), case.symbols), "CompressAI")
    symbols, indexes = case.symbols[case.coded].tolist(), case.indexes[case.coded].tolist()
    count, size = len(symbols), len(data)
    rows = [_row("CompressAI", count, size, write, read, seconds)]
    rows.append(
        _row(
            "(CompressAI, from lists)",
            count,
            size,
            lambda: write_lists(symbols, indexes),
            lambda: read_lists(data, indexes),
            seconds,
        )
    )
    return rows


def _require(same: bool, coder: str) -> None:
    if not same:
        raise SystemExit(f"{coder}: decoded symbols differ from the encoded ones")


def markdown(case: Case, results: list[Result], messages: list[str]) -> str:
    """The table for people."""
    ideal = case.ideal_bytes()
    coded = int(case.coded.sum())
    lines = [
        f"{len(case.symbols)} symbols, {coded} coded, {len(case.tables)} tables, "
        f"ideal {ideal:.0f} bytes ({8 * ideal / max(1, coded):.3f} bits per coded symbol)",
        "",
        "| coder | encode Msymbols/s | decode Msymbols/s | bytes | over ideal |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in results:
        over = f"{row.bytes} | {100 * (row.bytes / ideal - 1):+.3f} %" if row.bytes else "- | -"
        lines.append(
            f"| {row.coder} | {row.encode_msymbols_s:.2f} | {row.decode_msymbols_s:.2f} | {over} |"
        )
    peers = [row for row in results if not row.coder.startswith(("ours", "("))]
    if peers:
        ours = results[0]
        lines += [
            "",
            f"ours against the fastest other without brackets: encode "
            f"{ours.encode_msymbols_s / max(row.encode_msymbols_s for row in peers):.2f}x, decode "
            f"{ours.decode_msymbols_s / max(row.decode_msymbols_s for row in peers):.2f}x",
        ]
    return "\n".join([*lines, *messages])


def as_json(case: Case, results: list[Result], messages: list[str]) -> dict[str, Any]:
    """The figures as they are kept, and what was not measured."""
    return {
        "versions": {name: _version(name) for name in ("constriction", "compressai")},
        "missing": messages,
        "symbols": len(case.symbols),
        "coded": int(case.coded.sum()),
        "ideal_bytes": round(case.ideal_bytes(), 1),
        "tables_sha256": case.tables.sha256.hex(),
        "results": [asdict(row) for row in results],
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
