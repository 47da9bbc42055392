"""What the embedded server promises to whoever starts and stops it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from reception.errors import NeedsHuman
from reception.store.embedded import EmbeddedServer
from tests.unit.store.embedded.servers import (
    IS_ROOT,
    LINUX,
    ROOT,
    Owner,
    copy_of_made,
    running,
    sql,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A running server, for what does not end it."""
    with running(copy_of_made(tmp_path_factory.mktemp("served") / "data")) as server:
        yield server


def test_first_start_makes_a_server_that_keeps_what_is_committed(tmp_path: Path) -> None:
    data_dir = tmp_path / "not" / "there" / "yet"
    with running(data_dir) as server:
        assert [("reception",)] == sql(server, "SELECT current_database()")
        sql(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        assert server.is_alive()
    assert server.pid is None
    assert not server.is_alive()
    with running(data_dir) as server:
        assert [(7,)] == sql(server, "SELECT n FROM kept")


def test_what_durability_rests_on_is_on(served: EmbeddedServer) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
    assert {"on"} == {sql(served, f"SHOW {name}")[0][0] for name in names}


def test_a_file_of_the_server_cannot_switch_off_what_durability_rests_on(data_dir: Path) -> None:
    with (data_dir / "postgres" / "postgresql.auto.conf").open("a") as file:
        file.write("fsync = off\nlisten_addresses = '*'\n")
    with running(data_dir) as server:
        assert [("on",)] == sql(server, "SHOW fsync")
        assert [("",)] == sql(server, "SHOW listen_addresses")


def test_only_its_own_user_can_get_to_the_socket(served: EmbeddedServer) -> None:
    assert [("",)] == sql(served, "SHOW listen_addresses")
    for directory in (served.directory.sockets, served.directory.files):
        assert 0o700 == stat.S_IMODE(directory.stat().st_mode)


def test_the_servers_log_does_not_grow_for_ever(data_dir: Path) -> None:
    with running(data_dir) as server:
        log = server.directory.log
        with log.open("ab") as more:
            more.write(b"an old line\n" * 400_000)
        server.keep_log_small()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.dsn(user="postgres", database="nothing_of_this_name"))
        server.keep_log_small()
        assert "nothing_of_this_name" in log.read_text()
        assert log.stat().st_size < 10_000
        kept = log.with_name("postgres.log.1")
        assert kept.read_bytes().endswith(b"an old line\n")
        assert 0 == stat.S_IMODE(kept.stat().st_mode) & 0o077


def test_nothing_that_a_guest_said_gets_into_the_servers_log(served: EmbeddedServer) -> None:
    sql(served, "CREATE TABLE guest (name text PRIMARY KEY)")
    with psycopg.connect(served.dsn(user="postgres"), autocommit=True) as connection:
        connection.execute("INSERT INTO guest VALUES ('canary-1')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO guest VALUES (%s)", ("canary-1",))
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("SELECT 'canary-2'::int")
    assert "canary" not in served.directory.log.read_text()


def test_starting_again_is_no_mistake(served: EmbeddedServer) -> None:
    pid = served.pid
    served.start()
    assert pid == served.pid


def test_of_two_starts_at_once_one_runs_and_the_other_says_who(data_dir: Path) -> None:
    servers = [EmbeddedServer(data_dir) for _ in range(2)]
    for _ in range(3):
        barrier = threading.Barrier(2)
        outcomes: list[str] = []
        # The thread that starts a server must live as long as it.
        end = threading.Event()

        def start(
            server: EmbeddedServer,
            barrier: threading.Barrier = barrier,
            outcomes: list[str] = outcomes,
            end: threading.Event = end,
        ) -> None:
            barrier.wait()
            try:
                server.start()
                outcomes.append("runs")
                end.wait(20)
            except NeedsHuman as error:
                outcomes.append(f"{error.code}: {error.message}")

        threads = [threading.Thread(target=start, args=(server,)) for server in servers]
        for thread in threads:
            thread.start()
        give_up_at = time.monotonic() + 20
        while len(outcomes) < 2 and time.monotonic() < give_up_at:
            time.sleep(0.01)
        try:
            assert "runs" in outcomes
            (refused,) = set(outcomes) - {"runs"}
            assert refused.startswith("store.in_use: ")
            assert f"process {os.getpid()}" in refused
            assert 1 == sum(server.is_alive() for server in servers)
        finally:
            for server in servers:
                if server.pid is not None:
                    server.stop()
            end.set()
            for thread in threads:
                thread.join()


@LINUX
def test_another_process_is_refused_while_one_runs_it(data_dir: Path) -> None:
    owner = Owner(data_dir)
    try:
        with pytest.raises(NeedsHuman, match=rf"another Reception \(process {owner.process.pid}\)"):
            EmbeddedServer(data_dir).start()
        # Who did not get it can still talk to it, over the same address.
        assert [(1,)] == sql(EmbeddedServer(data_dir), "SELECT 1")
    finally:
        assert "stopped" == owner.end()


def test_a_start_that_is_cancelled_returns_soon_without_a_server(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data")
    thread = threading.Thread(target=server.start)
    thread.start()
    time.sleep(0.1)  # initdb takes longer
    begun = time.monotonic()
    server.cancel()
    thread.join(10)
    assert time.monotonic() - begun < 3.0
    assert server.pid is None
    assert not (tmp_path / "data" / "postgres").exists()
    # Nothing half made is in the way of the next.
    with running(tmp_path / "data") as second:
        assert second.is_alive()


def test_stop_is_quick_while_clients_are_in_the_middle_of_something(data_dir: Path) -> None:
    with running(data_dir) as server:
        sql(server, "CREATE TABLE half (n int)")
        connection = psycopg.connect(server.dsn(user="postgres"))
        connection.execute("INSERT INTO half VALUES (1)")
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < 3.0
        connection.close()
    with running(data_dir) as server:
        assert [] == sql(server, "SELECT n FROM half")
        assert "interrupted" not in server.directory.log.read_text()  # it had ended in order


def test_a_server_that_does_not_react_is_ended_all_the_same(data_dir: Path) -> None:
    with running(data_dir) as server:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        begun = time.monotonic()
        server.stop(timeout_s=0.5)
        assert time.monotonic() - begun < 4.0
        assert server.pid is None


# --- whose it is ----------------------------------------------------------------------------------


@LINUX
@ROOT
def test_started_by_root_it_runs_as_somebody_else(served: EmbeddedServer) -> None:
    uids = Path(f"/proc/{served.pid}/status").read_text().partition("Uid:")[2].split()[:4]
    assert "0" not in uids


def test_nothing_that_was_there_changes_mode_or_owner(tmp_path: Path) -> None:
    data_dir = copy_of_made(tmp_path / "data")
    data_dir.chmod(0o755)
    (data_dir / "note.txt").write_text("mine")
    (data_dir / "note.txt").chmod(0o640)
    before = {path: path.stat() for path in (tmp_path, data_dir, data_dir / "note.txt")}
    with running(data_dir):
        pass
    for path, was in before.items():
        now = path.stat()
        assert (was.st_mode, was.st_uid, was.st_gid) == (now.st_mode, now.st_uid, now.st_gid)


@LINUX
@ROOT
def test_an_unprivileged_user_runs_it_without_root(tmp_path: Path) -> None:
    nobody = 65534
    data_dir = Path("/tmp") / f"reception-test-{os.getpid()}"
    data_dir.mkdir(mode=0o700)
    try:
        os.chown(data_dir, nobody, nobody)
        owner = Owner(data_dir, uid=nobody)
        if not owner.server_pid:
            problem = owner.problem()
            if "Permission denied" in problem:
                pytest.skip("this checkout is in a folder that is private to root")
            raise AssertionError(problem)
        assert nobody == Path(f"/proc/{owner.server_pid}").stat().st_uid
        assert "stopped" == owner.end()
        # Root may take over what belongs to somebody, who stays its owner.
        with running(data_dir) as server:
            assert nobody == Path(f"/proc/{server.pid}").stat().st_uid
        owner = Owner(data_dir, uid=nobody)
        assert owner.server_pid, owner.problem()
        assert "stopped" == owner.end()
    finally:
        shutil.rmtree(data_dir)


@pytest.mark.skipif(IS_ROOT, reason="root may use everybody's files")
def test_files_of_another_user_are_refused_in_words() -> None:
    with pytest.raises(NeedsHuman, match=r"make it writable|belongs to"):
        EmbeddedServer(Path("/proc")).start()


# --- where it is ----------------------------------------------------------------------------------


def test_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30) / ("longer" * 20)
    with running(data_dir) as server:
        assert [(1,)] == sql(server, "SELECT 1")
        assert len(os.fsencode(server.directory.socket)) <= 90
        assert 0o700 == stat.S_IMODE(server.directory.sockets.stat().st_mode)
        assert server.directory.sockets == EmbeddedServer(data_dir).directory.sockets
    server.directory.sockets.rmdir()


def test_a_socket_directory_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / ("long" * 30))
    server.directory.sockets.mkdir(mode=0o755)
    try:
        with pytest.raises(NeedsHuman) as caught:
            server.start()
        assert "store.socket" == caught.value.code
        assert server.pid is None
    finally:
        server.directory.sockets.rmdir()


def test_a_quote_and_a_space_in_the_path_work(tmp_path: Path) -> None:
    with running(tmp_path / "it's a \\ path") as server:
        assert [(1,)] == sql(server, "SELECT 1")


def test_a_directory_of_another_server_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("18\n")
    with pytest.raises(NeedsHuman) as caught:
        EmbeddedServer(tmp_path).start()
    assert "store.directory" == caught.value.code


def test_a_file_where_the_directory_should_be_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(NeedsHuman, match="cannot be used as data_dir"):
        EmbeddedServer(tmp_path / "data").start()


def test_data_of_a_newer_major_is_refused_in_words(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("19\n")
    with pytest.raises(NeedsHuman) as caught:
        EmbeddedServer(data_dir).start()
    assert "store.newer_major" == caught.value.code


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    with (data_dir / "postgres" / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")
    with pytest.raises(NeedsHuman) as caught:
        EmbeddedServer(data_dir).start()
    assert "store.failed" == caught.value.code
    assert "postgres.log" in caught.value.message
