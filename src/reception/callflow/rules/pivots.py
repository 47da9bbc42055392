"""
Rules about `pivot` nodes: how the next request comes back, and what if it does not.

The schema's defaults are the wrong ones for us (GET, a form body), and the node's own
``_`` child is the only thing left of a call whose next request fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from reception.callflow.excerpt import excerpt
from reception.callflow.rules.rule import Found, Subject
from reception.callflow.rules.timing import is_instant
from reception.callflow.tree import Place

# The deadline of an app, 2 s, and half a second for the way.
_SHORTEST_TIMEOUT_MS: Final = 2_500
_LONGEST_URL: Final = 2_048
_ROUTING_PARAMETERS: Final = frozenset({"appid", "app_id", "key"})


def _url(place: Place) -> str | None:
    """The address that is asked; None for a serverless pivot."""
    return None if "serverless" in place.data else place.text("voice_url")


def not_post_json(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a pivot whose request would not come back as POST with JSON."""
    if _url(place) is None:
        return
    data = place.data
    missing = [key for key in ("method", "req_body_format") if key not in data]
    if missing:
        becomes = {"method": "GET", "req_body_format": "a form body"}
        yield (
            place.path("data"),
            f"Without {' and '.join(missing)} the next request comes as "
            f"{' with '.join(becomes[key] for key in missing)}, and a GET with variables in it never "
            'leaves the platform. Write "method": "post", "req_format": "kazoo", '
            '"req_body_format": "json".',
        )
    if data.get("method") in {"get", "GET"}:
        yield (
            place.path("data", "method"),
            "The next request would be a GET, its fields in the query; one with variables or "
            'SIP headers in it never leaves the platform. Write "post".',
        )
    if data.get("req_body_format") == "form":
        yield (
            place.path("data", "req_body_format"),
            'The next request would carry a form, with every value turned to text. Write "json".',
        )
    if data.get("req_format") == "twiml":
        yield (
            place.path("data", "req_format"),
            "The next request would carry the keys of another dialect, and its answer would be "
            'read as such. Write "kazoo".',
        )


def no_fallback(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a pivot without a ``_`` child."""
    if "_" not in place.children:
        yield (
            place.path(),
            "Nothing hangs under children._ of this pivot: if the next request fails (no answer "
            "in time, any status but 200), the caller is hung up. Give a fallback that works "
            "without your server, such as ringing the front desk.",
        )


def comes_back_at_once(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a pivot before which the caller hears, types and waits for nothing."""
    url = _url(place)
    if url is None or not all(is_instant(above) for above in place.ancestors()):
        return
    if _carries_state(url):
        return
    yield (
        place.path(),
        "Nothing before this pivot takes time (no prompt, collection, sleep or call). If the "
        "address leads back to the app that gives this answer, the call runs in circles until "
        "its tokens are used up and it is hung up. Answer with something to hear first, or put "
        "the step into the URL. A hand-over to another app is fine.",
    )


def _carries_state(url: str) -> bool:
    """Tell whether the query holds more than what routes the request to its app."""
    try:
        query = urlsplit(url[:_LONGEST_URL]).query
        names = [name.casefold() for name, _ in parse_qsl(query, keep_blank_values=True)]
    except ValueError:
        return False
    return any(name not in _ROUTING_PARAMETERS for name in names)


def short_timeout(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a request timeout that leaves the app no time."""
    timeout = place.number("req_timeout_ms")
    if timeout is not None and timeout < _SHORTEST_TIMEOUT_MS:
        words = (
            "no answer can be in time"
            if timeout <= 0
            else "an app that uses its deadline of 2 s answers too late"
        )
        yield (
            place.path("data", "req_timeout_ms"),
            f"The platform would wait {excerpt(timeout)} ms for the answer: {words}, and the call "
            "goes on at _. The unit is milliseconds; 4000 is a good value, 5000 the highest.",
        )


def stores_bodies(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a pivot that keeps its requests and answers."""
    if place.data.get("debug") is True:
        yield (
            place.path("data", "debug"),
            "debug stores each request and answer in the account's database, with numbers, names "
            "and typed digits of guests. Leave it out outside a test account.",
        )


def cdr_never_sent(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a ``cdr_url``, which an accepted callflow makes useless."""
    if "cdr_url" in place.data:
        yield (
            place.path("data", "cdr_url"),
            "After an answer that is a callflow the platform never calls cdr_url; and on version 4 "
            "it keeps the caller in silence after a broken answer, instead of hanging up. Use "
            "an account webhook (channel_destroy) for the end of calls, and remove the key.",
        )


def url_never_leaves(place: Place, subject: Subject) -> Iterator[Found]:
    """Report an address that the platform's client cannot request."""
    url = _url(place)
    if url is None:
        return
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        yield (
            place.path("data", "voice_url"),
            "The address holds a blank, a control character or one outside ASCII: the request never "
            "leaves the platform, and the call goes on at _. Percent-encode it.",
        )
        return
    method = place.data.get("method", "get")
    if method in {"get", "GET"} and "@" in url.partition("://")[2].partition("/")[0]:
        yield (
            place.path("data", "voice_url"),
            "With GET the platform breaks an address that holds user and password. Use POST.",
        )
