"""
The voice path's door to dialogs: step tokens in, URLs and replies out.

A token lets a request in only with its MAC, which is made with a key of the tenant's and
covers the account that the request names; so it is checked when the body has been read, and
before anything comes of it. What a dialog says is the use case's business (`service`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from reception.callflow import Flow
from reception.dialog import Began
from reception.errors import AppError, Retry
from reception.face.app import App
from reception.face.call import PivotUrl
from reception.service.dialogs import Dialogs
from reception.service.pivots import Pivot, Reply
from reception.service.signing import SigningKeys
from reception.web.reply import reply_flow
from reception.web.settings import WebSettings
from reception.web.tenant import Admitted, Tenant
from reception.wire import PivotRequest
from reception.wire.step_token import StepToken, is_step_of, render_step_target


class Conversing:
    """Knows our own tokens, and has dialogs answered; one for a process."""

    def __init__(self, dialogs: Dialogs, keys: SigningKeys, settings: WebSettings) -> None:
        self._dialogs: Final = dialogs
        self._keys: Final = keys
        self._settings: Final = settings

    async def knows(self, admitted: Admitted, request: PivotRequest) -> bool:
        """
        Did we give this step to a call of this account?

        Errors:
            Retry: the database is away, and we have no key to tell it by.
        """
        step = admitted.step
        assert step is not None  # nobody asks about a request without one
        app_id, account = admitted.tenant.app_id, request.account_id or ""
        keys = await self._keys.of(app_id)
        if is_step_of(step.token, step.mac, app_id, account, keys):
            return True
        again = await self._keys.again(app_id)
        return again != keys and is_step_of(step.token, step.mac, app_id, account, again)

    async def answer(
        self,
        app: App,
        fallback: Flow,
        admitted: Admitted,
        request: PivotRequest,
        pivot_url: PivotUrl,
        left_s: Callable[[], float],
        begun: Began | None,
    ) -> Reply:
        """
        Have a dialog answer (see `Dialogs.answer`).

        Errors:
            Denied, Retry: as there.
        """
        tenant, settings = admitted.tenant, self._settings
        url: Callable[[StepToken], str]
        try:
            (key, *_) = await self._keys.of(tenant.app_id)
            url = partial(self._url, tenant, request.account_id or "", admitted.by_path, key)
        except Retry as away:
            # What asks nothing needs neither a URL nor a database, and is answered all the same.
            url = partial(_no_url, away)
        return await self._dialogs.answer(
            Pivot(
                tenant=tenant.app_id,
                app=app,
                fallback=fallback,
                request=request,
                token=admitted.step.token if admitted.step is not None else None,
                params=admitted.params,
                pivot_url=pivot_url,
                url=url,
                fit=partial(reply_flow, tenant=tenant, loopback=settings.loopback),
                deadline_s=settings.deadline_s,
                left_s=left_s,
                begun=begun,
            )
        )

    def _url(
        self, tenant: Tenant, account_id: str, by_path: bool, key: bytes, token: StepToken
    ) -> str:
        target = render_step_target(
            tenant.app_id, token, account_id=account_id, by_path=by_path, key=key
        )
        return self._settings.public_url + target


def _no_url(away: Retry, token: StepToken) -> str:
    raise Retry(away.code, away.message, after_s=away.after_s)


def no_store() -> AppError:
    """Why a dialog cannot be answered where there is no database."""
    return AppError(
        "dialog.no_store",
        "This handler is a dialog, and a dialog needs a database: serve it with `reception serve`"
        " or `reception dev`, or set RECEPTION_DATABASE_URL",
    )
