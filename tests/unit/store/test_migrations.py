"""From nothing to the newest schema, whoever starts it and whatever stops it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import alembic.op
import psycopg
import pytest

from reception.errors import NeedsHuman
from reception.store import roles
from reception.store.embedded import EmbeddedServer
from reception.store.migrations import check, migrate, status


@pytest.fixture
def fresh(server: EmbeddedServer) -> Iterator[str]:
    """A database with nothing in it, owned by somebody who is no superuser."""
    with psycopg.connect(server.dsn(user="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS fresh WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS owner_of_fresh")
        connection.execute("CREATE ROLE owner_of_fresh LOGIN")
        connection.execute("CREATE DATABASE fresh OWNER owner_of_fresh STRATEGY file_copy")
        yield server.dsn(user="owner_of_fresh", database="fresh")
        connection.execute("DROP DATABASE fresh WITH (FORCE)")
        connection.execute("DROP OWNED BY owner_of_fresh")
        connection.execute("DROP ROLE owner_of_fresh")


def test_an_empty_database_is_migrated_once_by_an_ordinary_owner(
    fresh: str, server: EmbeddedServer
) -> None:
    app = server.dsn(user=roles.APP_ROLE, database="fresh")
    assert status(fresh).current is None
    with pytest.raises(NeedsHuman) as caught:
        check(app)
    assert "store.no_schema" == caught.value.code

    first = migrate(fresh)
    assert (first.newest, True) == (first.current, bool(first.pending))
    assert () == migrate(fresh).pending
    assert status(fresh).is_current
    check(app)


def test_starts_at_the_same_time_migrate_once(fresh: str) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(migrate(fresh))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 4 == len(found)
    assert 1 == sum(bool(each.pending) for each in found)
    assert status(fresh).is_current


def test_a_migration_that_stops_at_any_statement_leaves_nothing(
    fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = alembic.op.execute
    left: list[int] = []

    def counting(statement: Any) -> None:
        if left[0] == 0:
            raise ConnectionAbortedError
        left[0] -= 1
        execute(statement)

    monkeypatch.setattr(alembic.op, "execute", counting)
    number = 0
    while True:
        left[:] = [number]
        try:
            migrate(fresh)
        except ConnectionAbortedError:
            assert status(fresh).current is None
            with psycopg.connect(fresh) as connection:
                assert (
                    []
                    == connection.execute(
                        "SELECT 1 FROM pg_namespace WHERE nspname = 'reception'"
                    ).fetchall()
                )
            number += 1
        else:
            break
    assert 20 < number
    assert status(fresh).is_current


def test_a_schema_of_tomorrow_is_refused_in_plain_words(fresh: str, server: EmbeddedServer) -> None:
    migrate(fresh)
    with psycopg.connect(fresh) as connection:
        connection.execute("UPDATE reception.schema_version SET version_num = '9999'")
    for refuse in (migrate, check, status):
        with pytest.raises(NeedsHuman) as caught:
            refuse(fresh)
        assert "store.new_schema" == caught.value.code
        assert "9999" in caught.value.message


def test_a_schema_between_two_versions_is_refused(fresh: str) -> None:
    migrate(fresh)
    with psycopg.connect(fresh) as connection:
        connection.execute("INSERT INTO reception.schema_version VALUES ('9999')")
    with pytest.raises(NeedsHuman) as caught:
        check(fresh)
    assert "store.half_schema" == caught.value.code


def test_tables_that_do_not_fit_their_version_are_refused_in_plain_words(fresh: str) -> None:
    migrate(fresh)
    with psycopg.connect(fresh) as connection:
        connection.execute("DELETE FROM reception.schema_version")
    with pytest.raises(NeedsHuman) as caught:
        migrate(fresh)
    assert "store.half_schema" == caught.value.code
    assert 'relation "tenant_key" already exists' in caught.value.message


def test_an_old_schema_names_the_command(fresh: str, server: EmbeddedServer) -> None:
    migrate(fresh)
    with psycopg.connect(fresh) as connection:
        connection.execute("DELETE FROM reception.schema_version")
    with pytest.raises(NeedsHuman) as caught:
        check(server.dsn(user=roles.APP_ROLE, database="fresh"))
    assert "reception db migrate" in caught.value.message


def test_a_user_who_may_not_be_the_program_is_no_outage(fresh: str, server: EmbeddedServer) -> None:
    migrate(fresh)
    with psycopg.connect(server.dsn(user="postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger LOGIN")
        try:
            with pytest.raises(NeedsHuman) as caught:
                check(roles.app_conninfo(server.dsn(user="stranger", database="fresh")))
        finally:
            connection.execute("DROP ROLE stranger")
    assert "store.role" == caught.value.code
    assert "GRANT reception_app TO" in caught.value.message


def test_a_user_who_may_not_migrate_is_told_who_may(fresh: str, server: EmbeddedServer) -> None:
    with pytest.raises(NeedsHuman) as caught:
        migrate(server.dsn(user=roles.APP_ROLE, database="fresh"))
    assert "store.privilege" == caught.value.code
    assert "owner" in caught.value.message


def test_a_database_that_is_not_there_is_named_without_a_password() -> None:
    with pytest.raises(NeedsHuman) as caught:
        check("host=/nowhere user=me password=hunter2 dbname=none")
    assert "store.unreachable" == caught.value.code
    assert "hunter2" not in caught.value.message
