"""
Rules about the flow as a document: its text, depth, size, and what is filled in.

Nothing here knows a single module's meaning, except which required keys have a default
that the platform fills in silently.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reception.callflow.excerpt import excerpt, rendered_bytes
from reception.callflow.rules.rule import Found, Subject, did_you_mean, spec_of
from reception.callflow.tree import MAX_DEPTH, Place

MAX_BYTES: Final = 64 * 1024

_NODE_KEYS: Final = frozenset({"module", "data", "children"})
_MEANT: Final = {
    "next": "children._",
    "then": "children._",
    "child": "children._",
    "default": "children._",
    "branches": "children",
    "on": "children",
    "params": "data",
    "args": "data",
    "options": "data",
}

# Schema: required keys that have a default, and what happens by it.
_FILLED: Final = {
    "branch_variable": ("variable", '"", so that the default branch is always taken'),
    "group_pickup_feature": ("type", '"extension"'),
    "lookupcidname": ("lists", "[], so that no list is searched"),
    "notification": ("recipients", "[], so that nobody is notified"),
    "page_group": ("audio", '"one-way", so that nobody can answer back'),
    "record_call": ("action", '"start"'),
    "response": ("code", "486, busy"),
    "set_variables": ("custom_application_vars", "{}, so that the step does nothing"),
}
FILLED_MODULES: Final = frozenset(_FILLED)


def duplicate_keys(subject: Subject) -> Iterator[Found]:
    """Report every key that its object holds twice."""
    for path in subject.duplicate_paths:
        yield (
            path,
            "This key stands twice in its object. The platform reads the first one and other "
            "readers the last. Keep one.",
        )


def broken_text(subject: Subject) -> Iterator[Found]:
    """Report every text whose bytes are no UTF-8."""
    for path in subject.broken_text_paths:
        yield (
            path,
            "These bytes are not UTF-8: the platform's worker crashes on the reply, and the "
            "call goes on at the fallback of the pivot that asked. Send ASCII JSON, with "
            "\\u escapes for everything else.",
        )


def too_deep(subject: Subject) -> Iterator[Found]:
    """Report the first node below the deepest allowed level."""
    if subject.tree.beyond is not None:
        yield (
            subject.tree.beyond.path(),
            f"The flow is more than {MAX_DEPTH} levels deep; from here on nothing is checked. "
            "Each node costs the call 5 of its 100 tokens, so that a path this long is cut "
            "off by a hang-up. Return the first part and come back by a pivot for the rest.",
        )


def too_large(subject: Subject) -> Iterator[Found]:
    """Report a flow of more than 64 KiB."""
    size = rendered_bytes(subject.root)
    if size > MAX_BYTES:
        yield (
            "$",
            f"The flow has {size:,} bytes, more than {MAX_BYTES:,}. The platform must receive, "
            "validate and carry all of it while the caller hears nothing. Return the next step "
            "only, and come back by a pivot.",
        )


def data_missing(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a node without ``data``."""
    if place.module and "data" not in place.node:
        yield (
            place.path(),
            f"The node {_name(place)} has no data. The platform fills in {{}} and with it every "
            'default of the module. Write "data": {} if that is what is meant.',
        )


def default_filled(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a required key that is absent and silently gets its default."""
    key, effect = _FILLED[place.module]
    if key not in place.data:
        yield (
            place.path("data"),
            f"{place.module} requires {key}. It is absent, and the platform silently fills in "
            f"{effect}. Write it out.",
        )


def unknown_node_key(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a key beside module, data and children."""
    if not place.module:
        return  # no node at all: the verdict says so
    for key in place.node:
        if not isinstance(key, str) or key in _NODE_KEYS or key == "remote_execution":
            continue
        meant = _MEANT.get(key.strip().casefold()) or did_you_mean(key, _NODE_KEYS)
        spec = spec_of(place)
        if spec is not None and key in spec.properties(subject.platform):
            meant = f"data.{key}"
        yield (
            place.path(key),
            "A node has the keys module, data and children; the platform ignores this one and "
            f"what is in it.{_suggest(meant)}",
        )


def remote_execution(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a node that asks for another worker."""
    if place.node.get("remote_execution") is True:
        yield (
            place.path("remote_execution"),
            "remote_execution hands the node to a worker elsewhere, outside the published "
            "contract. Whether one is there cannot be known from here. Leave it out.",
        )


def skip_module(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a node that is switched off."""
    if place.data.get("skip_module") is True:
        yield (
            place.path("data", "skip_module"),
            f"skip_module is true: {_name(place)} is passed over (and still costs its 5 tokens), "
            "the call goes on at _ or is hung up where there is none. Remove the key, or the node.",
        )


def _name(place: Place) -> str:
    return excerpt(place.module, 40)


def _suggest(meant: str | None) -> str:
    return f" Did you mean {meant}?" if meant else " Remove it."
