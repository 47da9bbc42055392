"""
URLs that bring a call back to us, and how we know that they are ours.

A voice URL carries the tenant's secret as the operator wrote it. A URL that we make must
not: the platform logs it. So it drops the secret and carries the account, an expiry and a
MAC over the whole target instead, keyed from the tenant's secrets. Restarts do not matter, and
during a rotation both live secrets verify. A tenant without secrets (open to loopback,
or known by its network) needs none of it, and its URLs carry none.

Source: contract/dialogs.md §3 (what a continuation URL keeps and drops).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from reception.errors import AppError

# A bridge between two pivots may last hours; nothing needs to come back the next day.
LIFETIME_S: Final = 24 * 3600
RESERVED: Final = frozenset({"APPID", "key", "k", "x", "a", "c", "s", "o"})
_PURPOSE: Final = b"reception continuation url 1"
_MAC_BYTES: Final = 18


class ContinuationKeys:
    """The keys of one tenant; the first signs, all verify."""

    __slots__ = ("_keys",)

    def __init__(self, secrets: tuple[bytes, ...]) -> None:
        self._keys: Final = tuple(
            hmac.new(secret, _PURPOSE, hashlib.sha256).digest() for secret in secrets
        )

    def target(
        self,
        app_id: str,
        params: Mapping[str, str],
        *,
        account_id: str,
        by_path: bool,
        now_s: float,
    ) -> str:
        """
        Path and query of a URL back to `app_id`, in the shape that the tenant was called with.

        Errors:
            AppError("app.pivot_url"): a parameter name that Reception keeps for itself.
        """
        for name in params:
            if name in RESERVED or not name:
                raise AppError(
                    "app.pivot_url", f"pivot_url cannot carry {name!r}: the name is Reception's own"
                )
        pairs = [] if by_path else [("APPID", app_id)]
        pairs += params.items()
        if self._keys:
            pairs.append(("a", account_id))
            pairs.append(("x", str(int(now_s) + LIFETIME_S)))
        path = f"/v1/apps/{app_id}/voice" if by_path else "/voice"
        target = f"{path}?{urlencode(pairs)}" if pairs else path
        if not self._keys:
            return target
        return f"{target}&k={_mac(self._keys[0], target.encode()).decode()}"

    def verify(self, path: bytes, query: bytes, signature: bytes, *, now_s: float) -> bool:
        """Did we make this target, unaltered, within its life? `k` must come last."""
        signed, _, last = query.rpartition(b"&k=")
        if last != signature:
            return False
        target = path + b"?" + signed
        matches = [hmac.compare_digest(_mac(key, target), signature) for key in self._keys]
        expiry = signed.rpartition(b"x=")[2]
        return any(matches) and expiry.isdigit() and now_s <= int(expiry)


def _mac(key: bytes, target: bytes) -> bytes:
    digest = hmac.new(key, target, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_MAC_BYTES])
