"""
The `[store]` table of `reception.toml`: which database, where, and its backups.

Either the embedded server in `data_dir`, which is the default, or a server of the
operator's by `database_url`. The address of that one holds a password, so the file names
an environment variable, as for secrets. Nothing is connected to here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Final

from reception.bootstrap.control import Message
from reception.bootstrap.table import Table

DATA_DIR: Final = "reception-data"
KEEP_DAYS: Final = 30
_VARIABLE: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_URL: Final = re.compile(r"postgres(?:ql)?://\S+")
_TIME: Final = re.compile(r"(\d\d):(\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """
    The `[store]` table.

    Attributes:
        data_dir: of the embedded server; None where there is none.
        database_url: of a server of the operator's; "" where there is none. Never shown.
        backup_dir: where nightly backups of the embedded server go; None for no backups.
        backup_at: when, in the machine's time zone.
        backups_kept: how many; the oldest is removed.
        keep_days: after how many days a call is forgotten, from its end or its last sign; a
            tenant may say another number.
    """

    data_dir: Path | None = None
    database_url: str = field(default="", repr=False)
    backup_dir: Path | None = None
    backup_at: time = time(3, 30)
    backups_kept: int = 14
    keep_days: int = KEEP_DAYS

    @property
    def address(self) -> str:
        """Where the program finds its database, as libpq reads it; "" where it has none."""
        if self.data_dir is None:
            return self.database_url
        from reception.store.embedded import EmbeddedServer
        from reception.store.roles import APP_ROLE

        return EmbeddedServer(self.data_dir).dsn(user=APP_ROLE)


def read_store(table: Table, directory: Path, environ: Mapping[str, str]) -> StoreConfig:
    """Read the table; relative paths in it begin at `directory`, where the file is."""
    is_embedded = table.flag("embedded", default=True)
    url = _database_url(table, environ)
    data_dir: Path | None = directory / table.text("data_dir", DATA_DIR)
    if not is_embedded or table.has("database_url"):
        other = "database_url" if table.has("database_url") else "embedded = false"
        for name in ("data_dir", "backup_dir", "backup_at", "backups_kept"):
            if table.has(name):
                table.add(name, f"is about the embedded database, which `{other}` switches off")
        data_dir = None
    backup = table.text("backup_dir")
    backup_dir = directory / backup if backup else None
    if data_dir and backup_dir and _is_within(backup_dir, data_dir):
        table.add("backup_dir", "must not be in data_dir: what takes one would take the other")
    store = StoreConfig(
        data_dir=data_dir,
        database_url=url,
        backup_dir=backup_dir,
        backup_at=_time(table, "backup_at", time(3, 30)),
        backups_kept=table.whole("backups_kept", 14, 1, 1000),
        keep_days=read_keep_days(table, KEEP_DAYS),
    )
    table.finish()
    return store


def read_keep_days(table: Table, default: int) -> int:
    """Read for how many days calls are kept; a URL of theirs lives for one."""
    return table.whole("keep_days", default, 2, 3650)


def store_message(store: StoreConfig, config: str = "") -> Message:
    """
    Tell the supervisor which database there is; empty for none. No secret is in it.

    Args:
        config: the path of the file; "" where there is none.
    """
    if store.data_dir is None:
        return {"config": config} if store.database_url else {}
    return {
        "config": config,
        "data_dir": str(store.data_dir),
        "backup_dir": str(store.backup_dir or ""),
        "backup_at": store.backup_at.isoformat("minutes"),
        "backups_kept": store.backups_kept,
    }


def _database_url(table: Table, environ: Mapping[str, str]) -> str:
    name = table.text("database_url")
    if not name:
        return ""
    variable = _VARIABLE.fullmatch(name)
    if variable is None:
        table.add(
            "database_url",
            'must be the name of an environment variable, like "$DATABASE_URL": an address holds'
            " a password, which must not stand in this file",
        )
        return ""
    url = environ.get(variable[1], "")
    if not url:
        table.add(
            "database_url",
            f"names ${variable[1]}, which is not set: put an address like"
            " postgresql://user:password@host/database into that environment variable",
        )
    elif not is_database_url(url):
        table.add(
            "database_url",
            f"names ${variable[1]}, whose value is no address of a database: write it like"
            " postgresql://user:password@host/database",
        )
    return url


def is_database_url(text: str) -> bool:
    """Is this the address of a PostgreSQL database, as a URL that libpq can read?"""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    if not _URL.fullmatch(text):
        return False
    try:
        conninfo_to_dict(text)
    except ProgrammingError:  # its text may quote the password
        return False
    return True


def _time(table: Table, name: str, default: time) -> time:
    text = table.text(name)
    if not text:
        return default
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        table.add(name, 'must be a time of day, like "03:30"')
        return default
    return time(int(found[1]), int(found[2]))


def _is_within(inner: Path, outer: Path) -> bool:
    return inner.resolve().is_relative_to(outer.resolve())
