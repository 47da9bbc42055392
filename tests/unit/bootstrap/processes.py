"""
Real servers for the tests of this folder: started, asked over real sockets, always ended.

A server runs in a folder of its own on a free port of 127.0.0.1. Only processes that were
started here are ever signalled.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from reception.bootstrap.keeping import bring_up_to_date
from reception.store.embedded import EmbeddedServer

SRC = Path(__file__).parents[3] / "src"
CALL = b'{"Call-ID":"c-1","Account-ID":"00000000000000000000000000000000","Request":"2000"}'
APP = """
import asyncio, os, time
from reception import App, flow

app = App("acme", fallback=flow.hangup())

@app.answer
async def answer(call):
    match call.params.get("do"):
        case "slow":
            await asyncio.sleep(1.0)
        case "pid":
            return flow.tts(f"I am {os.getpid()}").then(flow.hangup())
        case "die":
            os._exit(7)
        case "block":
            time.sleep(1.0)
    return flow.tts("one").then(flow.hangup())
"""
DATABASE_NAMES = ("postgres", "initdb")
CONFIG = """
[server]
drain_s = {drain_s}
workers = {workers}

[tenants.acme]
app = "acme:app"
insecure_no_secret = true
"""


@functools.cache
def _empty_database() -> Path:
    """Make a database with its schema once, which the servers of the tests begin with."""
    folder = Path(tempfile.mkdtemp(prefix="reception-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database = EmbeddedServer(folder / "reception-data")
    database.start()
    try:
        bring_up_to_date(database, lambda: False)
    finally:
        database.stop()
    return folder / "reception-data"


def lay_database(folder: Path) -> None:
    """Put a database where a server in `folder` looks for it; a second of less work for each."""
    target = folder / "reception-data"
    if not target.exists():
        subprocess.run(["cp", "-a", str(_empty_database()), str(target)], check=True)


class Program:
    """A started `python -m reception …`, what it prints, and its end."""

    def __init__(self, folder: Path, *words: str, lay: bool = True) -> None:
        if lay and words[0] in ("serve", "dev"):
            lay_database(folder)
        # TMPDIR: a server that is killed together with its workers leaves its metrics there.
        environ = {
            **os.environ,
            "PYTHONPATH": str(SRC),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "reception", *words],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def wait_for(self, pattern: str, within_s: float = 15.0) -> re.Match[str]:
        """Wait for a printed line that matches; lines before it are passed over."""
        give_up_at = time.monotonic() + within_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, give_up_at - time.monotonic()))
            except queue.Empty:
                text = "\n".join(self.printed)
                raise AssertionError(f"no line matches {pattern!r} in:\n{text}") from None
            self.printed.append(line)
            if found := re.search(pattern, line):
                return found

    def wait_until_up(self) -> Self:
        self.port = int(self.wait_for(r"^Reception \S+ on http://127\.0\.0\.1:(\d+)")[1])
        self.wait_for("Ctrl-C")
        return self

    def end(self, within_s: float = 12.0) -> int:
        """Wait for its end; the exit status."""
        status = self.process.wait(within_s)
        self._reader.join(2.0)
        while not self._lines.empty():
            self.printed.append(self._lines.get())
        return status

    def kill(self) -> None:
        """End it and what it started, as far as that is still there."""
        children = children_of(self.process.pid) | work_of(self.process.pid)
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(5)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._reader.join(2.0)
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def text(self) -> str:
        return "\n".join(self.printed)


@contextmanager
def program(folder: Path, *words: str, lay: bool = True) -> Iterator[Program]:
    """Start a program; `lay` spares a server the making of its database."""
    started = Program(folder, *words, lay=lay)
    try:
        yield started
    finally:
        started.kill()


@contextmanager
def server(
    folder: Path, *, workers: int = 1, drain_s: float = 1.0, lay: bool = True
) -> Iterator[Program]:
    """Serve `APP` as tenant acme."""
    (folder / "acme.py").write_text(APP)
    (folder / "reception.toml").write_text(CONFIG.format(drain_s=drain_s, workers=workers))
    with program(folder, "serve", "--port", "0", lay=lay) as started:
        yield started.wait_until_up()


class Client:
    """One kept-alive connection, as the platform has many."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=8)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, target: str = "/voice?APPID=acme", body: bytes = CALL) -> None:
        head = f"POST {target} HTTP/1.1\r\ncontent-type: application/json\r\nhost: localhost\r\n"
        self.socket.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer: status, headers, body."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers["content-length"])
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return int(lines[0].split()[1]), headers, body

    def ask(
        self, do: str = "", target: str = "/voice?APPID=acme"
    ) -> tuple[int, dict[str, str], bytes]:
        self.send(target + (f"&do={do}" if do else ""))
        return self.answer()

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        return self.answer()

    def is_closed(self, within_s: float = 3.0) -> bool:
        self.socket.settimeout(within_s)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed before the answer was complete")
        self._buffer += data


def ask(port: int, do: str = "") -> tuple[int, bytes]:
    """Ask over a connection of its own."""
    with Client(port) as client:
        status, _, body = client.ask(do)
        return status, body


def pid_of(answer: tuple[int, bytes] | tuple[int, dict[str, str], bytes]) -> int:
    found = re.search(rb"I am (\d+)", answer[-1])
    assert found is not None
    return int(found[1])


def children_of(pid: int) -> set[int]:
    """Give the process ids of the workers that answer calls; Linux only."""
    others = work_of(pid)
    return {
        child
        for child, name in _named_children_of(pid)
        if name not in DATABASE_NAMES and child not in others
    }


def work_of(pid: int) -> set[int]:
    """Give the process ids of what does background work; Linux only."""
    found = set()
    for child, _ in _named_children_of(pid):
        with contextlib.suppress(OSError):
            if b"reception.bootstrap.work\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(child)
    return found


def database_of(pid: int) -> set[int]:
    """Give the process ids of the database server and of what makes its files; Linux only."""
    return {child for child, name in _named_children_of(pid) if name in DATABASE_NAMES}


def _named_children_of(pid: int) -> Iterator[tuple[int, str]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, rest = stat.read_text().rpartition(")")
            fields = rest.split()
            if int(fields[1]) == pid and fields[0] != "Z":
                yield int(stat.parent.name), head.partition("(")[2]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Poll a condition; is it true in time?"""
    give_up_at = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True
