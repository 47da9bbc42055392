"""
The script of a rehearsal: what the caller does and what the phones do, one line each.

    press 12#        when next asked (a collection or a menu); its keys in a row
    press 1 early    during the next prompt, or when asked;  press 1 now: heard or not
    wait 3           let 3 seconds pass before the next line
    hangup
    answer FRONT_DESK after 5 for 60
    busy ID          noanswer ID          reject ID
    nothing ID       nothing ever comes back from it
    missing ID       the platform knows no such phone
    fail ID NO_RESOURCES sip:503
    voicemail leave 10 | voicemail hangup 10
    lasts welcome.wav 2.5
    menu ID retries 2 timeout 5 digits 3
    document ID {"flow": {...}, "numbers": ["100"]}      one of the account's, as JSON
    outcome MODULE [ID] WORD        such as ON_FAX: what nobody here can know
    time 2026-11-25T09:30           the account's local time when the call begins

The caller's lines (the first four) happen in order, the others stand in any place. An ID is a
document id or a number; left out, the line is for every phone without a line of its own. Lines
for the same ID count one after another, the last one for good. Text after `#` is a comment where
the `#` stands alone or begins the line; only `press #` means the key. Anything else is an error
that names its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias

from reception.errors import NeedsHuman
from reception.simulator.world import Mailbox, Ring

ANY_PHONE: Final = ""
_KEYS: Final = re.compile(r"[0-9*#]+")
_CAUSE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_SIP: Final = re.compile(r"sip:[1-6]\d\d")
_SECONDS: Final = re.compile(r"\d{1,5}(\.\d{1,3})?")
_MOST_LINES: Final = 10_000
_ANSWER_AFTER_MS: Final = 3_000
_TALK_MS: Final = 10_000
_REFUSE_AFTER_MS: Final = 1_000
_MENU_WORDS: Final = {
    "retries": ("retries", 1),
    "timeout": ("timeout", 1_000),
    "digits": ("max_extension_length", 1),
    "interdigit": ("interdigit_timeout", 1_000),
}


class When(Enum):
    """When the keys of a line are pressed; the value is the word in the script."""

    ASKED = "asked"
    EARLY = "early"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Press:
    """Press these keys."""

    keys: str
    when: When = When.ASKED


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass before the next action."""

    ms: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller hangs up."""


Action: TypeAlias = Press | Wait | HangUp


@dataclass(slots=True)
class Script:
    """
    A script as read.

    Shape:
        actions: the caller's, in order.
        rings: what phones do, by id; several for one id count one after another.
        mailboxes: what the caller does at mailboxes, one visit after another.
        documents: the account's, by id.
        outcomes: by module and document id; the id is empty for any.
        began_at: local time of the account when the call begins, without a zone.
    """

    actions: list[Action] = field(default_factory=list)
    rings: dict[str, list[Ring]] = field(default_factory=dict)
    mailboxes: list[Mailbox] = field(default_factory=list)
    media_ms: dict[str, int] = field(default_factory=dict)
    menus: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)
    began_at: datetime | None = None


class _Wrong(Exception):
    """What is wrong with a line; becomes a NeedsHuman that names the line."""


def parse_script(text: str) -> Script:
    """
    Read a script.

    Errors:
        NeedsHuman("phone.script"): all wrong lines at once, each with its number.
    """
    script, faults = Script(), list[str]()
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        raise NeedsHuman("phone.script", f"a script has at most {_MOST_LINES} lines")
    for number, line in enumerate(lines, 1):
        words = _words(line)
        if not words:
            continue
        read = _LINES.get(words[0].lower())
        try:
            if read is None:
                known = ", ".join(_LINES)
                raise _Wrong(f"{words[0][:40]!r} is not one of {known}")
            read(script, words[1:])
        except _Wrong as wrong:
            faults.append(f"line {number}: {wrong}")
    if faults:
        raise NeedsHuman("phone.script", "\n".join(faults))
    return script


def _words(line: str) -> list[str]:
    """Split a line and leave its comment out."""
    words = line.split()
    if not words or words[0].startswith("#"):
        return []
    # Right behind `press` a `#` is the key: the usual end of an entry.
    first = 2 if words[0].lower() == "press" else 1
    end = next((at for at in range(first, len(words)) if words[at] == "#"), len(words))
    return words[:end]


def _press(script: Script, words: Sequence[str]) -> None:
    when = next((one for one in When if words[-1:] == [one.value]), None)
    keys = "".join(words[:-1] if when else words)
    if not _KEYS.fullmatch(keys):
        raise _Wrong("press takes keys (0-9, * and #), then maybe early or now")
    script.actions.append(Press(keys, when or When.ASKED))


def _wait(script: Script, words: Sequence[str]) -> None:
    if len(words) != 1:
        raise _Wrong("wait takes one number of seconds")
    script.actions.append(Wait(_ms(words[0])))


def _hangup(script: Script, words: Sequence[str]) -> None:
    if words:
        raise _Wrong("hangup takes nothing; put a wait line before it")
    script.actions.append(HangUp())


def _answer(script: Script, words: Sequence[str]) -> None:
    phone, options = _options(words, {"after": _ANSWER_AFTER_MS, "for": _TALK_MS})
    ring = Ring(after_ms=options["after"], answered=True, talk_ms=options["for"])
    script.rings.setdefault(phone, []).append(ring)


def _fails(cause: str, code: str, after_ms: int) -> Callable[[Script, Sequence[str]], None]:
    def read(script: Script, words: Sequence[str]) -> None:
        phone, options = _options(words, {"after": after_ms})
        ring = Ring(after_ms=options["after"], application_response=cause, cause=cause, code=code)
        script.rings.setdefault(phone, []).append(ring)

    return read


def _nothing(script: Script, words: Sequence[str]) -> None:
    phone, _ = _options(words, {})
    script.rings.setdefault(phone, []).append(Ring(after_ms=None))


def _missing(script: Script, words: Sequence[str]) -> None:
    phone, _ = _options(words, {})
    script.rings.setdefault(phone, []).append(Ring(missing=True))


def _fail(script: Script, words: Sequence[str]) -> None:
    named = [word for word in words if _CAUSE.fullmatch(word) or _SIP.fullmatch(word)]
    causes = [word for word in words[1:] if _CAUSE.fullmatch(word)]
    codes = [word for word in words[1:] if _SIP.fullmatch(word)]
    if not words or len(causes) > 1 or len(codes) > 1 or not causes + codes:
        raise _Wrong(
            "fail takes an ID, then a cause like NO_RESOURCES, a code like sip:503, or both"
        )
    if len(words) - 1 != len(causes) + len(codes):
        raise _Wrong(f"fail does not know {next(w for w in words[1:] if w not in named)[:40]!r}")
    cause, code = next(iter(causes), None), next(iter(codes), None)
    ring = Ring(after_ms=_REFUSE_AFTER_MS, application_response=cause, cause=cause, code=code)
    script.rings.setdefault(words[0], []).append(ring)


def _voicemail(script: Script, words: Sequence[str]) -> None:
    match list(words):
        case ["leave", length]:
            script.mailboxes.append(Mailbox(_ms(length), goes_on=True))
        case ["hangup"]:
            script.mailboxes.append(Mailbox(0, goes_on=False))
        case ["hangup", length]:
            script.mailboxes.append(Mailbox(_ms(length), goes_on=False))
        case _:
            raise _Wrong("voicemail takes `leave SECONDS` or `hangup [SECONDS]`")


def _lasts(script: Script, words: Sequence[str]) -> None:
    if len(words) != 2:
        raise _Wrong("lasts takes a recording's id or URL and its seconds")
    script.media_ms[words[0]] = _ms(words[1])


def _menu(script: Script, words: Sequence[str]) -> None:
    if not words or len(words) % 2 == 0:
        raise _Wrong(f"menu takes an ID, then pairs of {', '.join(_MENU_WORDS)} and a number")
    document: dict[str, Any] = {}
    for name, value in zip(words[1::2], words[2::2], strict=True):
        if name not in _MENU_WORDS:
            raise _Wrong(f"menu does not know {name[:40]!r}")
        key, unit_ms = _MENU_WORDS[name]
        document[key] = _ms(value) * unit_ms // 1_000
    script.menus[words[0]] = document


def _document(script: Script, words: Sequence[str]) -> None:
    if len(words) < 2:
        raise _Wrong("document takes an ID and a JSON object")
    try:
        document = json.loads(" ".join(words[1:]))
    except ValueError as error:
        raise _Wrong(f"the document of {words[0][:40]!r} is no JSON") from error
    if not isinstance(document, dict):
        raise _Wrong(f"the document of {words[0][:40]!r} is no JSON object")
    script.documents[words[0]] = document


def _outcome(script: Script, words: Sequence[str]) -> None:
    match list(words):
        case [module, word]:
            script.outcomes[module, ""] = word
        case [module, document_id, word]:
            script.outcomes[module, document_id] = word
        case _:
            raise _Wrong("outcome takes a MODULE, maybe an ID, and a word")


def _time(script: Script, words: Sequence[str]) -> None:
    try:
        began_at = datetime.fromisoformat("T".join(words))
    except ValueError as error:
        raise _Wrong("time takes a date and a time of day, such as 2026-11-25T09:30") from error
    if began_at.tzinfo is not None:
        raise _Wrong("time takes the account's local time, without a zone")
    script.began_at = began_at


def _options(words: Sequence[str], defaults: Mapping[str, int]) -> tuple[str, dict[str, int]]:
    """Read ``[ID] [word seconds]...``; times in milliseconds."""
    given = dict(defaults)
    rest = list(words)
    phone = rest.pop(0) if rest and rest[0] not in defaults else ANY_PHONE
    while rest:
        name = rest.pop(0)
        if name not in defaults or not rest:
            known = " and ".join(f"`{word} SECONDS`" for word in defaults) or "nothing"
            raise _Wrong(f"after the ID this line takes {known}, not {name[:40]!r}")
        given[name] = _ms(rest.pop(0))
    return phone, given


def _ms(text: str) -> int:
    if not _SECONDS.fullmatch(text):
        raise _Wrong(f"{text[:40]!r} is no number of seconds")
    return round(float(text) * 1_000)


_LINES: Final[Mapping[str, Callable[[Script, Sequence[str]], None]]] = {
    "press": _press,
    "wait": _wait,
    "hangup": _hangup,
    "answer": _answer,
    "busy": _fails("USER_BUSY", "sip:486", _REFUSE_AFTER_MS),
    "noanswer": _fails("NO_ANSWER", "sip:480", -1),
    "reject": _fails("CALL_REJECTED", "sip:603", _REFUSE_AFTER_MS),
    "nothing": _nothing,
    "missing": _missing,
    "fail": _fail,
    "voicemail": _voicemail,
    "lasts": _lasts,
    "menu": _menu,
    "document": _document,
    "outcome": _outcome,
    "time": _time,
}
