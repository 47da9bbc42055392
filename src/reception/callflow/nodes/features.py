"""
Nodes that switch a phone's features, and those of the queue application.

The rule this file keeps: facts only. They act on the calling device or its owner, so that
they mean something only for callers from inside the account.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from reception.callflow.facts import Default, Only
from reception.callflow.node import FAILURES, Ends, Keys, Node


class CallForward(Node, frozen=True):
    """
    Switch or set the call forwarding of the caller's own user.

    Children: ``_``; stops when the caller has no user.
    Answers: yes.

    Source:
        kazoo cf_call_forward. `menu_retries`: version 5 only.
    """

    module: ClassVar[str] = "call_forward"
    answers: ClassVar[bool] = True

    action: Literal["activate", "deactivate", "update", "toggle", "menu"]
    menu_retries: Annotated[int | None, Default(3), Only(5)] = None


class CallWaiting(Node, frozen=True):
    """
    Switch call waiting.

    Children: ``_``; stops when the device or user is unknown.

    Source:
        kazoo cf_call_waiting.
    """

    module: ClassVar[str] = "call_waiting"

    action: Annotated[Literal["activate", "deactivate", "toggle"] | None, Default("toggle")] = None
    scope: Annotated[Literal["device", "user"] | None, Default("device")] = None


class DoNotDisturb(Node, frozen=True):
    """
    Switch do-not-disturb.

    Children: ``_``; stops when nothing fits.

    Shape:
        id: of a device or user; else the caller's own.

    Source:
        kazoo cf_do_not_disturb.
    """

    module: ClassVar[str] = "do_not_disturb"

    action: Literal["activate", "deactivate", "toggle"]
    id: str | None = None


class Hotdesk(Node, frozen=True):
    """
    Log a user in to or out of the calling device, or ring the devices of one.

    Children: ``_`` after login, logout and toggle; after a bridge the failure, else ``_``.
    Answers: for a logout.

    Surprises:
        Even a bridge that was answered goes on to ``_``.

    Source:
        kazoo cf_hotdesk.
    """

    module: ClassVar[str] = "hotdesk"
    takes: ClassVar[Keys] = FAILURES
    answers: ClassVar[bool] = True

    action: Literal["logout", "login", "toggle", "bridge"]
    id: str | None = None
    interdigit_timeout: int | None = None


class AcdcAgent(Node, frozen=True):
    """
    Log an agent of the queues in or out, or pause.

    Children: ``_``.

    Units:
        ``timeout`` seconds of a pause.

    Surprises:
        Where the queue application is not installed, the node is skipped.

    Source:
        kazoo callflows.acdc_agent.
    """

    module: ClassVar[str] = "acdc_agent"

    action: Literal["login", "logout", "paused", "resume"]
    timeout: int | None = None
    presence_id: str | None = None
    presence_state: (
        Literal["early", "confirmed", "terminated", "red_flash", "red_solid", "green"] | None
    ) = None


class AcdcMember(Node, frozen=True):
    """
    Put the caller into a queue.

    Children: ``_`` when the queue gave up or the caller left it.
    Ends: when an agent took the call.

    Surprises:
        Where the queue application is not installed, the node is skipped.

    Source:
        kazoo callflows.acdc_member.
    """

    module: ClassVar[str] = "acdc_member"
    ends: ClassVar[Ends] = "on success"

    id: str
    priority: int | None = None


class AcdcQueue(Node, frozen=True):
    """
    Log an agent in to or out of one queue.

    Children: ``_``.

    Surprises:
        Where the queue application is not installed, the node is skipped.

    Source:
        kazoo callflows.acdc_queue.
    """

    module: ClassVar[str] = "acdc_queue"

    id: str
    action: Literal["login", "logout"]


class AcdcWaitTime(Node, frozen=True):
    """
    Branch on how long a queue is expected to take.

    Children: a number of seconds, for waits at least as long; else ``_``.

    Units:
        ``window`` seconds over which the queue is looked at.

    Surprises:
        Where the queue application is not installed, the node is skipped.

    Source:
        kazoo callflows.acdc_wait_time.
    """

    module: ClassVar[str] = "acdc_wait_time"
    takes: ClassVar[Keys] = Keys(pattern=r"[0-9]+")

    id: str
    window: int | None = None
