"""
What the platform does that nobody would guess, each as a named setting.

A `Quirks` is the whole behaviour of one platform at its HTTP edge: how it writes requests,
how long it waits, what it makes of bad replies, which reports it sends. `QUIRKS` holds the
values that were seen on versions 4 and 5; a platform that was changed by its operator is
described by changing single settings, never by changing code.

The rule: a number or a habit of the platform's that an operator may have changed stands
here with its source, and nowhere else in the simulator. What a callflow's modules do is no
setting of this file.

Source: contract/observed.md sections 1, 3 and 4; contract/request.md sections 2, 3 and 6;
contract/hangup.md, delivery policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, TypeAlias

from reception.errors import NeedsHuman

Platform: TypeAlias = Literal[4, 5]
"""The version of the platform to imitate."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """
    The settings of one platform; the defaults are those of version 4.

    Shape, requests:
        api_version, direction: constants of every request.
        missing_format, twiml_api_version: the format of a stored node that names none, and
            the constant of the format ``twiml``.
        privacy_name, privacy_number: stand for a missing or empty caller id.
        missing_user, missing_realm: stand for a missing side of an address.
        normalises_request: Request is E.164, as far as the platform's rules go.
        sends_custom_headers: `custom_request_headers` of a pivot node are sent.

    Shape, the client:
        timeout_ms: for a request whose node says nothing, and the most that a node may say.
        patience_ms: after so long without an event the callflow goes on without a reply.
        idle_s: an unused connection is kept so long.
        sessions_per_host: connections to one server that are kept; further ones are opened
            with ``connection: close``.
        queued_per_session: requests that wait behind one on a connection in use.
        queued_requests_time_out: a request that had to wait has a timeout at all.
        most_redirects: redirects that are followed for one request.
        retry_after_posts: how often one request is sent where the answer is 503 with
            Retry-After, counting the first.
        resends_lost_post: a POST whose idle connection was closed under it is sent again.
        duplicate_sends: copies sent along with every request, their answers dropped.
        verifies_certificates: TLS to a server that nobody vouches for fails.

    Shape, judgement:
        notices_lost_replies: an error of the client takes the way out at once, not after
            the patience.
        says_failed_before_hanging_up: after a bad 200 the callflow hears of the failure too.
        hangs_up_with_cdr_url: a bad or an empty 200 hangs up also where the node has a cdr_url.

    Shape, reports:
        keeps_cdr_promise: cdr_url is always sent, with Call-ID and Account-ID, as the
            published contract says.
        hook_request, hook_channel_vars, hook_sip_headers, hook_call_forwarded: these keys
            are in a webhook of version v1 (the last stands for reseller_id as well, and
            means always: of a forwarded call it is there anyway).
        hook_empty_texts: texts that are empty are in a webhook of version v1.
        hook_json_is_pretty: a JSON webhook is indented in the order of its keys; else it is
            compact with sorted keys.
        hook_custom_headers: `custom_request_headers` of a webhook are sent.
        hook_versions: the payloads that a webhook may ask for.
        hook_retry_pause_s: between two attempts.
        hook_failures, hook_failure_window_s, hook_check_s: so many failures in that time,
            looked at so often, switch a webhook off.
        hook_connect_timeout_s: for the connection; there is none for the answer.
    """

    version: Platform = 4

    api_version: str = "4.x"
    direction: str = "inbound"
    missing_format: str = "twiml"
    twiml_api_version: str = "2010-04-01"
    privacy_name: str = "unknown"
    privacy_number: str = "anonymous"
    missing_user: str = "nouser"
    missing_realm: str = "norealm"
    normalises_request: bool = True
    sends_custom_headers: bool = False

    timeout_ms: int = 5_000
    patience_ms: int = 10_000
    idle_s: float = 120.0
    sessions_per_host: int = 2
    queued_per_session: int = 5
    queued_requests_time_out: bool = False
    most_redirects: int = 5
    retry_after_posts: int = 101
    resends_lost_post: bool = False
    duplicate_sends: int = 0
    verifies_certificates: bool = False

    notices_lost_replies: bool = False
    says_failed_before_hanging_up: bool = True
    hangs_up_with_cdr_url: bool = False

    keeps_cdr_promise: bool = False
    hook_request: bool = False
    hook_channel_vars: bool = False
    hook_sip_headers: bool = False
    hook_call_forwarded: bool = False
    hook_empty_texts: bool = False
    hook_json_is_pretty: bool = True
    hook_custom_headers: bool = False
    hook_versions: str = "v1"
    hook_retry_pause_s: float = 2.0
    hook_failures: int = 6
    hook_failure_window_s: float = 60.0
    hook_check_s: float = 15.0
    hook_connect_timeout_s: float = 10.0

    def but(self, **changes: Any) -> Quirks:
        """Give the same platform with some settings changed; their types are not looked at."""
        return replace(self, **changes)


QUIRKS: Final[Mapping[Platform, Quirks]] = {
    4: Quirks(),
    5: Quirks(
        version=5,
        sends_custom_headers=True,
        notices_lost_replies=True,
        says_failed_before_hanging_up=False,
        hangs_up_with_cdr_url=True,
        hook_request=True,
        hook_channel_vars=True,
        hook_sip_headers=True,
        hook_call_forwarded=True,
        hook_empty_texts=True,
        hook_json_is_pretty=False,
        hook_custom_headers=True,
        hook_versions="v1 v2",
    ),
}
"""What was seen on each version."""

NAMES: Final = frozenset(field.name for field in fields(Quirks)) - {"version"}
"""Every setting that can be changed by name."""

_TRUTH: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def parse_quirks(platform: Platform, changes: Mapping[str, object]) -> Quirks:
    """
    Give a version's quirks with settings changed by name.

    Shape:
        changes: names of settings to values of their type, or to texts that spell one.

    Errors:
        NeedsHuman("simulator.quirk"): an unknown name, or a value that does not fit.

    >>> parse_quirks(5, {"idle_s": "4.5", "resends_lost_post": "yes"}).idle_s
    4.5
    """
    quirks = QUIRKS[platform]
    read: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in NAMES:
            raise NeedsHuman(
                "simulator.quirk", f"{name!r} is no setting of the simulator's platform."
            )
        read[name] = _as_typed(name, value, getattr(quirks, name))
    return quirks.but(**read)


def _as_typed(name: str, value: object, example: object) -> object:
    text = str(value).strip()
    if isinstance(example, str):
        return text
    if isinstance(example, bool):
        truth = value if isinstance(value, bool) else _TRUTH.get(text.lower())
        if truth is not None:
            return truth
        kind = "yes or no"
    else:
        kind = "a number, 0 or more" if isinstance(example, float) else "a whole number, 0 or more"
        try:
            number = float(text) if isinstance(example, float) else int(text)
        except ValueError:
            number = -1
        # `inf` and `nan` are spelled like numbers, and no time lasts so long.
        if 0 <= number < 1e9 and not isinstance(value, bool):
            return number
    raise NeedsHuman("simulator.quirk", f"{name} takes {kind}, not {text!r}.")
