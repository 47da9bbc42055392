"""
Exchanges the files of the embedded server for new ones: after a restore or an upgrade.

The new server is made and filled beside the old one, and takes its place when it is
complete; the old files are kept under another name until somebody removes them. A kill
between the two renames leaves no server's files in place; `start` sees that and says what
to do, it never makes an empty server then.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reception.errors import NeedsHuman
from reception.store.embedded.account import ourselves, server_account
from reception.store.embedded.archive import check_backup, fill_from_backup, make_backup
from reception.store.embedded.binaries import MAJOR, Binaries, binaries_for, shipped_majors
from reception.store.embedded.cluster import sync_directory
from reception.store.embedded.directory import DataDirectory
from reception.store.embedded.leftover import end_left_over
from reception.store.embedded.running import run
from reception.store.embedded.server import EmbeddedServer

RENEWING: Final = "renewing"
Say = Callable[[str], None]


def restore(data_dir: Path, backup: Path, say: Say) -> Path | None:
    """
    Put a backup in the place of a server's data; give where the old data is kept.

    Errors:
        NeedsHuman: store.in_use while Reception runs; store.backup_damaged; store.restore.
    """
    directory = DataDirectory(data_dir)
    directory.take()
    try:
        check_backup(backup)
        end_left_over(directory)
        return _renewed(directory, lambda server: fill_from_backup(server, backup), say)
    finally:
        directory.release()


def upgrade(data_dir: Path, old_programs: Path | None, say: Say) -> Path:
    """
    Carry the data of an older PostgreSQL over to ours; give where the old data is kept.

    Args:
        old_programs: the folder of the older PostgreSQL's programs; needed where the
            wheel does not have them.

    Errors:
        NeedsHuman: store.in_use, store.nothing_to_upgrade, store.binaries, and as `restore`.
    """
    directory = DataDirectory(data_dir)
    if not directory.is_initialised() or directory.major() >= MAJOR:
        raise NeedsHuman(
            "store.nothing_to_upgrade",
            f"{directory.root} holds no data of a PostgreSQL older than {MAJOR}: nothing to do",
        )
    major = directory.major()
    old = EmbeddedServer(data_dir, programs=_old_programs(directory, major, old_programs))
    say(f"Starting PostgreSQL {major} to read its data.")
    old.start()
    backup: Path | None = None
    try:
        backup = make_backup(old, directory.root / "upgrading")
        old.stop(release=False)
        kept = _renewed(old.directory, lambda server: fill_from_backup(server, backup), say)
        assert kept is not None
    finally:
        old.stop()
        shutil.rmtree(directory.root / "upgrading", ignore_errors=True)
    return kept


def _renewed(
    directory: DataDirectory, fill: Callable[[EmbeddedServer], None], say: Say
) -> Path | None:
    """Make a new server, fill it, and put it in place; the caller holds the directory."""
    beside = directory.root / RENEWING
    shutil.rmtree(beside, ignore_errors=True)
    server = EmbeddedServer(beside)
    try:
        say(f"Making a new PostgreSQL {MAJOR} server beside it.")
        server.start()
        fill(server)
        server.stop(timeout_s=600.0)
        kept = None
        if directory.files.exists():
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            kept = directory.root / f"postgres-{directory.major()}-until-{stamp}"
            directory.files.rename(kept)
        server.directory.files.rename(directory.files)
        sync_directory(directory.root)
        return kept
    finally:
        server.stop()
        shutil.rmtree(beside, ignore_errors=True)


def _old_programs(directory: DataDirectory, major: int, named: Path | None) -> Binaries:
    account = server_account(directory.files)
    if named is None and major in shipped_majors():
        return binaries_for(account, major)
    if named is None:
        raise NeedsHuman(
            "store.binaries",
            f"the data is PostgreSQL {major}'s, whose programs do not come with Reception:"
            f" install PostgreSQL {major} and name its folder of programs, like"
            f" --old-bin /usr/lib/postgresql/{major}/bin",
        )
    try:
        _, text = run([str(named / "postgres"), "--version"], ourselves(), lambda: False)
    except OSError as error:
        text = str(error.strerror)
    if f") {major}." not in text:
        raise NeedsHuman(
            "store.binaries",
            f"{named} does not have the programs of PostgreSQL {major} ({text.strip()}): name"
            " the folder in which its `postgres` is",
        )
    return Binaries(named)
