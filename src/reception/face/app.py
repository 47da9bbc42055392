"""
`App`: what a developer writes, and an ASGI application by itself.

It only collects the handlers and the fallback. Serving, tenants and deadlines belong to
`web`; the one lazy import below is what makes `uvicorn module:app` work.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from reception.callflow import Flow, fallback_problems
from reception.errors import AppError
from reception.face.call import Call

if TYPE_CHECKING:
    from reception.bootstrap.asgi import AsgiApp

AnswerHandler = Callable[[Call], Awaitable[Flow] | Flow]
H = TypeVar("H", bound=AnswerHandler)

APP_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class App:
    """
    A voice application.

    Args:
        name: the APPID in its URL where nothing else is configured; 1 to 64 of
            letters, digits, dot, underscore and hyphen.
        fallback: what a caller hears when the handler fails, is late, or returns
            something that the platform would reject. At most 8 nodes, valid for both
            versions of the platform, and without `pivot`, `callflow` or `function`,
            since those can fail themselves.

    Errors:
        AppError: a bad name or a fallback that is not safe, when the app is built.

    >>> from reception import App, flow
    >>> app = App("demo", fallback=flow.hangup())
    >>> @app.answer
    ... async def answer(call):
    ...     return flow.tts("Hello").then(flow.hangup())
    """

    def __init__(self, name: str, *, fallback: Flow) -> None:
        if not APP_ID.fullmatch(name):
            raise AppError(
                "app.name",
                f"App name {name!r} cannot be an APPID: use 1 to 64 of A-Z a-z 0-9 . _ -",
            )
        problems = fallback_problems(fallback)
        if problems:
            raise AppError(
                "app.fallback", f"The fallback of {name} is not safe: {'; '.join(problems)}"
            )
        self.name: Final = name
        self.fallback: Final = fallback
        self._handler: AnswerHandler | None = None
        self._asgi: AsgiApp | None = None

    @property
    def handler(self) -> AnswerHandler:
        """
        The function registered with `answer`.

        Errors:
            AppError("app.no_handler"): there is none yet.
        """
        if self._handler is None:
            raise AppError(
                "app.no_handler",
                f"App {self.name} answers no calls yet: mark a function with @app.answer",
            )
        return self._handler

    def answer(self, handler: H) -> H:
        """
        Mark the function that answers a call: it takes a `Call` and returns a `Flow`.

        An `async def` runs on the event loop and must not block it; a plain `def` runs
        in a thread. Both have the tenant's deadline (2 s where nothing else is set).
        """
        if self._handler is not None:
            raise AppError("app.two_handlers", f"App {self.name} has an @app.answer already")
        self._handler = handler
        return handler

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve this app alone, with settings from the environment (see the reference)."""
        if self._asgi is None:
            # Lazily, and the one import upwards in the project: an application that
            # `reception serve` loads needs none of it.
            from reception.bootstrap.asgi import single  # noqa: PLC0415  # see above

            self._asgi = single(self)
        await self._asgi(scope, receive, send)

    def __repr__(self) -> str:
        return f"<App {self.name}>"
