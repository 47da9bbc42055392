"""An `App` in somebody else's server: what the environment allows, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from reception import App, Call, Flow, flow
from reception.bootstrap.asgi import site
from reception.bootstrap.config import Config, ServerConfig
from reception.bootstrap.foreign import single
from reception.bootstrap.loading import Loaded
from reception.web.lifecycle import Lifecycle
from reception.web.tenant import Tenant
from tests.unit.bootstrap.processes import CALL
from tests.unit.web.asgi import BODY, request, run

SECRET = "a-made-up-secret-of-32-characters-or-more"
OTHER = "another-made-up-secret-of-32-characters"
VOICE = "/voice?APPID=acme"
LOCAL = ("127.0.0.1", 4000)
JSON = (b"content-type", b"application/json")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRETS", "PUBLIC_URL", "INSECURE_NO_SECRET", "DATABASE_URL"):
        monkeypatch.delenv(f"RECEPTION_{name}", raising=False)


def app() -> App:
    made = App("acme", fallback=flow.hangup())

    @made.answer
    async def answer(call: Call) -> Flow:
        return flow.play("x").then(flow.pivot(url=call.pivot_url(at="y")))

    return made


def status(target: str = VOICE, **options: Any) -> int:
    return int(run(request(single(app()), target, **options)).status)  # type: ignore[arg-type]  # any ASGI app


def test_without_settings_this_machine_is_answered() -> None:
    assert 200 == status(client=LOCAL)
    assert 200 == status(client=("::1", 4000))


@pytest.mark.parametrize("client", [("198.51.100.7", 4000), None])
def test_without_settings_others_are_not(client: tuple[str, int] | None) -> None:
    assert 404 == status(client=client)


@pytest.mark.parametrize(
    "name", [b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"]
)
def test_without_settings_what_came_through_a_proxy_is_not(name: bytes) -> None:
    assert 404 == status(client=LOCAL, headers=(JSON, (name, b"x")))


@pytest.mark.parametrize(
    "host",
    [b"localhost", b"LOCALHOST:8080", b"127.0.0.1", b"127.8.9.1:80", b"[::1]", b"[::1]:8080"],
)
def test_without_settings_every_name_of_this_machine_will_do(host: bytes) -> None:
    assert 200 == status(client=LOCAL, headers=(JSON, (b"host", host)))


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"evil.example",
        b"evil.example:8080",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"localhost@evil.example",
        b"0.0.0.0",
        b"192.168.1.2:8080",
        b"[2001:db8::1]",
        b"[::1",
        b"::1",
        b"\xff",
    ],
)
def test_without_settings_a_page_under_a_foreign_name_is_not_answered(host: bytes) -> None:
    assert 404 == status(client=LOCAL, headers=(JSON, (b"host", host)))
    assert 404 == status(client=LOCAL, headers=(JSON, (b"host", b"localhost"), (b"host", host)))


def test_with_a_secret_only_its_holders_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEPTION_SECRETS", f"{SECRET}, {OTHER}")
    monkeypatch.setenv("RECEPTION_PUBLIC_URL", "https://voice.example.com/")
    assert 404 == status(client=LOCAL)
    for secret in (SECRET, OTHER):
        assert 200 == status(f"{VOICE}&key={secret}")
    assert 404 == status(f"{VOICE}&key={SECRET}x")


def test_urls_back_to_us_begin_with_the_public_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEPTION_SECRETS", SECRET)
    monkeypatch.setenv("RECEPTION_PUBLIC_URL", "https://voice.example.com/pbx/")
    answer = run(request(single(app()), f"{VOICE}&key={SECRET}"))  # type: ignore[arg-type]  # any ASGI app
    assert b'"https://voice.example.com/pbx/voice?APPID=acme&at=y' in answer.body


def test_urls_back_to_us_are_never_made_of_the_host_header() -> None:
    headers = (JSON, (b"host", b"localhost:9"))
    answer = run(request(single(app()), VOICE, client=LOCAL, headers=headers))  # type: ignore[arg-type]  # any ASGI app
    assert b'"http://127.0.0.1:8080/voice?APPID=acme&at=y"' in answer.body


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"SECRETS": "short", "PUBLIC_URL": "https://v.example.com"}, "RECEPTION_SECRETS: must"),
        (
            {"SECRETS": f"{SECRET},{OTHER},{SECRET}x", "PUBLIC_URL": "https://v.example.com"},
            "RECEPTION_SECRETS: holds more than two",
        ),
        ({"SECRETS": SECRET}, "RECEPTION_PUBLIC_URL: is required"),
        ({"SECRETS": SECRET, "PUBLIC_URL": "http://v.example.com"}, "RECEPTION_PUBLIC_URL: must"),
        ({"INSECURE_NO_SECRET": "yes"}, "RECEPTION_INSECURE_NO_SECRET: must be 1"),
        (
            {"INSECURE_NO_SECRET": "1", "PUBLIC_URL": "https://v.example.com"},
            "RECEPTION_INSECURE_NO_SECRET: cannot go",
        ),
    ],
)
def test_a_wrong_setting_fails_the_start_in_words(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], expected: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"RECEPTION_{name}", value)
    misconfigured = single(app())
    sent: list[Any] = []

    async def start() -> None:
        async def receive() -> Any:
            return {"type": "lifespan.startup"}

        async def send(message: Any) -> None:
            sent.append(message)

        await misconfigured({"type": "lifespan"}, receive, send)

    asyncio.run(start())
    (message,) = sent
    assert "lifespan.startup.failed" == message["type"]
    assert f"environment: {expected}" in message["message"]
    assert SECRET not in message["message"]
    answer = run(request(misconfigured, VOICE, BODY, client=LOCAL))  # type: ignore[arg-type]  # any ASGI app
    assert 503 == answer.status


@pytest.mark.parametrize(("proxy", "expected"), [("10.0.0.5", 200), ("10.0.0.6", 404)])
def test_only_a_trusted_proxy_is_believed_about_its_client(proxy: str, expected: int) -> None:
    tenant = Tenant(
        "acme",
        flow.hangup(),
        runs="static",
        fallback=None,
        allow_from=(ip_network("203.0.113.0/24"),),
        account_ids=frozenset({"00000000000000000000000000000000"}),
    )
    server = ServerConfig(
        public_url="https://voice.example.com", trusted_proxies=(ip_network("10.0.0.5/32"),)
    )
    served = site(
        Loaded(Config("reception.toml", Path(), server, ()), (tenant,)),
        port=8080,
        lifecycle=Lifecycle(),
    )
    headers = (JSON, (b"x-forwarded-for", b"203.0.113.9"))
    answer = run(request(served, VOICE, CALL, client=(proxy, 4000), headers=headers))  # type: ignore[arg-type]  # any ASGI app
    assert expected == answer.status


def test_an_app_lives_again_after_its_end() -> None:
    made = App("acme", fallback=flow.hangup())

    @made.answer
    def answer(call: Call) -> Flow:
        return flow.play("from a thread")

    asgi = single(made)

    async def live() -> list[int]:
        to_app: asyncio.Queue[Any] = asyncio.Queue()
        from_app: asyncio.Queue[Any] = asyncio.Queue()
        lifespan = asyncio.ensure_future(asgi({"type": "lifespan"}, to_app.get, from_app.put))
        await to_app.put({"type": "lifespan.startup"})
        assert "lifespan.startup.complete" == (await from_app.get())["type"]
        called = await request(asgi, VOICE, client=LOCAL)  # type: ignore[arg-type]  # any ASGI app
        ready = await request(asgi, "/readyz", b"", method="GET", client=LOCAL)  # type: ignore[arg-type]  # any ASGI app
        await to_app.put({"type": "lifespan.shutdown"})
        await lifespan
        assert b"from a thread" in called.body
        return [called.status, ready.status]

    # As a test suite does it: one event loop after the other.
    assert [200, 200] == asyncio.run(live())
    assert [200, 200] == asyncio.run(live())


def test_an_app_is_an_asgi_application_with_a_lifespan() -> None:
    told: list[str] = []

    async def live() -> None:
        messages = iter(("lifespan.startup", "lifespan.shutdown"))

        async def receive() -> Any:
            return {"type": next(messages)}

        async def send(message: Any) -> None:
            told.append(message["type"])

        await app()({"type": "lifespan"}, receive, send)

    asyncio.run(live())
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == told


def test_a_test_client_in_this_process_needs_no_settings() -> None:
    app = App("demo", fallback=flow.hangup())

    @app.answer
    async def answer(_: Call) -> Flow:
        return flow.hangup()

    async def status(headers: dict[str, str]) -> int:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            reply = await client.post("/voice?APPID=demo", json={"Call-ID": "c"}, headers=headers)
        return reply.status_code

    assert 200 == asyncio.run(status({}))
    assert 404 == asyncio.run(status({"x-forwarded-for": "203.0.113.9"}))


def _lifespan_of(made: App) -> list[dict[str, Any]]:
    """What a server hears when it starts, and stops again where that went well."""
    heard: list[dict[str, Any]] = []

    async def main() -> None:
        asked = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> dict[str, Any]:
            return next(asked)

        async def send(message: Any) -> None:
            heard.append(message)

        await made({"type": "lifespan"}, receive, send)

    asyncio.run(main())
    return heard


def _url(dsn: str, **changed: str) -> str:
    """Say an address of libpq's as a URL."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn) | changed
    return "postgresql:///{dbname}?host={host}&port={port}&user={user}".format(**parts)


def test_a_wrong_database_address_fails_the_start_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECEPTION_DATABASE_URL", "mysql://somewhere")
    (said,) = _lifespan_of(app())
    assert "lifespan.startup.failed" == said["type"]
    assert "RECEPTION_DATABASE_URL" in said["message"]


def test_a_database_without_our_tables_fails_the_start_in_words(
    monkeypatch: pytest.MonkeyPatch, owner_dsn: str
) -> None:
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS empty_one")
        connection.execute("CREATE DATABASE empty_one")
    monkeypatch.setenv("RECEPTION_DATABASE_URL", _url(owner_dsn, dbname="empty_one"))
    (said,) = _lifespan_of(app())
    assert "lifespan.startup.failed" == said["type"]
    assert "reception db migrate" in said["message"]


def test_a_database_that_is_away_does_not_keep_a_server_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECEPTION_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    assert "lifespan.startup.complete" == _lifespan_of(app())[0]["type"]


def test_a_mounted_dialog_goes_on_over_its_database(
    monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    made = App("acme", fallback=flow.hangup())

    @made.answer
    async def answer(call: Call) -> Flow:
        return flow.tts(f"You pressed {await call.ask('Press a key')}").then(flow.hangup())

    monkeypatch.setenv("RECEPTION_DATABASE_URL", _url(dsn))

    async def main() -> None:
        asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        is_up = asyncio.Event()

        async def said(_: Any) -> None:
            is_up.set()

        life = asyncio.create_task(made({"type": "lifespan"}, asked.get, said))
        asked.put_nowait({"type": "lifespan.startup"})
        await is_up.wait()
        transport = httpx.ASGITransport(app=made)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            first = (await client.post(VOICE, content=CALL, headers=dict([JSON]))).json()
            node, name, url = first, "", ""
            while node:
                name = node["data"].get("collection_name", name)
                url = node["data"].get("voice_url", url)
                node = node["children"].get("_")
            body = json.dumps({**json.loads(CALL), "Digits": {name: "7"}})
            second = await client.post(url, content=body, headers=dict([JSON]))
            assert "You pressed 7" == second.json()["data"]["text"]
        asked.put_nowait({"type": "lifespan.shutdown"})
        await life

    asyncio.run(main())
