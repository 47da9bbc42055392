"""
`reception deck`: look at a deck of prices before it is in force.

Prints what is wrong with it, what a hotelier should know about it, and what it changes.
"""

from __future__ import annotations

import json
from collections import Counter

import click

from reception.bootstrap.cli.decks import deck_in
from reception.hotel.rating import Change, advice, changes


@click.command()
@click.argument("file")
@click.option("--against", metavar="FILE", help="The deck in force: show what would change.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")
def deck(file: str, against: str | None, is_json: bool) -> None:
    """
    Check a deck of prices, and say what it would change.

    FILE is CSV with its columns named in the first line (prefix, class, rate, and perhaps
    connect, initial, sub, bands, name), or JSON. Nothing is changed by this. The exit status is
    0 where the deck can be used (warnings are allowed), 1 where it cannot, and 2 where a file
    cannot be read.
    """
    new = deck_in(file)
    warnings = list(advice(new))
    found = list(changes(deck_in(against), new)) if against is not None else []
    if is_json:
        report = {
            "file": file,
            "version": new.version,
            "prefixes": len(new),
            "warnings": [
                {"prefix": each.prefix, "code": each.code, "message": each.words}
                for each in warnings
            ],
            "changes": [
                {"prefix": each.prefix, "kind": each.kind, "details": list(each.details)}
                for each in found
            ],
        }
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    classes = Counter(rate.cls for rate in new)
    click.echo(f"{len(new)} prefixes, version {new.version}")
    click.echo("; ".join(f"{count} {name}" for name, count in classes.most_common()))
    for each in warnings:
        click.echo(f"warning: {each.prefix or 'deck'}: {each.words}")
    if against is not None:
        for change in found:
            click.echo(_shown(change))
        counted = Counter(change.kind for change in found)
        click.echo("; ".join(f"{count} {kind}" for kind, count in counted.items()) or "no change")


def _shown(change: Change) -> str:
    details = ", ".join(f"{name} {old} -> {new}" for name, old, new in change.details)
    return f"{change.kind}: {change.prefix}" + (f": {details}" if details else "")
