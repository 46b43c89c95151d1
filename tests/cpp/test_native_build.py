"""Build the C++ tests with sanitizers and warnings as errors, and run them."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from entropy.coder import encode
from entropy.coder.reference import ReferenceDecoder
from entropy.coder.states import NEXT_STATE
from tests.unit.entropy.coder.cases import (
    along_trellis,
    gaussian_tables,
    random_tables,
    uniform_segment,
)

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "entropy" / "cpp"
CODER = [
    SOURCE / f"{name}.cpp" for name in ("cdf", "payload", "rans_decoder", "rans_encoder", "trellis")
]
CORPUS = sorted((ROOT / "tests" / "fuzz" / "corpus" / "rans").glob("*.bin"))
FLAGS = ["-std=c++20", "-O1", "-g", "-Wall", "-Wextra", "-Werror"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]

pytestmark = pytest.mark.skipif(not COMPILERS, reason="no C++ compiler")


@pytest.fixture(scope="module", params=COMPILERS or ["none"])
def build(request, tmp_path_factory):
    """Compile a test program; the coder itself is compiled once per compiler."""
    folder = tmp_path_factory.mktemp("build")

    def compile_source(source: Path, *options: str) -> Path:
        target = folder / (source.stem + ".o")
        run(request.param, *FLAGS, *SANITIZE, *options, f"-I{SOURCE}", "-c", source, "-o", target)
        return target

    coder = [compile_source(source) for source in CODER]

    def compile_program(source: Path, *options: str) -> Path:
        program = folder / source.stem
        run(request.param, *SANITIZE, compile_source(source, *options), *coder, "-o", program)
        return program

    return compile_program


def run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_rans", "test_warp"])
def test_sanitized_program_passes(build, name) -> None:
    assert run(build(ROOT / "tests" / "cpp" / f"{name}.cpp")) == f"{name}: ok\n"


@pytest.mark.slow
def test_warp_coder_replays_the_reference(build, tmp_path) -> None:
    paths = []
    for lanes in (1, 2, 4, 8, 16, 32):
        for size in (0, 1, 33, 400):
            paths.append(tmp_path / f"{lanes}-{size}.bin")
            paths[-1].write_bytes(replay_file(size, lanes))

    program = build(ROOT / "tests" / "cpp" / "warp_replay.cpp")

    assert run(program, *paths) == f"warp_replay: {len(paths)} files ok\n"


def replay_file(size: int, lanes: int) -> bytes:
    """Segments along both trellises and a plain one, as the reference codes them; the format is in
    warp_replay.cpp.
    """
    rng = np.random.default_rng(size + lanes)
    stride, skip_below = 10, 3
    tables = random_tables(rng, 2 * stride, skip_below, 60)
    half = gaussian_tables(stride, skip_below)  # for its number of tables
    plain = uniform_segment(rng, size, tables)
    coded, wanted = [plain], [(0, min(NEXT_STATE), plain[1])]
    for states in NEXT_STATE:
        symbols, indexes = uniform_segment(rng, size, half)
        small = rng.integers(0, 4, size) > 0
        symbols[small] //= 1 << 12  # escapes and others
        coded.append(along_trellis((symbols, indexes), skip_below, stride, states))
        wanted.append((stride, states, indexes))
    data = encode(coded, tables, lanes=lanes, backend="reference")
    decoder = ReferenceDecoder(data, tables)
    content = array_bytes(tables.to_bytes()) + array_bytes(data)
    for stride, states, indexes in wanted:
        symbols, chosen = decoder.decode_trellis(indexes, stride, states)
        content += struct.pack("<II", stride, states) + array_bytes(indexes.tobytes())
        content += array_bytes(symbols.astype("<i2").tobytes()) + array_bytes(chosen.tobytes())
    decoder.finish()
    return content


def array_bytes(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="not an x86 processor")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_walks_for_other_processors_agree(compiler: str, tmp_path: Path) -> None:
    objects = []
    for name, options in (
        ("trellis_walk_avx2", ["-mavx2"]),
        ("trellis_walk_avx512", ["-mavx512f", "-mavx512bw", "-mavx512vl"]),
    ):
        objects.append(tmp_path / f"{name}.o")
        source = SOURCE / f"{name}.cpp"
        run(compiler, *FLAGS, *SANITIZE, *options, "-c", source, "-o", objects[-1])
    program = tmp_path / "test_walk"
    source = ROOT / "tests" / "cpp" / "test_walk.cpp"
    run(compiler, *FLAGS, *SANITIZE, f"-I{SOURCE}", source, *objects, "-o", program)

    assert run(program) == "test_walk: ok\n"


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
def test_team_does_every_part_once(compiler: str, sanitizer: str, tmp_path: Path) -> None:
    program = tmp_path / "test_team"
    source = ROOT / "tests" / "cpp" / "test_team.cpp"
    sanitize = f"-fsanitize={sanitizer}"
    run(compiler, *FLAGS, sanitize, f"-I{SOURCE}", source, "-pthread", "-o", program)

    assert run(program) == "test_team: ok\n"


@pytest.mark.slow
def test_fuzz_target_survives_the_corpus(build) -> None:
    program = build(ROOT / "tests" / "fuzz" / "fuzz_rans.cpp", "-DRANS_FUZZ_REPLAY")
    assert run(program, *CORPUS) == f"fuzz_rans: {len(CORPUS)} files ok\n"


@pytest.mark.slow
@pytest.mark.skipif("clang++" not in COMPILERS, reason="libFuzzer needs clang")
def test_libfuzzer_finds_nothing_in_some_seconds(tmp_path) -> None:
    program = tmp_path / "fuzz_rans"
    source = ROOT / "tests" / "fuzz" / "fuzz_rans.cpp"
    sanitize = "-fsanitize=fuzzer,address,undefined"
    run("clang++", *FLAGS, sanitize, f"-I{SOURCE}", source, *CODER, "-o", program)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    run(program, "-max_total_time=10", corpus, CORPUS[0].parent)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("nvcc"), reason="no nvcc")
@pytest.mark.parametrize("name", ["rans_decode", "rans_encode"])
def test_kernel_compiles_for_sm_80_and_sm_90(tmp_path, name) -> None:
    source = SOURCE / "cuda" / f"{name}.cu"
    targets = [f"-gencode=arch=compute_{cc},code=sm_{cc}" for cc in (80, 90)]
    options = ["-std=c++20", "-Werror", "all-warnings", f"-I{SOURCE}"]
    run("nvcc", *options, *targets, "-c", source, "-o", tmp_path / "kernel.o")


def test_coder_headers_need_no_python() -> None:
    for path in [*SOURCE.glob("*.hpp"), *CODER]:
        if path.name not in ("binding_helpers.hpp", "team_binding.hpp"):
            assert "nanobind" not in path.read_text()
            assert "Python.h" not in path.read_text()
