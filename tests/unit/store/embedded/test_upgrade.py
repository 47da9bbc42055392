"""Data of an older PostgreSQL is refused in plain words, and carried over when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from reception.errors import NeedsHuman
from reception.store.embedded import EmbeddedServer
from reception.store.embedded.account import server_account
from reception.store.embedded.binaries import binaries_for
from reception.store.embedded.renewal import upgrade
from tests.unit.store.embedded.servers import copy_of, running, sql

OLD = 16


def silent(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def old_data_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory as a Reception with PostgreSQL 16 left it."""
    data_dir = tmp_path_factory.mktemp("old") / "data"
    old = binaries_for(server_account(data_dir / "postgres"), OLD)
    with pytest.MonkeyPatch.context() as patched:
        # A setting that only newer ones know, and a way to sync that only newer ones have.
        patched.setattr("reception.store.embedded.cluster._TUNABLE", {"jit": "off"})
        patched.setattr("reception.store.embedded.cluster.SYNC", ("--no-sync",))
        server = EmbeddedServer(data_dir, programs=old)
        server.start()
    try:
        version = str(sql(server, "SHOW server_version")[0][0])
        assert version.startswith(f"{OLD}."), version
        sql(server, "CREATE ROLE app", "CREATE TABLE old (n int)", "INSERT INTO old VALUES (7)")
        sql(server, "GRANT SELECT ON old TO app")
    finally:
        server.stop()
    return data_dir


@pytest.fixture
def old_data(old_data_once: Path, tmp_path: Path) -> Path:
    return copy_of(old_data_once, tmp_path / "data")


def test_older_data_is_refused_until_it_was_upgraded(old_data: Path) -> None:
    with pytest.raises(NeedsHuman, match="run `reception db upgrade`") as caught:
        EmbeddedServer(old_data).start()
    assert "store.older_major" == caught.value.code

    said: list[str] = []
    kept = upgrade(old_data, None, said.append)

    assert said
    assert str(OLD) == (kept / "PG_VERSION").read_text().strip(), "the old data is kept"
    assert not (old_data / "upgrading").exists()
    with running(old_data) as server:
        assert str(sql(server, "SHOW server_version")[0][0]).startswith("18.")
        assert [(7,)] == sql(server, "SET ROLE app", "SELECT n FROM old")


def test_an_upgrade_that_fails_leaves_the_old_data_as_it_is(
    old_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: EmbeddedServer, __: Path) -> None:
        raise NeedsHuman("store.restore", "no")

    old = binaries_for(server_account(old_data / "postgres"), OLD)
    with monkeypatch.context() as patched:
        patched.setattr("reception.store.embedded.renewal.fill_from_backup", fail)
        with pytest.raises(NeedsHuman, match="no"):
            upgrade(old_data, old.folder, silent)
    assert str(OLD) == (old_data / "postgres" / "PG_VERSION").read_text().strip()
    assert [] == list(old_data.glob("postgres-*"))
    with running(old_data, programs=old) as server:
        assert [(7,)] == sql(server, "SELECT n FROM old")


def test_programs_that_do_not_fit_are_refused(old_data: Path, tmp_path: Path) -> None:
    new = binaries_for(server_account(old_data / "postgres"))
    for named in (new.folder, tmp_path):
        with pytest.raises(NeedsHuman, match="does not have the programs of PostgreSQL 16"):
            upgrade(old_data, named, silent)


def test_a_major_that_does_not_come_with_us_needs_its_programs(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(NeedsHuman, match=r"--old-bin /usr/lib/postgresql/15/bin"):
        upgrade(data_dir, None, silent)


def test_there_is_nothing_to_upgrade_in_our_own_data(data_dir: Path, tmp_path: Path) -> None:
    for where in (data_dir, tmp_path / "nothing"):
        with pytest.raises(NeedsHuman) as caught:
            upgrade(where, None, silent)
        assert "store.nothing_to_upgrade" == caught.value.code
    assert not (tmp_path / "nothing").exists()
