"""
`reception.toml`, as frozen records.

What the file says is read and judged here, together with the environment that it points
to; `loading` then imports the applications and callflows that it names. All problems of
both are reported at once, before any port opens.

The rules that are kept here: a secret never stands in the file, every tenant has exactly
one way to know its caller, and everything unsafe is refused outside loopback.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from reception.bootstrap.problems import ConfigError, Problem, Problems
from reception.bootstrap.store_config import KEEP_DAYS, StoreConfig, read_keep_days, read_store
from reception.bootstrap.table import Table
from reception.web.settings import LOOPBACK, Network
from reception.web.tenant import is_app_id

Connection = Literal["auto", "close", "keep"]
Platform = Literal[4, 5, "any"]

_TARGET: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32,}", re.ASCII)
_VARIABLE: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_ACCOUNT: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MAKE_ONE: Final = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
# The platform closes a connection that was idle for 120 s; the server must never be first.
_PLATFORM_IDLE_S: Final = 120
# Wider networks than this are no address list any more.
_WIDEST: Final = {4: 8, 6: 16}


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """
    The `[server]` table.

    Attributes:
        host, port: where to listen; port 0 is any free one.
        public_url: how the platform reaches us, without a trailing slash; "" on loopback
            means the address that we listen on.
        workers: processes that answer.
        deadline_s, slow_reply_s, connection, max_in_flight: see `WebSettings`.
        keep_alive_s: idle seconds after which a connection is closed.
        drain_s: how long a stopping worker goes on taking connections.
        trusted_proxies: networks of proxies whose `X-Forwarded-For` is believed.
        metrics_allow_from: networks that may read `/metrics`.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    workers: int = 1
    deadline_s: float = 2.0
    max_in_flight: int = 256
    slow_reply_s: float = 0.25
    connection: Connection = "auto"
    keep_alive_s: int = 125
    drain_s: float = 5.0
    trusted_proxies: tuple[Network, ...] = ()
    metrics_allow_from: tuple[Network, ...] = LOOPBACK

    @property
    def is_loopback(self) -> bool:
        """Can only this machine reach us, directly or through a proxy that we know of?"""
        return is_loopback(self.host) and not _is_public(self.public_url)


@dataclass(frozen=True, slots=True)
class TenantConfig:
    """
    One `[tenants.<APPID>]` table.

    Attributes:
        app: ``module:attribute``, or "" for a static tenant.
        flow, fallback: callflow files; None where there is none.
        secrets: the live secrets themselves; never shown.
        platforms: the versions that must all accept a reply.
        keep_days: after how many days a call is forgotten.
    """

    app_id: str
    app: str = ""
    flow: Path | None = None
    fallback: Path | None = None
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    allow_from: tuple[Network, ...] = ()
    account_ids: frozenset[str] = frozenset()
    insecure_no_secret: bool = False
    platforms: frozenset[int] = frozenset({4, 5})
    keep_days: int = KEEP_DAYS


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration; `file` is how the operator named it, `directory` where it is."""

    file: str
    directory: Path
    server: ServerConfig
    tenants: tuple[TenantConfig, ...]
    store: StoreConfig = field(default_factory=StoreConfig)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says instead of the file; None where it says nothing."""

    host: str | None = None
    port: int | None = None
    workers: int | None = None


def read_config(
    path: Path, environ: Mapping[str, str], overrides: Overrides
) -> tuple[Config, Problems]:
    """
    Read the file, and note every problem of it.

    A configuration with problems is returned all the same, so that what it names can be
    looked at too; it must not be used.

    Errors:
        ConfigError: there is nothing to go on with (no file, or no TOML).
    """
    problems = Problems(path.name)
    top = Table(_toml(path), "", problems)
    server = _server(top.table("server"), overrides)
    store = read_store(top.table("store"), path.absolute().parent, environ)
    tenants = tuple(
        _tenant(app_id, table, path.parent, environ, server, store)
        for app_id, table in top.tables("tenants").items()
    )
    top.finish()
    if not tenants and not problems.found:
        problems.add(
            "tenants", 'is empty: add a table such as [tenants.acme-crm] with app = "module:app"'
        )
    _refuse_shared_secrets(tenants, problems)
    return Config(path.name, path.parent, server, tenants, store), problems


def is_loopback(host: str) -> bool:
    """Does this host name or address mean this machine only?"""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        text = f"cannot be read: {error.strerror or error}; name another file with --config"
    except UnicodeDecodeError:
        text = "is not UTF-8 text: save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        text = f"is not TOML: {error}"
    raise ConfigError([Problem(path.name, "", text)])


def _server(table: Table, overrides: Overrides) -> ServerConfig:
    host = table.text("host", "127.0.0.1")
    server = ServerConfig(
        host=overrides.host or host,
        port=_override(overrides.port, table.whole("port", 8080, 0, 65535)),
        public_url=table.text("public_url").rstrip("/"),
        workers=_override(overrides.workers, table.whole("workers", 1, 1, 256)),
        deadline_s=table.number("deadline_s", 2.0, 0.1, 3.5),
        max_in_flight=table.whole("max_in_flight", 256, 1, 100_000),
        slow_reply_s=table.number("slow_reply_s", 0.25, 0.0, 3.5),
        connection=table.choice("connection", "auto", _CONNECTIONS),
        keep_alive_s=table.whole("keep_alive_s", 125, _PLATFORM_IDLE_S + 1, 3600),
        drain_s=table.number("drain_s", 5.0, 0.0, 5.0),
        trusted_proxies=_networks(table, "trusted_proxies", ()),
        metrics_allow_from=_networks(table, "metrics_allow_from", LOOPBACK),
    )
    table.finish()
    problem = public_url_problem(server)
    if problem:
        table.add("public_url", problem)
    return server


_CONNECTIONS: Final[tuple[Connection, ...]] = ("auto", "close", "keep")


def _override(value: int | None, default: int) -> int:
    return default if value is None else value


def public_url_problem(server: ServerConfig) -> str:
    """Say what is wrong with the public URL of a server; "" where nothing is."""
    url = server.public_url
    if not url:
        if is_loopback(server.host):
            return ""
        return (
            f"is required, since others reach {server.host}: set it to the https address under"
            ' which the platform reaches this server, like "https://voice.example.com"'
        )
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return 'is no URL: write it like "https://voice.example.com"'
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or " " in url:
        return 'is no URL: write it like "https://voice.example.com"'
    if parts.query or parts.fragment or parts.username is not None or "?" in url or "#" in url:
        return "must be an address without user, query and fragment"
    if parts.scheme == "http" and not (is_loopback(host) and is_loopback(server.host)):
        return "must begin with https: over http anybody on the way can read and change calls"
    if is_loopback(host) and not is_loopback(server.host):
        return f"points to this machine, but others reach {server.host}: the platform cannot use it"
    return ""


def _is_public(url: str) -> bool:
    try:
        return bool(url) and not is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return True


def _tenant(
    app_id: str,
    table: Table,
    directory: Path,
    environ: Mapping[str, str],
    server: ServerConfig,
    store: StoreConfig,
) -> TenantConfig:
    if not is_app_id(app_id):
        table.add("", "cannot be an APPID: use 1 to 64 of A-Z a-z 0-9 . _ -")
    app, flow = table.text("app"), table.text("flow")
    if app and not _TARGET.fullmatch(app):
        table.add("app", 'must be "module:attribute", like "acme_crm:app"')
        app = ""
    if table.has("app") == table.has("flow"):
        table.add(
            "app",
            "and `flow` exclude each other: keep one"
            if app or flow
            else 'is missing: write app = "module:attribute", or flow = "file.json"',
        )
    fallback = table.text("fallback")
    tenant = TenantConfig(
        app_id=app_id,
        app=app,
        flow=directory / flow if flow else None,
        fallback=directory / fallback if fallback else None,
        secrets=_secrets(table, environ),
        allow_from=_networks(table, "allow_from", ()),
        account_ids=_accounts(table),
        insecure_no_secret=table.flag("insecure_no_secret", default=False),
        platforms=_platforms(table),
        keep_days=read_keep_days(table, store.keep_days),
    )
    table.finish()
    _check_way_in(table, tenant, server)
    return tenant


def _secrets(table: Table, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    names = table.texts("secrets")
    if table.has("secrets") and len(names) not in (1, 2):
        table.add("secrets", "must name one environment variable, or two while a secret changes")
    found: list[bytes] = []
    for index, name in enumerate(names):
        key = f"secrets[{index}]"
        variable = _VARIABLE.fullmatch(name)
        if variable is None:
            table.add(
                key,
                'must be the name of an environment variable, like "$ACME_SECRET": a secret'
                " itself must not stand in this file",
            )
        elif not environ.get(variable[1]):
            table.add(
                key,
                f"names ${variable[1]}, which is not set: put a secret of 32 characters or more"
                f" into that environment variable (make one with {_MAKE_ONE})",
            )
        elif not _SECRET.fullmatch(environ[variable[1]]):
            table.add(
                key,
                f"names ${variable[1]}, whose value is no secret: use 32 or more of"
                f" A-Z a-z 0-9 _ - (make one with {_MAKE_ONE})",
            )
        else:
            found.append(environ[variable[1]].encode())
    if len(set(found)) < len(found):
        table.add("secrets", "name the same secret twice: keep one")
    return tuple(found)


def _networks(table: Table, name: str, default: tuple[Network, ...]) -> tuple[Network, ...]:
    if not table.has(name):
        return default
    networks: list[Network] = []
    for index, text in enumerate(table.texts(name)):
        key = f"{name}[{index}]"
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            table.add(key, 'must be a network, like "203.0.113.0/24"')
            continue
        if str(network) != text and str(network) != f"{text}/{network.max_prefixlen}":
            table.add(key, f'has an address inside the network: write "{network}"')
        elif network.prefixlen < _WIDEST[network.version]:
            table.add(key, "is so wide that it lets strangers in: name smaller networks")
        else:
            networks.append(network)
    return tuple(networks)


def _accounts(table: Table) -> frozenset[str]:
    accounts = set()
    texts = table.texts("account_id")
    if table.is_empty_list("account_id"):
        # It must not mean "any account" to us and "no account" to whoever wrote it.
        table.add("account_id", "is empty: name an account, or take it out to accept all accounts")
    for index, text in enumerate(texts):
        if _ACCOUNT.fullmatch(text.lower()):
            accounts.add(text.lower())
        else:
            table.add(
                f"account_id[{index}]",
                "must be the platform's account id: 32 characters out of 0-9 a-f",
            )
    return frozenset(accounts)


def _platforms(table: Table) -> frozenset[int]:
    value = table.word_or_number("platform")
    if value in (None, "any"):
        return frozenset({4, 5})
    if value in (4, 5):
        return frozenset({int(value)})
    table.add("platform", 'must be 4, 5 or "any"')
    return frozenset({4, 5})


def _check_way_in(table: Table, tenant: TenantConfig, server: ServerConfig) -> None:
    ways = [way for way in ("secrets", "allow_from") if table.has(way)]
    if tenant.insecure_no_secret:
        ways.append("insecure_no_secret")
    if not ways:
        table.add(
            "secrets",
            'is missing: write secrets = ["$NAME"], or allow_from with account_id; on this'
            " machine alone, insecure_no_secret = true will do",
        )
    elif len(ways) > 1:
        table.add(ways[1], f"cannot go with `{ways[0]}`: choose one way to know the platform")
    if table.has("allow_from") and not table.has("account_id"):
        table.add(
            "account_id",
            "is required with `allow_from`: everybody's calls come from the platform's networks",
        )
    if tenant.insecure_no_secret and not server.is_loopback:
        table.add(
            "insecure_no_secret",
            "is accepted only where nobody else can reach the server: keep host at 127.0.0.1 and"
            ' public_url out of the file, or write secrets = ["$NAME"]',
        )


def _refuse_shared_secrets(tenants: tuple[TenantConfig, ...], problems: Problems) -> None:
    owners: dict[bytes, str] = {}
    for tenant in tenants:
        for secret in set(tenant.secrets):
            owner = owners.setdefault(secret, tenant.app_id)
            if owner != tenant.app_id:
                problems.add(
                    f"tenants.{tenant.app_id}.secrets",
                    f"hold a secret of tenants.{owner} too: whoever has it could be either,"
                    " so give each its own",
                )
