"""
Reports of legs: stored in groups before they are acknowledged, each different one once.

Reports travel like steps (`group`), in groups of their own, so that neither delays the other.
A copy changes nothing; a report that says something else is kept beside the first.

A Call-ID is as long as whoever calls wants it to be, and an index takes 2,700 bytes. So a long name
is kept as its beginning and its digest, here and in every question; the report has it whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Sequence
from datetime import datetime
from typing import Final

from reception.ports import ENDINGS, NewReport, StoredReport
from reception.store import binary
from reception.store.commits import NAME_TENANTS, naming
from reception.store.database import Database
from reception.store.group import Groups
from reception.store.lane import Lane

_KEEP: Final = """
    (text[], text[], text[], bytea[], text[], text[], text[], text[], bytea[], timestamptz[]) AS
    INSERT INTO reception.leg_report
        (tenant, call_id, event, digest, account_id, other_leg_id, interaction_id, mark, report,
         received_at)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING
"""
_STATEMENTS: Final = {"name_tenants": NAME_TENANTS, "keep_reports": _KEEP}
_NEW: Final = """
    SELECT tenant, call_id, event, digest, account_id, report, received_at
    FROM reception.leg_report WHERE tenant = ANY (%(tenants)s) AND is_new ORDER BY received_at LIMIT %(limit)s
"""
# There are as many open episodes as there are calls. OFFSET has them looked at first, and then the
# reports of each, however the tables looked when the plan was made.
_OVERTAKEN: Final = """
    SELECT r.tenant, r.call_id, r.event, r.digest, r.account_id, r.report, r.received_at
    FROM reception.episode e CROSS JOIN LATERAL (
        SELECT * FROM reception.leg_report o
        WHERE o.tenant = e.tenant AND o.call_id = e.call_id AND o.event = ANY (%(events)s)
          AND o.account_id IN ('', e.account_id) AND NOT o.is_new
        OFFSET 0
    ) r
    WHERE e.ended_at IS NULL AND e.tenant = ANY (%(tenants)s) AND e.opened_at >= %(since)s
    ORDER BY r.received_at LIMIT %(limit)s
"""
_SEEN: Final = """
    UPDATE reception.leg_report SET is_new = false
    WHERE tenant = %(tenant)s AND call_id = %(call_id)s AND event = %(event)s
      AND digest = %(digest)s
"""
_OF_LEG: Final = """
    SELECT tenant, call_id, event, digest, account_id, report, received_at
    FROM reception.leg_report WHERE tenant = %(tenant)s AND call_id = %(call_id)s
    ORDER BY received_at, digest
"""

# One select for each of the ways that lead to a leg, so that each has its index.
_TOGETHER: Final = """
    SELECT tenant, call_id, event, digest, account_id, report, received_at
    FROM reception.leg_report WHERE tenant = %(tenant)s AND call_id = ANY (%(calls)s)
    UNION
    SELECT tenant, call_id, event, digest, account_id, report, received_at
    FROM reception.leg_report
    WHERE tenant = %(tenant)s AND other_leg_id <> '' AND other_leg_id = ANY (%(calls)s)
    UNION
    SELECT tenant, call_id, event, digest, account_id, report, received_at
    FROM reception.leg_report
    WHERE tenant = %(tenant)s AND interaction_id <> '' AND interaction_id = ANY (%(interactions)s)
    UNION
    SELECT tenant, call_id, event, digest, account_id, report, received_at
    FROM reception.leg_report
    WHERE tenant = %(tenant)s AND mark <> '' AND mark = ANY (%(marks)s)
    ORDER BY received_at, call_id, digest
"""

_MOST_BYTES: Final = 256
_BEGINNING: Final = 64

_Entry = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, int]


class PostgresReports:
    """The port `Reports`, answered by PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        self._groups: Final[Groups[_Entry, None]] = Groups(
            _Keeping(), lambda: database.lane(_STATEMENTS), lanes=1
        )

    def start(self) -> None:
        """Begin to serve, on the running event loop."""
        self._groups.open()

    async def stop(self) -> None:
        """Finish what is under way, and refuse the rest."""
        await self._groups.close()

    async def keep(self, report: NewReport) -> None:
        """Store a report; returns when it is on disk."""
        await self._groups.do(
            (
                binary.tenant(report.tenant),
                _key("the Call-ID", report.call_id),
                _key("the event", report.event),
                report.digest,
                binary.text("the account", report.account_id),
                _key("the other leg", report.other_leg_id),
                _key("the interaction", report.interaction_id),
                _key("the mark", report.mark),
                report.report,
                binary.moment(report.received_at),
            )
        )

    async def new(self, tenants: Sequence[str], *, limit: int) -> Sequence[StoredReport]:
        """Load reports of which nobody has drawn the consequences, the oldest first."""
        values = {"tenants": list(tenants), "limit": limit}
        (rows,) = await self._database.once_for(tenants, (_NEW, values))
        return [StoredReport(*row) for row in rows]

    async def overtaken(
        self, tenants: Sequence[str], *, since: datetime, limit: int
    ) -> Sequence[StoredReport]:
        """Load reports of ends that came before the dialogs which they end."""
        values = {
            "tenants": list(tenants),
            "since": since,
            "events": list(ENDINGS),
            "limit": limit,
        }
        (rows,) = await self._database.once_for(tenants, (_OVERTAKEN, values))
        return [StoredReport(*row) for row in rows]

    async def seen(self, report: StoredReport) -> None:
        """Note that the consequences of a report are drawn."""
        values = {
            "tenant": report.tenant,
            "call_id": report.call_id,
            "event": report.event,
            "digest": report.digest,
        }
        await self._database.once(report.tenant, (_SEEN, values))

    async def of_leg(self, tenant: str, call_id: str) -> Sequence[StoredReport]:
        """Load all that was said of one leg, in the order in which it came."""
        values = {"tenant": tenant, "call_id": short(call_id)}
        (rows,) = await self._database.once(tenant, (_OF_LEG, values))
        return [StoredReport(*row) for row in rows]

    async def together(
        self,
        tenant: str,
        *,
        calls: Collection[str],
        interactions: Collection[str],
        marks: Collection[str],
    ) -> Sequence[StoredReport]:
        """Load what was said of these calls, of legs bridged with them, and of their company."""
        values = {
            "tenant": tenant,
            "calls": list(map(short, calls)),
            "interactions": list(map(short, interactions)),
            "marks": list(map(short, marks)),
        }
        (rows,) = await self._database.once(tenant, (_TOGETHER, values))
        return [StoredReport(*row) for row in rows]


def short(name: str) -> str:
    """
    Give what a name is kept as: itself, unless it is too long for an index.

    >>> short("a@b"), len(short("a" * 5000)), short(short("a" * 5000)) == short("a" * 5000)
    ('a@b', 97, True)
    """
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= _MOST_BYTES:
        return name
    beginning = encoded[:_BEGINNING].decode("utf-8", "ignore")
    return f"{beginning}#{hashlib.blake2b(encoded, digest_size=16).hexdigest()}"


def _key(name: str, value: str) -> bytes:
    return binary.text(name, short(value))


class _Keeping:
    """The work of a group."""

    def key(self, item: _Entry) -> Hashable:
        """Copies wait for each other, so that a group holds each report once."""
        return item[:4]

    async def run(self, lane: Lane, items: Sequence[_Entry]) -> Sequence[None]:
        """Store a group, in the order of the key."""
        ordered = sorted(items, key=_by_key)
        values = [
            binary.text_array([item[0] for item in ordered]),
            binary.text_array([item[1] for item in ordered]),
            binary.text_array([item[2] for item in ordered]),
            binary.bytea_array([item[3] for item in ordered]),
            binary.text_array([item[4] for item in ordered]),
            binary.text_array([item[5] for item in ordered]),
            binary.text_array([item[6] for item in ordered]),
            binary.text_array([item[7] for item in ordered]),
            binary.bytea_array([item[8] for item in ordered]),
            binary.timestamptz_array([item[9] for item in ordered]),
        ]
        named = naming([item[0] for item in ordered])
        await lane.exchange([(b"name_tenants", [named]), (b"keep_reports", values)])
        return [None] * len(items)


def _by_key(item: _Entry) -> tuple[bytes, bytes, bytes, bytes]:
    return item[:4]
