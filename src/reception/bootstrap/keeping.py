"""
Joins the supervisor to the database: what a worker told of it, to a keeper.

How a server is kept alive is `database`'s business, how it runs the store's. What needs
the store's tables is done by processes of their own, which end: the schema is brought up
to date (only where it is not), old calls are forgotten. So the supervisor stays small.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path
from typing import Final

from reception.bootstrap.control import Message
from reception.bootstrap.database import Keeper
from reception.bootstrap.nightly import Nightly
from reception.errors import NeedsHuman
from reception.store import schema
from reception.store.embedded import EmbeddedServer
from reception.store.embedded.archive import backups, made_at, make_backup, remove_old_backups

_LOOK_EVERY_S: Final = 0.05


class ForeignServer:
    """A server of the operator's: whether it runs is his business, and what follows a worker's."""

    pid: int | None = None

    def start(self) -> None:
        """Count it as there."""
        self.pid = 0

    def cancel(self) -> None:
        """Nothing to give up."""

    def is_alive(self) -> bool:
        """Count it as there."""
        return True

    def keep_log_small(self) -> None:
        """Leave its log to him."""

    def stop(self, *, timeout_s: float = 8.0) -> None:
        """Leave it alone."""
        self.pid = None


def keep_database(store: Message, waker: socket.socket) -> Keeper:
    """Make the keeper of the database that `store_message` described."""
    if "data_dir" not in store:
        words = ["check", "--unless-away", "--config", store["config"]]
        return Keeper(
            ForeignServer(),
            prepare=lambda is_cancelled: _run("store.schema", words, is_cancelled),
            waker=waker,
        )
    server = EmbeddedServer(Path(store["data_dir"]))
    return Keeper(
        server,
        prepare=lambda is_cancelled: bring_up_to_date(server, is_cancelled),
        waker=waker,
        nightly=Nightly(time.fromisoformat(store["backup_at"]), *nightly_work(server, store)),
    )


def bring_up_to_date(server: EmbeddedServer, is_cancelled: Callable[[], bool]) -> None:
    """
    Run the migrations that a running server still needs.

    Errors:
        NeedsHuman: store.schema, with what `reception db migrate` said.
    """
    if server.schema_version() == newest_schema():
        return
    _run("store.schema", ["migrate", "--data-dir", str(server.directory.root)], is_cancelled)


def newest_schema() -> str:
    """Give the version that the newest migration leads to; the names of their files begin with it."""
    folder = Path(schema.__file__).parent / "versions"
    return max(path.name[1:].partition("_")[0] for path in folder.glob("v*_*.py"))


def nightly_work(
    server: EmbeddedServer, store: Message
) -> tuple[Callable[[], datetime | None], Callable[[Callable[[], bool]], None]]:
    """Say when the work of the night was last done, and do it (see `Nightly`)."""
    into = Path(store["backup_dir"]) if store["backup_dir"] else None

    def last_at() -> datetime | None:
        # Without backups nothing tells. Forgetting at every start costs little, and a machine
        # that is off every night must forget as well.
        found = backups(into) if into is not None else []
        return made_at(found[-1]) if found else None

    def do(is_cancelled: Callable[[], bool]) -> None:
        try:
            if into is not None:
                make_backup(server, into, is_cancelled)
                remove_old_backups(into, store["backups_kept"])
        finally:
            # A disk for backups that is gone must not fill the one with the data.
            if store["config"] and not is_cancelled():
                _run("store.prune", ["prune", "--config", store["config"]], is_cancelled)

    return last_at, do


def _run(code: str, words: list[str], is_cancelled: Callable[[], bool]) -> None:
    """Run `reception db …` in a process of its own, which may be ended anywhere."""
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-P", "-m", "reception", "db", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        while not is_cancelled():
            try:
                _, problem = process.communicate(timeout=_LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
            if process.returncode:
                raise NeedsHuman(code, problem.strip())
            return
    finally:
        process.kill()
        process.communicate()
