"""
`reception rate`: say what a call costs, and why.

One call by a deck and a property, or a file of cases with what is expected of them. Nothing
is decided here: `hotel.rating` prices and explains.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

import click

from reception.bootstrap.cli.decks import (
    WRONG,
    content_of,
    deck_in,
    decoded,
    property_in,
    stop,
    zone,
)
from reception.errors import NeedsHuman
from reception.hotel.rating import Call, Rated, as_expected, differences, doubt, kind_of
from reception.hotel.rating import rate as rated_by


@click.command()
@click.argument("number", required=False)
@click.argument("seconds", required=False, type=click.IntRange(min=0))
@click.option("--deck", "deck_file", metavar="FILE", help="Prices by prefix: CSV, or JSON.")
@click.option("--property", "property_file", metavar="FILE", help="The hotel's rules: JSON, TOML.")
@click.option(
    "--at",
    metavar="TIME",
    help="When it was answered, like 2026-03-10T10:00+01:00. Without an offset it is the hotel's "
    "own time; left out, now.",
)
@click.option("--exempt", default="", metavar="WHY", help="A call that costs nothing: staff, vip.")
@click.option(
    "--allowance-left",
    default=0,
    type=click.IntRange(min=0),
    metavar="SECONDS",
    help="Free seconds that are left of the stay's.",
)
@click.option("--cases", "cases_file", metavar="FILE", help="Rate a file of cases instead.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
def rate(
    number: str | None,
    seconds: int | None,
    deck_file: str | None,
    property_file: str | None,
    at: str | None,
    exempt: str,
    allowance_left: int,
    cases_file: str | None,
    is_json: bool,
) -> None:
    """
    Say what a call to NUMBER (as it is dialled) of so many SECONDS costs, and why.

    With --cases every case of a file is rated, and each difference from what it expects is
    printed. The exit status is 0 where a price or a free call came out and all cases agree, 1
    where something is wrong with the files, the call has no price, or a case differs, and 2 for
    a wrong usage or a file that cannot be read.
    """
    if cases_file is not None:
        if number or deck_file or property_file:
            raise click.UsageError("--cases goes without NUMBER, --deck and --property.")
        _cases(cases_file, is_json)
        return
    if number is None or seconds is None or deck_file is None or property_file is None:
        raise click.UsageError("NUMBER, SECONDS, --deck and --property are needed (or --cases).")
    hotel, deck = property_in(property_file), deck_in(deck_file)
    answered = _time(at).astimezone(UTC) if at is None else _time(at)
    if answered.tzinfo is None:
        answered = answered.replace(tzinfo=hotel.zone)
    result = rated_by(Call(number, seconds, answered, exempt, allowance_left), hotel, deck)
    shown = answered.astimezone(hotel.zone).isoformat(" ", "seconds")
    if is_json:
        click.echo(json.dumps(_as_json(result, shown), ensure_ascii=False))
    else:
        for name, value in _lines(result, shown):
            click.echo(f"{name:10} {value}")
    if result.status == "unrated_suspense":
        sys.exit(WRONG)


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time; write it like 2026-03-10T10:00+01:00", param_hint="--at"
        ) from None


def _cases(name: str, is_json: bool) -> None:
    data = decoded(name, content_of(name))
    count = wrong = 0
    try:
        for case, found in differences(data, zone):
            count += 1
            wrong += bool(found)
            for each in found:
                if is_json:
                    line = {name: getattr(each, name) for name in each.__struct_fields__}
                    click.echo(json.dumps(line, ensure_ascii=False, default=str))
                else:
                    click.echo(f"{case}: {each.field}: expected {each.expected}, got {each.got}")
    except NeedsHuman as error:
        stop(name, error)
    if not is_json:
        click.echo(f"{count} cases, {wrong} with differences")
    if wrong:
        sys.exit(WRONG)


def _as_json(result: Rated, answered: str) -> dict[str, Any]:
    return as_expected(result) | {
        "currency": result.currency,
        "number": result.number,
        "class": result.cls,
        "answered": answered,
        "reason": result.reason,
        "work": result.work,
        "deck_version": result.deck_version,
        "is_long": result.is_long,
        "phonenumbers": kind_of(result.number),
        "doubt": doubt(result.number, result.cls) if result.cls else "",
    }


def _lines(result: Rated, answered: str) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = [("status", result.status)]
    if result.reason:
        lines.append(("because", result.reason))
    lines += [("number", _with_kind(result)), ("answered", answered)]
    if result.prefix:
        lines.append(("prefix", f"{result.prefix}, class {result.cls}"))
        if said := doubt(result.number, result.cls):
            lines.append(("doubt", said))
    if result.work:
        lines.append(("work", result.work))
    if result.is_long:
        lines.append(("long", "a channel may have been stuck: look at this call"))
    if result.status == "rated":
        lines.append(("total", f"{result.total_text} {result.currency}"))
        lines.append(("FIAS TA", result.fias_amount if result.is_charge else "nothing is posted"))
    if result.deck_version:
        lines.append(("deck", f"version {result.deck_version}"))
    return lines


def _with_kind(result: Rated) -> str:
    kind = (
        kind_of(result.number) if result.status not in ("emergency_free", "internal_free") else ""
    )
    return f"{result.number} ({kind})" if kind else result.number
