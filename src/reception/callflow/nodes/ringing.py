"""
Nodes that ring people inside the account: users, devices and groups of them.

The rule this file keeps: facts only. A successful bridge ends the flow; a failed one looks
for a child named after the failure, then for ``_``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from reception.callflow.facts import (
    Bounds,
    Default,
    Items,
    Length,
    Only,
    Part,
    Platform,
    Required,
)
from reception.callflow.node import FAILURES, Ends, Keys, Node
from reception.callflow.nodes.sounds import Tone


class Endpoint(Part, frozen=True):
    """
    Somebody to ring in a group.

    Shape:
        id: of the user, device or group, 1 to 128 characters.
        endpoint_type: what the id names.
        weight: 1 to 100, for the strategy ``weighted_random``.

    Units:
        ``delay`` seconds before it rings (platform: 0); ``timeout`` seconds it rings
        (platform: 20).

    Source:
        kazoo callflows.ring_group, callflows.page_group.
    """

    id: Annotated[str, Length(1, 128), Required()]
    endpoint_type: Annotated[Literal["device", "user", "group"], Required()]
    timeout: Annotated[int | None, Default(20)] = None
    delay: Annotated[int | None, Default(0)] = None
    weight: Annotated[int | None, Bounds(1, 100)] = None


class Ringtones(Part, frozen=True):
    """Ring tones to ask the phones for: `internal` for calls of the account, `external` for others."""

    internal: str | None = None
    external: str | None = None


class SharedAppearance(Part, frozen=True):
    """Whether a group's call appears on the shared lines of its members."""

    enabled: bool | None = None


class User(Node, frozen=True):
    """
    Ring every device of a user.

    Children: nobody answered: the failure (``USER_BUSY``, ``NO_ANSWER``, ``sip:486`` …), else
    ``_``. On version 5 an unknown user is ``NOT_FOUND``, and ``DO_NOT_DISTURB`` and
    ``NO_ENDPOINTS`` are keys as well; version 4 goes to ``_``.
    Ends: when somebody answered, with the call.
    Answers: no; the caller hears ringing.

    Shape:
        id: the user's id. The platform takes a node without one and skips it.

    Units:
        ``timeout`` and ``delay`` seconds (platform: 20 and 0).

    Surprises:
        With no answer event at all ``_`` comes 20 s after the timeout. The keys
        ``NORMAL_CLEARING``, ``ORIGINATOR_CANCEL`` and ``sip:487`` are never taken on version 5.

    Source:
        kazoo cf_user; run: traces 110 to 125.
    """

    module: ClassVar[str] = "user"
    takes: ClassVar[Keys] = FAILURES
    ends: ClassVar[Ends] = "on success"

    id: str
    timeout: Annotated[int | None, Default(20)] = None
    strategy: Annotated[Literal["simultaneous", "single"] | None, Default("simultaneous")] = None
    delay: Annotated[int | None, Default(0)] = None
    can_call_self: bool | None = None
    can_text_self: bool | None = None
    custom_sip_headers: Mapping[str, Any] | None = None
    fail_on_single_reject: bool | None = None
    static_invite: str | None = None
    suppress_clid: bool | None = None


class Device(Node, frozen=True):
    """
    Ring one device.

    Children: it was not answered: the failure (``USER_BUSY``, ``sip:480`` …), else ``_``; an
    unknown device goes to ``_``.
    Ends: when it was answered, with the call.
    Answers: no.

    Units:
        ``timeout`` and ``delay`` seconds. `timeout` is always sent, 20 unless you say
        otherwise: the platform would write 0 into a node without one.

    Source:
        kazoo cf_device; run: trace 124. `fail_on_single_reject`: version 5 only.
    """

    module: ClassVar[str] = "device"
    takes: ClassVar[Keys] = FAILURES
    ends: ClassVar[Ends] = "on success"

    id: str
    timeout: Annotated[int, Default(0)] = 20
    dial_strategy: Annotated[Literal["simultaneous", "single"] | None, Default("simultaneous")] = (
        None
    )
    delay: Annotated[int | None, Default(0)] = None
    can_call_self: bool | None = None
    can_text_self: bool | None = None
    custom_sip_headers: Mapping[str, Any] | None = None
    fail_on_single_reject: Annotated[bool | None, Only(5)] = None
    static_invite: str | None = None
    suppress_clid: bool | None = None


class RingGroup(Node, frozen=True):
    """
    Ring a list of users, devices and groups.

    Children: nobody answered: the failure, else ``_``. An empty group is ``NO_ENDPOINTS`` on
    version 5, ``_`` on version 4.
    Ends: when somebody answered, with the call (on version 5 even where a flow is stacked,
    unless `hard_stop_after_successful_group` is false).
    Answers: no; unlike `group`, ringing costs nothing.

    Shape:
        endpoints: at least one `Endpoint` or mapping.
        group_id: a stored group instead of `endpoints`, exactly one of the two; version 5
            only.

    Units:
        ``timeout`` seconds for each round (platform: 20); ``repeats`` rounds, at least 1.

    Source:
        kazoo cf_ring_group. Version 5 only: `group_id`, `group_name`,
        `hard_stop_after_successful_group`, `ignore_early_media`, `sca`.
    """

    module: ClassVar[str] = "ring_group"
    takes: ClassVar[Keys] = FAILURES
    ends: ClassVar[Ends] = "on success"
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("endpoints",), ("group_id",))

    endpoints: Annotated[
        Sequence[Endpoint | Mapping[str, Any]] | None, Items(1), Required(only=4)
    ] = None
    timeout: Annotated[int | None, Default(20)] = None
    strategy: Annotated[
        Literal["simultaneous", "single", "weighted_random"] | None, Default("simultaneous")
    ] = None
    repeats: Annotated[int | None, Bounds(1), Default(1)] = None
    ignore_forward: Annotated[bool | None, Default(True)] = None
    fail_on_single_reject: bool | None = None
    ringback: str | None = None
    ringtones: Ringtones | Mapping[str, Any] | None = None
    group_id: Annotated[str | None, Length(1, 128), Only(5)] = None
    group_name: Annotated[str | None, Only(5)] = None
    hard_stop_after_successful_group: Annotated[bool | None, Only(5)] = None
    ignore_early_media: Annotated[bool | None, Only(5)] = None
    sca: Annotated[SharedAppearance | Mapping[str, Any] | None, Only(5)] = None


class Group(Node, frozen=True):
    """
    Ring a stored group.

    Children: nobody answered: the failure, else ``_``; an unknown or empty group goes to ``_``.
    Ends: when somebody answered, with the call.
    Answers: yes, *before* it rings: the caller pays for the ringing. Use `ring_group` where
    that matters.

    Units:
        ``timeout`` seconds (platform: 20). Timeout and strategy of the stored group win
        over those given here.

    Source:
        kazoo cf_group. Version 5 only: `group_id`, `group_name`,
        `hard_stop_after_successful_group`, `ignore_early_media`, `sca`.
    """

    module: ClassVar[str] = "group"
    takes: ClassVar[Keys] = FAILURES
    ends: ClassVar[Ends] = "on success"
    answers: ClassVar[bool] = True

    id: str
    timeout: Annotated[int | None, Default(20)] = None
    strategy: Annotated[Literal["single", "simultaneous"] | None, Default("simultaneous")] = None
    endpoints: Annotated[Sequence[str] | None, Default([])] = None
    repeats: Annotated[int | None, Default(1)] = None
    ignore_forward: Annotated[bool | None, Default(True)] = None
    fail_on_single_reject: bool | None = None
    ringback: str | None = None
    ringtones: Ringtones | Mapping[str, Any] | None = None
    group_id: Annotated[str | None, Only(5)] = None
    group_name: Annotated[str | None, Only(5)] = None
    hard_stop_after_successful_group: Annotated[bool | None, Only(5)] = None
    ignore_early_media: Annotated[bool | None, Only(5)] = None
    sca: Annotated[SharedAppearance | Mapping[str, Any] | None, Only(5)] = None


class RingGroupToggle(Node, frozen=True):
    """
    Log the calling device in to or out of a stored ring group.

    Children: ``_``. Answers: no.

    Shape:
        callflow_id: the stored callflow that holds the ring group; an unknown one crashes
            the module, and ``_`` follows.

    Source:
        kazoo cf_ring_group_toggle.
    """

    module: ClassVar[str] = "ring_group_toggle"

    action: Annotated[Literal["login", "logout"], Required()]
    callflow_id: Annotated[str, Required()]


class PageGroup(Node, frozen=True):
    """
    Page devices: they pick up alone and hear the caller.

    Children: ``_`` after an error, or when no device can be paged.
    Ends: when the page was made.

    Units:
        ``timeout`` seconds to wait for the devices (platform: 5).

    Source:
        kazoo cf_page_group.
    """

    module: ClassVar[str] = "page_group"
    ends: ClassVar[Ends] = "on success"

    endpoints: Annotated[Sequence[Endpoint | Mapping[str, Any]], Items(1), Required()]
    audio: Annotated[Literal["one-way", "two-way"] | None, Default("one-way"), Required()] = None
    timeout: Annotated[int | None, Default(5)] = None
    barge_calls: bool | None = None


class Doorman(Node, frozen=True):
    """
    Ask callers for their name, play it to the callee, and let the callee decide by key.

    Version 5 only.
    Children: ``_`` after the scenario, though most outcomes hang up first.
    Ends: mostly.

    Shape:
        id: of the user to ask.
        vmbox_id: the mailbox for `failover_strategy` ``voicemail``.

    Units:
        ``call_timeout`` seconds (platform: 30).

    Source:
        kazoo cf_doorman.
    """

    module: ClassVar[str] = "doorman"
    versions: ClassVar[frozenset[Platform]] = frozenset({5})
    ends: ClassVar[Ends] = "on success"

    id: Annotated[str, Required()]
    call_timeout: Annotated[int | None, Default(30)] = None
    caller_greeting: Annotated[
        str | None, Default("Hi. Please state your name after the tone.")
    ] = None
    caller_id_name: Annotated[str | None, Default("Doorman")] = None
    failover_strategy: Annotated[Literal["hangup", "voicemail"] | None, Default("hangup")] = None
    max_menu_attempts: Annotated[int | None, Default(3)] = None
    origin: Annotated[str | None, Default("callflow : cf_doorman")] = None
    recording_limit: Annotated[int | None, Default(3)] = None
    tones: Sequence[Tone | Mapping[str, Any]] | None = None
    vmbox_id: str | None = None


class Intercom(Node, frozen=True):
    """
    Call an extension of the account so that it answers by itself.

    The number comes from the capture group of the stored callflow that led here.
    Children: ``_`` when no such extension is found; a flow that is found runs instead, and
    ``_`` after it.
    Ends: when there is no captured number at all (prompt, then hang-up).

    Source:
        kazoo cf_intercom.
    """

    module: ClassVar[str] = "intercom"
    ends: ClassVar[Ends] = "on success"

    barge_calls: bool | None = None


class RouteToCid(Node, frozen=True):
    """
    Ring the endpoints whose own caller id is the number that was dialled.

    Children: nobody answered: the failure, else ``_``.
    Ends: when somebody answered.

    Shape:
        cid_types: which caller ids are compared, at least one (platform: ``internal``).

    Units:
        ``timeout`` seconds; the platform's 0 is rarely meant, so 20 is sent unless you say
        otherwise. ``delay`` seconds.

    Source:
        kazoo cf_route_to_cid.
    """

    module: ClassVar[str] = "route_to_cid"
    takes: ClassVar[Keys] = FAILURES
    ends: ClassVar[Ends] = "on success"

    timeout: Annotated[int, Default(0)] = 20
    cid_types: Annotated[Sequence[str] | None, Items(1), Default(["internal"])] = None
    endpoint_types: Annotated[Sequence[str] | None, Default([])] = None
    delay: Annotated[int | None, Default(0)] = None
    can_call_self: bool | None = None
    can_text_self: bool | None = None
    static_invite: str | None = None
    suppress_clid: bool | None = None
