"""
Telling an outage from a mistake.

Nothing is wrong with the statement, so the caller hears `Retry` and the same call may be made
again, when the error is one of three kinds:

``away``
    the connection is lost, or the server starts, stops, or cannot work (a full disk).
``confused``
    the connection or the server has lost its place: bytes that are no protocol, a statement that
    was prepared and is not known, an error inside the server. Another connection may do better.
``busy``
    others were in the way: a lock that was not given in time, a deadlock.

Everything else (a constraint, a type, a missing table) is a mistake of ours and passes through
as it is. The text names no values.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import psycopg
from psycopg import errors

from reception.errors import Retry

Kind = Literal["away", "confused", "busy"]

# Beginnings of SQLSTATE, by kind; "57014" before "57".
_KINDS: Final[tuple[tuple[Kind, tuple[str, ...]], ...]] = (
    # Transaction rollback (deadlock, serialisation), a lock, a cancel by timeout.
    ("busy", ("40", "55", "57014")),
    # Connection, authorization, resources, operator's intervention, the system's own (I/O), its
    # configuration; and a server that has become a replica.
    ("away", ("08", "28", "53", "57", "58", "F0", "25006")),
    # A transaction that the session should not be in any more, a forgotten or doubled prepared
    # statement (a pooler in between), the server's own mistakes and damage.
    ("confused", ("25P", "26", "42P05", "XX")),
)
# What the driver says of our own arguments has no SQLSTATE either.
_OURS: Final = (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError)


def kind(error: BaseException) -> Kind | None:
    """Say which kind of outage it is; None for a mistake of ours."""
    if isinstance(error, OSError):
        return "away"
    if not isinstance(error, psycopg.Error) or isinstance(error, psycopg.IntegrityError):
        return None
    state = error.sqlstate
    if state is None:
        if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
            return "away"
        # libpq makes results of its own when what it reads is no protocol.
        return None if isinstance(error, _OURS) else "confused"
    for found, beginnings in _KINDS:
        if state.startswith(beginnings):
            return found
    return None


def retry(error: BaseException) -> Retry:
    """Make the error that the caller hears."""
    name = type(error).__name__
    if kind(error) == "busy":
        return Retry("store.busy", f"the database is busy with this call ({name})")
    return Retry("store.away", f"the database is out of reach ({name})")


@contextmanager
def named() -> Iterator[None]:
    """Let an outage leave the block as `Retry`."""
    try:
        yield
    except (psycopg.Error, OSError) as error:
        if kind(error) is not None:
            raise retry(error) from error
        raise


def error_of(result: psycopg.pq.abc.PGresult, encoding: str = "utf-8") -> psycopg.Error:
    """Make the driver's error of a failed result."""
    return errors.error_from_result(result, encoding)
