"""
What one simulated account holds: its documents, calls, records, messages and webhooks.

A rehearsal fills it before and looks into it after; the API changes it meanwhile; the
events of every leg are told to it, and it passes them on to the webhooks.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.quirks import Quirks
from reception.simulator.reports.events import GREGORIAN_TO_UNIX_S, Event
from reception.simulator.reports.sending import Sender
from reception.simulator.rest.allowance import Allowance
from reception.simulator.rest.asked import ApiError
from reception.simulator.rest.channels import Channels
from reception.simulator.rest.documents import Document, Documents
from reception.simulator.rest.hook_documents import completed, put_into
from reception.simulator.rest.quickcalls import Originate
from reception.simulator.rest.records import Records
from reception.simulator.rest.tokens import TOKEN_LIFE_S, Login, Tokens
from reception.simulator.rest.voicemail import Mailboxes

SUMMARIES: Final[Mapping[str, tuple[str, ...]]] = {
    "callflows": ("name", "numbers", "patterns"),
    "conferences": ("name",),
    "devices": ("name", "owner_id", "enabled", "device_type", "mac_address"),
    "directories": ("name",),
    "groups": ("name",),
    "lists": ("name",),
    "media": ("name", "language", "media_source"),
    "menus": ("name",),
    "phone_numbers": (),
    "recordings": (),
    "temporal_rules": ("name",),
    "users": ("first_name", "last_name", "username", "email", "priv_level"),
    "vmboxes": ("name", "mailbox", "owner_id"),
    "webhooks": ("name", "hook", "uri", "http_verb", "enabled", "disable_message"),
}
"""Every kind of document, with the keys that its list shows."""


def hex_id() -> str:
    """Make an id as the platform's are: 32 hex digits."""
    return uuid.uuid4().hex


@dataclass(slots=True)
class Account:
    """
    One account of the platform.

    Shape:
        logins: users who may log in with a password.
        originate: rings phones; None where the rehearsal has nobody who does.
        cdr_delay_s: from the end of a leg to its record.
        on_loopback: the app is on this machine, so URLs there are no fault.
        unregistered: devices that are not there.
        hears: takes every event of a leg, for whoever looks on.
        now_s: seconds since 1970, UTC.
    """

    account_id: str
    sender: Sender
    api_key: str = "0" * 64
    name: str = "rehearsal"
    realm: str = "account.example"
    logins: Sequence[Login] = ()
    originate: Originate | None = None
    cdr_delay_s: float = 5.0
    token_life_s: float = TOKEN_LIFE_S
    on_loopback: bool = True
    charged: frozenset[str] = frozenset({"phone_numbers"})
    hears: Callable[[Event], None] = field(default=lambda _event: None)
    now_s: Callable[[], float] = time.time
    new_id: Callable[[], str] = hex_id
    unregistered: set[str] = field(default_factory=set)
    presence: dict[str, str] = field(default_factory=dict)
    documents: dict[str, Documents] = field(init=False)
    channels: Channels = field(init=False)
    records: Records = field(init=False)
    mailboxes: Mailboxes = field(init=False)
    tokens: Tokens = field(init=False)
    allowance: Allowance = field(init=False)
    _faults: list[ApiError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.documents = {
            kind: Documents(kind, self.new_id, self.now, summary)
            for kind, summary in SUMMARIES.items()
        }
        self.channels = Channels()
        self.records = Records(self.now_s, delay_s=self.cdr_delay_s)
        self.mailboxes = Mailboxes(self.new_id, self.now)
        self.tokens = Tokens(
            account_id=self.account_id,
            api_key=self.api_key,
            logins=self.logins,
            names={
                "account_id": self.account_id,
                "account_name": self.name,
                "account_realm": self.realm,
            },
            now_s=self.now_s,
            new_id=self.new_id,
            life_s=self.token_life_s,
        )
        self.allowance = Allowance(self.now_s)

    @property
    def quirks(self) -> Quirks:
        """The settings of the platform that the account is on."""
        return self.sender.quirks

    def now(self) -> int:
        """Give the time as the API tells it: Gregorian seconds."""
        return int(self.now_s()) + GREGORIAN_TO_UNIX_S

    def note(self, event: Event) -> None:
        """Take an event of a leg: list it, record it, and send it to the webhooks."""
        self.channels.note(event)
        self.records.note(event)
        self.hears(event)
        self.sender.fire(event)

    def add(self, kind: str, body: Mapping[str, Any], document_id: str | None = None) -> Document:
        """Put a document into the account, unchecked, as a rehearsal prepares it."""
        whole = completed(body) if kind == "webhooks" else body
        document = self.documents[kind].add(whole, document_id)
        if kind == "webhooks":
            put_into(self.sender, document, self.account_id)
        return document

    def fail_next(self, error: ApiError, times: int = 1) -> None:
        """Have the next requests refused, as a platform in trouble does."""
        self._faults += [error] * times

    def take_fault(self) -> ApiError | None:
        """Give the refusal that the present request is to get."""
        return self._faults.pop(0) if self._faults else None
