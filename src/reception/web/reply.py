"""
From what a handler returned to the bytes that go out, and nothing that must not.

Pure: the rules of a reply (`what may leave`) without sockets or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reception.callflow import Flow, flow
from reception.errors import AppError
from reception.web.tenant import Tenant

# Far above any real flow (a node is 100 to 300 bytes, and 20 nodes exhaust a call), far
# below what the platform was seen to accept (1 MB).
MAX_REPLY_BYTES: Final = 256 * 1024


def reply_flow(result: object, tenant: Tenant, *, loopback: bool) -> Flow:
    """
    The flow to send for what the application returned.

    Every pivot in it gets the tenant's fallback as its `_` child where it has none.

    Shape:
        result: a `Flow`, or a mapping that is one as JSON.

    Errors:
        AppError: anything that the tenant's platform would reject, with the findings.
    """
    if type(result) is Flow:
        answer = result
    elif isinstance(result, Mapping):
        answer = flow.raw(dict(result))
    else:
        raise AppError(
            "app.not_a_flow",
            f"The handler of {tenant.app_id} returned {type(result).__name__}: return a flow,"
            " such as flow.hangup()",
        )
    missing = tenant.platforms - answer.platforms
    if missing:
        versions = " and ".join(str(version) for version in sorted(missing))
        raise AppError(
            "app.wrong_platform",
            f"Version {versions} of the platform rejects this flow; set `platform` of the"
            " tenant if it never runs there",
        )
    if answer.is_local and not loopback:
        raise AppError(
            "app.local_url",
            "A URL in this flow points to localhost, which the platform refuses: use public_url",
        )
    if tenant.fallback is not None:
        try:
            answer = answer.with_fallback(tenant.fallback)
        except RecursionError:
            raise AppError(
                "app.too_deep", "Branches in this flow hang in one another hundreds of levels deep"
            ) from None
    if len(answer.render()) > MAX_REPLY_BYTES:
        raise AppError(
            "app.too_large", f"This flow has more than {MAX_REPLY_BYTES} bytes: send less at once"
        )
    return answer
