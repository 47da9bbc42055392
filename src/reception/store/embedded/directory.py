"""
The data directory: what is where in it, whose it is, and who may use it now.

    postgres/      the server's files (PGDATA), made by initdb
    run/           its socket, or elsewhere where this path is too long for one
    owner.lock     held by the process that runs the server
    server.lock    held by the server's own processes, each of them, until the last has gone
    postgres.log   what the server says

Locks are the kernel's (flock): they end with their holders, so neither a crash nor a
process id that was used again can leave a false one. That the second lock is inherited by
every process of the server is how we know, without looking at any process id, whether
something of a killed server is still there.

Nothing that existed before is given another mode or owner.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import struct
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from reception.errors import NeedsHuman
from reception.store.embedded.account import Account
from reception.store.embedded.binaries import MAJOR

PORT: Final = 5432  # a name for the socket's file, no port
_SOCKET: Final = f".s.PGSQL.{PORT}"
# The kernel's limit is 108 bytes (104 on macOS), with the file's name and a zero.
_SOCKET_PATH_BYTES: Final = 90
_SYSTEM_IDENTIFIER: Final = struct.Struct("=Q")  # the first field of pg_control


class DataDirectory:
    """The paths below one data directory, and its locks."""

    def __init__(self, root: Path) -> None:
        self.root: Final = Path(os.path.abspath(root))
        self.files: Final = self.root / "postgres"
        self.log: Final = self.root / "postgres.log"
        self.sockets: Final = self._socket_directory()
        self._owner_lock: int | None = None

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return self.sockets / _SOCKET

    # ── locks ────────────────────────────────────────────────────────────────────────

    def take(self) -> None:
        """
        Become the one who runs the server; again is no mistake.

        Errors:
            NeedsHuman: store.in_use where somebody else is that, store.directory where
                the directory cannot be used.
        """
        if self._owner_lock is not None:
            return
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.root / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise NeedsHuman(
                "store.directory",
                f"{self.root} cannot be used as data_dir ({error.strerror}): make it writable"
                " for whoever runs Reception, or name another data_dir",
            ) from None
        if not _locked(lock):
            owner = _written_in(lock)
            os.close(lock)
            raise NeedsHuman(
                "store.in_use",
                f"{self.root} is used by another Reception (process {owner or 'unknown'}): end"
                " that one first, or give this one a data_dir of its own",
            )
        os.ftruncate(lock, 0)
        with suppress(OSError):  # a full disk; the lock is what counts
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._owner_lock = lock

    def release(self) -> None:
        """Let somebody else run it."""
        if self._owner_lock is not None:
            os.ftruncate(self._owner_lock, 0)
            os.close(self._owner_lock)
            self._owner_lock = None

    def server_lock(self) -> int | None:
        """Take the lock that a server is to inherit; None while one's processes hold it."""
        path = self.root / "server.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _locked(lock):
            return lock
        os.close(lock)
        return None

    # ── contents ─────────────────────────────────────────────────────────────────────

    def is_initialised(self) -> bool:
        """Are there files of a server?"""
        return (self.files / "PG_VERSION").exists()

    def check_version(self) -> None:
        """
        See that our server can read the files, where there are any.

        Errors:
            NeedsHuman: store.older_major, store.newer_major, store.directory.
        """
        if (self.root / "PG_VERSION").exists():
            raise NeedsHuman(
                "store.directory",
                f"{self.root} is a PostgreSQL server's own directory: name another data_dir, in"
                " which Reception makes its server's, or run that server and set database_url",
            )
        if not self.is_initialised():
            self._refuse_interrupted()
            return
        major = self.major()
        if major < MAJOR:
            raise NeedsHuman(
                "store.older_major",
                f"the data in {self.root} is PostgreSQL {major}'s, and this Reception runs"
                f" PostgreSQL {MAJOR}: run `reception db upgrade` (it keeps the old data)",
            )
        if major > MAJOR:
            raise NeedsHuman(
                "store.newer_major",
                f"the data in {self.root} is PostgreSQL {major}'s, and this Reception runs"
                f" PostgreSQL {MAJOR}: install the newer Reception that made it",
            )

    def refuse_nothing(self) -> None:
        """
        Refuse a directory in which no server's files are, for whoever is not to make any.

        Errors:
            NeedsHuman: store.no_database, and as `check_version`.
        """
        with suppress(PermissionError):  # whoever takes the directory says so
            self.check_version()
            if not self.is_initialised():
                raise NeedsHuman(
                    "store.no_database",
                    f"there is no database in {self.root} yet: name another data_dir, or make one"
                    " with `reception db migrate`",
                )

    def _refuse_interrupted(self) -> None:
        """Refuse to begin with nothing where a restore or an upgrade has put data aside."""
        aside = sorted(self.root.glob("postgres-*-until-*"))
        if aside:
            raise NeedsHuman(
                "store.interrupted",
                f"a restore or an upgrade of {self.root} was interrupted: rename {aside[-1].name}"
                " in it to postgres, then do it again",
            )

    def major(self) -> int:
        """Read the major version of the server's files."""
        text = (self.files / "PG_VERSION").read_text("utf-8").strip()
        return int(text.split(".")[0])

    def system_identifier(self) -> int:
        """Read which server the files belong to: a number that initdb draws."""
        control = (self.files / "global" / "pg_control").read_bytes()
        return int(_SYSTEM_IDENTIFIER.unpack_from(control)[0])

    # ── the socket ───────────────────────────────────────────────────────────────────

    def _socket_directory(self) -> Path:
        inside = self.root / "run"
        if _fits(inside):
            return inside
        # The same at every start, so that a left-over server is found again.
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        bases = (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp")  # noqa: S108  # a directory in it is made for us alone, and checked
        for base in bases:
            outside = Path(base) / f"reception-{os.geteuid()}-{name}"
            if outside.is_absolute() and outside.parent.is_dir() and _fits(outside):
                return outside
        return inside

    def make_socket_directory(self, account: Account) -> None:
        """
        See that the server has a directory for its socket that nobody else can enter.

        Errors:
            NeedsHuman: store.socket where what is there is not such a directory.
        """
        if not _fits(self.sockets):
            raise NeedsHuman(
                "store.socket",
                f"the path {self.sockets} is too long for a socket: name a data_dir with a"
                " shorter path",
            )
        try:
            self.sockets.mkdir(mode=0o700)
            give(self.sockets, account)
        except FileExistsError:
            pass
        found = self.sockets.lstat()
        is_private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077 == 0
        if not is_private or found.st_uid != account.uid:
            raise NeedsHuman(
                "store.socket",
                f"{self.sockets} is not a directory that only {account.name} can enter: remove"
                " it, Reception makes it anew",
            )


def give(path: Path, account: Account) -> None:
    """Hand what we have just made to the account that the server runs under."""
    if account.is_other:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory / _SOCKET)) <= _SOCKET_PATH_BYTES


def _written_in(lock: int) -> str:
    """Read who holds a lock; whoever has just taken it may not have said so yet."""
    for _ in range(20):
        if owner := os.pread(lock, 20, 0).decode(errors="replace").strip():
            return owner
        time.sleep(0.01)
    return ""


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
