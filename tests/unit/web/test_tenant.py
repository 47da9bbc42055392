"""Whose call is it, and may the sender use that tenant?"""

from __future__ import annotations

import base64
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.callflow import flow
from reception.errors import Denied
from reception.web.tenant import Admitted, Tenants, is_voice_path
from tests.unit.web.asgi import SECRET, tenant

OTHER = "fedcba9876543210fedcba9876543210xx"
STATIC = flow.hangup()
NOW = 1_800_000_000.0


def admit(
    query: str,
    *,
    path: bytes = b"/voice",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    client: Any = ("198.51.100.7", 1),
    **changes: Any,
) -> Admitted:
    tenants = Tenants([tenant(STATIC, **changes), tenant(STATIC, app_id="other")])
    return tenants.admit(path, query.encode(), headers, client, now_s=NOW)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (b"/voice", f"APPID=acme&key={SECRET}"),
        (b"/voice", f"key={SECRET}&x-room=1&APPID=acme"),
        (b"/v1/apps/acme/voice", f"key={SECRET}"),
        (b"/v1/apps/acme/voice", f"APPID=acme&key={SECRET}"),
        (b"/voice", f"APPID=acme&APPID=acme&key={SECRET}"),
    ],
)
def test_the_tenant_may_stand_in_path_or_query(path: bytes, query: str) -> None:
    assert "acme" == admit(query, path=path).tenant.app_id


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (b"/voice", ""),
        (b"/voice", f"key={SECRET}"),
        (b"/voice", "APPID=acme"),
        (b"/voice", f"APPID=nobody&key={SECRET}"),
        (b"/voice", f"APPID=acme&APPID=other&key={SECRET}"),
        (b"/v1/apps/other/voice", f"APPID=acme&key={SECRET}"),
        (b"/voice", f"APPID=ac%6De&key={SECRET}"),
        (b"/voice", f"APPID=acme&%41PPID=other&key={SECRET}"),
        (b"/voice", f"appid=acme&key={SECRET}"),
        (b"/voice", f"APPID=ACME&key={SECRET}"),
        (b"/voice", f"APPID=acme &key={SECRET}"),
        (b"/voice", f"APPID=acme&key={SECRET}0"),
        (b"/voice", f"APPID=acme&key={SECRET[:-1]}"),
        (b"/voice", "APPID=acme&key="),
        (b"/voice", f"APPID=acme&key={SECRET}&key=wrong"),
        (b"/voice", "APPID=acme&key=no-tenant-has-this-secret-0000000000"),
        (b"/voice", "APPID=nobody&key=no-tenant-has-this-secret-0000000000"),
        (b"/v1/apps//voice", f"key={SECRET}"),
    ],
)
def test_whatever_is_not_exactly_right_is_one_and_the_same_refusal(path: bytes, query: str) -> None:
    with pytest.raises(Denied) as caught:
        admit(query, path=path)
    assert "There is nothing here." == caught.value.message


def test_two_secrets_live_while_they_are_rotated() -> None:
    both = (OTHER.encode(), SECRET.encode())
    assert admit(f"APPID=acme&key={SECRET}", secrets=both)
    assert admit(f"APPID=acme&key={OTHER}", secrets=both)


@pytest.mark.parametrize("userinfo", [f"anything:{SECRET}", f"{SECRET}:", SECRET])
def test_basic_userinfo_carries_the_secret(userinfo: str) -> None:
    value = b"Basic " + base64.b64encode(userinfo.encode())
    assert admit("APPID=acme", headers=((b"authorization", value),))


@pytest.mark.parametrize(
    "value", [b"Basic", b"Basic !!!", b"Basic eDp3cm9uZw==", b"Bearer " + SECRET.encode(), b""]
)
def test_another_authorization_header_is_refused(value: bytes) -> None:
    with pytest.raises(Denied):
        admit("APPID=acme", headers=((b"authorization", value),))


def test_a_header_carries_the_secret() -> None:
    assert admit("APPID=acme", headers=((b"x-reception-key", SECRET.encode()),))
    with pytest.raises(Denied):
        admit("APPID=acme", headers=((b"x-reception-key", b"wrong"),))


def test_a_network_may_stand_in_for_the_secret() -> None:
    changes: dict[str, Any] = {"secrets": (), "allow_from": (ip_network("203.0.113.0/24"),)}
    assert admit("APPID=acme", client=("203.0.113.9", 1), **changes)
    assert admit("APPID=acme", client=("::ffff:203.0.113.9", 1), **changes)
    for client in [("203.0.114.9", 1), None, ("not an address", 1), ("::1", 1)]:
        with pytest.raises(Denied):
            admit("APPID=acme", client=client, **changes)


def test_a_tenant_without_a_secret_is_for_this_machine_only() -> None:
    changes: dict[str, Any] = {"secrets": (), "open_to_loopback": True}
    assert admit("APPID=acme", client=("127.0.0.1", 1), **changes)
    with pytest.raises(Denied):
        admit("APPID=acme", client=("203.0.113.9", 1), **changes)


def test_credentials_never_reach_the_application() -> None:
    admitted = admit(f"APPID=acme&at=a+b%26c&key={SECRET}&at=second&flag")
    assert {"at": "a b&c", "flag": ""} == admitted.params
    assert b"at=a+b%26c&at=second&flag" == admitted.query


def test_only_the_two_voice_paths_are_voice_paths() -> None:
    assert is_voice_path(b"/voice")
    assert is_voice_path(b"/v1/apps/acme/voice")
    for path in (b"/voice/", b"/", b"/v1/apps/a/b/voice", b"/v1/apps/voice", b"/Voice", b""):
        assert not is_voice_path(path)


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_no_query_or_path_is_admitted_by_chance(query: bytes, app_id: bytes) -> None:
    tenants = Tenants([tenant(STATIC)])
    with pytest.raises(Denied):
        tenants.admit(b"/v1/apps/" + app_id + b"/voice", query, (), None, now_s=NOW)
