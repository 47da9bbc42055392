"""
The role that the program runs as, and the second wall that hangs on it.

`reception_app` owns nothing and cannot bypass row-level security; the tables are owned by
whoever migrates. Where the address names another user, `app_conninfo` has the session
begin as that role. What may not be done: to let the program run as a superuser or as the
owner of the tables, and `refuse_strong_role` holds that at every start.
"""

from __future__ import annotations

from typing import Any, Final

from psycopg import Connection, conninfo, errors

from reception.errors import NeedsHuman

APP_ROLE: Final = "reception_app"

_EXISTS: Final = "SELECT 1 FROM pg_roles WHERE rolname = 'reception_app'"
_CREATE: Final = "CREATE ROLE reception_app LOGIN"
_JOIN: Final = "GRANT reception_app TO CURRENT_USER"
_IS_STRONG: Final = """
    SELECT r.rolsuper OR r.rolbypassrls
           OR EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = 'reception' AND c.relowner = r.oid)
    FROM pg_roles r WHERE r.rolname = current_user
"""


def app_conninfo(address: str) -> str:
    """Return the address with which the program connects: its session is `reception_app`'s."""
    given = conninfo.conninfo_to_dict(address)
    if given.get("user") == APP_ROLE:
        return address
    options = f"{given.get('options') or ''} -c role={APP_ROLE}".strip()
    return conninfo.make_conninfo(address, options=options)


def ensure_app_role(connection: Connection[Any]) -> None:
    """Make the program's role where it is missing, as whoever migrates."""
    if connection.execute(_EXISTS).fetchone() is None:
        try:
            with connection.transaction():
                connection.execute(_CREATE)
        except (errors.DuplicateObject, errors.UniqueViolation):
            pass  # Another database of this server is being migrated just now.
        except errors.InsufficientPrivilege:
            raise NeedsHuman(
                "store.role",
                "The database has no role reception_app, and this user may not make one. Let an "
                "administrator of the server run: CREATE ROLE reception_app LOGIN; "
                "GRANT reception_app TO <this user>;",
            ) from None
    try:
        with connection.transaction():
            connection.execute(_JOIN)
    except errors.Error:
        # Not needed where the program has an address of its own; otherwise the program's start
        # says what is missing.
        pass


def refuse_strong_role(connection: Connection[Any]) -> None:
    """Refuse to run as a role that row-level security does not hold."""
    row = connection.execute(_IS_STRONG).fetchone()
    if row is None or row[0]:
        raise NeedsHuman(
            "store.strong_role",
            "The program would use the database as a superuser or as the owner of its tables, "
            "past the rules that keep tenants apart. Give it the role reception_app.",
        )
