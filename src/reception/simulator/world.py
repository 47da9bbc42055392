"""
What a simulated call cannot know by itself: the people and the phones around it.

The walk asks the `World` one thing at a time: does the caller do anything before this
moment, what does that phone do when it rings, how long is this recording, is there such a
menu. A script (`scripted.py`), a person at the keyboard (`typed.py`) or a test answers.
Where nobody knows, the answer is an assumption, and says so: the walk prints it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, TypeAlias


class Doing(Enum):
    """What the caller is in the middle of."""

    PROMPT = "prompt"
    COLLECT = "collect"
    MENU = "menu"
    RING = "ring"
    TALK = "talk"
    POST = "post"
    SLEEP = "sleep"
    MAILBOX = "mailbox"
    SILENCE = "silence"


LISTENING = frozenset({Doing.PROMPT, Doing.COLLECT, Doing.MENU})
"""Where a key is heard; anywhere else it is lost."""

ASKING = frozenset({Doing.COLLECT, Doing.MENU})
"""Where a key is asked for."""


@dataclass(frozen=True, slots=True)
class Situation:
    """
    What runs while the caller may act.

    Shape:
        number: counts up with each thing begun, so that two prompts can be told apart.
        began_ms: on the call's clock.
        lasts_ms: how long it will last if nobody does anything; None has no end.
        what: a few printable words, such as the prompt's name.
        max_digits: how many keys a collection takes; 0 where none are collected.
    """

    doing: Doing
    number: int
    began_ms: int
    lasts_ms: int | None
    what: str = ""
    max_digits: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """The caller pressed one of 0-9, * or #, at the clock's present time."""

    digit: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller hung up, at the clock's present time."""

    why: str = "the caller hung up"
    cause: str = "NORMAL_CLEARING"


@dataclass(frozen=True, slots=True)
class Ring:
    """
    What a phone, a group of phones or a carrier does with a call.

    Shape:
        after_ms: when it happens, counted from the first ring; None: nothing ever comes.
        answered: somebody takes the call and talks for `talk_ms`.
        missing: the platform knows no such phone; nothing rings.
        application_response, cause, code, disposition: how it ended, such as
            ``USER_BUSY`` and ``sip:486``. A carrier's message goes into
            `application_response`.
        assumed: nobody said so; words that tell what was assumed.
    """

    after_ms: int | None = 0
    answered: bool = False
    talk_ms: int = 10_000
    missing: bool = False
    application_response: str | None = None
    cause: str | None = None
    code: str | None = None
    assumed: str | None = None
    disposition: str | None = None

    def to_fields(self) -> dict[str, str]:
        """Give it as the fields of the event in which the platform tells it."""
        fields = {
            "Application-Response": self.application_response,
            "Hangup-Cause": self.cause,
            "Hangup-Code": self.code,
            "Disposition": self.disposition,
        }
        return {name: text for name, text in fields.items() if text is not None}


@dataclass(frozen=True, slots=True)
class Decided:
    """The phone that is ringing does this now."""

    ring: Ring


@dataclass(frozen=True, slots=True)
class Renamed:
    """An attended transfer gives the call another id, at the clock's present time."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Signal:
    """
    Something else happens to the call on the network.

    Shape:
        name, fields: as the platform names them, such as ``CHANNEL_TRANSFEREE``.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)


Event: TypeAlias = Key | HungUp | Decided | Renamed | Signal


@dataclass(frozen=True, slots=True)
class Ringing:
    """
    Something that is about to ring.

    Shape:
        kind: ``user``, ``device``, ``group`` or ``carrier``.
        id: the document id or the number.
        timeout_ms: how long the platform lets it ring; None where it sets no limit.
    """

    kind: str
    id: str
    timeout_ms: int | None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """
    What the caller does at a mailbox.

    Shape:
        message_ms: length of the message left; 0: none.
        goes_on: presses a key after the message, so that the flow continues; else hangs up.
    """

    message_ms: int
    goes_on: bool
    assumed: str | None = None


class World(Protocol):
    """Everything around the call. Waiting is done on the call's clock."""

    async def event(self, until_ms: int | None, situation: Situation) -> Event | None:
        """
        Give the caller's next act, letting time pass up to it.

        None once `until_ms` is reached without one. With no `until_ms` an event must come
        sooner or later: a caller who does nothing for ever hangs up at last.
        """
        ...

    async def ring(self, ringing: Ringing) -> Ring:
        """Say what will become of the ringing."""
        ...

    def media_ms(self, media: str) -> int | None:
        """Tell how long a recording lasts; None where nobody said."""
        ...

    def menu(self, menu_id: str) -> Mapping[str, Any] | None:
        """Give the menu's document; None where nobody described it."""
        ...

    def stored_flow(self, flow_id: str) -> Mapping[str, Any] | None:
        """Give a callflow kept on the platform; None where nobody described it."""
        ...

    def callflows(self) -> Sequence[Mapping[str, Any]]:
        """Give the callflows that have numbers or patterns; none where nobody described any."""
        ...

    def document(self, document_id: str) -> Mapping[str, Any] | None:
        """Give any other document of the account; None where nobody described it."""
        ...

    def outcome(self, module: str, document_id: str = "") -> str | None:
        """
        Say what came of a module whose outcome the simulator cannot know.

        Shape:
            a word that the module knows, such as ``ON_FAX``; None: nobody said, and the
            module assumes the likeliest.
        """
        ...

    def local_time(self) -> datetime | None:
        """Tell what time it is for the account, without a zone; None where nobody said."""
        ...

    async def mailbox(self, box_id: str) -> Mailbox:
        """Say what the caller does at the mailbox."""
        ...
