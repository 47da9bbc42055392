"""
Backups of the embedded server, and a new server out of one.

A backup is a directory: `data.dump` (pg_dump's own format, a consistent picture of one
moment), `roles.sql`, and `manifest.json` with their sizes and hashes. It is made under
another name and renamed when it is complete and on disk, so what has a backup's name is
one. It holds guests' data: only whoever runs Reception may read it.

Logical, not a copy of files: making it reads every row, so damage is noticed while the
last good backup still exists; and a newer PostgreSQL can read it, so an upgrade is a backup
and a restore.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from reception.errors import NeedsHuman
from reception.store.embedded.account import ourselves
from reception.store.embedded.binaries import binaries_for
from reception.store.embedded.cluster import SUPERUSER, sync_directory, sync_file
from reception.store.embedded.probe import ask
from reception.store.embedded.running import run
from reception.store.embedded.server import DATABASE, EmbeddedServer

_NAME: Final = re.compile(r"reception-\d{8}T\d{6}Z")
_NAME_FORMAT: Final = "reception-%Y%m%dT%H%M%SZ"
_FORMAT: Final = 1
_DATA: Final = "data.dump"
_ROLES: Final = "roles.sql"
_MANIFEST: Final = "manifest.json"
_CHUNK_BYTES: Final = 1024 * 1024
_ANALYZE_S: Final = 600.0


def never() -> bool:
    """Nothing cancels it."""
    return False


def make_backup(
    server: EmbeddedServer, into: Path, is_cancelled: Callable[[], bool] = never
) -> Path:
    """
    Back up a running server into a new directory inside `into`, and give its path.

    Errors:
        NeedsHuman: store.backup, with what is in the way.
    """
    name = datetime.now(UTC).strftime(_NAME_FORMAT)
    making = into / f".{name}.making"
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_interrupted(into)
        making.mkdir(mode=0o700)
    except OSError as error:
        raise _not_made(into, error) from None
    try:
        with _held(making):
            _dump(server, making, is_cancelled)
            _write_manifest(making, server)
            making.rename(into / name)
            sync_directory(into)
    except OSError as error:
        raise _not_made(into, error) from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return into / name


def backups(directory: Path) -> list[Path]:
    """List the backups in a directory, the oldest first."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name))


def made_at(backup: Path) -> datetime:
    """Tell from its name when a backup was made."""
    return datetime.strptime(backup.name, _NAME_FORMAT).replace(tzinfo=UTC)


def remove_old_backups(directory: Path, kept: int) -> int:
    """Keep the newest ones; how many were removed?"""
    old = backups(directory)[:-kept]
    for path in old:
        # Under another name first: what is half removed must not look like a backup.
        gone = path.with_name(f".{path.name}.making")
        path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    return len(old)


def check_backup(backup: Path) -> dict[str, Any]:
    """
    See that a backup is whole, and give its manifest.

    Errors:
        NeedsHuman: store.backup_damaged.
    """
    try:
        manifest: dict[str, Any] = json.loads((backup / _MANIFEST).read_text("utf-8"))
        wanted = {name: manifest["files"][name]["sha256"] for name in (_DATA, _ROLES)}
        found = {name: _sha256(backup / name) for name in wanted}
    except (OSError, ValueError, KeyError, TypeError):
        raise NeedsHuman(
            "store.backup_damaged",
            f"{backup} is no backup of Reception: name a directory reception-<date>T<time>Z"
            " that `reception db backup` has made",
        ) from None
    damaged = [name for name in wanted if found[name] != wanted[name]]
    if damaged:
        raise NeedsHuman(
            "store.backup_damaged",
            f"{backup / damaged[0]} is not as it was written: take an older backup",
        )
    if manifest.get("format") != _FORMAT:
        raise NeedsHuman(
            "store.backup_damaged", f"{backup} was made by a newer Reception: install that one"
        )
    return manifest


def fill_from_backup(server: EmbeddedServer, backup: Path) -> None:
    """
    Load a checked backup into a running, new and empty server.

    Errors:
        NeedsHuman: store.restore.
    """
    programs = binaries_for(ourselves())
    superuser = server.dsn(user=SUPERUSER)
    failed = f"{backup} cannot be restored"
    # The one role that every server has already.
    roles = (backup / _ROLES).read_text("utf-8")
    roles = re.sub(rf"^CREATE ROLE {SUPERUSER};$", "", roles, flags=re.MULTILINE)
    trimmed = server.directory.root / "roles.sql"
    trimmed.write_text(roles, "utf-8")
    _run(
        [
            programs["psql"],
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            f"--file={trimmed}",
            superuser,
        ],
        "store.restore",
        failed,
    )
    _run(
        [
            programs["pg_restore"],
            "--exit-on-error",
            "--jobs=2",
            f"--dbname={superuser}",
            str(backup / _DATA),
        ],
        "store.restore",
        failed,
    )
    ask(server.directory.socket, "ANALYZE", user=SUPERUSER, database=DATABASE, timeout_s=_ANALYZE_S)


def _dump(server: EmbeddedServer, making: Path, is_cancelled: Callable[[], bool]) -> None:
    programs = binaries_for(ourselves())
    superuser = server.dsn(user=SUPERUSER)
    _run(
        [programs["pg_dump"], "--format=custom", f"--file={making / _DATA}", superuser],
        "store.backup",
        "the database cannot be backed up",
        is_cancelled,
    )
    _run(
        [
            programs["pg_dumpall"],
            "--roles-only",
            "--no-role-passwords",
            f"--file={making / _ROLES}",
            f"--dbname={superuser}",
        ],
        "store.backup",
        "the roles of the database cannot be backed up",
        is_cancelled,
    )


def _not_made(into: Path, error: OSError) -> NeedsHuman:
    return NeedsHuman("store.backup", f"no backup can be made in {into}: {error.strerror}")


@contextmanager
def _held(making: Path) -> Iterator[None]:
    """Mark a backup as being made, for as long as this process lives."""
    handle = os.open(making, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system without locks; who shares that one must wait
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _remove_interrupted(into: Path) -> None:
    """Remove what backups have left that were killed, not what another is making just now."""
    for making in into.glob(".reception-*.making"):
        try:
            handle = os.open(making, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError:
            pass  # a file system without locks
        finally:
            os.close(handle)
        shutil.rmtree(making, ignore_errors=True)


def _write_manifest(making: Path, server: EmbeddedServer) -> None:
    files = {}
    for name in (_DATA, _ROLES):
        path = making / name
        path.chmod(0o600)
        sync_file(path)
        files[name] = {"bytes": path.stat().st_size, "sha256": _sha256(path)}
    manifest = {
        "format": _FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "postgresql": server.directory.major(),
        "system_identifier": str(server.directory.system_identifier()),
        "files": files,
    }
    path = making / _MANIFEST
    path.write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    path.chmod(0o600)
    sync_file(path)
    sync_directory(making)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _run(
    words: Sequence[str], code: str, failed: str, is_cancelled: Callable[[], bool] = never
) -> None:
    status, text = run(words, ourselves(), is_cancelled)
    if is_cancelled():
        raise NeedsHuman(code, f"{failed}: Reception is ending")
    if status:
        lines = [line for line in text.splitlines() if "error:" in line or "ERROR" in line]
        # The first line names the object; a value of a row can only be in the ones after it.
        raise NeedsHuman(code, f"{failed}: {(lines or ['no reason was given'])[0].strip()}")
