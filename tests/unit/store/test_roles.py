"""The second wall: the program's role sees only the tenants that a transaction names."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql

from reception.errors import NeedsHuman
from reception.store import roles
from reception.store.migrations import check
from tests.unit.store.conftest import TABLES, serving
from tests.unit.store.records import NOW, claim, job, opening, step

STORE = Path(roles.__file__).parent


@pytest.fixture
def program(dsn: str) -> Iterator[psycopg.Connection]:
    """A session of the program, with rows of two tenants in every table of the dialogs."""

    async def fill() -> None:
        async with serving(dsn) as steps:
            for tenant in ("a", "b"):
                await steps.open(opening("e", tenant=tenant), step("e", 0, tenant=tenant))
                await steps.commit(step("e", 1, tenant=tenant, jobs=(job(),)))
                await steps.claim(claim("e", 2, tenant=tenant))
                await steps.add_alias(tenant, "e", "renamed")

    asyncio.run(fill())
    with psycopg.connect(dsn) as connection:
        for tenant in ("a", "b"):
            _name(connection, tenant)
            connection.execute(
                "INSERT INTO reception.tenant_key VALUES (%s, 1, 'key', %s)", (tenant, NOW)
            )
            connection.execute(
                "INSERT INTO reception.leg_report VALUES (%s, 'c', 'destroy', 'd', '', '', '', '', '{}', %s)",
                (tenant, NOW),
            )
        connection.commit()
        yield connection


def _name(connection: psycopg.Connection, tenants: str) -> None:
    connection.execute("SELECT set_config('reception.tenants', %s, true)", (f",{tenants},",))


def _seen(connection: psycopg.Connection, table: str) -> set[str]:
    query = sql.SQL("SELECT DISTINCT tenant FROM reception.{}").format(sql.Identifier(table))
    return {row[0] for row in connection.execute(query)}


@pytest.mark.parametrize("table", TABLES.split(", "))
def test_only_named_tenants_are_seen(program: psycopg.Connection, table: str) -> None:
    assert set() == _seen(program, table)
    _name(program, "a")
    assert {"a"} == _seen(program, table)
    _name(program, "b,a")
    assert {"a", "b"} == _seen(program, table)
    _name(program, "ab,aa,")
    assert set() == _seen(program, table)
    program.rollback()
    assert set() == _seen(program, table), "the names must not outlive the transaction"


@pytest.mark.parametrize("table", TABLES.split(", "))
def test_rows_of_others_cannot_be_changed_or_made(program: psycopg.Connection, table: str) -> None:
    name = sql.Identifier(table)
    _name(program, "a")
    gone = program.execute(sql.SQL("DELETE FROM reception.{} WHERE tenant = 'b'").format(name))
    assert 0 == gone.rowcount
    with pytest.raises(errors.InsufficientPrivilege), program.transaction():
        program.execute(sql.SQL("UPDATE reception.{} SET tenant = 'b'").format(name))
    _name(program, "b")
    assert {"b"} == _seen(program, table)


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER TABLE reception.step DISABLE ROW LEVEL SECURITY",
        "DROP POLICY by_tenant ON reception.step",
        "CREATE TABLE reception.mine ()",
        "TRUNCATE reception.step",
        "ALTER ROLE reception_app BYPASSRLS",
        "UPDATE reception.schema_version SET version_num = 'x'",
    ],
)
def test_the_program_cannot_take_the_wall_down(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn) as connection, pytest.raises(errors.Error) as caught:
        connection.execute(statement.encode())
    assert isinstance(caught.value, (errors.InsufficientPrivilege, errors.InvalidParameterValue))


def test_every_table_has_the_tenant_first_in_its_key_and_a_forced_policy(owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as connection:
        found = connection.execute("""
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity,
                   (SELECT a.attname FROM pg_attribute a JOIN pg_index i ON i.indrelid = c.oid
                    WHERE i.indisprimary AND a.attrelid = c.oid AND a.attnum = i.indkey[0]),
                   (SELECT bool_and(pg_get_indexdef(i.indexrelid) LIKE '%tenant%')
                    FROM pg_index i WHERE i.indrelid = c.oid)
            FROM pg_class c WHERE c.relnamespace = 'reception'::regnamespace
              AND c.relkind = 'r' AND c.relname <> 'schema_version'
        """).fetchall()

    assert set(TABLES.split(", ")) == {row[0] for row in found}
    assert {(True, "tenant", True)} == {row[1:] for row in found}


def test_a_strong_role_is_refused_in_plain_words(owner_dsn: str, dsn: str) -> None:
    check(dsn)
    with pytest.raises(NeedsHuman) as caught:
        check(owner_dsn)
    assert "store.strong_role" == caught.value.code
    # The same address is fine once its sessions begin as the program's role.
    check(roles.app_conninfo(owner_dsn))
    assert dsn == roles.app_conninfo(dsn)


# --- the first wall -------------------------------------------------------------------------------

# What is asked before there is a tenant, about the server, the session or the schema.
OF_NO_TENANT = re.compile(r"pg_roles|CREATE ROLE|GRANT|schema_version|pg_advisory_lock|SCHEMA")
STATEMENT = re.compile(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE|TRUNCATE|MERGE|COPY)\b", re.ASCII)


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _statements() -> list[tuple[str, str]]:
    return [
        (path.name, text)
        for path in sorted(STORE.glob("*.py"))
        for text in _texts(path)
        if STATEMENT.match(text) and not OF_NO_TENANT.search(text) and "set_config" not in text
    ]


def test_every_statement_carries_the_tenant() -> None:
    assert 20 < len(_statements())
    assert [] == [(name, text) for name, text in _statements() if "tenant" not in text]


def test_every_table_that_a_statement_reads_or_changes_is_held_to_the_tenant() -> None:
    """By its alias or, where there is one table only, by the bare column."""

    def is_loose(text: str) -> bool:
        aliases = re.findall(r"(?:FROM|JOIN) reception\.\w+ (?:AS )?([a-z])\b", text)
        bare = re.search(r"(?:FROM|UPDATE) reception\.\w+\s+(?:SET|WHERE)", text)
        return any(
            not re.search(rf"\b{alias}\.tenant = |= {alias}\.tenant\b", text) for alias in aliases
        ) or bool(bare and not re.search(r"\btenant = (%\(tenant\)s|ANY \(%\(tenants\)s\))", text))

    assert [] == [(name, text) for name, text in _statements() if is_loose(text)]
