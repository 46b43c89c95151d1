"""`codec models`: the models this program knows."""

from __future__ import annotations

import json

import click

from codec.cli import common
from codec.cli.common import Command
from codec.cli.jobs import refuse_terminal, write_output
from codec.cli.streams import STDIO
from codec.models import registry
from codec.models.weights import read_verified


@click.command(cls=Command, short_help="List the models, or write one's weights to a file.")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("-o", "--output", metavar="FILE", help="Write the weights of the model NAME there.")
@common.force_option
@common.json_option
@common.verbosity_options
def models(name: str | None, output: str | None, force: bool, as_json: bool) -> int:
    """List the models this program can encode and decode with.

    With NAME and -o the weights file of that model is written, verified, as the C
    library takes it.
    """
    if output is not None:
        if name is None:
            raise click.UsageError("-o needs the NAME of a model")
        if as_json:
            raise click.UsageError("--json and -o exclude each other")
        if output == STDIO:
            refuse_terminal()
        write_output(read_verified(registry.by_name(name)), output, force=force)
        return 0
    entries = [registry.by_name(name)] if name else list(registry.entries())
    if as_json:
        rows = [
            {
                "id": entry.id,
                "name": entry.name,
                "profile": entry.profile,
                "tune": entry.tune,
                "levels": entry.levels,
                "exact": entry.exact,
                "encode_kmac": entry.kmac[0] or None,
                "decode_kmac": entry.kmac[1] or None,
                "summary": entry.summary,
                "sha256": entry.sha256,
                "default": registry.default(entry.profile, entry.tune).id == entry.id,
            }
            for entry in entries
        ]
        click.echo(json.dumps(rows, indent=2))
        return 0
    click.echo(
        "id   name              profile        tune    kMAC/px: encode  decode  pixels    sha256"
    )
    for entry in entries:
        mark = "*" if registry.default(entry.profile, entry.tune).id == entry.id else " "
        cost = [f"{kmac:.1f}" if kmac else "-" for kmac in entry.kmac]
        pixels = "exact" if entry.exact else "within 1"
        click.echo(
            f"{entry.id:<4}{mark}{entry.name:<17} {entry.profile:<15}{entry.tune:<8}"
            f"{cost[0]:>15}{cost[1]:>8}  {pixels:<10}{entry.sha256[:16]}"
        )
    click.echo(
        "* default of its profile and tune; kMAC/px: thousands of multiply-accumulates a pixel;\n"
        "exact: the same pixels on every machine"
    )
    return 0
