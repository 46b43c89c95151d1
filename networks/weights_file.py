"""Weights files: named tensors, programs and bytes in one file; SPEC.md, section Weights file.

write({"synthesis": Program(...), "cdf": b"...", "z_index": array})  ──► bytes
read(bytes) ──► the same, programs proved, arrays as views of the bytes
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np

from networks.bounds import check
from networks.errors import InvalidWeightsFile
from networks.program import TENSORS, Input, Kind, Operation, Program, Tensor, Type

__all__ = ["Entry", "read", "write"]

Entry = Program | Tensor | bytes
Found = list[tuple[str, Tensor | bytes | memoryview]]
"""Names and contents of a file; a memoryview is a program that is yet to be read."""

MAGIC = b"LICNET\x00\x01"
ALIGNMENT = 64
MAX_ENTRIES = 4096
MAX_AXES = 4
BYTES, PROGRAM, TENSOR = 0, 1, 2


def write(entries: Mapping[str, Entry]) -> bytes:
    """The bytes of a weights file; the same entries in the same order give the same bytes.

    Tensors of programs are stored as entries of their own, called `program/operation/tensor`.
    """
    flat: list[tuple[str, int, int, tuple[int, ...], bytes]] = []
    numbers: dict[int, int] = {}

    def tensor(name: str, array: Tensor) -> int:
        if id(array) not in numbers:
            kind = Type.of(array)
            data = np.ascontiguousarray(array, kind.dtype).tobytes()
            flat.append((name, TENSOR, int(kind), array.shape, data))
            numbers[id(array)] = len(flat) - 1
        return numbers[id(array)]

    for name, entry in entries.items():
        if isinstance(entry, Program):
            data = _program_bytes(entry, name, tensor)
            flat.append((name, PROGRAM, 0, (), data))
        elif isinstance(entry, bytes):
            flat.append((name, BYTES, 0, (), entry))
        else:
            tensor(name, entry)
    size = len(MAGIC) + 4 + sum(20 + 4 * len(f[3]) + len(f[0].encode()) for f in flat)
    head, body = [MAGIC, struct.pack("<I", len(flat))], []
    for name, kind, code, shape, data in flat:
        offset = -(-size // ALIGNMENT) * ALIGNMENT
        text = name.encode()
        head.append(struct.pack(f"<4B{len(shape)}I2Q", kind, code, len(shape), len(text), *shape,
                                offset, len(data)) + text)  # fmt: skip
        body.append(bytes(offset - size) + data)
        size = offset + len(data)
    return b"".join(head + body)


def _program_bytes(program: Program, name: str, tensor: Callable[[str, Tensor], int]) -> bytes:
    parts = [struct.pack("<2B", 1, len(program.inputs))]
    parts += [struct.pack("<2BHii", i.type, 0, i.channels, i.low, i.high) for i in program.inputs]
    parts.append(struct.pack("<H", len(program.operations)))
    for n, op in enumerate(program.operations):
        label = op.name or str(n)
        stored = [
            tensor(f"{name}/{label}/{part}", t)
            for part, t in zip(TENSORS[op.kind], op.tensors, strict=True)
        ]
        counts = len(op.arguments), len(op.parameters), len(stored)
        parts.append(struct.pack(
            f"<4B{counts[0]}H{counts[1]}i{counts[2]}H", op.kind, *counts, *op.arguments,
            *op.parameters, *stored,
        ))  # fmt: skip
    parts.append(struct.pack(f"<B{len(program.outputs)}H", len(program.outputs), *program.outputs))
    return b"".join(parts)


def read(data: bytes, levels: int | None = None) -> dict[str, Entry]:
    """The entries of a weights file by name; arrays are read-only views of `data`.

    Args:
        data: the whole file.
        levels: rows of the tensors that depend on the level; None takes any number.

    Raises:
        InvalidWeightsFile: the bytes break a rule of the file.
        InvalidNetwork: a program breaks a rule or a bound.
    """
    try:
        flat = _entries(data)
        found: dict[str, Entry] = {}
        for name, entry in flat:
            if name in found or not name:
                raise InvalidWeightsFile(f"entry {name!r} is doubled or empty")
            found[name] = entry if not isinstance(entry, memoryview) else b""
        for name, entry in flat:
            if isinstance(entry, memoryview):
                program = _program(bytes(entry), name, flat)
                check(program, levels)
                found[name] = program
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise InvalidWeightsFile(f"not a weights file: {error}") from error
    return found


def _entries(data: bytes) -> Found:
    if data[: len(MAGIC)] != MAGIC:
        raise InvalidWeightsFile("the first bytes are not those of a weights file")
    (count,) = struct.unpack_from("<I", data, len(MAGIC))
    if count > MAX_ENTRIES:
        raise InvalidWeightsFile(f"{count} entries, at most {MAX_ENTRIES} are allowed")
    at, end = len(MAGIC) + 4, 0
    result: Found = []
    for _ in range(count):
        kind, code, axes, length = struct.unpack_from("<4B", data, at)
        if axes > MAX_AXES:
            raise InvalidWeightsFile(f"{axes} axes, at most {MAX_AXES} are allowed")
        *shape, offset, size = struct.unpack_from(f"<{axes}I2Q", data, at + 4)
        at += 20 + 4 * axes
        name = data[at : at + length].decode()
        at += length
        if offset % ALIGNMENT or offset < max(end, at) or offset + size > len(data):
            raise InvalidWeightsFile(f"entry {name!r} lies outside the file or in another")
        end = offset + size
        view = memoryview(data)[offset:end]
        if kind == TENSOR:
            dtype = Type(code).dtype
            if prod(shape) * dtype.itemsize != size:
                raise InvalidWeightsFile(f"entry {name!r}: {size} bytes for shape {tuple(shape)}")
            result.append((name, np.frombuffer(view, dtype).reshape(shape)))
        elif kind == PROGRAM:
            result.append((name, view))
        elif kind == BYTES:
            result.append((name, bytes(view)))
        else:
            raise InvalidWeightsFile(f"entry {name!r} is of kind {kind}")
    if end != len(data):
        raise InvalidWeightsFile("bytes follow the last entry")
    return result


def _program(data: bytes, name: str, entries: Found) -> Program:
    at = 0

    def take(form: str) -> tuple[int, ...]:
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values

    version, count = take("2B")
    if version != 1:
        raise InvalidWeightsFile(f"program {name!r} has version {version}")
    inputs = []
    for _ in range(count):
        kind, zero, channels, low, high = take("2BHii")
        if zero:
            raise InvalidWeightsFile(f"program {name!r}: a reserved byte is not 0")
        inputs.append(Input(Type(kind), channels, low, high))
    (count,) = take("H")
    operations = []
    for _ in range(count):
        kind, reads, given, parts = take("4B")
        values = take(f"{reads}H{given}i{parts}H")
        stored = [entries[number] for number in values[reads + given :]]
        tensors = tuple(array for _, array in stored if isinstance(array, np.ndarray))
        if len(tensors) != len(stored):
            raise InvalidWeightsFile(f"program {name!r} names an entry that is no tensor")
        label = _label([entry for entry, _ in stored])
        parameters = values[reads : reads + given]
        operations.append(Operation(Kind(kind), values[:reads], parameters, tensors, label))
    (count,) = take("B")
    outputs = take(f"{count}H")
    if at != len(data):
        raise InvalidWeightsFile(f"bytes follow program {name!r}")
    return Program(tuple(inputs), tuple(operations), outputs)


def _label(names: Sequence[str]) -> str:
    """Name of an operation whose tensors are called PROGRAM/NAME/TENSOR; empty if they are not."""
    parts = names[0].split("/") if names else []
    return parts[-2] if len(parts) > 2 else ""
