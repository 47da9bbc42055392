"""
`reception export`: recorded calls out of the store, into a file for `reception replay`.

Options and sentences only: what is recorded and how it is redacted is `rehearsal`'s, where it
comes from `bootstrap.recordings`'. Standard output gets the file and nothing else.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from reception.bootstrap.cli.db import Where, failures, owner_dsn, where_options
from reception.bootstrap.cli.redaction import redaction_of
from reception.bootstrap.config import TenantConfig
from reception.bootstrap.target import TargetError, load_app
from reception.errors import AppError, NeedsHuman
from reception.face.app import App
from reception.rehearsal.recording import RecordedCall, render_recordings
from reception.rehearsal.redacting import KEEPABLE

_NOT_READ: Final = 2
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400}


class _Since(click.ParamType[datetime]):
    """A moment, or how long ago."""

    name = "TIME"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            if value[-1:] in _UNITS:
                return datetime.now(UTC) - timedelta(seconds=float(value[:-1]) * _UNITS[value[-1]])
            moment = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither like 2026-01-31T08:00 nor like 90m, 12h or 7d")
        return moment if moment.tzinfo else moment.astimezone()


@click.command()
@click.argument("names", nargs=-1, metavar="[CALL-ID | EPISODE]...")
@click.option("--since", type=_Since(), help="All calls since then: a time, or 90m, 12h, 7d ago.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="-",
    help="The file to write; - is the default.",
)
@click.option("--tenant", metavar="APPID", help="Whose calls; not needed where there is only one.")
@click.option(
    "--app",
    "target",
    metavar="MODULE:APP",
    help="The application, where no configuration names it.",
)
@where_options
@click.option(
    "--keep",
    multiple=True,
    type=click.Choice(KEEPABLE),
    help="Do not replace this part of the calls; may be given several times.",
)
@click.option("--raw", is_flag=True, help="Redact nothing: for your own machine only.")
def export(
    names: tuple[str, ...],
    since: datetime | None,
    out: Path,
    tenant: str | None,
    target: str | None,
    config: Path,
    data_dir: Path | None,
    keep: tuple[str, ...],
    raw: bool,
) -> None:
    """
    Write recorded calls to a file, without their guests.

    Names, numbers, typed entries and what steps returned are replaced by made-up values of the
    same shape, and the dialog is run once more on those (without any effect), so that the
    file agrees with itself. That takes the code that answered the calls. Calls that cannot be
    redacted are named and left out; the exit status is 1 then, 2 for wrong usage.
    """
    if not names and since is None:
        raise click.UsageError("Say which calls: CALL-ID, an episode, or --since.")
    try:
        with failures():
            where = Where(config, data_dir)
            tenant, app = whose(where, tenant, target, needs_app=not raw)
            with owner_dsn(where) as address:
                calls = fetched(address, tenant, names, since)
    except TargetError as error:
        click.echo(f"reception export: {error.message}", err=True)
        sys.exit(_NOT_READ)
    left_out = 0
    if app is not None:
        calls, left_out = _redacted(app, calls, keep)
    _write(out, render_recordings(calls))
    click.echo(
        f"{len(calls)} call{'' if len(calls) == 1 else 's'} written"
        + (f", {left_out} left out" if left_out else ""),
        err=True,
    )
    sys.exit(1 if left_out else 0)


def whose(
    where: Where, tenant: str | None, target: str | None, *, needs_app: bool
) -> tuple[str, App | None]:
    """
    Find out whose calls are meant, and the application that answers them.

    Errors:
        NeedsHuman: nobody says, or too many could be meant.
        TargetError: the application cannot be imported.
    """
    if target is None and where.data_dir is not None and (needs_app or tenant is None):
        raise NeedsHuman(
            "export.no_app", "a --data-dir says nothing of an application: give --app MODULE:APP"
        )
    directory = Path.cwd()
    if target is None and where.data_dir is None:
        tenants = {each.app_id: each for each in where.read().tenants}
        chosen = _chosen(where.config, tenants, tenant)
        tenant, target = chosen.app_id, chosen.app or None
        directory = where.read().directory
    if target is None or (not needs_app and tenant is not None):
        assert tenant is not None  # one of the ways above has found it
        return tenant, None
    app = load_app(target, directory)
    return tenant or app.name, app if needs_app else None


def fetched(
    address: str, tenant: str, names: Sequence[str], since: datetime | None = None
) -> list[RecordedCall]:
    """Fetch calls; what a newer release wrote is refused in plain words."""
    from reception.bootstrap.recordings import from_store

    try:
        return asyncio.run(from_store(address, tenant, names, since=since))
    except AppError as error:
        raise NeedsHuman(error.code, error.message) from None


def _chosen(config: Path, tenants: dict[str, TenantConfig], tenant: str | None) -> TenantConfig:
    if tenant is None and len(tenants) == 1:
        return next(iter(tenants.values()))
    names = ", ".join(tenants) or "none"
    if tenant is None:
        raise NeedsHuman("export.tenant", f"say whose calls: --tenant, one of {names}")
    if tenant not in tenants:
        raise NeedsHuman("export.tenant", f"{config} has no tenant {tenant}, it has {names}")
    return tenants[tenant]


def _redacted(
    app: App, calls: Sequence[RecordedCall], keep: Sequence[str]
) -> tuple[list[RecordedCall], int]:
    # A number is one of few: without a key that nobody has, all of them could be tried.
    redact: Callable[[RecordedCall], RecordedCall] = redaction_of(
        app, secrets.token_bytes(32), keep
    )
    done, left_out = [], 0
    for call in calls:
        try:
            done.append(redact(call))
        except NeedsHuman as error:
            click.echo(f"reception export: {error.message}", err=True)
            left_out += 1
    return done, left_out


def _write(out: Path, body: bytes) -> None:
    try:
        if str(out) == "-":
            click.echo(body, nl=False)
        else:
            out.write_bytes(body)
    except OSError as error:
        click.echo(f"reception export: cannot write {out}: {error.strerror}", err=True)
        sys.exit(_NOT_READ)
