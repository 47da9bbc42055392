"""What is left after processes were killed and disks were full, and what never is harmed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from reception.errors import NeedsHuman
from reception.store.embedded import EmbeddedServer, leftover
from tests.unit.store.embedded.servers import (
    LINUX,
    ROOT,
    Owner,
    copy_of_made,
    is_running,
    running,
    sql,
    until,
)

pytestmark = LINUX


def test_a_killed_server_comes_back_with_all_that_was_committed(data_dir: Path) -> None:
    with running(data_dir) as server:
        sql(server, "CREATE TABLE acked (n int)")
        for n in range(3):
            sql(server, f"INSERT INTO acked VALUES ({n})")
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            assert until(lambda: server.pid is None)
            assert not server.is_alive()
            server.start()
        assert [(3,)] == sql(server, "SELECT count(*) FROM acked")


def test_a_killed_owner_takes_its_server_along(data_dir: Path) -> None:
    owner = Owner(data_dir)
    assert is_running(owner.server_pid)
    owner.kill()
    assert until(lambda: not is_running(owner.server_pid), 5.0)
    with running(data_dir) as server:
        assert server.is_alive()


def test_clients_may_finish_when_the_owner_was_killed(data_dir: Path) -> None:
    owner = Owner(data_dir)
    with psycopg.connect(EmbeddedServer(data_dir).dsn(user="postgres")) as connection:
        connection.execute("CREATE TABLE finished (n int)")
        owner.kill()
        time.sleep(0.3)
        connection.execute("INSERT INTO finished VALUES (1)")
        connection.commit()
    assert until(lambda: not is_running(owner.server_pid), 5.0)
    with running(data_dir) as server:
        assert [(1,)] == sql(server, "SELECT n FROM finished")


def test_a_left_over_server_is_ended_when_the_next_one_starts(data_dir: Path) -> None:
    owner = Owner(data_dir)
    with psycopg.connect(EmbeddedServer(data_dir).dsn(user="postgres")) as lingering:
        lingering.execute("SELECT 1")  # an open transaction keeps the old server up
        owner.kill()
        time.sleep(0.2)
        assert is_running(owner.server_pid)
        begun = time.monotonic()
        with running(data_dir) as server:
            assert time.monotonic() - begun < 5.0
            assert not is_running(owner.server_pid)
            assert server.pid != owner.server_pid
            assert [(1,)] == sql(server, "SELECT 1")
        with pytest.raises(psycopg.Error):
            lingering.execute("SELECT 1")


def test_a_left_over_server_that_does_not_react_is_killed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        leftover,
        "_ESCALATION",
        ((0.1, signal.SIGINT), (0.5, signal.SIGQUIT), (1.0, signal.SIGKILL)),
    )
    owner = Owner(data_dir)
    os.kill(owner.server_pid, signal.SIGSTOP)
    owner.kill()
    with running(data_dir) as server:
        assert [(1,)] == sql(server, "SELECT 1")
    assert not is_running(owner.server_pid)


def test_a_busy_backend_of_a_killed_server_does_not_keep_the_next_one_away(
    data_dir: Path,
) -> None:
    with running(data_dir) as server:
        busy = psycopg.connect(server.dsn(user="postgres"))
        backend = busy.info.backend_pid
        endless = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"
        thread = threading.Thread(target=_ignoring_errors, args=(busy, endless))
        thread.start()
        time.sleep(0.3)
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert until(lambda: server.pid is None)
        assert is_running(backend)
        server.start()
        assert not is_running(backend)
        assert [(1,)] == sql(server, "SELECT 1")
        thread.join(10)
        busy.close()


def _ignoring_errors(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> None:
    with contextlib.suppress(psycopg.Error):
        connection.execute(statement.encode())


@pytest.fixture
def bystander(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else's process, of the very user that the server runs as."""
    uid = (data_dir / "postgres").stat().st_uid
    as_server = {"user": uid} if uid != os.geteuid() else {}
    process = subprocess.Popen(["sleep", "60"], cwd="/", **as_server)  # type: ignore[call-overload]  # the keyword is right, the union is not
    yield process
    process.kill()
    process.wait()


def test_a_process_id_that_was_used_again_harms_nobody(
    data_dir: Path, bystander: subprocess.Popen[bytes]
) -> None:
    with running(data_dir) as server:
        text = (server.directory.files / "postmaster.pid").read_text()
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
    # The machine came back, and the number is a stranger's now.
    stale = text.replace(text.splitlines()[0], str(bystander.pid), 1)
    (server.directory.files / "postmaster.pid").write_text(stale)
    server.directory.socket.with_name(f"{server.directory.socket.name}.lock").write_text(stale)
    with running(data_dir) as server:
        assert [(1,)] == sql(server, "SELECT 1")
    assert bystander.poll() is None


def test_a_killed_initdb_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    words = [sys.executable, "-c", _STARTS, str(data_dir)]
    src = Path(__file__).parents[4] / "src"
    process = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(src)})
    assert until((data_dir / "postgres.making" / "base").exists)
    process.kill()
    process.wait()
    assert not (data_dir / "postgres").exists()
    with running(data_dir) as server:
        assert [(1,)] == sql(server, "SELECT 1")
    assert not (data_dir / "postgres.making").exists()


_STARTS = """
import sys
from pathlib import Path
from reception.store.embedded import EmbeddedServer
EmbeddedServer(Path(sys.argv[1])).start()
"""


# --- full disks -----------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 80 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=80m,mode=700", "none", str(disk)]
    mounted = subprocess.run(words, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@ROOT
def test_a_first_start_on_a_full_disk_says_so_and_works_when_there_is_room(
    small_disk: Path,
) -> None:
    (small_disk / "filler").write_bytes(bytes(60 * 1024 * 1024))
    with pytest.raises(NeedsHuman) as caught:
        EmbeddedServer(small_disk / "data").start()
    assert "store.no_space" == caught.value.code
    assert str(small_disk / "data") in caught.value.message
    assert not (small_disk / "data" / "postgres.making").exists()
    (small_disk / "filler").unlink()
    with running(small_disk / "data") as server:
        assert [(1,)] == sql(server, "SELECT 1")


@ROOT
def test_a_later_start_on_a_full_disk_says_so_and_works_when_there_is_room(
    small_disk: Path,
) -> None:
    server = EmbeddedServer(copy_of_made(small_disk / "data"))
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", 0) as filler:
        while True:
            filler.write(bytes(4096))
    try:
        with contextlib.suppress(NeedsHuman):  # where the server can do without a file more
            server.start()
    except OSError as error:
        pytest.fail(f"it must be told in words: {error}")
    (small_disk / "filler").unlink()
    server.start()
    assert server.is_alive()
    server.stop(timeout_s=2.0)


@ROOT
def test_a_disk_that_fills_up_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    data_dir = copy_of_made(small_disk / "data")
    with running(data_dir) as server:
        sql(server, "CREATE TABLE acked (n int, filler text)")
        (small_disk / "filler").write_bytes(bytes(20 * 1024 * 1024))
        acknowledged = _insert_until_it_fails(server)
        assert acknowledged > 0
        if server.pid is not None:
            os.kill(server.pid, signal.SIGKILL)
            server.wait(5)
        (small_disk / "filler").unlink()
        server.start()
        assert [(acknowledged,)] == sql(server, "SELECT count(DISTINCT n) FROM acked")
        sql(server, "INSERT INTO acked VALUES (-1, '')")


def _insert_until_it_fails(server: EmbeddedServer) -> int:
    """Insert rows of 32 KB; how many were acknowledged?"""
    statement = (
        "INSERT INTO acked SELECT %s, string_agg(md5(random()::text), '')"
        " FROM generate_series(1, 1000)"
    )
    acknowledged = 0
    try:
        with psycopg.connect(server.dsn(user="postgres"), autocommit=True) as connection:
            while True:
                connection.execute(statement, (acknowledged,))
                acknowledged += 1
    except psycopg.Error:
        return acknowledged
