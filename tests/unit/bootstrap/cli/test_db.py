"""What `reception db` does and says, against a real embedded database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from reception.bootstrap.cli import main
from reception.bootstrap.keeping import newest_schema
from reception.store.embedded import EmbeddedServer
from tests.unit.bootstrap.processes import lay_database

CONFIG = """
[store]
backup_dir = "backups"

[tenants.acme]
app = "nothing_of_this_name:app"
secrets = ["$NOT_SET_ANYWHERE"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "reception.toml").write_text(CONFIG)
    lay_database(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert EmbeddedServer(tmp_path / "reception-data").pid is None


def db(*words: str) -> Result:
    return CliRunner().invoke(main, ["db", *words])


def test_status_and_migrate_work_whatever_else_is_wrong_in_the_file(folder: Path) -> None:
    newest = newest_schema()
    assert f"The schema is at {newest}, as this version needs it.\n" == db("status").stdout
    told = json.loads(db("status", "--json").stdout)
    assert {"current": newest, "newest": newest, "pending": []} == told

    assert 0 == db("check").exit_code

    server = EmbeddedServer(folder / "reception-data")
    server.start()
    with psycopg.connect(server.dsn(user="postgres")) as connection:
        connection.execute("DROP SCHEMA reception CASCADE")
    server.stop()
    for command in ("check", "prune"):
        assert "Run `reception db migrate`" in db(command).stderr
    before = db("status")
    assert 1 == before.exit_code
    assert "run `reception db migrate`" in before.stdout
    done = db("migrate")
    assert 0 == done.exit_code
    assert done.stdout.startswith(f"The schema is at {newest}; ")
    assert 0 == db("status").exit_code


def test_a_server_that_runs_is_used_as_it_is(folder: Path) -> None:
    server = EmbeddedServer(folder / "reception-data")
    server.start()
    try:
        assert 0 == db("status").exit_code
        assert 0 == db("backup").exit_code
        assert server.is_alive()
        refused = db("restore", str(next((folder / "backups").iterdir())))
        assert 1 == refused.exit_code
        assert "is used by another Reception" in refused.stderr
    finally:
        server.stop()


def test_a_backup_can_be_made_and_put_back(folder: Path) -> None:
    made = db("backup", "--to", "elsewhere")
    assert 0 == made.exit_code
    backup = Path(made.stdout.strip())
    assert backup.is_dir()
    assert folder / "elsewhere" == backup.parent
    restored = db("restore", str(backup))
    assert 0 == restored.exit_code, restored.output
    assert "The data of before is in " in restored.stdout
    assert 0 == db("status").exit_code


def test_old_calls_are_forgotten_tenant_by_tenant(folder: Path) -> None:
    assert "acme: 0 calls forgotten\n" == db("prune").stdout
    unknown = db("prune", "--tenant", "nobody")
    assert (1, "reception.toml has no tenant nobody\n") == (unknown.exit_code, unknown.stderr)


def test_keys_are_rotated_so_that_no_call_is_cut_off(folder: Path) -> None:
    assert "acme: has no key yet, its first dialog makes one\n" == db("rotate-keys").stdout
    server = EmbeddedServer(folder / "reception-data")
    server.start()
    with psycopg.connect(server.dsn(user="postgres")) as connection:
        connection.execute("INSERT INTO reception.tenant_key VALUES ('acme', 1, 'x', now())")
    server.stop()
    assert "acme: key 2 signs from now on\n" == db("rotate-keys").stdout
    refused = db("rotate-keys", "--tenant", "acme")
    assert 1 == refused.exit_code
    assert "was rotated less than 24 hours ago" in refused.stderr
    assert "acme: key 3 signs from now on\n" == db("rotate-keys", "--force").stdout


@pytest.mark.parametrize("command", ["status", "check", "prune", "backup --to elsewhere"])
def test_a_misspelt_directory_becomes_no_database_and_no_backup(folder: Path, command: str) -> None:
    (folder / "reception.toml").write_text(CONFIG.replace("[store]", '[store]\ndata_dir = "typo"'))
    refused = db(*command.split())
    assert 1 == refused.exit_code
    assert f"there is no database in {folder / 'typo'} yet" in refused.stderr
    assert ["reception-data", "reception.toml"] == sorted(path.name for path in folder.iterdir())


def test_there_is_nothing_to_upgrade(folder: Path) -> None:
    result = db("upgrade")
    assert 1 == result.exit_code
    assert "nothing to do" in result.stderr


@pytest.mark.parametrize("command", ["backup", "upgrade"])
def test_what_only_the_embedded_server_can_do_is_refused_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:pass-word@127.0.0.1:1/x")
    Path("reception.toml").write_text(
        '[store]\ndatabase_url = "$DATABASE_URL"\n[tenants.a]\napp = "a:b"\n'
    )
    result = db(command)
    assert 1 == result.exit_code
    assert "is a server of yours" in result.stderr
    # Away is no reason not to start: it may come back, and most calls need no history.
    assert 1 == db("check").exit_code
    assert 0 == db("check", "--unless-away").exit_code
    for needs_it in ("status", "migrate", "prune"):
        unreachable = db(needs_it)
        assert 1 == unreachable.exit_code
        assert "pass-word" not in unreachable.output


def test_no_database_and_a_wrong_setting_are_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert 2 == db("status").exit_code  # no file
    Path("reception.toml").write_text("[store]\nembedded = false\n")
    result = db("status")
    assert 1 == result.exit_code
    assert "there is no database" in result.stderr
    Path("reception.toml").write_text("[store]\nkeep_days = 'x'\n")
    result = db("status")
    assert 2 == result.exit_code
    assert "store.keep_days: must be a whole number" in result.stderr
