"""Every codec that runs in process, on three tiny images; other programs, by a stand-in."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pytorch_msssim", reason="bench extra not installed")

import codec
from bench import peers
from bench.measure import image_files, load
from bench.metrics import measure
from bench.peers import PeerFailed, PeerMissing, own, reference, stills, video
from bench.peers.base import join_size, split_size


@pytest.mark.parametrize("name", stills.NAMES + video.NAMES)
def test_more_bits_give_a_better_picture(name: str, images: Path) -> None:
    try:
        peer = peers.make(name)
    except PeerMissing as error:
        pytest.skip(str(error))
    for file in image_files(images):
        image = load(file)
        coarse, fine = (peer.encode(image, s) for s in (peer.settings[0], peer.settings[-1]))

        low, high = (measure(image, peer.decode(data))["psnr"] for data in (coarse, fine))

        assert len(coarse) < len(fine)
        assert low + 2 < high
        assert high > 30
    assert list(peer.settings) == sorted(peer.settings)
    assert peer.name == name
    assert peer.version


@pytest.mark.weights
def test_ours_is_decoded_by_another_process(images: Path) -> None:
    peer = own.OwnPeer("wavelet")
    try:
        for file in image_files(images):
            image = load(file)
            data = peer.encode(image, 40)

            assert measure(image, peer.decode(data))["psnr"] > 28
        with pytest.raises(PeerFailed, match="wavelet"):
            peer.decode(b"not a file")
        assert measure(image, peer.decode(data))["psnr"] > 28  # the process goes on
    finally:
        peer.close()
    assert peer.version.startswith("codec ")


@pytest.mark.weights
def test_effort_is_part_of_the_name(images: Path) -> None:
    image = load(image_files(images)[0])
    refined = own.OwnPeer("wavelet-e8")

    data = refined.encode(image, 40)

    assert data == codec.encode(image, level=40, effort=8)
    assert data != codec.encode(image, level=40)


def test_jpeg2000_codes_colours_together() -> None:
    """Grey as RGB costs about what grey costs, not three times that."""
    grey = np.random.default_rng(1).integers(0, 256, (64, 64, 1), np.uint8).repeat(3, 2)
    coloured = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    peer = peers.make("jpeg2000")

    assert len(peer.encode(grey, 40.0)) < 0.5 * len(peer.encode(coloured, 40.0))


def test_unknown_codec_is_named() -> None:
    with pytest.raises(ValueError, match="no codec is called 'h266'; known: wavelet, wavelet-e8"):
        peers.make("h266")


def test_size_travels_with_a_raw_stream() -> None:
    image = np.zeros((3, 700, 3), np.uint8)

    assert split_size(join_size(b"abc", image)) == (b"abc", 3, 700)


@pytest.mark.parametrize("name", reference.NAMES)
def test_missing_program_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    variable = f"CODEC_BENCH_{name.upper()}_ENCODER"
    monkeypatch.delenv(variable, raising=False)

    with pytest.raises(PeerMissing, match=f"--{name}-encoder or {variable}"):
        peers.make(name)


STAND_IN = """#!{python}
# Stands in for EncoderApp and DecoderApp: "codes" by copying, and checks its arguments.
import sys, pathlib, time
args = sys.argv[1:]
if "--help" in args or "--version" in args:
    print("VVCSoftware: VTM Encoder Version 17.2 [Linux]")
    sys.exit(0)
def value(flag):
    return args[args.index(flag) + 1]
if {fail!r}:
    print("something broke", file=sys.stderr)
    sys.exit(3)
time.sleep({sleep})
if "-s" in args:
    width, height = map(int, value("-s").split("x"))
    data = pathlib.Path(value("-i")).read_bytes()
    assert value("-c") == "yuv420_10" and len(data) == width * height * 3
    pathlib.Path(value("-b")).write_bytes(data)
elif "-c" in args:
    assert value("-c").endswith("encoder_intra_vtm.cfg") and "--InputChromaFormat=444" in args
    assert "--InputBitDepth=10" in args and int(value("-q")) in range(22, 48)
    data = pathlib.Path(value("-i")).read_bytes()
    assert len(data) == int(value("-wdt")) * int(value("-hgt")) * 3 * 2
    pathlib.Path(value("-b")).write_bytes(data)
else:
    assert "-d" not in args or value("-d") == "10"
    pathlib.Path(value("-o")).write_bytes(pathlib.Path(value("-b")).read_bytes())
"""


def stand_in(folder: Path, fail: bool = False, sleep: float = 0.0) -> dict[str, str]:
    """Paths of a program that behaves like VTM's, as deep below `cfg` as its build puts it."""
    release = folder / "bin" / "make" / "gcc-12.2" / "x86_64" / "release"
    release.mkdir(parents=True, exist_ok=True)
    program = release / "EncoderApp"
    program.write_text(STAND_IN.format(python=sys.executable, fail=fail, sleep=sleep))
    program.chmod(0o755)
    (folder / "cfg").mkdir(exist_ok=True)
    (folder / "cfg" / "encoder_intra_vtm.cfg").write_text("# intra\n")
    return {"vtm_encoder": str(program), "vtm_decoder": str(program)}


def test_other_program_gets_the_documented_command_line(tmp_path: Path, images: Path) -> None:
    peer = peers.make("vtm", stand_in(tmp_path))

    assert peer.version == "VTM 17.2"
    assert peer.settings == (-47, -42, -37, -32, -27, -22)
    for file in image_files(images):
        image = load(file)
        decoded = peer.decode(peer.encode(image, -32))
        assert np.abs(decoded.astype(int) - image).max() <= 1


def test_program_of_halved_chroma_pads_odd_sides(tmp_path: Path, images: Path) -> None:
    paths = stand_in(tmp_path)
    names = {f"vvenc_{role}": paths[f"vtm_{role}"] for role in ("encoder", "decoder")}
    peer = peers.make("vvenc", names)

    for file in image_files(images):
        image = load(file)
        decoded = peer.decode(peer.encode(image, -32))
        assert decoded.shape == image.shape
        assert measure(image, decoded)["psnr"] > 30


def test_program_that_fails_is_named(tmp_path: Path, images: Path) -> None:
    peer = peers.make("vtm", stand_in(tmp_path, fail=True))

    with pytest.raises(PeerFailed, match="exit status 3: something broke"):
        peer.encode(load(image_files(images)[0]), -32)


def test_program_without_end_is_stopped(tmp_path: Path, images: Path) -> None:
    peer = reference.ReferencePeer("vtm", stand_in(tmp_path, sleep=30), timeout=0.5)

    with pytest.raises(PeerFailed, match=r"no end after 0\.5 s"):
        peer.encode(load(image_files(images)[0]), -32)


def test_program_without_its_configuration_is_named(tmp_path: Path) -> None:
    paths = stand_in(tmp_path)
    (tmp_path / "cfg" / "encoder_intra_vtm.cfg").unlink()

    with pytest.raises(PeerMissing, match="CODEC_BENCH_VTM_CONFIG"):
        peers.make("vtm", paths)
