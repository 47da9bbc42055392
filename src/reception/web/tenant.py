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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import unquote_plus

from reception.callflow import Flow
from reception.errors import Denied
from reception.face.app import APP_ID, AnswerHandler, App
from reception.web.client import Headers, client_of, is_within
from reception.web.continuation import RESERVED, ContinuationKeys
from reception.web.settings import LOOPBACK, Network
from reception.wire.step_token import NAMES, StepToken, read_step_token

Client = Sequence[Any] | None

_VOICE: Final = b"/voice"
_APPS: Final = b"/v1/apps/"
_KEY_HEADER: Final = b"x-reception-key"
# Compared where no tenant was found, so that an unknown tenant costs what a known one does.
_NOBODY: Final = (b"no-tenant-has-this-secret-0000000000",)
_DENIED: Final = "There is nothing here."
_REMEMBERED: Final = 1024
_REMEMBERED_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Tenant:
    """
    One APPID, what answers it and who may ask.

    Attributes:
        app_id: 1 to 64 of ``A-Z a-z 0-9 . _ -``.
        answer: the application's handler, or the flow that a static tenant always gives.
        runs: how `answer` is run: as a dialog, on the event loop, in a thread, or not at all.
        app: what `answer` belongs to; None for a static tenant.
        fallback: the safe flow; None only for a static tenant that needs none.
        platforms: the versions of the platform that must all accept a reply.
        secrets: one or two live secrets (bytes of ``[A-Za-z0-9_-]{32,}``).
        allow_from: networks whose requests need no secret; goes with `account_ids`.
        account_ids: the accounts this tenant belongs to; empty accepts any.
        open_to_loopback: no secret at all, for requests from this machine.
    """

    app_id: str
    answer: AnswerHandler | Flow
    runs: Literal["dialog", "loop", "thread", "static"]
    fallback: Flow | None
    app: App | None = None
    platforms: frozenset[int] = frozenset({4, 5})
    secrets: tuple[bytes, ...] = ()
    allow_from: tuple[Network, ...] = ()
    account_ids: frozenset[str] = frozenset()
    open_to_loopback: bool = False


class SignedStep(NamedTuple):
    """A step token as it stood in the URL, with its MAC."""

    token: StepToken
    mac: bytes


class Admitted(NamedTuple):
    """
    A request that named its tenant and may use it.

    Attributes:
        query: what is left of the query for the codec of a GET: raw segments, without
            APPID and credentials.
        by_path: the tenant was named in the path, and so will be in URLs back to it.
        account: the only account that may use this URL back to us; None for other URLs.
        step: the step of a dialog that the URL asks for. Nothing may come of it before its
            MAC has been checked, which takes the account of the request.
    """

    tenant: Tenant
    query: bytes
    by_path: bool
    account: str | None = None
    step: SignedStep | None = None

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


@dataclass(frozen=True, slots=True)
class Claim:
    """
    What a request's target says, before anything of it is believed.

    Attributes:
        app_id: the tenant it names; None where it names none, or more than one.
        keys: the secrets in the query.
        signature: the MAC in the query, if any.
        account: the account that the MAC is for.
        step: the step that it asks for; such a URL has no other MAC.
        rest: the query without all of these.
    """

    app_id: bytes | None
    by_path: bool
    keys: tuple[bytes, ...]
    signature: bytes | None
    account: str
    step: SignedStep | None
    rest: bytes


class Tenants:
    """All tenants of this server, by APPID."""

    def __init__(self, tenants: Sequence[Tenant]) -> None:
        self._by_id: Final = {tenant.app_id.encode(): tenant for tenant in tenants}
        self._keys: Final = {
            tenant.app_id.encode(): ContinuationKeys(tenant.secrets) for tenant in tenants
        }
        self._claims: Final[dict[tuple[bytes, bytes], Claim]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Tenant]:
        return iter(self._by_id.values())

    def keys_of(self, tenant: Tenant) -> ContinuationKeys:
        """What signs URLs back to this tenant."""
        return self._keys[tenant.app_id.encode()]

    def admit(
        self,
        path: bytes,
        query: bytes,
        headers: Headers,
        client: Client,
        *,
        now_s: float,
        trusted_proxies: tuple[Network, ...] = (),
    ) -> Admitted:
        """
        Decide the tenant of a voice request and whether the sender may use it.

        Shape:
            path, query: raw bytes as they stood in the request line.
            headers: names in lower case.
            client: ASGI's (host, port) of the peer, or None where it is unknown.
            trusted_proxies: whose word for the client's address counts.

        Errors:
            Denied("denied.tenant"), Denied("denied.credential"): everything that is not
            exactly right; only the log may tell the two apart.
        """
        claim = self._claims.get((path, query)) or self._read(path, query)
        tenant = self._by_id.get(claim.app_id) if claim.app_id is not None else None
        keys = claim.keys or _credentials(headers)
        account = None
        if keys:
            secrets = tenant.secrets if tenant is not None else ()
            allowed = _match(keys, secrets or _NOBODY) and bool(secrets)
        elif tenant is None:
            allowed = False
        elif claim.step is not None:
            allowed = True
        elif claim.signature is not None and tenant.secrets:
            allowed = self._is_ours(tenant, path, query, claim, now_s)
            account = claim.account
        else:
            networks = tenant.allow_from + (LOOPBACK if tenant.open_to_loopback else ())
            allowed = bool(networks) and is_within(
                client_of(client, headers, trusted_proxies), networks
            )
        if tenant is None or not allowed:
            code = "denied.tenant" if tenant is None else "denied.credential"
            raise Denied(code, _DENIED)
        return Admitted(tenant, claim.rest, claim.by_path, account, claim.step)

    def _read(self, path: bytes, query: bytes) -> Claim:
        claim = read_claim(path, query)
        # The platform calls the same few targets for ever, except those of steps, which are never
        # two alike; strangers must not fill memory.
        if claim.step is None and len(path) + len(query) <= _REMEMBERED_BYTES:
            if len(self._claims) >= _REMEMBERED:
                self._claims.clear()
            self._claims[path, query] = claim
        return claim

    def _is_ours(
        self, tenant: Tenant, path: bytes, query: bytes, claim: Claim, now_s: float
    ) -> bool:
        signature = claim.signature or b""
        return self.keys_of(tenant).verify(path, query, signature, now_s=now_s)


def read_claim(path: bytes, query: bytes) -> Claim:
    """Take a voice target apart. Linear, and never an error: what is odd names no tenant."""
    by_path = path != _VOICE
    named = {path[len(_APPS) : -len(_VOICE)]} if by_path else set()
    keys: list[bytes] = []
    rest: list[bytes] = []
    ours: dict[str, bytes] = {}
    is_odd = False
    for segment in query.split(b"&"):
        name, _, value = segment.partition(b"=")
        if name == b"APPID":
            named.add(value)
        elif name == b"key":
            keys.append(value)
        elif name in _MADE_BY_US:
            is_odd = is_odd or name.decode() in ours
            ours[name.decode()] = value
        elif b"%" in name and unquote_plus(name.decode("latin-1")) in RESERVED:
            # A second spelling of our own names is how one parser is made to see another
            # tenant than the next one.
            is_odd = True
        elif segment or rest:
            rest.append(segment)
    step = None
    if not _OF_A_STEP.isdisjoint(ours):
        token = read_step_token(ours)
        is_odd = is_odd or token is None or not ours.keys() <= NAMES
        step = SignedStep(token, ours.get("k", b"")) if token is not None else None
    app_id = named.pop() if len(named) == 1 and not is_odd else None
    return Claim(
        app_id,
        by_path,
        tuple(keys),
        ours.get("k") if step is None else None,
        ours.get("a", b"").decode("latin-1"),
        step,
        b"&".join(rest),
    )


def is_voice_path(path: bytes) -> bool:
    """Is this raw path one of the two that the platform is pointed at?"""
    if path == _VOICE:
        return True
    app_id = path[len(_APPS) : -len(_VOICE)]
    return path == _APPS + app_id + _VOICE and b"/" not in app_id


def is_app_id(text: str) -> bool:
    """May this be an APPID?"""
    return APP_ID.fullmatch(text) is not None


_MADE_BY_US: Final = frozenset({b"k", b"x", b"a", b"c", b"s", b"o"})
_OF_A_STEP: Final = frozenset({"c", "s", "o"})


def _match(keys: Sequence[bytes], secrets: Sequence[bytes]) -> bool:
    """Is every key one of the secrets? All are compared, whatever the first ones say."""
    wrong = 0
    for key in keys:
        found = 0
        for secret in secrets:
            found |= hmac.compare_digest(key, secret)
        wrong |= not found
    return not wrong


def _credentials(headers: Headers) -> list[bytes]:
    """The secrets that the headers present: Basic's password (or lone user), or our X- header."""
    keys: list[bytes] = []
    for name, value in headers:
        if name == b"authorization":
            scheme, _, encoded = value.partition(b" ")
            try:
                user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
            except binascii.Error:
                user, password = b"", b""
            keys.append((password or user) if scheme.lower() == b"basic" else b"")
        elif name == _KEY_HEADER:
            keys.append(value)
    return keys
