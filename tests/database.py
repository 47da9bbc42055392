"""
One real PostgreSQL for all tests of a session, and an emptied database for those who ask.

The server is the test kit's own, so that phones and the tests of the store share it. Tests
that kill a server start another. What a test stores is thrown away before the next.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from reception.store.embedded import EmbeddedServer
from reception.testing.database import database

TABLES = "tenant_key, episode, call_alias, step, effect, job, leg_report"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A running server whose database `reception` is migrated."""
    yield database.server()
    database.stop()


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
