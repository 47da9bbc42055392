"""URLs back to us: ours are known, everybody else's are not."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.errors import AppError
from reception.web.continuation import LIFETIME_S, RESERVED, ContinuationKeys

SECRET = b"0123456789abcdef0123456789abcdef"
NOW = 1_800_000_000.0


def check(keys: ContinuationKeys, target: str, *, now_s: float = NOW) -> bool:
    path, _, query = target.encode().partition(b"?")
    return keys.verify(path, query, query.rpartition(b"&k=")[2], now_s=now_s)


@given(
    st.dictionaries(st.text(min_size=1).filter(lambda n: n not in RESERVED), st.text(), max_size=4),
    st.booleans(),
)
def test_what_we_sign_we_know_again(params: dict[str, str], by_path: bool) -> None:
    try:
        params = {k.encode().decode(): v.encode().decode() for k, v in params.items()}
    except UnicodeEncodeError:
        return
    keys = ContinuationKeys((SECRET,))
    target = keys.target("acme", params, account_id="acc", by_path=by_path, now_s=NOW)
    assert check(keys, target)
    query = parse_qs(urlsplit(target).query, keep_blank_values=True)
    assert params == {name: query[name][0] for name in params}


def test_the_url_keeps_its_shape_and_drops_the_secret() -> None:
    keys = ContinuationKeys((SECRET,))
    by_query = keys.target("acme", {"at": "x"}, account_id="acc", by_path=False, now_s=NOW)
    by_path = keys.target("acme", {"at": "x"}, account_id="acc", by_path=True, now_s=NOW)
    assert by_query.startswith("/voice?APPID=acme&at=x&a=acc&x=")
    assert by_path.startswith("/v1/apps/acme/voice?at=x&a=acc&x=")
    assert SECRET.decode() not in by_query + by_path


@given(st.data())
def test_no_altered_url_is_ours(data: st.DataObject) -> None:
    keys = ContinuationKeys((SECRET,))
    target = keys.target(
        "acme", {"at": "menu", "n": "1"}, account_id="acc", by_path=False, now_s=NOW
    )
    at = data.draw(st.integers(0, len(target) - 1))
    letter = data.draw(st.characters(codec="ascii").filter(lambda c: c != target[at]))
    assert not check(keys, target[:at] + letter + target[at + 1 :])


def test_a_url_ends_after_its_life() -> None:
    keys = ContinuationKeys((SECRET,))
    target = keys.target("acme", {}, account_id="acc", by_path=False, now_s=NOW)
    assert check(keys, target, now_s=NOW + LIFETIME_S)
    assert not check(keys, target, now_s=NOW + LIFETIME_S + 1)


def test_rotation_keeps_running_calls() -> None:
    old = ContinuationKeys((SECRET,))
    target = old.target("acme", {}, account_id="acc", by_path=False, now_s=NOW)
    assert check(ContinuationKeys((b"n" * 32, SECRET)), target)
    assert not check(ContinuationKeys((b"n" * 32,)), target)


def test_a_tenant_without_secrets_signs_nothing() -> None:
    keys = ContinuationKeys(())
    assert "/voice?APPID=acme&at=x" == keys.target(
        "acme", {"at": "x"}, account_id="acc", by_path=False, now_s=NOW
    )
    assert not keys.verify(b"/voice", b"APPID=acme&x=99999999999&k=", b"", now_s=NOW)


@pytest.mark.parametrize("name", ["APPID", "key", "k", ""])
def test_names_of_ours_are_refused_where_they_are_used(name: str) -> None:
    with pytest.raises(AppError):
        ContinuationKeys((SECRET,)).target(
            "acme", {name: "1"}, account_id="acc", by_path=False, now_s=NOW
        )
