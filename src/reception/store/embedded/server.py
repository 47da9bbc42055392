"""
The embedded server as its owner sees it: start, ask whether it lives, stop.

One object, one data directory, at most one server. Everything blocks; whoever must not
wait calls it from a thread of his own, which must live as long as the server (`running`
says why). What to do when the server dies is the owner's decision: `start` again.

No configuration is read here, and no SQL stands here but what tells a server's identity
and makes its one database.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from reception.errors import NeedsHuman
from reception.store.embedded.account import Account, server_account
from reception.store.embedded.binaries import Binaries, binaries_for
from reception.store.embedded.cluster import (
    NO_SPACE_ERRORS,
    SUPERUSER,
    make_cluster,
    no_space,
    speaks_of_space,
    write_access,
)
from reception.store.embedded.directory import PORT, DataDirectory
from reception.store.embedded.leftover import IDENTITY_SQL, take_over
from reception.store.embedded.probe import NoAnswer, Refused, ask
from reception.store.embedded.running import handles, spawn

DATABASE: Final = "reception"
_POLL_S: Final = 0.01
_ANSWER_S: Final = 5.0
_MAKE_S: Final = 60.0
# After an immediate shutdown has been asked for, before the last resort.
_IMMEDIATE_S: Final = 2.0
_MAX_LOG_BYTES: Final = 4 * 1024 * 1024
_STATUS_LINE: Final = 8  # of postmaster.pid
# More than one version is between two: None, so that the migrations are run and say so.
_SCHEMA_SQL: Final = (
    "SELECT CASE count(*) WHEN 1 THEN max(version_num) END FROM reception.schema_version"
)
_UNDEFINED_DATABASE: Final = "3D000"

# What the promises rest on, and what keeps the server to itself. Given at every start, so
# that no file of the server can say otherwise.
_FIXED: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "restart_after_crash": "on",
    "cluster_name": "reception",
    "timezone": "UTC",
    # Values of guests must not get into a log: no statements, no parameters, no details.
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_lock_waits": "off",
    "log_line_prefix": "%m [%p] ",
}


class EmbeddedServer:
    """
    A PostgreSQL server in a directory of ours, as our child.

    Args:
        data_dir: where its data is, or will be; made where it does not exist.
        programs: of an older PostgreSQL, to read data of its once more; None for ours.
    """

    def __init__(self, data_dir: Path, *, programs: Binaries | None = None) -> None:
        self.directory: Final = DataDirectory(data_dir)
        self._programs: Final = programs
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled: Final = threading.Event()
        self._log_begins_at = 0

    @property
    def pid(self) -> int | None:
        """The process id of the server; None while there is none."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._process.pid

    def dsn(self, *, user: str, database: str = DATABASE) -> str:
        """Give the address for libpq; it is the same for every server of this directory."""
        host = str(self.directory.sockets).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port={PORT} user={user} dbname={database}"

    def start(self) -> None:
        """
        Start it, whatever was there before, and wait until it answers.

        Makes the server's files at the first start, ends a left-over server, waits for the
        recovery after a crash however long that takes. Does nothing where it runs already.
        Returns without a server where `cancel` was called.

        Errors:
            NeedsHuman: store.in_use, store.older_major, store.newer_major, store.no_space,
                store.account, store.binaries, store.directory, store.socket,
                store.left_over, store.initdb, store.failed.
        """
        if self.pid is not None:
            return
        self.directory.take()
        try:
            if self._programs is None:
                self.directory.check_version()
            account = server_account(self.directory.files)
            self._prepare_and_spawn(account, self._programs or binaries_for(account))
            self._wait_until_it_answers()
        except BaseException:
            self.stop(timeout_s=0.0)
            raise
        if self._cancelled.is_set():
            self.stop(timeout_s=_IMMEDIATE_S)

    def schema_version(self) -> str | None:
        """Read which migration the database is at; None where it has no schema yet."""
        try:
            return self._ask(_SCHEMA_SQL, DATABASE)
        except (NoAnswer, Refused):
            return None

    def cancel(self) -> None:
        """Have a `start` in another thread return soon, and every later one at once."""
        self._cancelled.set()

    def is_alive(self) -> bool:
        """Does our server answer? A busy one that says so is alive."""
        if self.pid is None:
            return False
        try:
            return self._identity() == self.directory.system_identifier()
        except NoAnswer:
            return False
        except Refused:
            return True

    def keep_log_small(self) -> None:
        """Begin the server's log anew where it has grown; what was before is kept once."""
        log = self.directory.log
        with suppress(OSError):  # a log that cannot be cut is no reason to do without a database
            if log.stat().st_size <= _MAX_LOG_BYTES:
                return
            # A copy, since the server goes on writing to the file that it has; it appends, so
            # that it goes on where the file ends.
            with suppress(OSError):  # a full disk needs the room more
                kept = log.with_name(f"{log.name}.1")
                kept.unlink(missing_ok=True)
                with log.open("rb") as source, open(kept, "wb", opener=_private) as target:
                    shutil.copyfileobj(source, target)
            os.truncate(log, 0)
            self._log_begins_at = 0

    def wait(self, timeout_s: float) -> bool:
        """Wait for the server's end; has it ended?"""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, *, timeout_s: float = 8.0, release: bool = True) -> None:
        """
        Stop it: connections are cut, all that was committed is on disk.

        Args:
            timeout_s: how long it may take to end in order (a checkpoint); then it is made
                to end at once, which loses nothing and makes the next start recover.
            release: let somebody else have the directory, too.
        """
        if self._process is not None:
            # Fast, then immediate, then by force.
            for number, patience_s in (
                (signal.SIGINT, timeout_s),
                (signal.SIGQUIT, _IMMEDIATE_S),
                (signal.SIGKILL, None),
            ):
                if patience_s == 0.0:
                    continue
                with suppress(ProcessLookupError):
                    self._process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(patience_s)
                    break
            self._process = None
        if release:
            self.directory.release()

    # ── starting ─────────────────────────────────────────────────────────────────────

    def _prepare_and_spawn(self, account: Account, binaries: Binaries) -> None:
        directory, lock = self.directory, None
        try:
            lock = take_over(directory, self._cancelled.is_set)
            if lock is None:
                return
            if not directory.is_initialised():
                make_cluster(directory.files, account, binaries, self._cancelled.is_set)
            if self._cancelled.is_set():
                return
            write_access(directory.files, account)
            directory.make_socket_directory(account)
            self._spawn(account, binaries, lock)
        except OSError as error:
            if error.errno in NO_SPACE_ERRORS:
                raise no_space(directory.root) from None
            raise NeedsHuman(
                "store.directory",
                f"{directory.root} cannot be used as data_dir: {error.strerror}",
            ) from None
        finally:
            if lock is not None:
                os.close(lock)  # the server has it by now, and keeps it

    def _spawn(self, account: Account, binaries: Binaries, lock: int) -> None:
        directory = self.directory
        self.keep_log_small()
        self._log_begins_at = directory.log.stat().st_size if directory.log.exists() else 0
        fixed = [word for name, value in _FIXED.items() for word in ("-c", f"{name}={value}")]
        with (
            open(directory.log, "ab", opener=_private) as log,
            handles(account, directory.files, directory.sockets) as ((pgdata, sockets), handed),
        ):
            self._process = spawn(
                [
                    binaries["postgres"],
                    "-D",
                    pgdata,
                    "-c",
                    f"unix_socket_directories={sockets}",
                    *fixed,
                ],
                account,
                output=log,
                pass_fds=[*handed, lock],
                with_us=True,
            )

    def _wait_until_it_answers(self) -> None:
        expected = self.directory.system_identifier() if self._process else 0
        while self._process is not None and not self._cancelled.is_set():
            if self._process.poll() is not None:
                raise self._explained()
            if not self._says_ready():
                time.sleep(_POLL_S)
                continue
            try:
                if self._identity() == expected:
                    self._make_database()
                    return
                raise NeedsHuman(
                    "store.failed",
                    f"another database server answers at {self.directory.socket}: end it first",
                )
            except (NoAnswer, Refused):
                time.sleep(_POLL_S)

    def _says_ready(self) -> bool:
        """Does the server's own file say so? Asking while it recovers would fill its log."""
        try:
            lines = (self.directory.files / "postmaster.pid").read_text("utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= _STATUS_LINE and lines[_STATUS_LINE - 1].strip() == "ready"

    def _identity(self) -> int:
        return int(self._ask(IDENTITY_SQL, "template1") or 0)

    def _make_database(self) -> None:
        try:
            self._ask("SELECT 1", DATABASE)
        except Refused as refusal:
            if refusal.sqlstate != _UNDEFINED_DATABASE:
                raise
            self._ask(f"CREATE DATABASE {DATABASE}", "template1", _MAKE_S)

    def _ask(self, sql: str, database: str, timeout_s: float = _ANSWER_S) -> str | None:
        socket = self.directory.socket
        return ask(socket, sql, user=SUPERUSER, database=database, timeout_s=timeout_s)

    def _explained(self) -> NeedsHuman:
        """Say why the server ended, from what it wrote since it was started."""
        with self.directory.log.open("rb") as log:
            log.seek(self._log_begins_at)
            text = log.read(64 * 1024).decode(errors="replace")
        if speaks_of_space(text):
            return no_space(self.directory.root)
        reasons = [line for line in text.splitlines() if "FATAL" in line or "PANIC" in line]
        reason = reasons[-1].partition("] ")[2] if reasons else "it gives no reason"
        return NeedsHuman(
            "store.failed",
            f"the database server does not start: {reason} (more in {self.directory.log})",
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
