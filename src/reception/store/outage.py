"""
Telling an outage from a mistake.

A lost connection, a server that starts or stops, a full disk, a lock that was not given in
time: nothing is wrong with the statement, so the caller hears `Retry` and the same call may
be made again. Everything else (a constraint, a type, a missing table) is a mistake of ours
and passes through as it is. The text names no values.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors

from reception.errors import Retry

# Classes of SQLSTATE: connection, transaction rollback (deadlock, serialisation), resources,
# operator's intervention (shutdown, cancel by timeout), the system's own (I/O).
_AWAY: Final = ("08", "53", "57P", "58")
_BUSY: Final = ("40", "55", "57014")
_READ_ONLY: Final = "25006"  # a server that has become a replica


def is_away(error: BaseException) -> bool:
    """Is the database, or the connection to it, out of reach?"""
    if isinstance(error, OSError):
        return True
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
    return state.startswith(_AWAY) or state == _READ_ONLY


def is_busy(error: BaseException) -> bool:
    """Was it refused only because of what others do at the same time?"""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state is not None and state.startswith(_BUSY)


def retry(error: BaseException) -> Retry:
    """Make the error that the caller hears."""
    name = type(error).__name__
    if is_busy(error):
        return Retry("store.busy", f"the database is busy with this call ({name})")
    return Retry("store.away", f"the database is out of reach ({name})")


@contextmanager
def named() -> Iterator[None]:
    """Let an outage leave the block as `Retry`."""
    try:
        yield
    except (psycopg.Error, OSError) as error:
        if is_away(error) or is_busy(error):
            raise retry(error) from error
        raise


def error_of(result: psycopg.pq.abc.PGresult, encoding: str = "utf-8") -> psycopg.Error:
    """Make the driver's error of a failed result."""
    return errors.error_from_result(result, encoding)
