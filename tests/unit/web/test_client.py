"""An address counts only where it cannot be made up."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from reception.web.client import client_of

PEER = ("10.0.0.5", 1)
TRUSTED = (ip_network("10.0.0.0/24"),)


def forwarded(value: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value)]


def test_without_a_proxy_the_peer_is_the_client() -> None:
    assert ip_address("10.0.0.5") == client_of(PEER, [], TRUSTED)
    assert ip_address("203.0.113.9") == client_of(("::ffff:203.0.113.9", 1), [], ())


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (b"203.0.113.9", "203.0.113.9"),
        (b"6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (b"203.0.113.9, 10.0.0.7", "203.0.113.9"),
    ],
)
def test_a_trusted_proxy_is_believed_for_its_own_hop(value: bytes, client: str) -> None:
    assert ip_address(client) == client_of(PEER, forwarded(value), TRUSTED)


@pytest.mark.parametrize("value", [b"", b"unknown", b"203.0.113.9, junk", b"10.0.0.7", b"\xff"])
def test_what_a_proxy_does_not_say_clearly_is_nowhere(value: bytes) -> None:
    assert client_of(PEER, forwarded(value), TRUSTED) is None


def test_a_stranger_who_plays_the_proxy_is_nowhere() -> None:
    assert client_of(("198.51.100.7", 1), forwarded(b"10.0.0.5"), TRUSTED) is None
    assert client_of(PEER, [(b"via", b"1.1 x")], ()) is None
    assert client_of(None, [], TRUSTED) is None
