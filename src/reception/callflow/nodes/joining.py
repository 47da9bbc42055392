"""
Nodes that join a call which is already going on: pick up, take over, listen in.

The rule this file keeps: facts only. None of them continues to a child.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from reception.callflow.facts import Default, Length, Platform, Required
from reception.callflow.node import NONE, Ends, Keys, Node


class CallPickup(Node, frozen=True):
    """
    Pick up a ringing call by its id.

    Version 5 only. Children: none. Ends: always.

    Source:
        kazoo cf_call_pickup.
    """

    module: ClassVar[str] = "call_pickup"
    versions: ClassVar[frozenset[Platform]] = frozenset({5})
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    target_call_id: Annotated[str, Length(1)]


class Eavesdrop(Node, frozen=True):
    """
    Listen in on a user's or device's call.

    Children: none. Ends: always.

    Shape:
        device_id, user_id: whom to listen to.
        approved_…: who may; the caller must match one that is given.

    Source:
        kazoo cf_eavesdrop.
    """

    module: ClassVar[str] = "eavesdrop"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    device_id: str | None = None
    user_id: str | None = None
    approved_device_id: str | None = None
    approved_group_id: str | None = None
    approved_user_id: str | None = None


class EavesdropFeature(Node, frozen=True):
    """
    Listen in on the extension that was dialled behind a feature code.

    Children: none. Ends: always.

    Source:
        kazoo cf_eavesdrop_feature.
    """

    module: ClassVar[str] = "eavesdrop_feature"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    group_id: str | None = None
    approved_device_id: str | None = None
    approved_group_id: str | None = None
    approved_user_id: str | None = None


class GroupPickup(Node, frozen=True):
    """
    Pick up a call that rings at a device, user or group.

    Children: none. Ends: always.

    Shape:
        device_id, user_id, group_id: where it rings.
        approved_…: who may; the caller must match one that is given.

    Source:
        kazoo cf_group_pickup.
    """

    module: ClassVar[str] = "group_pickup"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    device_id: str | None = None
    user_id: str | None = None
    group_id: str | None = None
    approved_device_id: str | None = None
    approved_group_id: str | None = None
    approved_user_id: str | None = None


class GroupPickupFeature(Node, frozen=True):
    """
    Pick up a call that rings at the extension dialled behind a feature code.

    Children: none. Ends: always.

    Surprises:
        The types ``user`` and ``group`` are not finished on the platform and only stop.

    Source:
        kazoo cf_group_pickup_feature.
    """

    module: ClassVar[str] = "group_pickup_feature"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    type: Annotated[
        Literal["group", "user", "device", "extension"] | None, Default("extension"), Required()
    ] = None
    device_id: str | None = None
    user_id: str | None = None
    group_id: str | None = None
    approved_device_id: str | None = None
    approved_group_id: str | None = None
    approved_user_id: str | None = None


class Intercept(Node, frozen=True):
    """
    Take over a call that is going on at a device, user or group.

    Children: none. Ends: always.

    Source:
        kazoo cf_intercept.
    """

    module: ClassVar[str] = "intercept"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    device_id: str | None = None
    user_id: str | None = None
    group_id: str | None = None
    approved_device_id: str | None = None
    approved_group_id: str | None = None
    approved_user_id: str | None = None


class InterceptFeature(Node, frozen=True):
    """
    Take over a call that is going on at the extension dialled behind a feature code.

    Children: none. Ends: always.

    Source:
        kazoo cf_intercept_feature.
    """

    module: ClassVar[str] = "intercept_feature"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    type: Literal["user", "device", "extension"] | None = None
    approved_device_id: str | None = None
    approved_group_id: str | None = None
    approved_user_id: str | None = None
