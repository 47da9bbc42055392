"""
One call, as the code of an application sees it.

A `Call` is made anew for every request and holds nothing that must outlive it. It reads
what the platform sent; what the application answers is a `Flow`. It knows no transport:
how a URL back to this application looks is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from reception.wire import PivotRequest

PivotUrl = Callable[[Mapping[str, str]], str]


class Call:
    """
    The call that asks "what next?".

    Attributes:
        request: everything the platform sent (`PivotRequest`).
        params: what the URL carried beside the tenant and its credentials, as
            `pivot_url` put it there or as the voice URL was configured; names and
            values are text, the first of a repeated name counts.
    """

    __slots__ = ("_pivot_url", "params", "request")

    def __init__(
        self, request: PivotRequest, *, params: Mapping[str, str], pivot_url: PivotUrl
    ) -> None:
        self.request: Final = request
        self.params: Final = params
        self._pivot_url = pivot_url

    @property
    def id(self) -> str:
        """The platform's Call-ID of the caller's leg; "" when it sent none."""
        return self.request.call_id or ""

    @property
    def caller_number(self) -> str:
        """Who calls, as the platform sent it: often E.164, "anonymous" when withheld."""
        return self.request.caller_id_number or ""

    @property
    def caller_name(self) -> str:
        """The caller's name as sent by the network; text from a stranger."""
        return self.request.caller_id_name or ""

    @property
    def dialled(self) -> str:
        """The number that was dialled (Request): E.164 for outside numbers, else an extension."""
        return self.request.request or ""

    @property
    def language(self) -> str:
        """The language of the call, like "en-us"; "" when the platform sent none."""
        return self.request.language or ""

    def pivot_url(self, **params: str) -> str:
        """
        The absolute URL that brings this call back to this application.

        Give it to `flow.pivot(url=…)`. The given `params` are in `call.params` of the
        next request. They travel in a URL, which the platform logs: no names, no
        numbers, no digits that a caller typed.

        Errors:
            AppError("app.pivot_url"): a parameter name that Reception keeps for itself.
        """
        return self._pivot_url(params)

    def __repr__(self) -> str:
        # Never the request: it holds what a caller said, and reprs end up in logs.
        return f"<Call {self.id!r}>"
