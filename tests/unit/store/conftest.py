"""The store as a node has it, and a look past it (the database itself: `tests.database`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from reception.store.database import Database
from reception.store.steps import PostgresSteps
from tests.database import TABLES, empty

__all__ = ["TABLES", "empty", "rows", "serving"]


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
