"""
Rules about ringing somebody: the number called out, how long it rings, who may dial.

Numbers are judged as written; nothing is looked up, and what a guest typed is not known
here (allow-list it in the app: a number built from guest digits is how toll fraud works).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import phonenumbers

from reception.callflow.excerpt import excerpt
from reception.callflow.rules.rule import Found, Subject, answered_before, skipped
from reception.callflow.spec import SPECS
from reception.callflow.tree import Place

RINGING_MODULES: Final = frozenset(
    {
        "device",
        "group",
        "offnet",
        "page_group",
        "resources",
        "ring_group",
        "route_to_cid",
        "user",
    }
)

_LONGEST_RING_S: Final = 120
_LONGEST_EXTENSION: Final = 6
_LONGEST_NUMBER: Final = 40


def dialled_number_kept(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a call out without a number of its own."""
    given = place.data.get("to_did")
    if given is None or given == "":
        yield (
            place.path("data", "to_did") if "to_did" in place.data else place.path("data"),
            f"{place.module} without to_did calls the number that the caller dialled, which is most "
            "often your own. Give the number as +<country><number>.",
        )


def not_e164(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a ``to_did`` that is no number in international form."""
    number = place.text("to_did")
    if not number or place.data.get("do_not_normalize") is True:
        return
    if words := _words_about(number):
        yield place.path("data", "to_did"), words


def _words_about(number: str) -> str | None:
    shown = excerpt(number, 30)
    if number.isascii() and number.isdigit() and len(number) <= _LONGEST_EXTENSION:
        return (
            f"{shown} looks like an extension or a short code; it goes out to the carriers, where "
            "it may mean something else. For a phone of the account use user, device or callflow."
        )
    if not (number.isascii() and number.startswith("+") and number[1:].isdigit()):
        return (
            f"{shown} is not in E.164: the account's rules decide where it goes. Write + , the "
            "country code and the number, digits only, such as +15551234567."
        )
    if len(number) > _LONGEST_NUMBER or not _is_possible(number):
        return (
            f"{shown} has a length that no number of its country has, so that the call out fails. "
            "Check the country code and the digits."
        )
    return None


def _is_possible(number: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def rings_for_no_time(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a module that gets the default of 0 seconds, or is told so."""
    timeout = place.number("timeout")
    if "timeout" not in place.data:
        if SPECS[place.module].defaults(subject.platform).get("timeout") == 0:
            yield (
                place.path("data"),
                f"{place.module} without timeout: the platform fills in 0, not the 20 seconds that "
                "its code would use. Give the seconds to ring, 20 to 60.",
            )
    elif timeout is not None and timeout <= 0:
        yield (
            place.path("data", "timeout"),
            f"{place.module} would ring for {excerpt(timeout, 20)} seconds. Give 20 to 60.",
        )


def rings_too_long(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a ring time that looks like milliseconds."""
    if words := _words_about_ringing(place.data.get("timeout")):
        yield place.path("data", "timeout"), words
    endpoints = place.data.get("endpoints")
    for position, endpoint in enumerate(endpoints if isinstance(endpoints, list) else ()):
        timeout = endpoint.get("timeout") if isinstance(endpoint, Mapping) else None
        if words := _words_about_ringing(timeout):
            yield place.path("data", "endpoints", position, "timeout"), words


def _words_about_ringing(timeout: object) -> str | None:
    if not isinstance(timeout, int) or timeout <= _LONGEST_RING_S:
        return None
    return (
        f"The unit is seconds: this rings for {excerpt(timeout, 20)} s, and the caller waits. "
        "Give 20 to 60; most carriers give up after 60 to 120."
    )


def caller_id_erased(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a `set_cid` that takes back what an earlier one had set."""
    if skipped(place):
        return
    earlier = next(
        (above for above in place.ancestors() if above.module == "set_cid" and not skipped(above)),
        None,
    )
    for key in ("caller_id_name", "caller_id_number"):
        if key not in place.data and earlier is not None and earlier.text(key):
            yield (
                place.path("data"),
                f'set_cid without {key}: the platform fills in "", which erases the one that '
                "an earlier set_cid has set. Give both in one node.",
            )


def group_answers_first(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a `group` that is the first thing to answer the call."""
    if not answered_before(place) and not skipped(place):
        yield (
            place.path(),
            "group answers the caller before it rings: the call is billed from here on, also when "
            "nobody picks up. Use ring_group where an unanswered call must stay free.",
        )


def open_relay(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a `disa` that lets anybody dial out."""
    pin = place.data.get("pin")
    if pin is None or pin == "":
        yield (
            place.path("data", "pin") if "pin" in place.data else place.path("data"),
            "disa without a pin lets every caller dial out at the account's cost. Set a pin, "
            "and enforce_call_restriction.",
        )
