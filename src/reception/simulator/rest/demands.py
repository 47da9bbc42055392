"""
What the API demands of a document, as far as a rehearsal can trip over it.

Not the platform's schemas, which are a book: required fields, and the bounds that an
integration is likely to meet. A webhook is checked whole, because a wrong one is silently
never called, and a callflow by the rules that answers of an app are judged by.

Source: contract/platform_api.md; schemas callflows, webhooks, vmboxes, menus, devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reception.callflow import verdict as rejections_of
from reception.simulator.quirks import Quirks
from reception.simulator.rest.asked import ApiError, invalid

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "callflows": (),
    "conferences": (),
    "devices": ("name",),
    "menus": ("name",),
    "media": ("name",),
    "users": ("first_name", "last_name"),
    "vmboxes": ("mailbox", "name"),
    "webhooks": ("hook", "name", "uri"),
}
_CHOICES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "webhooks": {
        "format": ("form-data", "json"),
        "http_verb": ("get", "post", "put"),
        "version": ("v1", "v2"),
    }
}
_NUMBERS: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {
    "webhooks": {"retries": (0, 4)},
    "menus": {
        "retries": (1, 10),
        "timeout": (1, 60_000),
        "interdigit_timeout": (1, 10_000),
        "max_extension_length": (1, 6),
    },
}


def demand(
    kind: str, document: Mapping[str, Any], quirks: Quirks, *, local_urls_ok: bool = False
) -> None:
    """
    Check a document that is to be stored.

    Shape:
        local_urls_ok: let URLs of this machine pass in a flow.

    Errors:
        ApiError: 400 with every fault, each under its field.
    """
    faults: dict[str, Any] = {}
    for name in _REQUIRED.get(kind, ()):
        if name not in document:
            faults |= invalid(name, "required", "Field is required but missing").data
    for name, allowed in _CHOICES.get(kind, {}).items():
        if name in document and document[name] not in allowed:
            faults |= invalid(
                name, "enum", "Value not found in enumerated list of values", target=list(allowed)
            ).data
    for name, (least, most) in _NUMBERS.get(kind, {}).items():
        if name in document and (fault := _number(name, document[name], least, most)):
            faults |= fault.data
    faults |= _by_kind(kind, document, quirks, local_urls_ok=local_urls_ok)
    if faults:
        raise ApiError(400, "invalid data", faults)


def _number(name: str, value: object, least: int, most: int) -> ApiError | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return invalid(name, "type", "Value is not an integer", target="integer", value=value)
    if value < least:
        return invalid(name, "minimum", f"Value must be at least {least}", target=least)
    if value > most:
        return invalid(name, "maximum", f"Value must be no more than {most}", target=most)
    return None


def _by_kind(
    kind: str, document: Mapping[str, Any], quirks: Quirks, *, local_urls_ok: bool
) -> dict[str, Any]:
    if kind == "webhooks":
        return _webhook(document)
    if kind == "callflows":
        return _callflow(document, quirks, local_urls_ok=local_urls_ok)
    return {}


def _webhook(document: Mapping[str, Any]) -> dict[str, Any]:
    faults: dict[str, Any] = {}
    uri = document.get("uri")
    if uri is not None and not str(uri).startswith(("http://", "https://")):
        faults |= invalid("uri", "format", "URI is not an http or https address").data
    custom = document.get("custom_data", {})
    if not isinstance(custom, Mapping):
        faults |= invalid("custom_data", "type", "Value is not an object", target="object").data
    elif any(not isinstance(value, str) for value in custom.values()):
        faults |= invalid("custom_data", "type", "Values must be strings", target="string").data
    return faults


def _callflow(
    document: Mapping[str, Any], quirks: Quirks, *, local_urls_ok: bool
) -> dict[str, Any]:
    faults: dict[str, Any] = {}
    flow = document.get("flow")
    if flow is None and quirks.version == 4:
        return faults
    if not isinstance(flow, Mapping):
        rule = "required" if flow is None else "type"
        faults |= invalid("flow", rule, "A callflow needs a flow", target="object").data
    else:
        for rejection in rejections_of(dict(flow), quirks.version):
            # A rehearsal is on this machine, which the platform would never call.
            if rejection.rule != "client_url" or not local_urls_ok:
                name = f"flow{rejection.path.removeprefix('$')}"
                faults |= invalid(name, rejection.rule, rejection.message).data
    for name in ("numbers", "patterns"):
        listed = document.get(name, [])
        if not isinstance(listed, list) or any(not isinstance(each, str) for each in listed):
            faults |= invalid(name, "type", "Value is not a list of strings", target="array").data
    return faults
