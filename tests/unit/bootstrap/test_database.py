"""What a running server promises about its database: there with it, back when killed, gone with it."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from reception.store.embedded import EmbeddedServer
from tests.unit.bootstrap.processes import (
    Program,
    ask,
    children_of,
    database_of,
    is_alive,
    lay_database,
    program,
    server,
    until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


def dsn(folder: Path, user: str = "postgres") -> str:
    return EmbeddedServer(folder / "reception-data").dsn(user=user)


def answers(folder: Path) -> bool:
    try:
        with psycopg.connect(dsn(folder)) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def database_pid(served: Program) -> int:
    (pid,) = database_of(served.process.pid)
    return pid


def test_the_database_is_there_with_its_schema_when_the_server_says_it_is_up(
    tmp_path: Path,
) -> None:
    with server(tmp_path, lay=False):
        with psycopg.connect(dsn(tmp_path)) as connection:
            row = connection.execute("SELECT count(*) FROM reception.schema_version").fetchone()
        assert (1,) == row


def test_a_killed_database_comes_back_while_calls_are_answered(tmp_path: Path) -> None:
    with server(tmp_path) as served:
        (worker,) = children_of(served.process.pid)
        before = database_pid(served)
        os.kill(before, signal.SIGKILL)
        assert 200 == ask(served.port)[0]
        served.wait_for("database.died")
        served.wait_for("database.back")
        assert before != database_pid(served)
        assert answers(tmp_path)
        assert {worker} == children_of(served.process.pid)
        served.process.send_signal(signal.SIGTERM)
        assert 0 == served.end()


def test_a_killed_supervisor_takes_the_database_along(tmp_path: Path) -> None:
    with server(tmp_path) as served:
        database = database_pid(served)
        served.process.send_signal(signal.SIGKILL)
        assert until(lambda: not is_alive(database), 8.0)


def test_the_database_outlives_the_workers_and_ends_in_order(tmp_path: Path) -> None:
    with server(tmp_path, drain_s=1.0) as served:
        database = database_pid(served)
        (worker,) = children_of(served.process.pid)
        begun = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        while is_alive(worker):
            assert is_alive(database) or not is_alive(worker)
            time.sleep(0.01)
        assert 0 == served.end()
        assert time.monotonic() - begun < 4.0
        assert not is_alive(database)
    log = (tmp_path / "reception-data" / "postgres.log").read_text()
    assert "database system is shut down" == log.splitlines()[-1].partition("LOG:  ")[2]


def test_a_second_server_on_the_same_data_is_refused_in_words(tmp_path: Path) -> None:
    with server(tmp_path) as served, program(tmp_path, "serve", "--port", "0") as second:
        assert 1 == second.end()
        assert re.fullmatch(
            rf".*reception-data is used by another Reception \(process {served.process.pid}\):"
            r" end that one first, or give this one a data_dir of its own",
            second.printed[-1],
        )
        assert answers(tmp_path)
        assert 200 == ask(served.port)[0]


def test_data_of_an_older_major_stops_the_start_in_words(tmp_path: Path) -> None:
    lay_database(tmp_path)
    (tmp_path / "reception-data" / "postgres" / "PG_VERSION").write_text("16\n")
    (tmp_path / "hello.json").write_text('{"module":"hangup","data":{},"children":{}}')
    (tmp_path / "reception.toml").write_text(
        '[tenants.a]\nflow = "hello.json"\ninsecure_no_secret = true\n'
    )
    with program(tmp_path, "serve", "--port", "0") as started:
        assert 1 == started.end()
        assert "run `reception db upgrade`" in started.printed[-1]


def test_no_database_is_started_where_none_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "hello.json").write_text('{"module":"hangup","data":{},"children":{}}')
    (tmp_path / "reception.toml").write_text(
        '[server]\ndrain_s = 0\n[store]\nembedded = false\n[tenants.a]\nflow = "hello.json"\ninsecure_no_secret = true\n'
    )
    with program(tmp_path, "serve", "--port", "0") as started:
        started.wait_until_up()
        assert set() == database_of(started.process.pid)
        started.process.send_signal(signal.SIGTERM)
        assert 0 == started.end()


def test_a_server_of_the_operators_must_have_our_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hello.json").write_text('{"module":"hangup","data":{},"children":{}}')
    (tmp_path / "reception.toml").write_text(
        '[server]\ndrain_s = 0\n[store]\ndatabase_url = "$DATABASE_URL"\n'
        '[tenants.a]\nflow = "hello.json"\ninsecure_no_secret = true\n'
    )
    (tmp_path / "theirs").mkdir()
    lay_database(tmp_path / "theirs")
    theirs = EmbeddedServer(tmp_path / "theirs" / "reception-data")
    theirs.start()
    try:
        url = f"postgresql://postgres@/reception?host={quote(str(theirs.directory.sockets))}"
        monkeypatch.setenv("DATABASE_URL", url)
        with program(tmp_path, "serve", "--port", "0", lay=False) as started:
            started.wait_until_up()
            assert set() == database_of(started.process.pid)
            started.process.send_signal(signal.SIGTERM)
            assert 0 == started.end()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA reception CASCADE")
        with program(tmp_path, "serve", "--port", "0", lay=False) as started:
            assert 1 == started.end()
            assert "Run `reception db migrate`" in started.printed[-1]
        assert theirs.is_alive()
    finally:
        theirs.stop()


def test_a_wrong_configuration_makes_no_data_directory(tmp_path: Path) -> None:
    (tmp_path / "reception.toml").write_text("[server]\nport = 0\n")
    with program(tmp_path, "serve", lay=False) as started:
        assert 2 == started.end()
    assert not (tmp_path / "reception-data").exists()


def test_a_developer_server_has_a_database_too(tmp_path: Path) -> None:
    (tmp_path / "acme.py").write_text(
        "from reception import App, flow\n"
        'app = App("acme", fallback=flow.hangup())\n'
        "@app.answer\ndef answer(call):\n    return flow.hangup()\n"
    )
    words = ("dev", "acme:app", "--port", "0", "--data-dir", "elsewhere/data")
    with program(tmp_path, *words) as started:
        started.wait_until_up()
        (pid,) = database_of(started.process.pid)
        with psycopg.connect(
            EmbeddedServer(tmp_path / "elsewhere" / "data").dsn(user="postgres")
        ) as connection:
            connection.execute("SELECT 1")
        started.process.send_signal(signal.SIGINT)
        assert 0 == started.end(5.0)
        assert not is_alive(pid)
