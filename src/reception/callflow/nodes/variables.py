"""
Nodes that note something about the call, or tell somebody about it.

The rule this file keeps: facts only. All of them go on to ``_`` at once, and none makes a
sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from reception.callflow.facts import (
    ClientUrl,
    Default,
    Format,
    Length,
    Only,
    Part,
    Required,
)
from reception.callflow.node import SPREAD, Node

_MailOn4 = Annotated[str, Format("email", only=4)]
_Mail = Annotated[str, Format("email")]


class AlertRecipient(Part, frozen=True):
    """
    Who gets a missed-call alert.

    Shape:
        type: ``email``, or ``user``.
        id: one address or user id, or a list. Version 4 wants a ``@`` in it, also for users.

    Source:
        kazoo callflows.missed_call_alert.
    """

    type: Annotated[Literal["user", "email"], Required()]
    id: Annotated[_MailOn4 | Sequence[_MailOn4], Required()]


class Recipient(Part, frozen=True):
    """
    Who gets a notification.

    Shape:
        type: ``email``, or ``user``.
        id: one address, or a list; both versions want a ``@`` in it, also for users.

    Source:
        kazoo callflows.notification.
    """

    type: Annotated[Literal["user", "email"], Required()]
    id: Annotated[_Mail | Sequence[_Mail], Required()]


class SetVariables(Node, frozen=True):
    """
    Set variables of the application on the call.

    Children: ``_``. Answers: no.

    Shape:
        custom_application_vars: names and values of any JSON type; they come back in the
            next request's ``Custom-Application-Vars``, in webhooks and in the call's record.
            "" and null erase a name.
        export: also for the legs that later bridges make.

    Source:
        kazoo cf_set_variables; run: traces 64, 65.
    """

    module: ClassVar[str] = "set_variables"

    custom_application_vars: Annotated[Mapping[str, Any], Default({}), Required()]
    export: bool | None = None


class SetVariable(Node, frozen=True):
    """
    Set one variable of the channel.

    Children: ``_``.

    Surprises:
        The platform maps one name only, ``call_priority``; any other does nothing.

    Source:
        kazoo cf_set_variable.
    """

    module: ClassVar[str] = "set_variable"

    variable: str
    value: str
    channel: Annotated[Literal["a", "both"] | None, Default("a")] = None


class Set(Node, frozen=True):
    """
    Store skills for agents: any keys.

    Children: ``_``.

    Shape:
        values: becomes the node's data as it is.

    Source:
        kazoo cf_set.
    """

    module: ClassVar[str] = "set"
    unlisted: ClassVar[frozenset[str]] = frozenset({"values"})

    values: Annotated[Mapping[str, Any] | None, SPREAD] = None


class Webhook(Node, frozen=True):
    """
    Have the platform send a web request about the call.

    Children: ``_``, at once: nobody waits for the answer.

    Shape:
        uri: http or https; the platform refuses localhost, 127.0.0.1 and 0.0.0.0. The
            platform takes a node without one, and sends nothing.
        http_verb: ``post`` unless you say otherwise; always sent. The body is a form.
        custom_request_headers: version 5 only.
        retries: how often it is tried in all, 1 to 4. 0 is not never: the platform's counter
            misses its end, and the request is repeated for as long as the error lasts.

    Source:
        kazoo cf_webhook.
    """

    module: ClassVar[str] = "webhook"

    uri: Annotated[str, Length(6, only=5), ClientUrl()]
    http_verb: Literal["post", "get"] = "post"
    custom_data: Mapping[str, Any] | None = None
    retries: int | None = None
    custom_request_headers: Annotated[Mapping[str, Any] | None, Only(5)] = None


class Notification(Node, frozen=True):
    """
    Send a message from one of the account's templates.

    Children: ``_``.

    Shape:
        recipients: `Recipient` or mappings.
        send_at: when the call ends (platform: ``channel_destroy``), or now.

    Source:
        kazoo cf_notification.
    """

    module: ClassVar[str] = "notification"
    # The module reads it like every other; only its schema forgot it.
    unlisted: ClassVar[frozenset[str]] = frozenset({"skip_module"})

    recipients: Annotated[Sequence[Recipient | Mapping[str, Any]], Default([]), Required()]
    template_id: str | None = None
    comments: str | None = None
    notification_media: Sequence[Literal["email", "sms"]] | None = None
    send_at: Annotated[
        Literal["callflow_exec", "channel_destroy"] | None, Default("channel_destroy")
    ] = None


class MissedCallAlert(Node, frozen=True):
    """
    Arm an e-mail that is sent when the call ends without having been answered.

    Children: ``_``.

    Shape:
        recipients: `AlertRecipient` or mappings.
        alert_on_internal_calls: version 5 only.

    Source:
        kazoo cf_missed_call_alert.
    """

    module: ClassVar[str] = "missed_call_alert"

    recipients: Annotated[Sequence[AlertRecipient | Mapping[str, Any]], Required()]
    alert_on_internal_calls: Annotated[bool | None, Default(False), Only(5)] = None


class Edr(Node, frozen=True):
    """
    Have the platform record an event about the call.

    Children: ``_``.

    Source:
        kazoo cf_edr.
    """

    module: ClassVar[str] = "edr"


class ManualPresence(Node, frozen=True):
    """
    Set a busy lamp.

    Children: ``_``. Answers: yes.

    Source:
        kazoo cf_manual_presence.
    """

    module: ClassVar[str] = "manual_presence"
    answers: ClassVar[bool] = True

    presence_id: Annotated[str, Required()]
    status: Annotated[Literal["idle", "ringing", "busy"] | None, Default("idle")] = None
