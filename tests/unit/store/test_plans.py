"""Cost that does not grow: every statement of the voice path goes by the primary key."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from reception.store import commits, database, histories
from tests.unit.store.conftest import serving
from tests.unit.store.records import opening, step

VOICE = {**commits.STATEMENTS, **histories.STATEMENTS}
KEYS = {
    "episode": {"tenant", "episode"},
    "step": {"tenant", "episode"},
    "effect": {"tenant", "episode"},
    "job": {"tenant", "episode"},
}


def _session(dsn: str) -> psycopg.Connection[Any]:
    """A session as `Database` sets it up, with the statements prepared."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute(database.SET_UP.encode())
    for name, statement in VOICE.items():
        connection.execute(f"PREPARE {name} {statement}".encode())
    return connection


def _scans(plan: Any) -> Iterator[dict[str, Any]]:
    if "Relation Name" in plan and "Scan" in plan["Node Type"]:
        yield plan
    for below in plan.get("Plans", ()):
        yield from _scans(below)


def _problems(connection: psycopg.Connection[Any], name: str) -> list[str]:
    arguments = VOICE[name].partition(") AS")[0].count(",") + 1
    nothing = ", ".join(["NULL"] * arguments)
    explain = f"EXPLAIN (FORMAT JSON) EXECUTE {name}({nothing})".encode()
    row = connection.execute(explain).fetchone()
    assert row is not None
    found = []
    for scan in _scans(row[0][0]["Plan"]):
        by = set(re.findall(r"\((tenant|episode) =", scan.get("Index Cond", "")))
        if "Index" not in scan["Node Type"] or not by >= KEYS[scan["Relation Name"]]:
            found.append(f"{scan['Node Type']} of {scan['Relation Name']} by {sorted(by)}")
    return found


@pytest.mark.parametrize("name", ["commit_steps", "commit_all", "load"])
def test_every_row_is_found_by_its_key_in_a_young_and_in_a_grown_table(
    dsn: str, owner_dsn: str, name: str
) -> None:
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        for table in KEYS:
            owner.execute(f"VACUUM ANALYZE reception.{table}".encode())
        with _session(dsn) as connection:
            assert [] == _problems(connection, name)

            async def few() -> None:
                async with serving(dsn) as steps:
                    await asyncio.gather(
                        *(
                            steps.open(opening(f"e{n}", str(n)), step(f"e{n}", 0))
                            for n in range(100)
                        )
                    )

            asyncio.run(few())
            owner.execute("ANALYZE reception.episode, reception.step")
            assert [] == _problems(connection, name)
            with _session(dsn) as another:
                assert [] == _problems(another, name)

            owner.execute(
                "INSERT INTO reception.step SELECT 'hotel', 'x' || n / 10, n % 10, '', '', '', '', now()"
                " FROM generate_series(1, 50000) n"
            )
            owner.execute("ANALYZE reception.step")
            assert [] == _problems(connection, name)
