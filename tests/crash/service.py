"""
The service under trial: `reception serve` with its workers and its database, and their deaths.

Everything is a real process. It is started, killed and started again on one port and one data
directory; who died, when and by whose hand is noted, because the checker must know. Only
processes that were started here are signalled.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reception.store.embedded import EmbeddedServer
from tests.unit.bootstrap.processes import (
    children_of,
    database_of,
    is_alive,
    lay_database,
    work_of,
)

REPOSITORY = Path(__file__).parents[2]
CONFIG = """
[server]
workers = 2
drain_s = 0.0
max_in_flight = 2000

[tenants.desk]
app = "crash_desk:app"
insecure_no_secret = true
"""
_LOOK_EVERY_S = 0.02


class Stuck(Exception):
    """Something did not happen in time; the log of the service says more."""


@dataclass
class Service:
    """
    One service in one folder.

    Attributes:
        deaths: by process id, when each worker was gone (time.time()).
        database_kills: when the database was killed.
        events: what the supervisor and the workers have logged, by name.
    """

    folder: Path
    lease_s: float = 0.0
    port: int = 0
    deaths: dict[int, float] = field(default_factory=dict)
    database_kills: list[float] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _read_to: int = 0
    _ready: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        shutil.copy(Path(__file__).parent / "desk" / "crash_desk.py", self.folder)
        (self.folder / "reception.toml").write_text(CONFIG)
        self.ledger.touch()
        lay_database(self.folder)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    @property
    def owner_dsn(self) -> str:
        return EmbeddedServer(self.folder / "reception-data").dsn(user="postgres")

    @property
    def pid(self) -> int:
        assert self._process is not None  # it runs
        return self._process.pid

    async def start(self, fault: str = "") -> None:
        """Start it, and wait until it is up; with a fault, it may die again and again before."""
        environ = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.folder),
            "CRASH_LEDGER": str(self.ledger),
            "CRASH_DATA_DIR": str(self.folder / "reception-data"),
            "CRASH_LEASE_S": str(self.lease_s),
            "RECEPTION_FAULT": fault,
        }
        self._ready.clear()
        log = self.log.open("ab")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "reception", "serve", "--port", str(self.port)],
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        began = time.monotonic()
        deaths = len(self.deaths)
        while "Ctrl-C" not in (told := self._look()) and not (fault and len(self.deaths) > deaths):
            if self._process.poll() is not None or time.monotonic() - began > 60:
                raise Stuck(f"the service does not start:\n{told[-2000:]}")
            await asyncio.sleep(_LOOK_EVERY_S)
        if not fault:
            self._ready |= children_of(self.pid)

    async def stop(self, *, by: signal.Signals = signal.SIGTERM) -> None:
        """End it: in order, or by killing its parent, which takes everything along."""
        assert self._process is not None  # it runs
        pids = children_of(self.pid) | work_of(self.pid)
        database = database_of(self.pid)
        self._process.send_signal(by)
        await asyncio.to_thread(self._process.wait, 30)
        began = time.monotonic()
        while any(map(is_alive, pids | database)):
            # A killed parent's workers finish what is in flight, and the database waits for them.
            if time.monotonic() - began > 15:
                for pid in filter(is_alive, pids | database):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(_LOOK_EVERY_S)
        self._look()
        for pid in pids:
            self.deaths.setdefault(pid, time.time())
        self._process = None

    def end(self) -> None:
        """Leave nothing behind, whatever has happened."""
        if self._process is None:
            return
        pids = children_of(self.pid) | work_of(self.pid) | database_of(self.pid)
        self._process.kill()
        self._process.wait(10)
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)

    async def kill_worker(self, chance: random.Random) -> None:
        """Kill a worker that has been answering, and note it."""
        began = time.monotonic()
        while True:
            self._look()
            found = sorted(pid for pid in self._ready if is_alive(pid))
            if found:
                break
            if time.monotonic() - began > 30:
                raise Stuck("no worker comes back")
            await asyncio.sleep(_LOOK_EVERY_S)
        pid = chance.choice(found)
        os.kill(pid, signal.SIGKILL)
        while is_alive(pid):
            await asyncio.sleep(0.001)
        self._ready.discard(pid)
        self.deaths[pid] = time.time()

    async def deaths_reach(self, count: int, within_s: float) -> bool:
        """Wait until so many workers have died; False where they live on."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            self._look()
            if len(self.deaths) >= count:
                return True
            await asyncio.sleep(_LOOK_EVERY_S)
        return False

    async def kill_database(self) -> None:
        """Kill the database's first process, and note it."""
        began = time.monotonic()
        while not (found := database_of(self.pid)):
            if time.monotonic() - began > 30:
                raise Stuck("the database does not come back")
            await asyncio.sleep(_LOOK_EVERY_S)
        self.database_kills.append(time.time())
        for pid in found:
            os.kill(pid, signal.SIGKILL)

    def workers(self) -> set[int]:
        """The process ids of the workers."""
        return children_of(self.pid)

    def _look(self) -> str:
        """Read on in the log, and note what it tells."""
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            data = log.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        text = whole.decode(errors="replace")
        for line in text.splitlines():
            if line.startswith("{"):
                self._note(json.loads(line))
        return text

    def _note(self, event: dict[str, Any]) -> None:
        name = event["event"]
        self.events[name] = self.events.get(name, 0) + 1
        if name == "worker.died":
            self.deaths.setdefault(event["pid"], time.time())
            self._ready.discard(event["pid"])
        elif name == "worker.ready":
            self._ready.add(event["pid"])
