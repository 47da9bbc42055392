"""The head of a request where the recorded ones say nothing: custom headers and userinfo."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from reception.simulator.heads import basic_credentials, render_head
from reception.simulator.request import JSON_TYPE, Outgoing


def names(request: Outgoing) -> list[str]:
    head = render_head(request, urlsplit(request.url)).decode()
    return [line.split(":")[0] for line in head.split("\r\n")[1:] if line]


def test_custom_headers_stand_behind_and_well_known_ones_in_their_place() -> None:
    headers = {"X-Key": "1", "Accept": "*/*", "User-Agent": "me", "X-A": "2"}
    request = Outgoing("POST", "http://h/", b"{}", JSON_TYPE, headers)
    assert names(request) == [
        *("content-type", "content-length", "user-agent", "te", "host", "accept"),
        *("connection", "x-key", "x-a"),
    ]


def test_a_custom_header_does_not_change_what_the_client_knows_better() -> None:
    request = Outgoing("POST", "http://h/", b"{}", JSON_TYPE, {"Content-Length": "9"})
    assert b"content-length: 2\r\n" in render_head(request, urlsplit(request.url))


def test_a_superfluous_connection_says_that_it_closes() -> None:
    request = Outgoing("POST", "http://h/", b"")
    head = render_head(request, urlsplit(request.url), closes=True)
    assert head.endswith(b"connection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("userinfo", "sent"),
    [("", None), ("u", "Basic dTo="), ("u:", "Basic dTo="), ("a:b:c", None), ("a:b", "Basic YTpi")],
)
def test_userinfo_is_sent_as_the_platform_takes_it_apart(userinfo: str, sent: str | None) -> None:
    assert sent == basic_credentials(userinfo)
