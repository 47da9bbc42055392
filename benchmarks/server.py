"""One uvicorn worker for one app, in a process of its own, with its CPU time readable."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parent.parent
_RUN: Final = """
import sys, uvicorn
from reception.bootstrap.garbage import collect_seldom
from reception.web.protocol import LimitedHttpProtocol
uvicorn.importer.import_from_string(sys.argv[1])
collect_seldom()
uvicorn.run(sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop",
            http=LimitedHttpProtocol, access_log=False, log_level="warning",
            server_header=False, proxy_headers=False, timeout_keep_alive=125, lifespan="auto")
"""


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """User and system seconds that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """Resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def serving(name: str, attribute: str) -> Iterator[Server]:
    """Serve ``benchmarks.apps:<attribute>`` until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, f"benchmarks.apps:{attribute}", str(port)], cwd=_ROOT
    )
    try:
        _wait_for(port, process)
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"the server on port {port} did not start")
