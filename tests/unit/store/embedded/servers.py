"""
Real servers for the tests of this folder: begun from one that is made once, always stopped.

Only processes that were started here, or that prove to be of a server here, are signalled.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from reception.store.embedded import EmbeddedServer
from reception.store.embedded.binaries import Binaries

SRC = Path(__file__).parents[4] / "src"
IS_ROOT = os.geteuid() == 0
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
ROOT = pytest.mark.skipif(not IS_ROOT, reason="only root starts servers as another user")


@functools.cache
def made_once() -> Path:
    """Give a data directory with an empty database in it; `remove_made` removes it."""
    data_dir = Path(tempfile.mkdtemp(prefix="reception-test-")) / "data"
    server = EmbeddedServer(data_dir)
    server.start()
    server.stop()
    return data_dir


def remove_made() -> None:
    if made_once.cache_info().currsize:
        shutil.rmtree(made_once().parent)
        made_once.cache_clear()


def copy_of_made(target: Path) -> Path:
    return copy_of(made_once(), target)


def copy_of(data_dir: Path, target: Path) -> Path:
    subprocess.run(["cp", "-a", str(data_dir), str(target)], check=True)
    return target


@contextmanager
def running(data_dir: Path, programs: Binaries | None = None) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(data_dir, programs=programs)
    try:
        server.start()
        yield server
    finally:
        server.stop(timeout_s=2.0)


def sql(server: EmbeddedServer, *statements: str) -> list[tuple[object, ...]]:
    """Run statements, each committed; the rows of the last one."""
    rows: list[tuple[object, ...]] = []
    with psycopg.connect(server.dsn(user="postgres"), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
            rows = cursor.fetchall() if cursor.description else []
    return rows


OWNER = """
    import os, sys
    from pathlib import Path
    from reception.store.embedded import EmbeddedServer
    if uid := int(sys.argv[2]):
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    server = EmbeddedServer(Path(sys.argv[1]))
    server.start()
    print(server.pid, flush=True)
    sys.stdin.read()
    server.stop()
    print("stopped", flush=True)
"""


class Owner:
    """
    Another process that runs a server, to be killed.

    With a `uid` it becomes that user when its modules are imported: the interpreter itself
    may be in a folder that is private to root.
    """

    def __init__(self, data_dir: Path, *, uid: int = 0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(OWNER), str(data_dir), str(uid)],
            env={**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.server_pid = int(line) if line.strip() else 0

    def problem(self) -> str:
        """Tell why it could not start its server."""
        assert self.process.stderr is not None
        text = self.process.stderr.read()
        self.close()
        return text

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def end(self) -> str:
        """Have it stop its server; what it said then."""
        out: str
        err: str
        out, err = self.process.communicate("", timeout=20)
        assert not err, err
        return out.strip()

    def close(self) -> None:
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    give_up_at = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True
