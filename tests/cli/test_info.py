"""`codec info`: light, complete, and honest about damaged files. No weights are needed here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bitstream


@pytest.fixture
def plain_file(tmp_path: Path) -> Path:
    """A file of a model that exists, with tiles that hold nothing."""
    from codec.models import registry

    return written(tmp_path / "plain.lic", model_id=registry.default("wavelet").id)


def written(path: Path, **changes: Any) -> Path:
    """Writes a file of two tiles, 100x60, with this header."""
    fields: dict[str, Any] = {
        "width": 100,
        "height": 60,
        "channels": 3,
        "alpha": False,
        "model_id": 65535,
        "weights_hash": b"\x01\x02\x03\x04",
        "level": 32,
        "tile_log2": 6,
    }
    container = bitstream.Container(
        header=bitstream.Header(**(fields | changes)), tiles=[b"one", b"two"], icc=b"12345"
    )
    path.write_bytes(bitstream.write(container))
    return path


def test_description_for_people(run: Any, plain_file: Path) -> None:
    result = run("info", plain_file)

    assert result.exit_code == 0, result.stderr
    size = plain_file.stat().st_size
    for part in ("100x60 RGB", f"{size} bytes", "bpp", "wavelet", "2 (2x1 of 64 px)", "ICC 5"):
        assert part in result.stdout
    assert "TILE" not in result.stdout
    assert result.stderr == ""


def test_verbose_lists_the_chunks(run: Any, plain_file: Path) -> None:
    result = run("info", "-v", plain_file)

    rows = [line.split() for line in result.stdout.splitlines() if line.endswith("right")]
    assert [row[0] for row in rows] == ["HEAD", "ICCP", "TILE"]
    assert int(rows[0][1]) == 5
    assert int(rows[2][1]) + int(rows[2][2]) == plain_file.stat().st_size


def test_json_has_stable_keys(run: Any, plain_file: Path) -> None:
    data = json.loads(run("info", "--json", plain_file).stdout)

    assert set(data) >= {
        "format_version",
        "width",
        "height",
        "channels",
        "bit_depth",
        "profile",
        "model_id",
        "quality",
        "bytes",
        "bpp",
        "tiles",
    }
    assert (data["width"], data["height"], data["tiles"], data["icc_bytes"]) == (100, 60, 2, 5)
    assert (data["level"], data["quality"], data["profile"]) == (32, 51, "wavelet")
    assert data["problem"] is None


def test_several_files_give_a_line_each(run: Any, plain_file: Path) -> None:
    result = run("info", "--json", plain_file, plain_file)

    assert [json.loads(line)["file"] for line in result.stdout.splitlines()] == [
        str(plain_file)
    ] * 2


def test_standard_input_is_read(run: Any, plain_file: Path) -> None:
    result = run("info", "--json", "-", input=plain_file.read_bytes())

    assert json.loads(result.stdout)["width"] == 100


def test_unknown_model_is_described_and_ends_with_4(run: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "a.lic", model_id=65535)

    result = run("info", path)

    assert result.exit_code == 4
    assert "100x60" in result.stdout
    assert "profile unknown, id 65535" in result.stdout
    assert "65535" in result.stderr


def test_damaged_tile_is_described_and_ends_with_3(run: Any, plain_file: Path) -> None:
    data = bytearray(plain_file.read_bytes())
    data[-1] ^= 1
    plain_file.write_bytes(data)

    result = run("info", "-v", plain_file)

    assert result.exit_code == 3
    assert "100x60" in result.stdout
    assert "WRONG" in result.stdout
    assert "TILE" in result.stderr


@pytest.mark.parametrize(
    ("data", "code"), [(b"", 3), (b"foreign", 3), (b"\x8aLIC", 3), (b"\x8aLIC\x63", 4)]
)
def test_unreadable_header_is_an_error(run: Any, tmp_path: Path, data: bytes, code: int) -> None:
    path = tmp_path / "a.lic"
    path.write_bytes(data)

    result = run("info", path)

    assert (result.exit_code, result.stdout) == (code, "")
    assert str(path) in result.stderr


def test_truncation_at_every_byte_ends_with_3(run: Any, plain_file: Path) -> None:
    data = plain_file.read_bytes()

    for length in range(len(data)):
        plain_file.write_bytes(data[:length])
        assert run("info", plain_file).exit_code == 3, length


def test_one_bad_file_of_several_ends_with_1(run: Any, plain_file: Path) -> None:
    bad = plain_file.with_name("bad.lic")
    bad.write_bytes(b"foreign")

    result = run("info", bad, plain_file)

    assert result.exit_code == 1
    assert "100x60" in result.stdout


def test_missing_file_ends_with_1(run: Any, tmp_path: Path) -> None:
    result = run("info", tmp_path / "no.lic")

    assert result.exit_code == 1
    assert "no.lic: No such file" in result.stderr


def test_limits_end_with_5(run: Any, plain_file: Path) -> None:
    assert run("info", plain_file, "--max-pixels", 10).exit_code == 5
    assert run("info", plain_file, "--max-dimension", 99).exit_code == 5
    assert run("info", plain_file, "--max-pixels", 0, "--max-dimension", 0).exit_code == 0


def test_no_heavy_module_is_loaded(plain_file: Path) -> None:
    program = (
        "import sys\n"
        "from codec.cli.main import cli\n"
        "try:\n"
        f"    cli.main(['info', '-v', {str(plain_file)!r}])\n"
        "except SystemExit as end:\n"
        "    heavy = {'torch', 'numpy', 'PIL'} & set(sys.modules)\n"
        "    sys.exit(f'loaded {heavy}' if heavy else end.code)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=60
    )

    assert (result.returncode, result.stderr) == (0, b"")
