"""
`reception graph`: what callers can reach in an application, drawn.

Options and sentences only: `rehearsal.exploring` finds it, `rehearsal.mermaid` and
`rehearsal.svg` draw it. The drawing goes to standard output or a file, what is wrong to
standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from reception.bootstrap.cli.redaction import words_of
from reception.bootstrap.determinism import watched
from reception.bootstrap.target import TargetError, load_app
from reception.dialog.values import Result, failure_written
from reception.rehearsal.exploring import Explorer, Limits
from reception.rehearsal.mermaid import as_mermaid
from reception.rehearsal.svg import as_svg
from reception.wire import PivotRequest

_NOW: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_FINDINGS: Final = 1
_NOT_READ: Final = 2


@click.command()
@click.argument("target", metavar="MODULE:APP")
@click.option("--svg", "is_svg", is_flag=True, help="A picture instead of Mermaid text.")
@click.option("--out", type=click.Path(path_type=Path), default="-", help="The file to write.")
@click.option(
    "--step",
    "stubs",
    multiple=True,
    metavar="NAME=JSON",
    help="What a function given to call.step returns, or !Class text for what it raises. Several "
    "values for one name are all tried.",
)
@click.option("--from", "caller", default="+15550100", show_default=True, help="Who calls.")
@click.option("--to", "dialled", default="2000", show_default=True, help="What was dialled.")
@click.option("--language", default="en-us", show_default=True, help="The language of the call.")
@click.option(
    "--now",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M"]),
    help="What call.now() gives, UTC unless it says otherwise.  [default: 2026-01-01T12:00]",
)
@click.option(
    "--most-places", type=click.IntRange(2, 20_000), default=400, show_default=True, help="A limit."
)
@click.option(
    "--deepest",
    type=click.IntRange(1, 199),
    default=40,
    show_default=True,
    help="A limit: answers in a row.",
)
def graph(
    target: str,
    is_svg: bool,
    out: Path,
    stubs: tuple[str, ...],
    caller: str,
    dialled: str,
    language: str,
    now: datetime | None,
    most_places: int,
    deepest: int,
) -> None:
    """
    Draw what callers can reach in MODULE:APP, by trying.

    At each question every valid key, one that is not valid, and silence are tried; of each flow
    every branch. No step runs: give results with --step, otherwise the way ends there and is
    shown as unknown. Dead ends, endless loops, failures and prompts that nobody hears are
    told; the exit status is 1 then, 0 where nothing is wrong, and 2 for wrong usage.
    """
    try:
        app = load_app(target, Path.cwd())
    except TargetError as error:
        click.echo(f"reception graph: {error.message}", err=True)
        sys.exit(_NOT_READ)
    # An error that is named may be a class of the application's.
    given = _given(stubs)
    explorer = Explorer(
        app,
        request=PivotRequest(
            call_id="explored@call",
            account_id="0" * 32,
            caller_id_number=caller,
            from_=caller,
            request=dialled,
            to=dialled,
            language=language,
        ),
        now=(now if now.tzinfo else now.replace(tzinfo=UTC)) if now else _NOW,
        sandbox=watched,
        stubs=given,
        known=words_of(app).texts,
        prompts=app.catalogue.keys if app.catalogue else (),
        limits=Limits(most_places, deepest),
    )
    found = explorer.explore()
    _write(out, as_svg(found) if is_svg else as_mermaid(found))
    wrong = found.findings()
    for text in wrong:
        click.echo(text, err=True)
    for label in found.unknown:
        name = label.partition(":")[2]
        click.echo(f"not explored behind {label}: give --step {name}=JSON", err=True)
    for cut in found.cuts:
        click.echo(f"not everything was explored: {cut}", err=True)
    sys.exit(_FINDINGS if wrong else 0)


def _given(stubs: tuple[str, ...]) -> dict[str, list[tuple[str, bytes]]]:
    given: dict[str, list[tuple[str, bytes]]] = {}
    for stub in stubs:
        name, equals, value = stub.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--step {stub}: write it as NAME=JSON")
        if value.startswith("!"):
            result = failure_written(_error(value[1:])).encode()
        else:
            try:
                plain = json.loads(value)
            except ValueError as error:
                raise click.UsageError(f"--step {name}: this is no JSON: {error}") from None
            result = Result(True, msgspec.Raw(msgspec.json.encode(plain))).encode()
        given.setdefault(name, []).append((value, result))
    return given


class _Raised(Exception):
    """An error of which only the text is known."""


def _error(text: str) -> Exception:
    name, _, words = text.partition(" ")
    for kind in _errors(Exception):
        if kind.__name__ == name:
            try:
                return kind(words)
            except Exception:  # noqa: BLE001  a class that asks for more than a text
                break
    return _Raised(text)


def _errors(kind: type[Exception]) -> Iterator[type[Exception]]:
    for each in kind.__subclasses__():
        yield each
        yield from _errors(each)


def _write(out: Path, text: str) -> None:
    try:
        if str(out) == "-":
            click.echo(text.encode(), nl=False)  # UTF-8 whatever the terminal's language
        else:
            out.write_text(text, "utf-8")
    except OSError as error:
        click.echo(f"reception graph: cannot write {out}: {error.strerror}", err=True)
        sys.exit(_NOT_READ)
