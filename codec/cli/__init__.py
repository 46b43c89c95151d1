"""The command line: one module for each subcommand, loaded when it is called."""

from __future__ import annotations
