"""A step token says who asks for which step, and nobody else can say it."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.wire.step_token import (
    StepToken,
    episode_token,
    is_step_of,
    read_step_token,
    render_step_target,
)

KEY, OLD = b"key-of-today", b"key-of-yesterday"
EPISODE = episode_token(bytes(range(12)))
TOKEN = StepToken(EPISODE, 14, "USER_BUSY")

tokens = st.builds(
    StepToken,
    st.binary(min_size=12, max_size=12).map(episode_token),
    st.integers(1, 9999),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
)


def parts(target: str) -> dict[str, bytes]:
    query = target.partition("?")[2]
    return {
        name: value.encode()
        for name, _, value in (segment.partition("=") for segment in query.split("&"))
    }


@given(tokens, st.text(max_size=40), st.booleans())
def test_what_is_written_is_read_and_known(token: StepToken, account: str, by_path: bool) -> None:
    target = render_step_target("acme", token, account_id=account, by_path=by_path, key=KEY)
    assert target.isascii()
    found = parts(target)
    assert token == read_step_token(found)
    assert is_step_of(token, found["k"], "acme", account, [OLD, KEY])


def test_the_url_keeps_the_shape_of_the_call_and_drops_all_credentials() -> None:
    by_query = render_step_target("acme", TOKEN, account_id="a1", by_path=False, key=KEY)
    by_path = render_step_target("acme", TOKEN, account_id="a1", by_path=True, key=KEY)
    assert by_query.startswith(f"/voice?APPID=acme&c={EPISODE}&s=14&o=USER_BUSY&k=")
    assert by_path.startswith(f"/v1/apps/acme/voice?c={EPISODE}&s=14&o=USER_BUSY&k=")
    assert "a1" not in dict(parse_qsl(by_query.partition("?")[2])).values()


@pytest.mark.parametrize(
    "other",
    [
        {"token": StepToken(EPISODE, 15, "USER_BUSY")},
        {"token": StepToken(EPISODE, 14, "NO_ANSWER")},
        {"token": StepToken(EPISODE, 14)},
        {"token": StepToken(episode_token(b"x" * 12), 14, "USER_BUSY")},
        {"app_id": "acme2"},
        {"account": "b2"},
        {"account": ""},
        {"keys": [OLD]},
        {"keys": []},
    ],
)
def test_nothing_can_be_exchanged_under_a_mac(other: dict[str, object]) -> None:
    mac = parts(render_step_target("acme", TOKEN, account_id="a1", by_path=False, key=KEY))["k"]
    whole = {"token": TOKEN, "mac": mac, "app_id": "acme", "account": "a1", "keys": [KEY]}
    assert is_step_of(*whole.values())  # type: ignore[arg-type]  # a table of arguments
    assert not is_step_of(*(whole | other).values())  # type: ignore[arg-type]  # as above


@given(st.binary(max_size=40))
def test_no_other_mac_is_taken(mac: bytes) -> None:
    true = parts(render_step_target("acme", TOKEN, account_id="", by_path=True, key=KEY))["k"]
    assert (mac == true) == is_step_of(TOKEN, mac, "acme", "", [KEY])


@pytest.mark.parametrize(
    ("account", "outcome"), [("a\nb", "c"), ("a", "b\nc"), ("a%0Ab", "c"), ("", "a\nb\nc")]
)
def test_parts_cannot_flow_into_one_another(account: str, outcome: str) -> None:
    macs = {
        parts(
            render_step_target(
                "acme", StepToken(EPISODE, 1, text), account_id=name, by_path=True, key=KEY
            )
        )["k"]
        for name, text in ((account, outcome), ("a", "b\nc"), ("a\nb", "c"))
    }
    assert len(macs) == len({(account, outcome), ("a", "b\nc"), ("a\nb", "c")})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"c": EPISODE.encode()},
        {"c": EPISODE.encode(), "s": b"0"},
        {"c": EPISODE.encode(), "s": b"01"},
        {"c": EPISODE.encode(), "s": b"-1"},
        {"c": EPISODE.encode(), "s": b"10000"},
        {"c": EPISODE.encode(), "s": "٣".encode()},
        {"c": EPISODE.encode()[:-1], "s": b"3"},
        {"c": EPISODE.encode() + b"\n", "s": b"3"},
        {"c": EPISODE.encode(), "s": b"3", "o": b"%55SER_BUSY"},
        {"c": EPISODE.encode(), "s": b"3", "o": b"a+b"},
        {"c": EPISODE.encode(), "s": b"3", "o": b"%ff"},
        {"c": EPISODE.encode(), "s": b"3", "o": b"%zz"},
        {"c": EPISODE.encode(), "s": b"3", "o": b"x" * 1000},
    ],
)
def test_a_second_spelling_is_no_token(values: dict[str, bytes]) -> None:
    assert read_step_token(values) is None
