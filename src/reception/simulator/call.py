"""
One call as the platform sees it: what it was set up with, and what changes on the way.

`CallSetup` is given and never changes; `CallState` is what the modules write to and what
the next request is built from. How a request looks is in `request.py`, how nodes follow
one another in `walk.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reception.simulator.quirks import QUIRKS, Quirks
from reception.simulator.quirks import Platform as Platform

DEFAULT_COLLECTION: Final = "default"


@dataclass(frozen=True, slots=True)
class CallSetup:
    """
    Who calls whom.

    Shape:
        call_id, account_id: text as the platform would send it (account: 32 hex digits).
        from_number, to_number: user parts, sent as they are.
        caller_name, caller_number: None or empty arrive as unknown and anonymous.
        user_ids: owners of the calling device; outside callers have none.
        sip_headers, application_vars: JSON values, both sent even when empty.
        language: the account's language.
        user_vars: what TwiML stored in the call; sent as keys of their own unless the
            platform sends such a key itself.
        capture_group: what the number's pattern caught, where it was found by one.
    """

    call_id: str
    account_id: str = "0123456789abcdef0123456789abcdef"
    from_number: str = "+15551234567"
    to_number: str = "+15559876543"
    caller_name: str | None = None
    caller_number: str | None = "+15551234567"
    from_realm: str = "carrier.example"
    to_realm: str = "account.example"
    user_ids: tuple[str, ...] = ()
    language: str = "en-us"
    sip_headers: Mapping[str, Any] = field(default_factory=dict)
    application_vars: Mapping[str, Any] = field(default_factory=dict)
    user_vars: Mapping[str, Any] = field(default_factory=dict)
    capture_group: str | None = None


@dataclass(slots=True)
class CallState:
    """
    What a call has gathered so far: the platform's record of it.

    The executor keeps one; every module works on a copy of its own, and what it changes
    counts once it is written back. So its objects are replaced, never changed.

    Shape:
        collections: digits by collection name. None until anything was ever collected,
            which is how the platform decides whether to send Digits at all. An empty
            string is a collection that was asked for and not heard.
        capture_group: what several modules dial on.
        changed: the quirks, where they are not those of the version.
    """

    setup: CallSetup
    platform: Platform
    language: str = ""
    collections: Mapping[str, str] | None = None
    application_vars: Mapping[str, Any] = field(default_factory=dict)
    capture_group: str | None = None
    changed: Quirks | None = None

    @classmethod
    def begin(cls, setup: CallSetup, platform: Platform, quirks: Quirks | None = None) -> CallState:
        """Start a call with what its setup gives it."""
        return cls(
            setup,
            platform,
            language=setup.language,
            application_vars=dict(setup.application_vars),
            capture_group=setup.capture_group,
            changed=quirks,
        )

    @property
    def quirks(self) -> Quirks:
        """The settings of the platform that carries this call."""
        return QUIRKS[self.platform] if self.changed is None else self.changed

    @property
    def call_id(self) -> str:
        """The id that this record knows the call by."""
        return self.setup.call_id

    def copied(self) -> CallState:
        """Give a copy that may be changed without this one."""
        return CallState(
            self.setup,
            self.platform,
            self.language,
            self.collections,
            self.application_vars,
            self.capture_group,
            self.changed,
        )

    def rename(self, call_id: str) -> None:
        """Know the call by another id from now on."""
        self.setup = replace(self.setup, call_id=call_id)

    def early_key(self, key: str) -> None:
        """Keep a key pressed during a prompt: it waits in the default collection."""
        gathered = self.collections or {}
        self.collections = {
            **gathered,
            DEFAULT_COLLECTION: gathered.get(DEFAULT_COLLECTION, "") + key,
        }

    def take_early_keys(self) -> str:
        """Hand over the waiting keys and forget them."""
        keys = (self.collections or {}).get(DEFAULT_COLLECTION, "")
        self.drop_collection(DEFAULT_COLLECTION)
        return keys

    def keep_collection(self, name: str, digits: str) -> None:
        """Store what a collection heard, also when that is nothing."""
        self.collections = {**(self.collections or {}), name: digits}

    def drop_collection(self, name: str) -> None:
        """Forget a collection; from then on there are collections, maybe none."""
        gathered = self.collections or {}
        self.collections = {key: kept for key, kept in gathered.items() if key != name}
