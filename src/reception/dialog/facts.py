"""
What the engine is told, because it may not look for itself.

The rule this file keeps: everything that another machine, another second or another roll of
the dice would make different comes in through here. `Facts` is about one pivot; `Arrival` is
what the platform brought with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Final

from msgspec import Struct

from reception.callflow import Flow
from reception.dialog.catalogue import Catalogue

NEXT: Final = "next:"
"""What an outcome begins with that names the handler which is to go on."""

EPISODE_TAG: Final = "rx_e"
"""The application variable that tells our episodes apart in requests and reports."""

Sandbox = Callable[[], AbstractContextManager[object]]


class Arrival(Struct, frozen=True, gc=False):
    """
    What brought us here.

    Attributes:
        step_no: the step to answer; 0 for the first of an episode.
        digits: by collection, the keys of the request's ``Digits``.
        outcome: of the continuation URL: the branch that a flow came back by, or
            `NEXT` and the name of a handler; "" where it carries none.
        end: None for a pivot; for the end of the call, its cause ("" is one too). Then
            `step_no` is one more than the last committed step.
    """

    step_no: int = 0
    digits: Mapping[str, str] = {}
    outcome: str = ""
    end: str | None = None

    def __repr__(self) -> str:
        # Never the keys: they may be a secret's.
        return f"<Arrival at step {self.step_no}>"


class Facts(Struct, frozen=True):
    """
    The world around one pivot.

    Attributes:
        episode: the episode's random token.
        url: makes the continuation URL of a step and an outcome ("" for none): absolute,
            with token, step and outcome inside its MAC.
        fallback: the tenant's safe flow; it stands under every pivot.
        now: an aware time in UTC, each time it is called.
        entropy: so many random bytes.
        language: of the request, like "en-us"; "" where it said nothing.
        deadline_s: how long we take to answer at most.
        patience_s: for how long a reply may be held back from now on, to let the platform's
            bucket of tokens fill; asked when there is a reply.
        bucket: `encode` of the last committed step's bucket; None before the first.
        tags: application variables for the first reply (``rx_e``); none for apps that want
            no tag.
        catalogue: the application's prompts, if it has any.
        app_version: `App.version`.
        sandbox: a context in which the developer's code runs: it hides the running event
            loop, and in tests and in dev mode watches for clocks and chance.
        most_steps: how many steps an episode may have.
    """

    episode: str
    url: Callable[[int, str], str]
    fallback: Flow
    now: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    language: str = ""
    deadline_s: float = 2.0
    patience_s: Callable[[], float] = float  # none at all
    bucket: bytes | None = None
    tags: Mapping[str, str] = {}
    catalogue: Catalogue | None = None
    app_version: str = ""
    sandbox: Sandbox = nullcontext
    most_steps: int = 200
