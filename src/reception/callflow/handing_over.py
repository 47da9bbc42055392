"""
How a flow names the handler that is to answer a pivot, before there is a URL for it.

The rule this file keeps: ``flow.pivot(next=handler)`` is an ordinary pivot whose URL has a
host that resolves nowhere (RFC 6761). Whoever sends the flow writes the real URL in; one
that is sent as it is reaches nobody, and takes its fallback.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from urllib.parse import quote

NEXT_URL: Final = "https://next.invalid/"


def handler_name(handler: Callable[..., Any]) -> str:
    """
    The name by which an application knows a handler: ``module:function``.

    An object that can be called goes by its class, a partial by what it calls.
    """
    while isinstance(handler, partial):
        handler = handler.func
    named = handler if hasattr(handler, "__qualname__") else type(handler)
    return f"{named.__module__}:{named.__qualname__}"


def url_of(handler: Callable[..., Any]) -> str:
    """The placeholder URL of a handler."""
    return NEXT_URL + quote(handler_name(handler), safe=":.")
