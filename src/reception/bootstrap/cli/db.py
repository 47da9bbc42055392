"""
`reception db …`: the database by hand.

Options and sentences only. Whose database it is stands in reception.toml; `--data-dir`
names an embedded one without it. An embedded server that runs is used as it is, one that
does not is started for the command and stopped again.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from reception.bootstrap.config import Config, Overrides, read_config
from reception.bootstrap.problems import ConfigError
from reception.bootstrap.store_config import StoreConfig
from reception.errors import NeedsHuman, Retry
from reception.store.embedded import EmbeddedServer

_OWNER = "postgres"


@dataclass(frozen=True, slots=True)
class Where:
    """What the options of `reception db` say."""

    config: Path
    data_dir: Path | None

    def read(self) -> Config:
        """Read the configuration; what is wrong elsewhere in it does not matter here."""
        config, problems = read_config(self.config, os.environ, Overrides())
        ours = [problem for problem in problems.found if problem.key.startswith("store")]
        if ours:
            raise ConfigError(ours)
        return config

    def store(self) -> StoreConfig:
        """Tell which database it is."""
        if self.data_dir is not None:
            return StoreConfig(self.data_dir.absolute())
        config = self.read()
        if config.store.data_dir is None and not config.store.database_url:
            raise NeedsHuman(
                "store.none", f"{self.config} has `embedded = false`: there is no database"
            )
        return config.store

    def embedded(self) -> Path:
        """Give the directory of the embedded server, for what can only be done to that one."""
        data_dir = self.store().data_dir
        if data_dir is None:
            raise NeedsHuman(
                "store.not_embedded",
                "the database is a server of yours (database_url): use its own tools for that,"
                " pg_dump and pg_restore for example",
            )
        return data_dir


@contextmanager
def failures() -> Iterator[None]:
    """Say in plain words what stops a command, and end with its status."""
    from psycopg import Error

    try:
        yield
    except (NeedsHuman, Retry) as error:
        click.echo(error.message, err=True)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except Error as error:
        # The first line names a table or a right; values stand in the ones after it.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        click.echo(f"The database refuses: {reason}", err=True)
        sys.exit(1)


@contextmanager
def _running(data_dir: Path, *, makes: bool = False) -> Iterator[EmbeddedServer]:
    """Use the embedded server, started only where nobody else runs it."""
    server = EmbeddedServer(data_dir)
    if not makes:
        # A misspelt path must not become an empty database, let alone a backup of one.
        server.directory.refuse_nothing()
    try:
        server.start()
    except NeedsHuman as error:
        if error.code != "store.in_use":
            raise
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def owner_dsn(where: Where, *, makes: bool = False) -> Iterator[str]:
    """
    Give the address of the database's owner; the embedded server runs meanwhile.

    Args:
        makes: make the embedded database where there is none, instead of saying so.
    """
    store = where.store()
    if store.data_dir is None:
        yield store.database_url
        return
    with _running(store.data_dir, makes=makes) as server:
        yield server.dsn(user=_OWNER)


def where_options(command: click.decorators.FC) -> click.decorators.FC:
    """Add the options that `Where` is made of."""
    command = click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        help="The directory of an embedded database, instead of the configured database.",
    )(command)
    return click.option(
        "--config",
        default="reception.toml",
        show_default=True,
        type=click.Path(path_type=Path),
        help="The configuration file.",
    )(command)


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@where_options
def migrate(config: Path, data_dir: Path | None) -> None:
    """
    Bring the schema to what this version needs.

    `reception serve` and `dev` do so by themselves for an embedded database.
    """
    from reception.store import migrations

    with failures(), owner_dsn(Where(config, data_dir), makes=True) as dsn:
        done = migrations.migrate(dsn)
    click.echo(f"The schema is at {done.current}; {len(done.pending)} migrations were run.")


@db.command()
@where_options
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.pass_context
def status(context: click.Context, config: Path, data_dir: Path | None, as_json: bool) -> None:
    """Show which schema the database has; the exit status is 1 where it is not this version's."""
    from reception.store import migrations

    with failures(), owner_dsn(Where(config, data_dir)) as dsn:
        found = migrations.status(dsn)
    if as_json:
        told = {"current": found.current, "newest": found.newest, "pending": found.pending}
        click.echo(json.dumps(told))
    elif found.is_current:
        click.echo(f"The schema is at {found.current}, as this version needs it.")
    else:
        click.echo(
            f"The schema is at {found.current or 'nothing yet'}, this version needs"
            f" {found.newest}: run `reception db migrate`."
        )
    context.exit(0 if found.is_current else 1)


@db.command()
@where_options
@click.option(
    "--unless-away", is_flag=True, help="Let a database pass that cannot be reached just now."
)
def check(config: Path, data_dir: Path | None, unless_away: bool) -> None:
    """
    See whether this version can work with the database as it is.

    Its version, its schema, and the rights of the role that Reception uses. `reception serve`
    does so at every start.
    """
    from reception.store import migrations, roles

    with failures(), owner_dsn(Where(config, data_dir)) as dsn:
        try:
            found = migrations.status(dsn)
        except NeedsHuman as error:
            if not (unless_away and error.code == "store.unreachable"):
                raise
            click.echo(error.message, err=True)
            return
        # Asked first: without a schema there is no role of the program's either.
        if not found.is_current:
            raise NeedsHuman(
                "store.old_schema",
                f"The database is at schema {found.current or 'nothing yet'}, this version of"
                f" Reception needs {found.newest}. Run `reception db migrate`.",
            )
        migrations.check(roles.app_conninfo(dsn))
    click.echo("The database is as this version needs it.")


@db.command()
@where_options
@click.option(
    "--to",
    "into",
    type=click.Path(path_type=Path),
    help="The directory to put it into, instead of the configured backup_dir.",
)
def backup(config: Path, data_dir: Path | None, into: Path | None) -> None:
    """
    Back up the embedded database while it runs.

    With `backup_dir` in [store], `reception serve` does so every night.
    """
    from reception.store.embedded.archive import make_backup

    with failures():
        where = Where(config, data_dir)
        directory = where.embedded()
        target = into or where.store().backup_dir
        if target is None:
            raise NeedsHuman(
                "store.backup", "say where to: write backup_dir into [store], or give --to DIR"
            )
        with _running(directory) as server:
            made = make_backup(server, target.absolute())
    click.echo(made)


@db.command()
@where_options
@click.argument("backup_path", metavar="BACKUP", type=click.Path(exists=True, path_type=Path))
def restore(config: Path, data_dir: Path | None, backup_path: Path) -> None:
    """
    Put BACKUP in the place of the embedded database's data.

    Reception must not be running. The data of before is kept beside it, under the name that
    is shown.
    """
    from reception.store.embedded.renewal import restore as put_back

    with failures():
        directory = Where(config, data_dir).embedded()
        kept = put_back(directory, backup_path.absolute(), lambda text: click.echo(text, err=True))
    click.echo("Restored." + (f" The data of before is in {kept}." if kept else ""))


@db.command()
@where_options
@click.option(
    "--old-bin",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the older PostgreSQL's programs, where Reception does not have them.",
)
def upgrade(config: Path, data_dir: Path | None, old_bin: Path | None) -> None:
    """
    Carry the data of an older PostgreSQL over to this one.

    Reception must not be running. The old data is kept beside it, under the name that is
    shown; remove it when all is well.
    """
    from reception.store.embedded.renewal import upgrade as carry_over

    with failures():
        directory = Where(config, data_dir).embedded()
        kept = carry_over(directory, old_bin, lambda text: click.echo(text, err=True))
    click.echo(f"Upgraded. The old data is in {kept}.")


@db.command()
@click.option(
    "--config",
    default="reception.toml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The configuration file.",
)
@click.option("--tenant", "only", metavar="APPID", help="Forget calls of this tenant only.")
def prune(config: Path, only: str | None) -> None:
    """
    Forget the calls that ended, or were silent, for longer than their tenants keep them.

    `keep_days` in [store] or in the tenant's table says how long. `reception serve` does so
    every night for an embedded database.
    """
    from reception.store import migrations, roles
    from reception.store.pruning import prune as forget

    with failures():
        where = Where(config, None)
        kept = {tenant.app_id: timedelta(days=tenant.keep_days) for tenant in where.read().tenants}
        retention = {app_id: kept[app_id] for app_id in _tenants(where, only)}
        with owner_dsn(where) as dsn:
            migrations.check(roles.app_conninfo(dsn))
            # A bar needs a total, and counting what is to go would cost as much as forgetting.
            lost = forget(dsn, retention, now=datetime.now(UTC))
    for app_id, count in lost.items():
        click.echo(f"{app_id}: {count} calls forgotten")


@db.command("rotate-keys")
@click.option(
    "--config",
    default="reception.toml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The configuration file.",
)
@click.option("--tenant", "only", metavar="APPID", help="Rotate the key of this tenant only.")
@click.option("--force", is_flag=True, help="Also where calls may be under way that it cuts off.")
def rotate_keys(config: Path, only: str | None, force: bool) -> None:
    """
    Sign the URLs of calls with new keys from now on.

    The keys before stay good, so that no call notices it; those before them do not. Workers
    take the new ones within minutes. Where a key has become known, rotate once more a quarter
    of an hour later with --force: then it is good for nothing.
    """
    from reception.service.signing import rotate
    from reception.store import migrations, roles
    from reception.store.database import Database
    from reception.store.keys import PostgresKeys

    async def rotated(dsn: str, app_ids: list[str]) -> dict[str, int]:
        database = Database(dsn)
        try:
            return await rotate(
                PostgresKeys(database),
                app_ids,
                now=datetime.now(UTC),
                entropy=os.urandom,
                force=force,
            )
        finally:
            await database.close()

    with failures():
        where = Where(config, None)
        app_ids = _tenants(where, only)
        with owner_dsn(where) as dsn:
            migrations.check(roles.app_conninfo(dsn))
            numbers = asyncio.run(rotated(dsn, app_ids))
    for app_id in app_ids:
        if app_id in numbers:
            click.echo(f"{app_id}: key {numbers[app_id]} signs from now on")
        else:
            click.echo(f"{app_id}: has no key yet, its first dialog makes one")


def _tenants(where: Where, only: str | None) -> list[str]:
    found = [tenant.app_id for tenant in where.read().tenants if only in (None, tenant.app_id)]
    if not found:
        raise NeedsHuman("store.no_tenant", f"{where.config} has no tenant {only or 'at all'}")
    return found
