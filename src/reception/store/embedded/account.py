"""
The account of the operating system that the server runs under.

PostgreSQL refuses to run as root. Whoever starts Reception as root gets a server under an
unprivileged account; everybody else gets one under his own. A data directory that exists
decides: its files belong to somebody, and nobody's files are given away here.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reception.errors import NeedsHuman

# In this order. `nobody` exists everywhere, but other programs may run under it as well.
_CANDIDATES: Final = ("reception", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """
    Who the server is.

    Attributes:
        name: as the password database has it.
        is_other: it is not us, so its processes need their files handed to them.
    """

    uid: int
    gid: int
    name: str
    is_other: bool


def server_account(files: Path) -> Account:
    """
    Choose the account for a server whose files are, or will be, in `files`.

    Errors:
        NeedsHuman: store.account where there is none that can do it.
    """
    us = os.geteuid()
    try:
        owner = files.stat().st_uid
    except FileNotFoundError:
        owner = us
    if us == 0:
        return _of_uid(owner) if owner != 0 else _unprivileged()
    if owner != us:
        raise NeedsHuman(
            "store.account",
            f"{files} belongs to the user {_name(owner)}, and this is {_name(us)}: start"
            " Reception as that user, or name another data_dir",
        )
    return _of_uid(us)


def ourselves() -> Account:
    """Give the account that runs this process, for programs that may run as root."""
    return Account(os.geteuid(), os.getegid(), our_name(), is_other=False)


def our_name() -> str:
    """Give the name of the account that runs this process."""
    return _name(os.geteuid())


def _of_uid(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise NeedsHuman(
            "store.account",
            f"the user id {uid} has no name on this machine, and PostgreSQL needs one: add it to"
            " /etc/passwd, run as another user, or set database_url",
        ) from None
    return Account(uid, entry.pw_gid, entry.pw_name, is_other=uid != os.geteuid())


def _unprivileged() -> Account:
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, name, is_other=True)
    raise NeedsHuman(
        "store.account",
        "PostgreSQL does not run as root, and there is no user it could run as: make one named"
        ' "reception", or start Reception as an ordinary user',
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
