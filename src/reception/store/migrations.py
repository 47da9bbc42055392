"""
Bringing the schema to what this version of Reception needs, and refusing any other.

All migrations that are pending are one transaction, under a lock of the database, so that
two starts at once and a kill in the middle are harmless. They only go forwards. The
program itself never migrates: it calls `check` and stops in plain words.

The migrations are plain SQL in `schema/versions`; Alembic keeps their order. It is
imported when it is needed: a worker only checks.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import Connection, errors

from reception.errors import NeedsHuman
from reception.store import roles

if TYPE_CHECKING:
    from alembic.config import Config

_SCHEMA: Final = Path(__file__).parent / "schema"
_OLDEST_SERVER: Final = 140_000

# A number of ours for the advisory lock: "rcpt" as bytes.
_LOCK: Final = "SELECT pg_advisory_lock(1919119476)"
_PREPARE: Final = "CREATE SCHEMA IF NOT EXISTS reception"
_GRANTS: Final = (
    "GRANT USAGE ON SCHEMA reception TO reception_app",
    "GRANT SELECT ON reception.schema_version TO reception_app",
)
_VERSIONS: Final = "SELECT version_num FROM reception.schema_version"


@dataclass(frozen=True, slots=True)
class Status:
    """Which migration the database is at (None: none yet), and which ones it still needs."""

    current: str | None
    newest: str
    pending: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Does the schema fit this version of Reception?"""
        return not self.pending


def migrate(dsn: str) -> Status:
    """
    Run all pending migrations, as the owner of the tables.

    Errors:
        NeedsHuman: the server is too old or cannot be reached, the schema is a newer one,
        or the user may not do it. Nothing has been changed then.
    """
    with closing(_connected(dsn)) as connection:
        connection.autocommit = True
        connection.execute(_LOCK)
        before = _status(connection)
        try:
            roles.ensure_app_role(connection)
            _upgrade(connection)
        except errors.InsufficientPrivilege as error:
            raise NeedsHuman(
                "store.privilege",
                f"The database does not allow this user to migrate: {error.diag.message_primary}. "
                "Run `reception db migrate` as the owner of the database.",
            ) from None
        except (errors.DuplicateTable, errors.UndefinedTable, errors.DuplicateObject) as error:
            raise NeedsHuman(
                "store.half_schema",
                f"The tables do not fit the version that the schema is at"
                f" ({before.current or 'none'}): {error.diag.message_primary}. Somebody has changed"
                " it by hand: restore the last backup.",
            ) from None
        after = _status(connection)
        return Status(after.current, after.newest, before.pending)


def status(dsn: str) -> Status:
    """Tell which migrations the database has and still needs."""
    with closing(_connected(dsn)) as connection:
        return _status(connection)


def check(dsn: str) -> None:
    """Refuse a schema that this version cannot work with, and a role that could bypass it."""
    with closing(_connected(dsn)) as connection:
        found = _status(connection)
        if found.current is None:
            raise NeedsHuman(
                "store.no_schema",
                "The database has no tables of Reception yet. Run `reception db migrate`.",
            )
        if not found.is_current:
            raise NeedsHuman(
                "store.old_schema",
                f"The database is at schema {found.current}, this version of Reception needs "
                f"{found.newest}. Run `reception db migrate`.",
            )
        roles.refuse_strong_role(connection)


def _connected(dsn: str) -> Connection[Any]:
    try:
        connection = psycopg.connect(dsn, connect_timeout=10)
    except psycopg.OperationalError as error:
        # libpq's text names host, port and user, never a password.
        reason = str(error).strip()
        if f'"{roles.APP_ROLE}"' in reason:
            # The server is there, and has something against the role; it will not pass by itself.
            raise NeedsHuman(
                "store.role",
                f"The database does not let this user be {roles.APP_ROLE}: {reason}. Run"
                " `reception db migrate` as the owner of the database, or let the owner run: GRANT"
                f" {roles.APP_ROLE} TO <this user>;",
            ) from None
        raise NeedsHuman("store.unreachable", f"The database cannot be reached: {reason}") from None
    if connection.info.server_version < _OLDEST_SERVER:
        found = connection.info.parameter_status("server_version")
        connection.close()
        raise NeedsHuman(
            "store.old_server", f"The database is PostgreSQL {found}; Reception needs 14 or later."
        )
    return connection


def _status(connection: Connection[Any]) -> Status:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - a worker starts without Alembic's SQLAlchemy otherwise

    scripts = ScriptDirectory.from_config(_config())
    order = [script.revision for script in scripts.walk_revisions()][::-1]
    found = _versions(connection)
    if len(found) > 1:
        raise NeedsHuman(
            "store.half_schema",
            f"The schema is between versions ({', '.join(found)}): somebody has changed it by "
            "hand. Restore the last backup.",
        )
    current = found[0] if found else None
    if current is not None and current not in order:
        raise NeedsHuman(
            "store.new_schema",
            f"The database is at schema {current}, which this version of Reception does not "
            f"know (its own is {order[-1]}). Run the newer version of Reception, or restore a "
            "backup of before.",
        )
    done = 0 if current is None else order.index(current) + 1
    return Status(current, order[-1], tuple(order[done:]))


def _versions(connection: Connection[Any]) -> list[str]:
    try:
        with connection.transaction():
            return sorted(row[0] for row in connection.execute(_VERSIONS))
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return []
    except errors.InsufficientPrivilege:
        raise NeedsHuman(
            "store.half_schema",
            "The tables of Reception exist, and this user may not read their version. Run "
            "`reception db migrate` as the owner of the database.",
        ) from None


def _config() -> Config:
    from alembic.config import Config as AlembicConfig  # noqa: PLC0415 - see `_status`

    config = AlembicConfig()
    config.set_main_option("script_location", str(_SCHEMA).replace("%", "%%"))
    return config


def _upgrade(connection: Connection[Any]) -> None:
    from alembic import command  # noqa: PLC0415 - see `_status`
    from sqlalchemy import create_engine  # noqa: PLC0415 - see `_status`
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - see `_status`
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415 - see `_status`

    connection.autocommit = False
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool
    )
    config = _config()
    try:
        with engine.connect() as wrapped, wrapped.begin():
            wrapped.exec_driver_sql(_PREPARE)
            config.attributes["connection"] = wrapped
            command.upgrade(config, "head")
            for grant in _GRANTS:
                wrapped.exec_driver_sql(grant)
    except DBAPIError as error:
        # The driver's own error says what it is without Alembic's and SQLAlchemy's words.
        raise error.orig or error from None
    connection.autocommit = True
