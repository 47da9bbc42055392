"""
Nodes that listen to the caller's keys, and the one that sends some.

The rule this file keeps: facts only. Keys pressed during an earlier `play` or `tts` wait
in the collection ``default``, and every `collect_dtmf` starts from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from reception.callflow.facts import Bounds, Default, Items, Required
from reception.callflow.node import Ends, Keys, Node

Digit = Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "#", "*"]


class CollectDtmf(Node, frozen=True):
    """
    Answer, and collect keys into a collection that the next request carries in ``Digits``.

    Children: ``_``, always; also after silence, when the collection is missing from
    ``Digits``. A lone terminator looks the same as silence.
    Answers: yes.

    Shape:
        max_digits: at least 1; collecting stops at that many.
        collection_name: platform: ``default``. It lives for the whole call.
        terminator: the one key that ends the entry early; it is not part of it.
        terminators: dead in a reply: the platform writes ``terminator: "#"`` beside it, and
            that one wins. It is here for completeness.

    Units:
        ``timeout`` ms until the first key, ``interdigit_timeout`` ms between keys, both at
        least 1. All four values are always sent: the platform's own (1 key, ``#``, 5,000 ms,
        2,000 ms) are easily overlooked.

    Surprises:
        Keys pressed before it, during a prompt, already count.

    Source:
        kazoo cf_collect_dtmf; run: traces 1 to 49.
    """

    module: ClassVar[str] = "collect_dtmf"
    answers: ClassVar[bool] = True

    max_digits: Annotated[int, Bounds(1), Default(1)] = 1
    collection_name: str | None = None
    terminator: Annotated[Digit, Default("#")] = "#"
    timeout: Annotated[int, Bounds(1), Default(5000)] = 5000
    interdigit_timeout: Annotated[int, Bounds(1)] = 2000
    terminators: Annotated[Sequence[Digit] | None, Items(unique=True)] = None


class FlushDtmf(Node, frozen=True):
    """
    Empty one collection of keys.

    Children: ``_``. Answers: no.

    Surprises:
        It does nothing on version 4. To drain waiting keys on both, collect one digit with a
        timeout of 1 ms into a collection that nobody reads.

    Source:
        kazoo cf_flush_dtmf; run: trace 35.
    """

    module: ClassVar[str] = "flush_dtmf"

    collection_name: Annotated[str | None, Default("default")] = None


class SendDtmf(Node, frozen=True):
    """
    Send key tones to the caller.

    Children: ``_``. Answers: no.

    Units:
        ``duration_ms`` ms for each tone (platform: ``"2000"``).

    Source:
        kazoo cf_send_dtmf.
    """

    module: ClassVar[str] = "send_dtmf"

    digits: Annotated[str, Required()]
    duration_ms: Annotated[int | str | None, Default("2000")] = None


class Menu(Node, frozen=True):
    """
    Run a menu that is stored on the platform.

    Children: exactly the digits typed (``1``, ``42``); ``timeout`` when nothing was typed;
    ``max_retries``, then ``_``, when the retries of the stored menu (3) are used up.
    Ends: when the menu allows dialling an extension and the caller dials one.
    Answers: yes.

    Shape:
        id: of the stored menu; an unknown one becomes a menu without a prompt.

    Units:
        ``interdigit_timeout`` ms; that of the stored menu wins over it.

    Surprises:
        It makes no request per key, and its digits never reach ``Digits``: branch by
        children. A wrong entry does not go to ``_``; the menu plays again. The first key is
        waited for 10 s, three times.

    Source:
        kazoo cf_menu; run: traces 140 to 145.
    """

    module: ClassVar[str] = "menu"
    takes: ClassVar[Keys] = Keys(names=frozenset({"timeout", "max_retries"}), pattern=r"[0-9*#]+")
    ends: ClassVar[Ends] = "on success"
    answers: ClassVar[bool] = True

    id: str
    interdigit_timeout: int | None = None


class Disa(Node, frozen=True):
    """
    Ask for a PIN and let the caller dial out through the account.

    Children: ``_`` when dialling failed as often as allowed; a wrong PIN stops.
    Ends: when a call was made, or the PIN was wrong.
    Answers: yes.

    Shape:
        pin: with an empty one everybody dials at your cost, so it must be given.

    Units:
        ``interdigit`` ms; ``max_digits`` digits of a number (platform: 15); ``retries``
        tries (platform: 3).

    Source:
        kazoo cf_disa.
    """

    module: ClassVar[str] = "disa"
    ends: ClassVar[Ends] = "on success"
    answers: ClassVar[bool] = True

    pin: Annotated[str, Default("")]
    retries: Annotated[int | None, Default(3)] = None
    interdigit: int | None = None
    max_digits: Annotated[int | None, Default(15)] = None
    preconnect_audio: Annotated[Literal["dialtone", "ringing"] | None, Default("dialtone")] = None
    ring_repeat_count: Annotated[int | None, Default(1)] = None
    enforce_call_restriction: Annotated[bool | None, Default(False)] = None
    use_account_caller_id: bool | None = None


class Directory(Node, frozen=True):
    """
    Let the caller find somebody by the name's letters.

    Children: ``_`` when the directory has no users, or is unknown (that crashes the module).
    Ends: otherwise: a match runs the user's own callflow, three failures stop.
    Answers: yes.

    Source:
        kazoo cf_directory.
    """

    module: ClassVar[str] = "directory"
    ends: ClassVar[Ends] = "on success"
    answers: ClassVar[bool] = True

    id: str
