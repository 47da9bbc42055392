"""Health, readiness, metrics and everything that is not there."""

from __future__ import annotations

import asyncio
from typing import Any

from reception.callflow import flow
from tests.unit.web.asgi import VOICE, Answer, request, run, site, tenant

STATIC = flow.hangup()


def get(app: Any, target: str, client: str = "127.0.0.1") -> Answer:
    result: Answer = run(request(app, target, b"", method="GET", headers=(), client=(client, 1)))
    return result


def test_healthz_says_ok() -> None:
    answer = get(site(tenant(STATIC)), "/healthz")
    assert (200, b"ok\n") == (answer.status, answer.body)


def test_readyz_follows_the_lifecycle() -> None:
    app = site(tenant(STATIC))
    assert 200 == get(app, "/readyz").status
    app.lifecycle.draining = True
    draining = get(app, "/readyz")
    assert (503, "close") == (draining.status, draining.headers["connection"])
    app.lifecycle.draining = False
    app.lifecycle.started = False
    assert 503 == get(app, "/readyz").status


def test_metrics_count_what_was_answered() -> None:
    app = site(tenant(STATIC))
    run(request(app))
    run(request(app, VOICE.replace("acme", "nobody")))
    text = get(app, "/metrics").body.decode()
    assert 'reception_voice_replies_total{outcome="flow",tenant="acme"} 1.0' in text
    assert 'reception_voice_replies_total{outcome="denied",tenant=""} 1.0' in text
    assert 'reception_voice_seconds_count{tenant="acme"} 1.0' in text


def test_metrics_are_not_for_strangers() -> None:
    app = site(tenant(STATIC))
    stranger = get(app, "/metrics", client="198.51.100.7")
    nowhere = get(app, "/nothing", client="198.51.100.7")
    assert (404, nowhere.body) == (stranger.status, stranger.body)


def test_nothing_is_ever_redirected() -> None:
    app = site(tenant(STATIC))
    for target in ("/voice/", "/healthz/", "/v1/apps/acme/voice/", "//voice", "/VOICE"):
        assert 404 == get(app, target).status


def test_a_mounted_site_finds_its_paths() -> None:
    answer = run(request(site(tenant(STATIC)), "/phone" + VOICE, root_path="/phone"))
    assert 200 == answer.status


def test_lifespan_makes_it_ready_and_not_ready() -> None:
    async def scenario() -> list[str]:
        app = site(tenant(STATIC))
        app.lifecycle.started = False
        messages: asyncio.Queue[Any] = asyncio.Queue()
        sent: list[str] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        task = asyncio.create_task(app({"type": "lifespan"}, messages.get, send))
        messages.put_nowait({"type": "lifespan.startup"})
        await asyncio.sleep(0.12)
        ready = [app.lifecycle.ready]
        messages.put_nowait({"type": "lifespan.shutdown"})
        await task
        ready.append(app.lifecycle.ready)
        assert [True, False] == ready
        return sent

    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == run(scenario())


def test_a_proxy_on_this_machine_opens_no_metrics() -> None:
    headers = [(b"x-forwarded-for", b"198.51.100.7")]
    app = site(tenant(STATIC))
    answer = run(
        request(app, "/metrics", b"", method="GET", headers=headers, client=("127.0.0.1", 1))
    )
    assert 404 == answer.status


def test_a_full_worker_is_not_ready() -> None:
    app = site(tenant(STATIC), max_in_flight=1)
    app.voice.load.take("acme", 0.0)
    assert (503, b"busy\n") == (get(app, "/readyz").status, get(app, "/readyz").body)
    app.voice.load.give_back("acme")
    assert 200 == get(app, "/readyz").status


def test_every_answer_while_draining_closes_its_connection() -> None:
    app = site(tenant(STATIC))
    app.lifecycle.draining = True
    for target in ("/healthz", "/metrics", "/nothing"):
        assert "close" == get(app, target).headers["connection"]


def test_a_mount_path_may_need_percent_encoding() -> None:
    answer = run(request(site(tenant(STATIC)), "/t%20l" + VOICE, root_path="/t l"))
    assert 200 == answer.status


def test_metrics_know_ipv4_behind_an_ipv6_socket() -> None:
    assert 200 == get(site(tenant(STATIC)), "/metrics", client="::ffff:127.0.0.1").status
