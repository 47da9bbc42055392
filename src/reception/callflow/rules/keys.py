"""
Rules about the keys of ``data``: unknown, misspelt, of the other version, or missing.

The platform's schemas allow unknown keys everywhere and demand very little, so that a typing
error silently becomes a default. What is required here is what a module cannot work without,
not what its schema requires: that is the verdict's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reception.callflow.rules.rule import Found, Subject, did_you_mean, spec_of
from reception.callflow.tree import Place

_FREE_FORM: Final = frozenset({"set", "edr"})  # any key is theirs to carry
_ALWAYS_KNOWN: Final = frozenset({"skip_module"})

_DEAD: Final = frozenset({"cdr_url"})  # known but useless, so never suggested

_LONGEST_ID: Final = 128
"""What the platform's own endpoint lists allow; its document ids have 32 characters."""

# Any one of these keys will do; then what happens without.
_REQUIRED: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "acdc_agent": (("action",), "nothing is done"),
    "acdc_member": (("id",), "there is no queue to wait in"),
    "acdc_queue": (("id",), "there is no queue to log in to"),
    "acdc_wait_time": (("id",), "there is no queue to look at"),
    "after_bridge": (("action",), "nothing happens after the bridge"),
    "call_forward": (("action",), "nothing is done"),
    "call_pickup": (("target_call_id",), "there is no call to pick up"),
    "callflow": (("id", "flow", "doc_id"), "there is no callflow to jump to"),
    "cidlistmatch": (("id",), "there is no list to search"),
    "detect_speech": (("action",), "nothing is started or stopped"),
    "device": (("id",), "the step fails and goes to _"),
    "directory": (("id",), "the module crashes"),
    "do_not_disturb": (("action",), "nothing is done"),
    "eavesdrop": (("device_id", "user_id"), "there is nobody to listen to"),
    "faxbox": (("id", "faxbox_id"), "there is no box to receive into"),
    "function": (("id",), "there is no function to run"),
    "group": (("id", "group_id", "endpoints"), "there is no group to ring"),
    "hotdesk": (("action",), "nothing is done"),
    "menu": (("id",), "an empty menu without a prompt is run"),
    "nomorobo": (("password",), "the service refuses the question"),
    "receive_fax": (("owner_id",), "there is nobody to receive the fax for"),
    "tones": (("tones",), "nothing is heard"),
    "transfer": (("target",), "there is nowhere to transfer to"),
    "user": (("id",), "the step fails and goes to _"),
    "voicemail": (("id",), "there is no box to leave a message in"),
    "webhook": (("uri",), "the hook never fires"),
}
_APPROVED: Final = ("approved_device_id", "approved_group_id", "approved_user_id")
_APPROVED_MODULES: Final = frozenset({"eavesdrop", "eavesdrop_feature"})
REQUIRING_MODULES: Final = frozenset(_REQUIRED) | _APPROVED_MODULES | {"play"}

ACDC_MODULES: Final = frozenset({"acdc_agent", "acdc_member", "acdc_queue", "acdc_wait_time"})


def _unknown_keys(place: Place, subject: Subject) -> Iterator[tuple[str, frozenset[str], bool]]:
    """Yield each unknown key, the known ones, and whether the other version knows it."""
    spec = spec_of(place)
    if spec is None or place.module in _FREE_FORM:
        return
    known = spec.properties(subject.platform)
    others = spec.properties(5 if subject.platform == 4 else 4)
    if subject.platform not in spec.versions:
        return  # the whole module is unknown: the verdict says so
    for key in place.data:
        if isinstance(key, str) and key not in known and key not in _ALWAYS_KNOWN:
            yield key, known, key in others


def unknown_key(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a data key that no version of the module has."""
    for key, known, elsewhere in _unknown_keys(place, subject):
        if not elsewhere:
            meant = did_you_mean(key, known - _DEAD)
            yield (
                place.path("data", key),
                f"{place.module} has no such key; the platform ignores it and uses its default "
                f"instead.{f' Did you mean {meant}?' if meant else ' Remove it.'}",
            )


def other_version_key(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a data key that only the other version of the platform has."""
    other = 5 if subject.platform == 4 else 4
    for key, _, elsewhere in _unknown_keys(place, subject):
        if elsewhere:
            yield (
                place.path("data", key),
                f"Only version {other} of the platform knows this key of {place.module}; "
                f"version {subject.platform} ignores it. Do not rely on it where calls come "
                f"from version {subject.platform}.",
            )


def required_in_practice(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a node without the key that makes it do anything."""
    if place.module == "play":
        yield from _media(place)
        return
    if place.module in _REQUIRED and not _is_check(place, subject):
        keys, effect = _REQUIRED[place.module]
        given = next((key for key in keys if key in place.data), None)
        if given is None or all(_is_empty(place.data.get(key)) for key in keys):
            yield (
                place.path("data") if given is None else place.path("data", given),
                f"{place.module} needs {' or '.join(keys)}. The schema lets it pass without, but "
                f"then {effect}. Give it.",
            )
    if place.module in _APPROVED_MODULES and not any(place.text(key) for key in _APPROVED):
        yield (
            place.path("data"),
            f"{place.module} lets in only who is approved, and nobody is. Give one of "
            f"{', '.join(_APPROVED)}.",
        )


def _media(place: Place) -> Iterator[Found]:
    if _is_empty(place.data.get("id")):
        yield (
            place.path("data", "id"),
            "play has no id: the platform plays nothing and goes on to _. Give a media id or "
            "an http(s) URL.",
        )


def _is_check(place: Place, subject: Subject) -> bool:
    """Tell whether the node works without its key, or the verdict reports its absence."""
    if place.module == "voicemail":
        return place.text("action") == "check"  # asks the caller for the box
    return place.module == "callflow" and subject.platform == 5 and "id" not in place.data


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [])


def long_id(place: Place, subject: Subject) -> Iterator[Found]:
    """Report an id that can be no document's."""
    identifier = place.text("id")
    if identifier is None or len(identifier) <= _LONGEST_ID:
        return
    if place.module == "play" and "/" in identifier:
        return  # a URL
    if spec_of(place) is not None:
        yield (
            place.path("data", "id"),
            f"This id has {len(identifier):,} characters; ids of the platform's documents have 32, "
            f"and never more than {_LONGEST_ID}. Nothing will be found under it. Copy the id from "
            "the account.",
        )


def no_module(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a name for which there is a schema and no module."""
    yield (
        place.path("module"),
        f"{place.module} is a part of other nodes' schemas. The platform accepts it by its "
        "name, but has no code for it: the node is passed over and the call goes on at _. Use "
        "a module, such as play or tts.",
    )


def app_may_be_absent(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a queue module of version 5, which has a schema but no code there."""
    if subject.platform == 5:
        yield (
            place.path("module"),
            f"Version 5 accepts {place.module}, but the published platform has no code for it: "
            "the node is passed over and the call goes on at _. Ask your operator whether the "
            "queue application is installed, and give the node a _ child.",
        )
