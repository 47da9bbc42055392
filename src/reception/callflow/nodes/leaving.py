"""
Nodes that end, hold or hand over the call.

The rule this file keeps: facts only. After any node that has no child to go on to, the
caller is hung up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from reception.callflow.facts import Bounds, Default, Length, Only, Required
from reception.callflow.node import ANY, NONE, Ends, Keys, Node


class Hangup(Node, frozen=True):
    """
    Hang up.

    Children: none. Ends: always, also where another flow is stacked behind this one.

    Surprises:
        It has no cause and no code. For a SIP code before the call is answered use
        `response`.

    Source:
        kazoo cf_hangup; run: trace 101.
    """

    module: ClassVar[str] = "hangup"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"


class Response(Node, frozen=True):
    """
    Refuse the call with a SIP code.

    Children: none. Ends: always; inside a `callflow` branch the stacked flow still goes on.
    Answers: no, and it means something only while the call is not answered.

    Shape:
        code: a whole number, 486 for busy. Always sent.
        message: the words beside the code.
        media: media id to play first, at most 2,048 characters.

    Source:
        kazoo cf_response; run: trace 100.
    """

    module: ClassVar[str] = "response"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    code: Annotated[int, Default(486), Required()] = 486
    message: str | None = None
    media: Annotated[str | None, Length(most=2048)] = None


class Transfer(Node, frozen=True):
    """
    Transfer the call.

    Children: none. Ends: always.

    Shape:
        target: where to.
        leg: which side is transferred.
        transfer_type: platform: ``blind``.

    Source:
        kazoo cf_transfer.
    """

    module: ClassVar[str] = "transfer"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"

    target: str
    transfer_type: Annotated[Literal["attended", "blind"] | None, Default("blind")] = None
    leg: Literal["self", "bleg"] | None = None
    captures: Annotated[Sequence[str] | None, Default(["no_match"])] = None


class Park(Node, frozen=True):
    """
    Park the caller in a slot, or fetch who is parked there.

    Children: the slot's number when a parked call comes back, ``MAX_SLOT_EXCEEDED`` when
    every slot is taken, else ``_``.
    Ends: when the call was parked or fetched.

    Units:
        ``default_ringback_timeout`` and ``default_callback_timeout`` ms.

    Source:
        kazoo cf_park. `force_presence_user`: version 5 only.
    """

    module: ClassVar[str] = "park"
    takes: ClassVar[Keys] = ANY
    ends: ClassVar[Ends] = "on success"

    action: Annotated[
        Literal["direct_park", "park", "retrieve", "auto"] | None, Default("park")
    ] = None
    slot: str | None = None
    slots: Annotated[Mapping[str, Any] | None, Default({})] = None
    max_slot_number: int | None = None
    default_callback_timeout: int | None = None
    default_ringback_timeout: int | None = None
    default_presence_type: Literal["early", "terminated", "confirmed"] | None = None
    presence_id: str | None = None
    custom_presence_id: Annotated[bool | None, Default(False)] = None
    force_presence_user: Annotated[bool | None, Only(5)] = None


class AfterBridge(Node, frozen=True):
    """
    Say what becomes of the caller when a later bridge ends.

    Children: ``_``. Answers: no.

    Shape:
        action: park, transfer or hang up.
        data: for a transfer the extension; otherwise true or false.

    Source:
        kazoo cf_after_bridge.
    """

    module: ClassVar[str] = "after_bridge"

    action: Literal["park", "transfer", "hangup"]
    data: bool | str | None = None


class Move(Node, frozen=True):
    """
    Pull one's own call from another device to this one.

    Children: none. Ends: always.

    Source:
        kazoo cf_move.
    """

    module: ClassVar[str] = "move"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"


class CampingFeature(Node, frozen=True):
    """
    Call back when a busy extension becomes free.

    The number comes from the capture group of the stored callflow that led here.
    Children: none. Ends: always.

    Source:
        kazoo cf_camping_feature.
    """

    module: ClassVar[str] = "camping_feature"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"


class WaitForHangup(Node, frozen=True):
    """
    Do nothing until the caller hangs up.

    Children: none. Ends: always. Answers: no.

    Source:
        kazoo cf_wait_for_hangup.
    """

    module: ClassVar[str] = "wait_for_hangup"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"


class Sleep(Node, frozen=True):
    """
    Wait in silence.

    Children: ``_``; the caller's hang-up stops.
    Answers: no.

    Units:
        ``duration`` in `unit`, 0 to 86,400,000 of it; the unit is seconds unless you say
        otherwise, and is always sent. More than a day is not waited.

    Surprises:
        Keys pressed meanwhile are lost.

    Source:
        kazoo cf_sleep; run: traces 5, 37.
    """

    module: ClassVar[str] = "sleep"

    duration: Annotated[int, Bounds(0, 86_400_000), Default(0)]
    unit: Annotated[Literal["ms", "s", "m", "h"], Default("s")] = "s"


class Noop(Node, frozen=True):
    """
    Do nothing; a place to hang a branch.

    Children: ``_``; stops when the caller is gone.

    Source:
        kazoo cf_noop.
    """

    module: ClassVar[str] = "noop"


class Skel(Node, frozen=True):
    """
    Do nothing; the platform developers' template.

    Children: ``_``.

    Source:
        kazoo cf_skel.
    """

    module: ClassVar[str] = "skel"
