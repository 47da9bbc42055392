"""Where a redirect leads: methods, bodies, relative addresses, credentials."""

from __future__ import annotations

import pytest

from reception.simulator.reading import NoReply, Response
from reception.simulator.redirects import redirected
from reception.simulator.request import Outgoing

POST = Outgoing("POST", "http://u:p@h:81/a/voice?APPID=x", b"{}", "application/json")


def onward(status: int, location: str, request: Outgoing = POST) -> Outgoing:
    found = redirected(request, Response(status, (("location", location),), b""))
    assert isinstance(found, Outgoing)
    return found


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/next?x=1#f", "http://h:81/next?x=1"),
        ("next", "http://h:81/a/next"),
        ("../next", "http://h:81/a/../next"),
        ("?x=1", "http://h:81/a/?x=1"),
        ("//other/next", "http://other/next"),
        ("https://other/next", "https://other/next"),
    ],
)
def test_addresses_are_put_together_as_the_platform_does(location: str, url: str) -> None:
    assert url == onward(307, location).url


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_goes_on_as_a_get_and_keeps_type_and_credentials(status: int) -> None:
    request = onward(status, "/next")
    assert ("GET", b"", "application/json") == (request.method, request.body, request.content_type)
    assert {"authorization": "Basic dTpw"} == request.headers


@pytest.mark.parametrize("status", [300, 307, 308])
def test_a_post_stays_one(status: int) -> None:
    assert ("POST", b"{}") == (onward(status, "/n").method, onward(status, "/n").body)


@pytest.mark.parametrize("status", [200, 304, 305, 306, 400])
def test_other_answers_are_final_whatever_location_they_name(status: int) -> None:
    assert redirected(POST, Response(status, (("location", "/next"),), b"")) is None


def test_a_put_is_redirected_only_where_several_choices_are_offered() -> None:
    put = Outgoing("PUT", "http://h/w", b"x")
    assert redirected(put, Response(302, (("location", "/next"),), b"")) is None
    assert "PUT" == onward(300, "/next", put).method


def test_an_answer_without_location_is_final() -> None:
    assert redirected(POST, Response(302, (), b"")) is None


@pytest.mark.parametrize("location", ["ftp://h/", "mailto:me", "http://h/ü", "/a b"])
def test_an_address_that_breaks_the_client_is_as_good_as_no_answer(location: str) -> None:
    found = redirected(POST, Response(302, (("location", location),), b""))
    assert isinstance(found, NoReply)
