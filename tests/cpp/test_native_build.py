"""Build the C++ tests with sanitizers and warnings as errors, and run them."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from entropy.coder import encode
from entropy.coder.reference import ReferenceDecoder
from entropy.coder.states import NEXT_STATE
from networks.native import instruction_sets
from networks.weights_file import write
from tests.networks.cases import program_of, small_network
from tests.networks.cross_builds import DECODER
from tests.networks.random_programs import random_case
from tests.unit.entropy.coder.cases import (
    along_trellis,
    gaussian_tables,
    random_tables,
    uniform_segment,
)

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
SOURCE = CPP / "coder"
CODER = [
    SOURCE / f"{name}.cpp" for name in ("cdf", "payload", "rans_decoder", "rans_encoder", "trellis")
]
NETWORKS = CPP / "networks"
ISA = {
    "scalar": [],
    "avx2": ["-mavx2"],
    "avxvnni": ["-mavx2", "-mavxvnni"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni"],
}
"""Options that the kernels of an x86 processor are compiled with."""
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
        # Address alone: the check of undefined behaviour takes minutes to compile here.
        run(compiler, *FLAGS, "-fsanitize=address", *options, "-c", source, "-o", objects[-1])
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
    run(compiler, *FLAGS, sanitize, f"-I{CPP / 'threads'}", source, "-pthread", "-o", program)

    assert run(program) == "test_team: ok\n"


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
def test_categories_and_packets(compiler: str, tmp_path: Path) -> None:
    program = tmp_path / "test_categories"
    sources = [
        ROOT / "tests" / "cpp" / "test_categories.cpp",
        SOURCE / "categories.cpp",
        CPP / "frame" / "packets.cpp",
    ]
    run(compiler, *FLAGS, *SANITIZE, f"-I{SOURCE}", f"-I{CPP / 'frame'}", *sources, "-o", program)

    assert run(program) == "test_categories: ok\n"


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
    source = CPP / "cuda" / f"{name}.cu"
    targets = [f"-gencode=arch=compute_{cc},code=sm_{cc}" for cc in (80, 90)]
    options = ["-std=c++20", "-Werror", "all-warnings", f"-I{SOURCE}"]
    run("nvcc", *options, *targets, "-c", source, "-o", tmp_path / "kernel.o")


@pytest.fixture(scope="module", params=COMPILERS or ["none"])
def build_networks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Compile a test program with the networks, and more; each is compiled once per compiler."""
    folder = tmp_path_factory.mktemp("networks")
    chosen = kernels_here()
    defines = [f"-DNETWORKS_{name.upper()}" for name in chosen if name != "scalar"]
    include = [f"-I{NETWORKS}", f"-I{CPP / 'threads'}"]

    def compile_source(source: Path, *options: str) -> Path:
        target = folder / (source.stem + ".o")
        flags = [*FLAGS, *SANITIZE, *options, *include]
        if not target.exists():
            run(request.param, *flags, "-c", source, "-o", target)
        return target

    plain = [path for path in NETWORKS.glob("*.cpp") if not path.name.startswith("kernels_")]
    objects = [compile_source(path, *defines) for path in plain]
    for name in chosen:
        options = [*ISA[name], "-Wno-maybe-uninitialized", "-Wno-uninitialized"]
        if request.param != "g++":
            options.remove("-Wno-maybe-uninitialized")
        objects.append(compile_source(NETWORKS / f"kernels_{name}.cpp", *options))

    def compile_program(name: str, *more: Path) -> Path:
        options = [f"-I{part}" for part in dict.fromkeys(path.parent for path in more)]
        sources = [ROOT / "tests" / "cpp" / f"{name}.cpp", *more]
        own = [compile_source(source, *options, f"-I{SOURCE}") for source in sources]
        run(request.param, *SANITIZE, *own, *objects, "-pthread", "-o", folder / name)
        return folder / name

    return compile_program


def kernels_here() -> list[str]:
    """Kernels that this processor can run and that `ISA` says how to compile."""
    if platform.machine() not in ("x86_64", "AMD64") or not instruction_sets():
        return ["scalar"]
    return [name for name in instruction_sets() if name in ISA]


@pytest.mark.slow
def test_random_programs_stay_in_their_arrays(
    build_networks: Callable[..., Path], tmp_path: Path
) -> None:
    files = []
    for seed in range(60):
        files.append(tmp_path / f"{seed}.bin")
        files[-1].write_bytes(random_case(seed).file())
    program = build_networks("replay_program")

    for kernels in kernels_here():
        said = run(program, kernels, *files)
        assert said == f"replay_program: {len(files)} files ok, kernels {kernels}\n"


@pytest.mark.slow
def test_damaged_weights_are_refused_or_harmless(
    build_networks: Callable[..., Path], tmp_path: Path
) -> None:
    programs = [small_network(), *(program_of(name) for name in ("linear-one-channel", "cell-2"))]
    files = []
    for n, found in enumerate(programs):
        files.append(tmp_path / f"{n}.weights")
        files[-1].write_bytes(write({"p": found}))

    said = run(build_networks("damaged_weights"), *files)

    assert said == f"damaged_weights: {len(files)} files ok\n"


@pytest.mark.slow
@pytest.mark.weights
def test_videos_and_damaged_ones_stay_in_their_arrays(
    build_networks: Callable[..., Path], tmp_path: Path
) -> None:
    pytest.importorskip("codec.video._video", reason="needs the compiled core")
    from tests.exactness.video_replay import replay_files

    files = replay_files(tmp_path)

    said = run(build_networks("replay_video", *DECODER), kernels_here()[0], *files)
    assert said == f"{len(files)} files\n"
    said = run(build_networks("damaged_video", *DECODER), 8, *files)
    refused, taken = (int(word) for word in said.split() if word.isdigit())
    assert min(refused, taken) > 20


@pytest.mark.parametrize(
    "folder", ["coder", "container", "frame", "networks", "predictive", "threads", "video"]
)
def test_only_the_bindings_need_python(folder: str) -> None:
    paths = [*(CPP / folder).glob("*.hpp"), *(CPP / folder).glob("*.cpp")]

    assert paths
    for path in paths:
        assert "nanobind" not in path.read_text()
        assert "Python.h" not in path.read_text()
