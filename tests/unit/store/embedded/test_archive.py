"""A backup is whole or not there, and what is restored from it is what was in the database."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import psycopg
import pytest

from reception.errors import NeedsHuman
from reception.store.embedded import EmbeddedServer, archive
from reception.store.embedded.archive import (
    backups,
    check_backup,
    made_at,
    make_backup,
    remove_old_backups,
)
from reception.store.embedded.renewal import restore
from tests.unit.store.embedded.servers import copy_of, copy_of_made, running, sql

# What a dump may lose: roles, owners, grants, policies, sequences, large and odd values.
CONTENT = (
    "CREATE ROLE keeper",
    "CREATE ROLE app LOGIN",
    "CREATE SCHEMA things AUTHORIZATION keeper",
    "CREATE TABLE things.row (tenant text, n bigserial, body bytea, PRIMARY KEY (tenant, n))",
    "ALTER TABLE things.row OWNER TO keeper",
    "ALTER TABLE things.row ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON things.row USING (tenant = current_setting('my.tenant', true))",
    "GRANT USAGE ON SCHEMA things TO app",
    "GRANT SELECT, INSERT ON things.row TO app",
    "INSERT INTO things.row (tenant, body) SELECT 'a', decode(repeat(md5(g::text), 50), 'hex')"
    " FROM generate_series(1, 500) g",
    "INSERT INTO things.row (tenant, body) VALUES ('b', '\\x00ff'), ('ü', NULL)",
)
DIGEST = "SELECT count(*), md5(string_agg(r::text, '|' ORDER BY tenant, n)) FROM things.row r"


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, object]:
    """A data directory, a backup of it, and what was in it then; nobody may change them."""
    folder = tmp_path_factory.mktemp("backed-up")
    with running(copy_of_made(folder / "data")) as server:
        sql(server, *CONTENT)
        content = sql(server, DIGEST)
        backup = make_backup(server, folder / "backups")
        assert (
            str(server.directory.system_identifier()) == check_backup(backup)["system_identifier"]
        )
    return folder / "data", backup, content


def silent(_: str) -> None:
    """Say nothing."""


def test_what_is_restored_is_what_was_there(
    backed_up: tuple[Path, Path, object], tmp_path: Path
) -> None:
    before, backup, content = backed_up
    data_dir = copy_of(before, tmp_path / "data")
    with running(data_dir) as server:
        sql(server, "DELETE FROM things.row", "CREATE TABLE later (n int)")
    kept = restore(data_dir, backup, silent)
    with running(data_dir) as server:
        assert content == sql(server, DIGEST)
        assert [(None,)] == sql(server, "SELECT to_regclass('later')")
        assert [("keeper",)] == sql(
            server, "SELECT tableowner FROM pg_tables WHERE schemaname = 'things'"
        )
        assert [(503,)] == sql(
            server, "INSERT INTO things.row (tenant) VALUES ('c') RETURNING n"
        ), "the sequence goes on"
        with psycopg.connect(server.dsn(user="app")) as connection:
            connection.execute("SELECT set_config('my.tenant', 'b', true)")
            row = connection.execute("SELECT count(*) FROM things.row").fetchone()
            assert (1,) == row, "row-level security holds the role of before"
    assert kept is not None
    assert kept.is_dir(), "the data of before is kept"
    assert [] == list(data_dir.glob("renewing*"))


def test_a_backup_is_a_picture_of_one_moment(data_dir: Path, tmp_path: Path) -> None:
    with running(data_dir) as server:
        sql(server, "CREATE TABLE pair (n int)", "CREATE TABLE other (n int)")
        stop = threading.Event()

        def write() -> None:
            with psycopg.connect(server.dsn(user="postgres"), autocommit=True) as connection:
                while not stop.is_set():
                    with connection.transaction():
                        connection.execute("INSERT INTO pair VALUES (1)")
                        connection.execute("INSERT INTO other VALUES (1)")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            backup = make_backup(server, tmp_path / "backups")
        finally:
            stop.set()
            writer.join()
    restore(data_dir, backup, silent)
    with running(data_dir) as server:
        assert sql(server, "SELECT count(*) FROM pair") == sql(server, "SELECT count(*) FROM other")


def test_only_we_may_read_a_backup(backed_up: tuple[Path, Path, object]) -> None:
    backup = backed_up[1]
    for path in (backup.parent, backup, *backup.iterdir()):
        assert 0 == stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_backup_that_is_given_up_leaves_nothing(data_dir: Path, tmp_path: Path) -> None:
    with running(data_dir) as server, pytest.raises(NeedsHuman, match="is ending"):
        make_backup(server, tmp_path / "backups", lambda: True)
    assert [] == list((tmp_path / "backups").iterdir())


def test_two_backups_at_once_leave_each_other_alone(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "backups"
    into.mkdir()
    (into / ".reception-20260101T000000Z.making").mkdir()
    first_is_made, second_has_begun = threading.Event(), threading.Event()
    made: list[Path] = []

    def wait() -> bool:
        first_is_made.set()
        return not second_has_begun.wait(5.0)

    def second_begins() -> bool:
        second_has_begun.set()
        return False

    with running(data_dir) as server:
        first = threading.Thread(target=lambda: made.append(make_backup(server, into, wait)))
        first.start()
        assert first_is_made.wait(5.0)
        monkeypatch.setattr(archive, "_NAME_FORMAT", "reception-%Y%m%dT%H%M99Z")
        made.append(make_backup(server, into, second_begins))
        first.join()
    assert made == [path for path in made if check_backup(path)]
    assert sorted(made) == sorted(into.iterdir()), "what was interrupted before is gone"


def test_a_backup_of_a_server_that_is_away_fails_in_words(data_dir: Path, tmp_path: Path) -> None:
    server = EmbeddedServer(data_dir)
    with pytest.raises(NeedsHuman) as caught:
        make_backup(server, tmp_path / "backups")
    assert "store.backup" == caught.value.code
    assert [] == backups(tmp_path / "backups")


@pytest.mark.parametrize("name", ["data.dump", "roles.sql"])
def test_a_damaged_backup_is_refused_and_touches_nothing(
    backed_up: tuple[Path, Path, object], tmp_path: Path, name: str
) -> None:
    backup = copy_of(backed_up[1], tmp_path / backed_up[1].name)
    content = bytearray((backup / name).read_bytes())
    content[len(content) // 2] ^= 1
    (backup / name).write_bytes(content)
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    with pytest.raises(NeedsHuman) as caught:
        restore(tmp_path / "data", backup, silent)
    assert "store.backup_damaged" == caught.value.code
    assert [tmp_path / "data" / "postgres"] == [
        path for path in (tmp_path / "data").iterdir() if path.is_dir()
    ]


def test_what_is_no_backup_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NeedsHuman, match="is no backup of Reception"):
        restore(tmp_path / "data", tmp_path, silent)


def test_a_restore_while_the_server_runs_is_refused(
    data_dir: Path, backed_up: tuple[Path, Path, object]
) -> None:
    with running(data_dir) as server:
        with pytest.raises(NeedsHuman) as caught:
            restore(data_dir, backed_up[1], silent)
        assert "store.in_use" == caught.value.code
        assert server.is_alive()


def test_a_restore_needs_no_server_to_have_been_there(
    tmp_path: Path, backed_up: tuple[Path, Path, object]
) -> None:
    assert restore(tmp_path / "another machine", backed_up[1], silent) is None
    with running(tmp_path / "another machine") as server:
        assert backed_up[2] == sql(server, DIGEST)


def test_a_restore_that_was_killed_between_the_files_never_begins_empty(data_dir: Path) -> None:
    (data_dir / "postgres").rename(data_dir / "postgres-18-until-20260101T000000Z")
    with pytest.raises(NeedsHuman) as caught, running(data_dir):
        pass
    assert "store.interrupted" == caught.value.code
    assert "postgres-18-until-20260101T000000Z" in caught.value.message
    (data_dir / "postgres-18-until-20260101T000000Z").rename(data_dir / "postgres")
    with running(data_dir) as server:
        assert server.is_alive()


def test_the_newest_backups_are_kept(tmp_path: Path) -> None:
    names = [f"reception-202601{day:02}T033000Z" for day in range(1, 6)]
    for name in [*names, "reception-notes", "other"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    assert 3 == remove_old_backups(tmp_path, 2)
    assert names[3:] == [path.name for path in backups(tmp_path)]
    assert {"reception-notes", "other", *names[3:]} == {path.name for path in tmp_path.iterdir()}
    assert "2026-01-05T03:30:00+00:00" == made_at(backups(tmp_path)[-1]).isoformat()
    assert 0 == remove_old_backups(tmp_path, 2)
