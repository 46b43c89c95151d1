"""Weights files: what is written is read; damage has a name, in Python and the compiled core."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from networks import definition, native
from networks.errors import InvalidNetwork, InvalidWeightsFile
from networks.program import TENSORS, Input, Kind, Operation, Program, Type
from networks.weights_file import ALIGNMENT, MAGIC, MAX_ENTRIES, Entry, read, write
from tests.networks import cases

NAMED = (InvalidNetwork, InvalidWeightsFile)


def load(data: bytes) -> None:
    """The compiled core's reader."""
    native._module.Network(data, "p", "scalar")


def read_program(data: bytes) -> None:
    """The same in Python: a file of which entry "p" is a program."""
    if not isinstance(read(data).get("p"), Program):
        raise InvalidWeightsFile("there is no program p")


BOTH = pytest.mark.parametrize("reader", [read_program, load], ids=["python", "native"])


def tiny() -> Program:
    """Every part of a program in few bytes."""
    given = Input(Type.I16, 2, -300, 300)
    random = np.random.default_rng(0)
    layer = cases.linear(random, given, 4, unfold=2)
    return Program(
        (given,),
        (
            Operation(Kind.LINEAR, (0,), layer.parameters, layer.tensors, "up"),
            Operation(Kind.ADD, (1, 1), (-5, 5)),
        ),
        (2,),
    )


FILE = write({"p": tiny()})


def entries() -> dict[str, Entry]:
    return {
        "bytes": b"some bytes",
        "empty": b"",
        "p": cases.small_network(),
        "narrow": np.array([[-128, 127]], np.int8),
        "units": np.array([0.1, 1e30], np.float32),
        "of no axes": np.array(5, np.int32),
        "nothing": np.zeros((3, 0, 2), np.uint8),
        "\u03bb": np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2),
        "q": cases.program_of("gated-block"),
    }


def test_what_is_written_is_read() -> None:
    written = entries()

    found = read(write(written))

    assert [name for name in found if "/" not in name] == list(written)
    for name, entry in written.items():
        again = found[name]
        if isinstance(entry, Program):
            assert isinstance(again, Program)
            same_program(again, entry)
        elif isinstance(entry, bytes):
            assert again == entry
        else:
            assert isinstance(again, np.ndarray)
            assert again.dtype == entry.dtype
            assert np.array_equal(again, entry)


def same_program(found: Program, wanted: Program) -> None:
    assert found.inputs == wanted.inputs
    assert found.outputs == wanted.outputs
    for ours, theirs in zip(found.operations, wanted.operations, strict=True):
        assert (ours.kind, ours.arguments) == (theirs.kind, theirs.arguments)
        assert ours.parameters == tuple(map(int, theirs.parameters))
        assert ours.name == theirs.name or not theirs.name
        for a, b in zip(ours.tensors, theirs.tensors, strict=True):
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)


def test_the_same_entries_give_the_same_bytes() -> None:
    first, second = write(entries()), write(entries())

    assert first == second
    found = read(first)
    assert write({name: found[name] for name in entries()}) == first


@pytest.mark.parametrize("name", cases.PROGRAMS)
def test_a_program_that_was_read_computes_the_same(name: str) -> None:
    program = cases.program_of(name)
    inputs = cases.inputs_of(program, 3, 2, "random")

    found = read(write({"p": program}))["p"]

    assert isinstance(found, Program)
    for a, b in zip(
        definition.run(found, inputs, 1), definition.run(program, inputs, 1), strict=True
    ):
        assert np.array_equal(a, b)


def test_arrays_are_views_that_cannot_be_written() -> None:
    found = read(write({"a": np.arange(5, dtype=np.int32)}))["a"]

    assert isinstance(found, np.ndarray)
    assert not found.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


def test_tensors_of_several_programs_are_stored_once() -> None:
    program = cases.program_of("gated-block")

    found = read(write({"one": program, "two": program}))

    assert [n for n in found if "/" in n] == [f"one/0/{t}" for t in TENSORS[Kind.GATED_BLOCK]]
    one, two = found["one"], found["two"]
    assert isinstance(one, Program)
    assert isinstance(two, Program)
    same_program(two, one)


def test_data_lie_on_multiples_of_64() -> None:
    data = write(entries())

    at = len(MAGIC) + 4
    for _ in range(struct.unpack_from("<I", data, len(MAGIC))[0]):
        _, _, axes, length = struct.unpack_from("<4B", data, at)
        offset, _ = struct.unpack_from("<2Q", data, at + 4 + 4 * axes)
        assert offset % ALIGNMENT == 0
        at += 20 + 4 * axes + length


def test_arrays_of_other_types_cannot_be_stored() -> None:
    with pytest.raises(InvalidNetwork, match="int64"):
        write({"a": np.arange(3)})


def test_rows_for_other_levels_are_refused() -> None:
    data = write({"p": cases.program_of("linear-of-levels")})

    read(data, cases.LEVELS)
    with pytest.raises(InvalidNetwork, match="bias"):
        read(data, cases.LEVELS + 1)


@BOTH
def test_every_truncation_has_a_name(reader: Any) -> None:
    reader(FILE)
    for size in range(len(FILE)):
        with pytest.raises(NAMED):
            reader(FILE[:size])


@BOTH
def test_bytes_that_follow_are_refused(reader: Any) -> None:
    for rest in (b"\0", bytes(64), FILE):
        with pytest.raises(InvalidWeightsFile, match="follow"):
            reader(FILE + rest)


def refusal(reader: Any, data: bytes) -> bool:
    """Whether the reader refuses a file; with any error but the named ones it fails."""
    try:
        reader(data)
    except NAMED:
        return True
    return False


def test_flipped_bits_have_a_name_or_change_a_value() -> None:
    """Both readers take the same files, but for names that are no UTF-8, which only one reads."""
    end_of_head = FILE.index(b"p/up/weight") + 400
    taken = 0
    for at in range(len(FILE)):
        for bit in range(8) if at < end_of_head else (at % 8,):
            data = bytearray(FILE)
            data[at] ^= 1 << bit
            ours, theirs = refusal(read_program, bytes(data)), refusal(load, bytes(data))
            if ours != theirs:
                with pytest.raises(InvalidWeightsFile, match=r"utf-8"):
                    read(bytes(data))
            taken += not ours
    assert 0 < taken < 4 * len(FILE)  # a weight may have any value


@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_have_a_name(seed: int) -> None:
    random = np.random.default_rng(seed)
    for size in (0, 1, 7, 8, 12, 40, 300, 3000):
        for data in (random.bytes(size), MAGIC + random.bytes(size)):
            assert refusal(read, data)
            assert refusal(load, data)
        # A few entries, of random fields.
        data = MAGIC + struct.pack("<I", 1 + size % 4) + random.bytes(size)
        assert refusal(read, data)
        assert refusal(load, data)


def entry(
    name: bytes, offset: int, size: int, kind: int = 0, code: int = 0, shape: tuple[int, ...] = ()
) -> bytes:
    head = struct.pack("<4B", kind, code, len(shape), len(name))
    return head + struct.pack(f"<{len(shape)}I2Q", *shape, offset, size) + name


def file_of(*parts: bytes, data: bytes = b"", at: int = 128) -> bytes:
    """A file with these entries, and data at a place."""
    head = MAGIC + struct.pack("<I", len(parts)) + b"".join(parts)
    return head.ljust(at, b"\0") + data


BROKEN = {
    "another version": b"LICNET\x00\x02" + FILE[8:],
    "too many entries": MAGIC + struct.pack("<I", MAX_ENTRIES + 1) + bytes(200_000),
    "a name twice": file_of(entry(b"a", 128, 0), entry(b"a", 128, 0)),
    "a name of no length": file_of(entry(b"", 128, 0)),
    "an unknown kind": file_of(entry(b"a", 128, 0, kind=3)),
    "an unknown type": file_of(entry(b"a", 128, 0, kind=2, code=6, shape=(0,))),
    "no type": file_of(entry(b"a", 128, 0, kind=2, code=0, shape=(0,))),
    "five axes": file_of(entry(b"a", 128, 1, kind=2, code=1, shape=(1,) * 5), data=b"x"),
    "an odd offset": file_of(entry(b"a", 129, 1), data=b"xx"),
    "data in the head": file_of(entry(b"a", 0, 128)),
    "data in other data": file_of(entry(b"a", 128, 65), entry(b"b", 128, 65), data=bytes(65)),
    "data beyond the end": file_of(entry(b"a", 192, 1), data=b"x"),
    "data up to 2^64": file_of(entry(b"a", 128, 2**64 - 64), data=b"x"),
    "data from 2^64 on": file_of(entry(b"a", 2**64 - 64, 65), data=b"x"),
    "too few data for the shape": file_of(entry(b"a", 128, 3, 2, 2, (2,)), data=bytes(3)),
    "too many data for the shape": file_of(entry(b"a", 128, 5, 2, 2, (2,)), data=bytes(5)),
    "a shape beyond 2^64": file_of(entry(b"a", 128, 0, 2, 3, (2**31, 2**31, 2**31, 4))),
}


@BOTH
@pytest.mark.parametrize("what", BROKEN)
def test_broken_files_are_refused(reader: Any, what: str) -> None:
    """Before a program is looked for, which none of them has."""
    with pytest.raises(InvalidWeightsFile) as found:
        reader(BROKEN[what])

    assert "there is no" not in str(found.value)


@BOTH
@pytest.mark.parametrize(
    "data",
    [
        file_of(entry(b"a", 128, 0), entry(b"b", 128, 0)),
        file_of(entry(b"a", 128, 64), entry(b"b", 192, 1), data=bytes(65)),
        file_of(entry(b"a", 128, 4, 2, 2, (2,)), data=bytes(4)),
        file_of(entry(b"a", 128, 0, 2, 3, (2, 0, 3, 4))),
    ],
)
def test_files_beside_the_broken_ones_are_read(reader: Any, data: bytes) -> None:
    with pytest.raises(InvalidWeightsFile, match="there is no"):
        reader(data)


def program_file(code: bytes) -> bytes:
    """A file with a program of those bytes, and one tensor of 4 bytes."""
    tensor = entry(b"t", 256, 4, kind=2, code=1, shape=(4,))
    head = file_of(entry(b"p", 128, len(code), kind=1), tensor, data=code)
    return head.ljust(256, b"\0") + bytes(4)


GIVEN = struct.pack("<2BHii", 2, 0, 1, -5, 5)
CELL = struct.pack("<4BHi", Kind.CELL, 1, 1, 0, 0, 0)
PROGRAM = b"\x01\x01" + GIVEN + struct.pack("<H", 1) + CELL + struct.pack("<BH", 1, 1)
WRONG_PROGRAMS = {
    "another version": b"\x02" + PROGRAM[1:],
    "a reserved byte": PROGRAM[:3] + b"\x01" + PROGRAM[4:],
    "an unknown type": PROGRAM[:2] + b"\x09" + PROGRAM[3:],
    "an unknown operation": PROGRAM.replace(CELL, b"\x0b" + CELL[1:]),
    "no operation": PROGRAM.replace(CELL, b"\x00" + CELL[1:]),
    "a tensor that is none": PROGRAM.replace(CELL, struct.pack("<4BHH", 6, 1, 0, 1, 0, 0)),
    "a tensor beyond the last": PROGRAM.replace(CELL, struct.pack("<4BHH", 6, 1, 0, 1, 0, 2)),
    "bytes that follow": PROGRAM + b"\x00",
    "nothing": b"",
}


@BOTH
def test_the_program_of_these_tests_is_read(reader: Any) -> None:
    reader(program_file(PROGRAM))


@BOTH
@pytest.mark.parametrize("what", WRONG_PROGRAMS)
def test_broken_programs_are_refused(reader: Any, what: str) -> None:
    with pytest.raises(NAMED):
        reader(program_file(WRONG_PROGRAMS[what]))


def test_a_program_that_is_not_there_is_named() -> None:
    for name in ("q", "p/up/weight"):
        with pytest.raises(InvalidWeightsFile, match=name):
            native._module.Network(FILE, name, "")
