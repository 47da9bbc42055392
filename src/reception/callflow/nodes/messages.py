"""
Nodes that take a message: voice, recording or fax.

The rule this file keeps: facts only. A recording runs beside the flow or instead of it;
each class says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from reception.callflow.facts import (
    Bounds,
    ClientUrl,
    Default,
    Format,
    Length,
    Only,
    Part,
    Required,
)
from reception.callflow.node import NONE, Ends, Keys, Node


class Voicemail(Node, frozen=True):
    """
    Take a message for a mailbox, or let its owner listen.

    Children: ``_`` when the message was saved, was too short, or the box is full. The
    operator key runs the operator's callflow first.
    Ends: when the caller hangs up, which is the usual end.
    Answers: yes.

    Shape:
        id: of the mailbox, exactly 32 characters.
        action: platform: ``compose``; ``check`` asks for the PIN and plays the messages.

    Units:
        ``max_message_length`` seconds (platform: 500); ``interdigit_timeout`` ms (platform:
        2,000).

    Source:
        kazoo cf_voicemail; run: wire/validate 75, 77.
    """

    module: ClassVar[str] = "voicemail"
    ends: ClassVar[Ends] = "on success"
    answers: ClassVar[bool] = True

    id: Annotated[str, Length(32, 32)]
    action: Annotated[Literal["check", "compose"] | None, Default("compose")] = None
    max_message_length: Annotated[int | None, Default(500)] = None
    interdigit_timeout: Annotated[int | None, Default(2000)] = None
    callerid_match_login: Annotated[bool | None, Default(False)] = None
    single_mailbox_login: Annotated[bool | None, Default(False)] = None


class RecordCall(Node, frozen=True):
    """
    Start or stop recording the call, beside the flow.

    Children: ``_``, at once.
    Answers: no.

    Shape:
        action: ``start`` unless you say otherwise; always sent.
        url: where the file is uploaded to, by PUT unless `method` says ``post``; http or
            https, and not this very machine.

    Units:
        ``time_limit`` seconds, 5 to 10,800 (platform: 3,600); ``record_min_sec`` seconds,
        shorter recordings are dropped; ``record_sample_rate`` Hz.

    Source:
        kazoo cf_record_call. `media_id`: version 5 only.
    """

    module: ClassVar[str] = "record_call"

    action: Annotated[Literal["start", "stop"], Default("start"), Required()] = "start"
    url: Annotated[str | None, Length(5, only=5), Format("uri"), ClientUrl()] = None
    method: Annotated[Literal["put", "post"] | None, Default("put")] = None
    format: Literal["mp3", "wav"] | None = None
    time_limit: Annotated[int | None, Bounds(5, 10800), Default(3600)] = None
    label: str | None = None
    media_name: str | None = None
    media_id: Annotated[str | None, Only(5)] = None
    origin: str | None = None
    record_min_sec: int | None = None
    record_on_answer: Annotated[bool | None, Default(False)] = None
    record_on_bridge: Annotated[bool | None, Default(False)] = None
    record_sample_rate: int | None = None
    should_follow_transfer: Annotated[bool | None, Default(True)] = None


class RecordCaller(Node, frozen=True):
    """
    Record the caller, and wait until that is over.

    Children: ``_``, when the recording stopped, at the latest 2 s after `time_limit`.

    Shape:
        url: as in `record_call`.

    Units:
        as in `record_call`.

    Source:
        kazoo cf_record_caller. Version 4 knows `format`, `method`, `time_limit` and `url`
        only.
    """

    module: ClassVar[str] = "record_caller"

    url: Annotated[str | None, Length(5, only=5), Format("uri"), ClientUrl()] = None
    method: Annotated[Literal["put", "post"] | None, Default("put")] = None
    format: Literal["mp3", "wav"] | None = None
    time_limit: Annotated[int | None, Bounds(5, 10800), Default(3600)] = None
    media_id: Annotated[str | None, Only(5)] = None
    media_name: Annotated[str | None, Only(5)] = None
    origin: Annotated[str | None, Only(5)] = None
    record_min_sec: Annotated[int | None, Only(5)] = None
    record_on_answer: Annotated[bool | None, Default(False), Only(5)] = None
    record_on_bridge: Annotated[bool | None, Default(False), Only(5)] = None
    record_sample_rate: Annotated[int | None, Only(5)] = None
    should_follow_transfer: Annotated[bool | None, Default(True), Only(5)] = None


class FaxOptions(Part, frozen=True):
    """How a fax is received: `fax_option` true, false, or the words ``auto``, ``true``, ``false``."""

    fax_option: bool | Literal["auto", "true", "false"] | None = None


class Faxbox(Node, frozen=True):
    """
    Receive a fax into a fax box.

    Children: none: the fax application takes the call over. Ends: always. Answers: yes.

    Source:
        kazoo cf_faxbox.
    """

    module: ClassVar[str] = "faxbox"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"
    answers: ClassVar[bool] = True

    id: str
    faxbox_id: str | None = None
    media: FaxOptions | Mapping[str, Any] | None = None


class ReceiveFax(Node, frozen=True):
    """
    Receive a fax for a user.

    Children: none. Ends: always. Answers: yes.

    Source:
        kazoo cf_receive_fax.
    """

    module: ClassVar[str] = "receive_fax"
    takes: ClassVar[Keys] = NONE
    ends: ClassVar[Ends] = "always"
    answers: ClassVar[bool] = True

    owner_id: str | None = None
    media: FaxOptions | Mapping[str, Any] | None = None


class FaxDetect(Node, frozen=True):
    """
    Listen whether a fax machine calls.

    Children: ``ON_FAX`` or ``ON_VOICE``; ``_`` when the child is missing.

    Units:
        ``duration`` seconds (the module's own: 5); a voice is told 2 s after that.

    Source:
        kazoo cf_fax_detect.
    """

    module: ClassVar[str] = "fax_detect"
    takes: ClassVar[Keys] = Keys(names=frozenset({"ON_FAX", "ON_VOICE"}))

    duration: int | None = None
