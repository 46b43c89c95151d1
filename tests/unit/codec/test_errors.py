"""Errors: one exit code for each, and the trees of the packages below come out as ours."""

from __future__ import annotations

import pytest

import bitstream.errors
import entropy.errors
import networks.errors
from codec import errors


def subclasses(base: type[BaseException]) -> list[type[BaseException]]:
    """All classes below `base`."""
    direct = base.__subclasses__()
    return [*direct, *(deeper for child in direct for deeper in subclasses(child))]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CodecError, 1),
        (errors.OptionError, 2),
        (errors.UnsupportedImage, 2),
        (errors.NotAnImage, 3),
        (errors.DamagedImage, 3),
        (errors.NotOurFile, 3),
        (errors.TruncatedFile, 3),
        (errors.ChecksumMismatch, 3),
        (errors.InvalidField, 3),
        (errors.InvalidStructure, 3),
        (errors.TrailingData, 3),
        (errors.UnsupportedVersion, 4),
        (errors.UnknownModel, 4),
        (errors.WeightsMismatch, 4),
        (errors.LimitExceeded, 5),
        (errors.TargetUnreachable, 1),
        (errors.OutputExists, 1),
        (errors.OutputError, 1),
        (errors.InternalError, 1),
    ],
)
def test_exit_code(error: type[errors.CodecError], code: int) -> None:
    assert error.exit_code == code


def test_every_error_stands_in_the_tree_of_the_docstring() -> None:
    assert errors.__doc__ is not None
    for error in subclasses(errors.CodecError):
        assert f"─ {error.__name__} " in errors.__doc__


def test_every_error_is_exported() -> None:
    assert {error.__name__ for error in subclasses(errors.CodecError)} <= set(errors.__all__)


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        (bitstream.errors.BitstreamError, errors.DamagedFile),
        (bitstream.errors.Truncated, errors.TruncatedFile),
        (bitstream.errors.BadMagic, errors.NotOurFile),
        (bitstream.errors.UnsupportedVersion, errors.UnsupportedVersion),
        (bitstream.errors.UnknownCriticalChunk, errors.UnsupportedVersion),
        (bitstream.errors.BadChecksum, errors.ChecksumMismatch),
        (bitstream.errors.BadField, errors.InvalidField),
        (bitstream.errors.LimitExceeded, errors.LimitExceeded),
        (bitstream.errors.TrailingData, errors.TrailingData),
        (bitstream.errors.MissingChunk, errors.InvalidStructure),
        (bitstream.errors.DuplicateChunk, errors.InvalidStructure),
        (bitstream.errors.ChunkOrder, errors.InvalidStructure),
        (bitstream.errors.OutOfRange, errors.OptionError),
        (entropy.errors.EntropyCodingError, errors.DamagedFile),
        (entropy.errors.StreamExhausted, errors.TruncatedFile),
        (entropy.errors.CorruptStream, errors.DamagedFile),
        (entropy.errors.InvalidTable, errors.InternalError),
        (entropy.errors.SymbolOutOfRange, errors.InternalError),
        (entropy.errors.NativeUnavailable, errors.InternalError),
        (networks.errors.NetworkError, errors.InternalError),
        (networks.errors.InvalidNetwork, errors.WeightsMismatch),
        (networks.errors.InvalidWeightsFile, errors.WeightsMismatch),
        (networks.errors.UnknownInstructionSet, errors.OptionError),
    ],
)
def test_errors_below_are_translated(
    original: type[Exception], expected: type[errors.CodecError]
) -> None:
    assert type(errors.convert(original("x"))) is expected


@pytest.mark.parametrize(
    "base",
    [
        bitstream.errors.BitstreamError,
        entropy.errors.EntropyCodingError,
        networks.errors.NetworkError,
    ],
)
def test_no_error_below_is_forgotten(base: type[Exception]) -> None:
    for original in subclasses(base):
        assert original.__name__ in errors._TRANSLATIONS or original.__name__ == "CorruptStream"


def test_translation_keeps_text_offset_and_chunk() -> None:
    original = bitstream.errors.BadField("tile_log2", found=77, expected="6 to 15")
    original.offset, original.chunk = 17, "HEAD"

    converted = errors.convert(original)

    assert isinstance(converted, errors.DamagedFile)
    assert (converted.offset, converted.chunk) == (17, "HEAD")
    assert str(converted) == str(original)
    assert all(part in str(converted) for part in ("tile_log2", "77", "6 to 15", "17", "HEAD"))


def test_translated_block_chains_the_original() -> None:
    original = bitstream.errors.Truncated("short", offset=3)

    with pytest.raises(errors.TruncatedFile) as caught, errors.translated():
        raise original

    assert caught.value.__cause__ is original


def test_translated_block_lets_other_errors_pass() -> None:
    with pytest.raises(KeyError), errors.translated():
        raise KeyError("x")
    with pytest.raises(errors.UnknownModel), errors.translated():
        raise errors.UnknownModel("x")


def test_foreign_exception_converts_to_internal_error() -> None:
    converted = errors.convert(KeyError("x"))

    assert type(converted) is errors.InternalError
    assert "KeyError" in str(converted)
