"""
Who is called and who may call: the tenant of a request, decided once.

The APPID comes from the path (`/v1/apps/{APPID}/voice`) or the query (`?APPID=`), as
bytes, before the body is read; nothing else in a request can name a tenant. Whatever is
wrong (no tenant, two different ones, an unknown one, a bad credential) is one `Denied`,
with the same words and the same work. Nothing here knows what a call is.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, Literal
from urllib.parse import unquote_plus

from reception.callflow import Flow
from reception.errors import Denied
from reception.face.app import APP_ID, AnswerHandler
from reception.web.continuation import ContinuationKeys
from reception.web.settings import LOOPBACK, Network

Headers = Iterable[tuple[bytes, bytes]]

_VOICE: Final = b"/voice"
_APPS: Final = b"/v1/apps/"
_KEY_HEADER: Final = b"x-reception-key"
# Compared where no tenant was found, so that an unknown tenant costs what a known one does.
_NOBODY: Final = (b"no-tenant-has-this-secret-0000000000",)
_DENIED: Final = "There is nothing here."


@dataclass(frozen=True, slots=True)
class Tenant:
    """
    One APPID, what answers it and who may ask.

    Attributes:
        app_id: 1 to 64 of ``A-Z a-z 0-9 . _ -``.
        answer: the application's handler, or the flow that a static tenant always gives.
        runs: how `answer` is run: on the event loop, in a thread, or not at all.
        fallback: the safe flow; None only for a static tenant that needs none.
        platforms: the versions of the platform that must all accept a reply.
        secrets: one or two live secrets (bytes of ``[A-Za-z0-9_-]{32,}``).
        allow_from: networks whose requests need no secret; goes with `account_ids`.
        account_ids: the accounts this tenant belongs to; empty accepts any.
        open_to_loopback: no secret at all, for requests from this machine.
    """

    app_id: str
    answer: AnswerHandler | Flow
    runs: Literal["loop", "thread", "static"]
    fallback: Flow | None
    platforms: frozenset[int] = frozenset({4, 5})
    secrets: tuple[bytes, ...] = ()
    allow_from: tuple[Network, ...] = ()
    account_ids: frozenset[str] = frozenset()
    open_to_loopback: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """
    A request that named its tenant and may use it.

    Attributes:
        query: what is left of the query for the codec of a GET: raw segments, without
            APPID and credentials.
        by_path: the tenant was named in the path, and so will be in URLs back to it.
    """

    tenant: Tenant
    query: bytes
    by_path: bool

    @property
    def params(self) -> Mapping[str, str]:
        """The query's own parameters as text; the first of a repeated name counts."""
        if not self.query:
            return {}
        pairs: dict[str, str] = {}
        for segment in self.query.split(b"&"):
            name, _, value = segment.decode("utf-8", "replace").partition("=")
            if name:
                pairs.setdefault(unquote_plus(name), unquote_plus(value))
        return pairs


class Tenants:
    """All tenants of this server, by APPID."""

    def __init__(self, tenants: Sequence[Tenant]) -> None:
        self._by_id: Final = {tenant.app_id.encode(): tenant for tenant in tenants}
        self._keys: Final = {
            tenant.app_id.encode(): ContinuationKeys(tenant.secrets) for tenant in tenants
        }

    def __iter__(self) -> Any:
        return iter(self._by_id.values())

    def keys_of(self, tenant: Tenant) -> ContinuationKeys:
        """What signs URLs back to this tenant."""
        return self._keys[tenant.app_id.encode()]

    def admit(
        self, path: bytes, query: bytes, headers: Headers, client: Any, *, now_s: float
    ) -> Admitted:
        """
        Decide the tenant of a voice request and whether the sender may use it.

        Shape:
            path, query: raw bytes as they stood in the request line.
            headers: names in lower case.
            client: ASGI's (host, port) of the peer, or None where it is unknown.

        Errors:
            Denied("denied"): everything that is not exactly right.
        """
        app_id = None
        by_path = path != _VOICE
        if by_path:
            app_id = path[len(_APPS) : -len(_VOICE)]
        keys: list[bytes] = []
        rest: list[bytes] = []
        signature = None
        denied = False
        for segment in query.split(b"&"):
            name, _, value = segment.partition(b"=")
            if b"%" in name and unquote_plus(name.decode("latin-1")) in _OURS:
                # A second spelling of our own names is how one parser is made to see
                # another tenant than the next one.
                denied = True
            elif name == b"APPID":
                denied = denied or (app_id is not None and app_id != value)
                app_id = value
            elif name == b"key":
                keys.append(value)
            elif name == b"k":
                signature = value
            elif name != b"x" and (segment or rest):
                rest.append(segment)
        found = self._by_id.get(app_id) if app_id is not None else None
        if not keys:
            keys = _credentials(headers)
        secrets = found.secrets if found and found.secrets else _NOBODY
        matches = [any([hmac.compare_digest(key, s) for s in secrets]) for key in keys]
        allowed = bool(matches) and all(matches) and secrets is not _NOBODY
        if found is not None and not allowed and not keys:
            allowed = (
                (signature is not None and self._is_ours(found, path, query, signature, now_s))
                or _is_from(client, found.allow_from)
                or (found.open_to_loopback and _is_from(client, LOOPBACK))
            )
        if denied or not allowed or found is None:
            raise Denied("denied", _DENIED)
        return Admitted(found, b"&".join(rest), by_path)

    def _is_ours(
        self, tenant: Tenant, path: bytes, query: bytes, signature: bytes, now_s: float
    ) -> bool:
        return self.keys_of(tenant).verify(path, query, signature, now_s=now_s)


def is_voice_path(path: bytes) -> bool:
    """Is this raw path one of the two that the platform is pointed at?"""
    if path == _VOICE:
        return True
    app_id = path[len(_APPS) : -len(_VOICE)]
    return path == _APPS + app_id + _VOICE and b"/" not in app_id


def is_app_id(text: str) -> bool:
    """May this be an APPID?"""
    return APP_ID.fullmatch(text) is not None


_OURS: Final = frozenset({"APPID", "key", "k", "x"})


def _credentials(headers: Headers) -> list[bytes]:
    """The secrets that the headers present: Basic's password (or lone user), or our X- header."""
    keys: list[bytes] = []
    for name, value in headers:
        if name == b"authorization":
            scheme, _, encoded = value.partition(b" ")
            try:
                user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(
                    b":"
                )
            except binascii.Error:
                user, password = b"", b""
            keys.append((password or user) if scheme.lower() == b"basic" else b"")
        elif name == _KEY_HEADER:
            keys.append(value)
    return keys


def _is_from(client: Any, networks: tuple[Network, ...]) -> bool:
    if not networks or not client:
        return False
    try:
        address = ip_address(client[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)
