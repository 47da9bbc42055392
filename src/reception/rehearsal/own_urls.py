"""
URLs that lead back to us, without what only one server and one hour can know.

The rule this file keeps: host, MAC and expiry are of no meaning to a dialog, so neither a
recording nor a rerun has them; what is left says which step, which branch, which parameters.
The hosts resolve nowhere (RFC 6761).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

STEP: Final = "https://step.invalid/"
OWN: Final = "https://own.invalid/"
_BY_PATH: Final = re.compile(r"/v1/apps/([A-Za-z0-9._-]{1,64})/voice")
# What `web` adds to the parameters of an application.
_OURS: Final = frozenset({"APPID", "key", "k", "x", "a", "c", "s", "o"})


def step_url(step_no: int, outcome: str) -> str:
    """
    The URL of a step.

    >>> step_url(3, "menu/2")
    'https://step.invalid/3?o=menu%2F2'
    """
    return f"{STEP}{step_no}" + (f"?o={quote(outcome, safe='')}" if outcome else "")


def own_url(params: Mapping[str, str]) -> str:
    """The URL that ``call.pivot_url(…)`` gives."""
    return f"{OWN}?{urlencode(params)}" if params else OWN


def plain_urls(value: Any, *, app: str, episode: str) -> Any:
    """Give a reply with its URLs back to `app` made plain."""
    if isinstance(value, dict):
        return {name: plain_urls(each, app=app, episode=episode) for name, each in value.items()}
    if isinstance(value, list):
        return [plain_urls(each, app=app, episode=episode) for each in value]
    if isinstance(value, str) and value.startswith(("https://", "http://")):
        return _plain(value, app, episode)
    return value


def _plain(url: str, app: str, episode: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    query = parse_qsl(parts.query, keep_blank_values=True)
    given = dict(reversed(query))
    by_path = _BY_PATH.fullmatch(parts.path)
    if (by_path[1] if by_path else given.get("APPID")) != app:
        return url
    if given.get("c") == episode and given.get("s", "").isdecimal():
        return step_url(int(given["s"]), given.get("o", ""))
    return own_url({name: each for name, each in query if name not in _OURS})
