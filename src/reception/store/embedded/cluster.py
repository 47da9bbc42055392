"""
Makes the files of a new server.

Made beside their place and moved there when complete, so that an initdb that was killed
or had no space leaves nothing that looks like a server's files.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reception.errors import NeedsHuman
from reception.store.embedded.account import Account, our_name
from reception.store.embedded.binaries import Binaries
from reception.store.embedded.directory import give
from reception.store.embedded.running import handles, run

SUPERUSER: Final = "postgres"
NO_SPACE_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# How what initdb has made is brought to the disk: on Linux one call instead of one for each
# of 970 files. Tests need not wait for the disk.
SYNC: tuple[str, ...] = ("--sync-method=syncfs",) if sys.platform == "linux" else ()
_NO_SPACE: Final = re.compile(
    r"No space left|Disk quota exceeded|Check free disk space|wrote only \d+ of"
)

# Defaults of a server made by us, in its postgresql.conf, where an operator may change them.
_TUNABLE: Final = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    # Queries here are short; compiling them costs more than it gains.
    "jit": "off",
    # No helper processes for reading: the data of one node is in memory.
    "io_method": "sync",
}


def make_cluster(
    files: Path, account: Account, binaries: Binaries, is_cancelled: Callable[[], bool]
) -> None:
    """
    Run initdb so that its result appears at `files` complete or not at all.

    Errors:
        NeedsHuman: store.no_space, store.initdb.
    """
    making = files.with_name(f"{files.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    try:
        making.mkdir(mode=0o700)
        give(making, account)
        _initdb(making, account, binaries, is_cancelled)
        if not is_cancelled():
            write_access(making, account)
            making.rename(files)
            sync_directory(files.parent)
    except OSError as error:
        if error.errno in NO_SPACE_ERRORS:
            raise no_space(files.parent) from None
        raise NeedsHuman(
            "store.initdb", f"the database cannot be made in {files.parent}: {error.strerror}"
        ) from None
    finally:
        shutil.rmtree(making, ignore_errors=True)


def write_access(files: Path, account: Account) -> None:
    """Let in whoever runs as our own user over the socket, as any role; nobody else."""
    texts = {
        "pg_hba.conf": "local all all peer map=reception\n",
        # `all` is a word since PostgreSQL 16; before, it is a role that does not exist.
        "pg_ident.conf": f'reception "{our_name()}" all\nreception "{our_name()}" {SUPERUSER}\n',
    }
    for name, text in texts.items():
        path = files / name
        if path.exists() and path.read_text("utf-8") == text:
            continue
        temporary = path.with_name(f"{name}.new")
        temporary.write_text(text, "utf-8")
        temporary.chmod(0o600)
        give(temporary, account)
        temporary.replace(path)


def sync_file(path: Path) -> None:
    """Make what is written in a file last."""
    sync_directory(path)


def sync_directory(directory: Path) -> None:
    """Make a rename in a directory last."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _initdb(
    making: Path, account: Account, binaries: Binaries, is_cancelled: Callable[[], bool]
) -> None:
    settings = [word for name, value in _TUNABLE.items() for word in ("-c", f"{name}={value}")]
    with handles(account, making) as ((pgdata,), handed):
        status, text = run(
            [
                binaries["initdb"],
                f"--pgdata={pgdata}",
                f"--username={SUPERUSER}",
                "--auth=peer",
                "--encoding=UTF8",
                "--locale=C",
                "--no-instructions",
                *SYNC,
                *settings,
            ],
            account,
            is_cancelled,
            pass_fds=handed,
        )
    if status and not is_cancelled():
        raise _explained(text, making.parent)


def _explained(text: str, root: Path) -> NeedsHuman:
    if speaks_of_space(text):
        return no_space(root)
    lines = [line for line in text.splitlines() if "error:" in line or "FATAL" in line]
    return NeedsHuman(
        "store.initdb",
        f"the database cannot be made in {root}: {(lines or ['initdb failed'])[0].strip()}",
    )


def speaks_of_space(text: str) -> bool:
    """Is a full disk the reason that PostgreSQL gives?"""
    return _NO_SPACE.search(text) is not None


def no_space(root: Path) -> NeedsHuman:
    """Say that the disk is full."""
    return NeedsHuman(
        "store.no_space",
        f"the disk that holds {root} is full: make room on it; the data is safe",
    )
