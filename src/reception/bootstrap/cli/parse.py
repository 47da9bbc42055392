"""
`reception parse`: show how Reception reads what the platform sent.

Takes recorded bytes from a file or standard input, hands them to `wire`, and prints the
attributes of the result under their names; what a key means, and what is refused, is
decided there and never here. A request that cannot be read ends with status 1 and the
same code and text that the server would log; a file that cannot be read, with status 2.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from reception.bootstrap.problems import reason_of
from reception.errors import PeerError
from reception.wire import MAX_BODY_BYTES, LegReport, PivotRequest, parse_pivot, parse_report

_UNREADABLE_REQUEST = 1
_UNREADABLE_FILE = 2


@click.group()
def parse() -> None:
    """Show how a recorded request is read."""


@parse.command()
@click.argument("file", metavar="FILE | -")
@click.option(
    "--content-type",
    metavar="CT",
    help="The request's Content-Type header. Without it, a body that begins with { is JSON, "
    "and anything else a form or the query of a GET.",
)
def pivot(file: str, content_type: str | None) -> None:
    """
    Print a Pivot request as JSON, with the names that `call.request` has in Python.

    FILE holds the body of a POST, or the query of a GET without its question mark; - reads
    standard input. The exit status is 0 where the request can be read, 1 where it cannot,
    and 2 where the file cannot.
    """
    body = _read(file)
    try:
        request = parse_pivot(body, content_type)
    except PeerError as error:
        click.echo(f"{error.code}: {error.message}", err=True)
        sys.exit(_UNREADABLE_REQUEST)
    # Not with msgspec: `extra` may hold a number of a thousand digits.
    shown = json.dumps(_named(request), ensure_ascii=False, indent=2)
    click.echo(shown.encode())  # UTF-8 whatever the terminal's language


@parse.command()
@click.argument("file", metavar="FILE | -")
@click.option("--content-type", metavar="CT", help="The report's Content-Type header.")
def hangup(file: str, content_type: str | None) -> None:
    """
    Print a report of the end of a call as JSON, whichever of its dialects it is in.

    FILE holds the body of a cdr_url post or of a webhook (form or JSON, version 1 or 2); -
    reads standard input. Times are ISO 8601 in UTC. The exit status is 0 where the report can
    be read, 1 where it cannot, and 2 where the file cannot.
    """
    body = _read(file)
    try:
        report = parse_report(body, content_type)
    except PeerError as error:
        click.echo(f"{error.code}: {error.message}", err=True)
        sys.exit(_UNREADABLE_REQUEST)
    shown = json.dumps(_named_report(report), ensure_ascii=False, indent=2, default=str)
    click.echo(shown.encode())


def _named_report(report: LegReport) -> dict[str, Any]:
    named = {
        ("from" if name == "from_" else name): value
        for name, value in msgspec.structs.asdict(report).items()
    }
    for name in ("at", "created_at"):
        if named[name] is not None:
            named[name] = named[name].isoformat()
    return named


def _named(request: PivotRequest) -> dict[str, Any]:
    """Return the attributes by name; `from` has no underscore where it is no keyword."""
    named = {
        ("from" if name == "from_" else name): value
        for name, value in msgspec.structs.asdict(request).items()
    }
    digits = request.digits
    named["digits"] = digits.collections if digits.text is None else digits.text
    return named


def _read(name: str) -> bytes:
    """Read one byte more than a request may have, at most: enough to see that it is too large."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(MAX_BODY_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(MAX_BODY_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that holds a NUL
        click.echo(
            f"reception parse: cannot read {click.format_filename(name)}: {reason_of(error)}",
            err=True,
        )
        sys.exit(_UNREADABLE_FILE)
