"""
Who may ask: API keys, users with passwords, and tokens that wear out.

A token lives for an hour after it was last used. It may be bound to verbs and paths when it
is made. Whatever is wrong with it, the answer is the same 401.

Source: contract/platform_api.md, authentication.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.rest.asked import ApiError, Asked

TOKEN_LIFE_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Login:
    """A user who may log in with a password."""

    name: str
    password: str
    owner_id: str = ""

    def matches(self, credentials: str, method: str) -> bool:
        """Tell whether these are the hashed credentials; md5 unless `method` says sha."""
        plain = f"{self.name}:{self.password}".encode()
        digest = hashlib.sha1 if method == "sha" else hashlib.md5
        return credentials.lower() == digest(plain, usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class _Token:
    account_id: str
    owner_id: str
    used_s: float
    restrictions: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Tokens:
    """The tokens of one account."""

    def __init__(
        self,
        *,
        account_id: str,
        api_key: str,
        logins: Sequence[Login] = (),
        names: Mapping[str, str],
        now_s: Callable[[], float],
        new_id: Callable[[], str],
        life_s: float = TOKEN_LIFE_S,
    ) -> None:
        self._account_id: Final = account_id
        self._api_key: Final = api_key
        self._logins: Final = logins
        self._names: Final = names
        self._now_s: Final = now_s
        self._new_id: Final = new_id
        self._life_s: Final = life_s
        self._tokens: Final[dict[str, _Token]] = {}

    def log_in_by_key(self, asked: Asked) -> tuple[str, dict[str, Any]]:
        """Give a token for an API key, and what is said with it."""
        if asked.data.get("api_key") != self._api_key:
            raise _unknown()
        return self._issued("", asked.data)

    def log_in_by_password(self, asked: Asked) -> tuple[str, dict[str, Any]]:
        """Give a token for hashed credentials and something that names the account."""
        data = asked.data
        named = {key: data[key] for key in self._names if key in data}
        if not named or any(self._names[key] != value for key, value in named.items()):
            raise _unknown()
        credentials, method = str(data.get("credentials", "")), str(data.get("method", "md5"))
        for login in self._logins:
            if login.matches(credentials, method):
                return self._issued(login.owner_id, data)
        raise _unknown()

    def check(self, asked: Asked) -> str:
        """
        Let a request in, and give the account that its token is for.

        Errors:
            ApiError: 401 without a living token, 403 where the token is bound to other
            verbs or paths.
        """
        token = self._tokens.get(asked.token or "")
        if token is None:
            raise _unknown()
        if self._now_s() - token.used_s > self._life_s:
            del self._tokens[asked.token or ""]
            raise _unknown()
        token.used_s = self._now_s()
        if token.restrictions and not _allows(token.restrictions, asked):
            raise ApiError(403, "forbidden")
        return token.account_id

    def revoke_all(self) -> None:
        """Forget every token, as a restart of the platform does."""
        self._tokens.clear()

    def _issued(self, owner_id: str, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        restrictions = data.get("restrictions")
        name = self._new_id()
        self._tokens[name] = _Token(
            self._account_id,
            owner_id,
            self._now_s(),
            restrictions if isinstance(restrictions, Mapping) else {},
        )
        said = {"account_id": self._account_id, "owner_id": owner_id, "reseller_id": ""}
        return name, said


def _allows(restrictions: Mapping[str, Sequence[str]], asked: Asked) -> bool:
    """Match the path behind the account, part by part: * is one part, # any number."""
    patterns = restrictions.get(asked.verb.lower(), ())
    path = list(asked.path)
    if path[:1] == ["accounts"]:
        path = path[2:]
    return any(_matches(str(pattern).strip("/").split("/"), path) for pattern in patterns)


def _matches(pattern: Sequence[str], path: Sequence[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "#":
        return any(_matches(pattern[1:], path[start:]) for start in range(len(path) + 1))
    return bool(path) and pattern[0] in {"*", path[0]} and _matches(pattern[1:], path[1:])


def _unknown() -> ApiError:
    return ApiError(401, "invalid_credentials", {"message": "invalid credentials"})
