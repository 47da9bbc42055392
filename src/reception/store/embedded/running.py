"""
How one of PostgreSQL's programs is started, so that it needs nothing but what it is given.

It gets a clean environment (PGDATA, PGPORT and their like in ours would change what it
does), no terminal, and where it runs as another user its directories as open handles:
that user need not be able to walk the path to them, a private home directory for example.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Final

from reception.store.embedded.account import Account

_PR_SET_PDEATHSIG: Final = 1
_LOOK_EVERY_S: Final = 0.1
_MAX_OUTPUT_BYTES: Final = 64 * 1024
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


@contextmanager
def handles(account: Account, *directories: Path) -> Iterator[tuple[list[str], list[int]]]:
    """Give names under which a program of `account` can reach directories, and handles for it."""
    if not account.is_other or sys.platform != "linux":
        yield [str(directory) for directory in directories], []
        return
    with ExitStack() as stack:
        opened = []
        for directory in directories:
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, handle)
            opened.append(handle)
        yield [f"/proc/self/fd/{handle}" for handle in opened], opened


def spawn(
    words: Sequence[str],
    account: Account,
    *,
    output: int | IO[Any],
    pass_fds: Sequence[int] = (),
    with_us: bool = False,
) -> subprocess.Popen[bytes]:
    """
    Start a program as `account`.

    Args:
        words: the path of the program and its arguments.
        output: where what it prints goes.
        with_us: where the kernel can, ask the program to end when we are killed. It is the
            thread that counts: the one that calls this must live as long as the program.
    """
    as_other: dict[str, Any] = {}
    if account.is_other:
        as_other = {"user": account.uid, "group": account.gid, "extra_groups": []}
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return subprocess.Popen(  # noqa: S603  # a program of ours, arguments of ours
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={**environ, "LC_ALL": "C", "TZ": "UTC"},
        pass_fds=tuple(pass_fds),
        # A terminal's Ctrl-C is for whoever started it, who ends it in order.
        process_group=0,
        umask=0o077,
        preexec_fn=_end_with_parent() if with_us else None,  # noqa: PLW1509  # see there
        **as_other,
    )


def run(
    words: Sequence[str],
    account: Account,
    is_cancelled: Callable[[], bool],
    *,
    pass_fds: Sequence[int] = (),
) -> tuple[int, str]:
    """Run a program to its end, or until cancelled: its status, and what it printed."""
    with tempfile.TemporaryFile() as output:
        process = spawn(words, account, output=output, pass_fds=pass_fds, with_us=True)
        try:
            while not is_cancelled():
                try:
                    process.wait(_LOOK_EVERY_S)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        output.seek(0)
        return process.returncode, output.read(_MAX_OUTPUT_BYTES).decode(errors="replace")


def _end_with_parent() -> Callable[[], None] | None:
    """
    Have the kernel send SIGTERM to the new process when the thread that started it dies.

    To PostgreSQL that means: take no new connections, end when the last one has gone. So
    workers that outlive their supervisor for a moment can finish what is in flight.
    Between fork and exec this makes one system call and takes no lock.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask_kernel
