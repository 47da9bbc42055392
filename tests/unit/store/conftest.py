"""
One real PostgreSQL for the tests of the store, and an emptied database for each test.

The server is the embedded one, started once for the session in a directory of its own. Tests
that kill a server start another. What a test stores is thrown away before the next.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reception.store.database import Database
from reception.store.embedded import EmbeddedServer
from reception.store.migrations import migrate
from reception.store.steps import PostgresSteps

TABLES = "tenant_key, episode, call_alias, step, effect, job"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A running server whose database `reception` is migrated."""
    with tempfile.TemporaryDirectory(prefix="rcpt") as folder:
        running = EmbeddedServer(Path(folder) / "data")
        running.start()
        try:
            migrate(running.dsn(user="postgres"))
            yield running
        finally:
            running.stop(timeout_s=0.0)  # nobody needs its data any more


@pytest.fixture
def owner_dsn(server: EmbeddedServer) -> str:
    """The address for who may do everything, with empty tables."""
    dsn = server.dsn(user="postgres")
    empty(dsn)
    return dsn


@pytest.fixture
def dsn(owner_dsn: str, server: EmbeddedServer) -> str:
    """The address of the program, with empty tables."""
    return server.dsn(user="reception_app")


def empty(dsn: str) -> None:
    """Delete every row, as the superuser."""
    with psycopg.connect(dsn) as connection:
        for table in TABLES.split(", "):
            # Not TRUNCATE, which makes and syncs a new file for every table and index.
            connection.execute(f"DELETE FROM reception.{table}".encode())


@asynccontextmanager
async def serving(dsn: str) -> AsyncIterator[PostgresSteps]:
    """One node: its own connections, its own groups."""
    database = Database(dsn)
    steps = PostgresSteps(database)
    steps.start()
    try:
        yield steps
    finally:
        await steps.stop()
        await database.close()


def rows(dsn: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Look past all rules, as the superuser."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode(), values).fetchall()
