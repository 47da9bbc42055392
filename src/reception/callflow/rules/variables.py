"""
Rules about variables and hooks: values that never travel, and hooks that never fire.

An application variable with an empty value or null is not sent at all; setting one that way
erases it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from reception.callflow.excerpt import excerpt
from reception.callflow.rules.rule import Found, Subject, skipped
from reception.callflow.tree import Place

_MOST_RETRIES: Final = 4  # the account's own webhooks allow no more


def empty_values(place: Place, subject: Subject) -> Iterator[Found]:
    """Report application variables that have no value."""
    values = place.data.get("custom_application_vars")
    if not isinstance(values, Mapping):
        return
    path = ("data", "custom_application_vars")
    if not values:
        yield (
            place.path(*path),
            "No variable is set, the step does nothing. Give at least one, or remove the node.",
        )
    for name, value in values.items():
        if isinstance(name, str) and (value is None or value == ""):
            yield (
                place.path(*path, name),
                "A variable with an empty value or null is never sent: setting it erases it, and "
                "the next request does not have it. Use a word such as none, or leave it out.",
            )


def unmapped_variable(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a `set_variable` of anything but the one variable that works."""
    if "variable" not in place.data:
        yield (
            place.path("data"),
            "set_variable without variable sets nothing. Only call_priority can be set by it.",
        )
    elif (name := place.text("variable")) is not None and name != "call_priority":
        yield (
            place.path("data", "variable"),
            f"set_variable knows call_priority only; {excerpt(name, 30)} is not set. Use "
            "set_variables with custom_application_vars: those come back in the next request.",
        )


def variable_not_seen(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a `branch_variable` on a name that an earlier `set_variables` has set."""
    name = place.text("variable")
    if not name or place.data.get("scope", "custom_channel_vars") != "custom_channel_vars":
        return
    for above in place.ancestors():
        values = above.data.get("custom_application_vars")
        if above.module != "set_variables" or skipped(above) or not isinstance(values, Mapping):
            continue
        if name in values:
            yield (
                place.path("data", "variable"),
                "branch_variable does not see what set_variables sets: the branch is always _. "
                "Decide in the app, which gets the value with the next request.",
            )
            return


def retries(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a number of retries that makes no sense."""
    count = place.number("retries")
    if count is None or 0 < count <= _MOST_RETRIES:
        return
    words = (
        "the platform's counter never stops at this, it repeats as long as the error lasts"
        if count <= 0
        else f"the platform's own hooks allow {_MOST_RETRIES} at most, and only a lost connection "
        "is retried, not a bad status"
    )
    yield place.path("data", "retries"), f"{excerpt(count, 20)} retries: {words}. Give 1 to 4."
