"""URLs back to us: what is left of them in a recording."""

from __future__ import annotations

from typing import Any

import pytest

from reception.rehearsal.own_urls import own_url, plain_urls, step_url

EPISODE = "AAAAAAAAAAAAAAAA"


def plain(url: str) -> Any:
    reply = {"module": "pivot", "data": {"voice_url": url}, "children": {"_": {"urls": [url]}}}
    made = plain_urls(reply, app="acme", episode=EPISODE)
    assert made["data"]["voice_url"] == made["children"]["_"]["urls"][0]
    return made["data"]["voice_url"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://v.example/voice?APPID=acme&c={EPISODE}&s=3&k=MAC", step_url(3, "")),
        (
            f"https://v.example/v1/apps/acme/voice?c={EPISODE}&s=12&o=a%2Fb&k=MAC",
            step_url(12, "a/b"),
        ),
        ("https://v.example/voice?APPID=acme&at=menu&a=ACC&x=99&k=MAC", own_url({"at": "menu"})),
        ("https://v.example/v1/apps/acme/voice?k=MAC", own_url({})),
        ("http://127.0.0.1:8080/voice?APPID=acme&at=", own_url({"at": ""})),
    ],
)
def test_host_mac_and_expiry_go(url: str, expected: str) -> None:
    assert expected == plain(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://v.example/voice?APPID=other&at=menu&k=MAC",
        "https://cdn.example/hello.wav",
        "https://v.example/v1/apps/other/voice?k=MAC",
        "https://[broken",
        "no url at all",
    ],
)
def test_what_is_not_ours_stays(url: str) -> None:
    assert url == plain(url)
