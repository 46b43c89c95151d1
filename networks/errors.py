"""Errors of networks and their weights; `codec.errors` translates them for users."""

from __future__ import annotations

__all__ = ["InvalidNetwork", "InvalidWeightsFile", "NetworkError", "UnknownInstructionSet"]


class NetworkError(Exception):
    """Base of all errors of this package."""


class InvalidNetwork(NetworkError):
    """A program or its weights break a rule or bound of SPEC.md; the message names the place."""


class InvalidWeightsFile(NetworkError):
    """The bytes are not a weights file of SPEC.md."""


class UnknownInstructionSet(NetworkError):
    """`CODEC_ISA` names kernels that this build does not have or this processor cannot run."""
