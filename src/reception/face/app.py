"""
`App`: what a developer writes, and an ASGI application by itself.

It only collects the handlers, the fallback and the prompts. Serving, tenants and deadlines
belong to `web`; the one lazy import below is what makes `uvicorn module:app` work.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from inspect import iscoroutinefunction, signature
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from reception.callflow import Flow, fallback_problems
from reception.callflow.handing_over import handler_name
from reception.dialog import Catalogue
from reception.errors import AppError
from reception.face.call import Call
from reception.face.ended import EndedCall

AnswerHandler = Callable[[Call], Awaitable[Flow] | Flow]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
H = TypeVar("H", bound=AnswerHandler)
EndedHandler = Callable[[EndedCall], Awaitable[object] | object]
E = TypeVar("E", bound=EndedHandler)
OnDrift = Literal["fallback", "restart"] | AnswerHandler

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
        version: of the code, any text. Journals carry it, so that the log can say which
            version began a call that another one cannot go on with.
        on_drift: what becomes of a call whose journal and code disagree: the ``fallback``;
            ``restart`` begins the dialog from the top, once in a call; or a handler that
            takes over, once in a call (an ``async def``).
        prompts: the folder with ``<language>.toml`` files, relative to where the application's
            module is; or their content by language.
        language: of callers whose own language the prompts do not have.

    Errors:
        AppError: a bad name, a fallback that is not safe, prompts that cannot be read, when
        the app is built.

    >>> from reception import App, flow
    >>> app = App("demo", fallback=flow.hangup())
    >>> @app.answer
    ... async def answer(call):
    ...     return flow.tts("Hello").then(flow.hangup())
    """

    def __init__(
        self,
        name: str,
        *,
        fallback: Flow,
        version: str = "",
        on_drift: OnDrift = "fallback",
        prompts: str | Mapping[str, str] | None = None,
        language: str = "en",
    ) -> None:
        if not APP_ID.fullmatch(name):
            raise AppError(
                "app.name",
                f"App name {name!r} cannot be an APPID: use 1 to 64 of A-Z a-z 0-9 . _ -",
            )
        if not isinstance(fallback, Flow):
            raise AppError(
                "app.fallback",
                f"The fallback of {name} must be a flow, as flow.user(…) makes one, not"
                f" {type(fallback).__name__}",
            )
        if not isinstance(version, str):
            raise AppError("app.version", f"The version of {name} must be a text: {version!r}")
        problems = fallback_problems(fallback)
        if problems:
            raise AppError(
                "app.fallback", f"The fallback of {name} is not safe: {'; '.join(problems)}"
            )
        self.name: Final = name
        self.fallback: Final = fallback
        self.version: Final = version
        self.on_drift: Final = on_drift
        self.language: Final = language
        self.prompts_folder: Final = prompts if isinstance(prompts, str) else None
        self.catalogue: Catalogue | None = None
        if prompts is not None and not isinstance(prompts, str):
            self.use_prompts(prompts)
        self._handler: AnswerHandler | None = None
        self._handlers: Final[dict[str, AnswerHandler]] = {}
        self._seen_handlers: Final = MappingProxyType(self._handlers)
        if on_drift not in ("fallback", "restart"):
            if isinstance(on_drift, str) or not iscoroutinefunction(on_drift):
                raise AppError(
                    "app.on_drift",
                    f"on_drift of {name} must be 'fallback', 'restart' or an `async def` handler",
                )
            self.state(on_drift)
        self.ended_handler: EndedHandler | None = None
        self._asgi: Callable[[Message, Receive, Send], Awaitable[None]] | None = None

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

        An `async def` that awaits operations of its call (``await call.ask(…)``) is a dialog: it
        goes on over many requests, and is run from the top at each of them.
        """
        if self._handler is not None:
            raise AppError("app.two_handlers", f"App {self.name} has an @app.answer already")
        self._check(handler, "answer")
        self._handler = handler
        self._handlers[handler_name(handler)] = handler
        return handler

    def ended(self, handler: E) -> E:
        """
        Mark the function that is told of each call that is over: it takes an `EndedCall`.

        It runs in the background, once for a call that this application has answered, about a
        minute after the call's end, when the platform's reports of all its legs have come. It may
        be an ``async def`` or a ``def``. When it raises, it is run again later; so what must not
        happen twice should recognise ``current_step().key``.

        Errors:
            AppError("app.two_handlers"): there is one already.
        """
        if self.ended_handler is not None:
            raise AppError("app.two_handlers", f"App {self.name} has an @app.ended already")
        self._check(handler, "ended")
        self.ended_handler = handler
        return handler

    def state(self, handler: H) -> H:
        """
        Mark a function that ``flow.pivot(next=handler)`` hands the call over to.

        It is a handler like that of `answer`, with a journal of its own in the same call.
        """
        self._check(handler, "state")
        name = handler_name(handler)
        if "<" in name:
            raise AppError(
                "app.state",
                f"{name} is addressed by its name, also after a restart: a handler stands in a"
                " module, not in a function, and is no lambda",
            )
        if self._handlers.get(name, handler) is not handler:
            raise AppError("app.two_handlers", f"App {self.name} has a handler {name} already")
        self._handlers[name] = handler
        return handler

    def _check(self, handler: object, method: str) -> None:
        """Refuse now what could answer no call."""
        how = f"write @app.{method} above `async def {method}(call): …`"
        if not callable(handler):
            raise AppError(
                "app.handler", f"A handler is a function, not {type(handler).__name__}: {how}"
            )
        try:
            signature(handler).bind(None)
        except TypeError:
            raise AppError(
                "app.handler", f"A handler takes one argument, which is the call: {how}"
            ) from None
        except ValueError:
            return  # Of some built-in functions nobody knows what they take.

    @property
    def handlers(self) -> Mapping[str, AnswerHandler]:
        """Every handler by the name that ``flow.pivot(next=…)`` addresses it by."""
        return self._seen_handlers

    def handler_named(self, name: str | None) -> AnswerHandler:
        """
        The handler of that name; None is the one of `answer`.

        Errors:
            AppError("app.no_such_handler"): a running call is at a handler that this version
            of the application does not have.
        """
        if name is None:
            return self.handler
        found = self._handlers.get(name)
        if found is None:
            raise AppError(
                "app.no_such_handler",
                f"App {self.name} has no handler {name}: keep it, marked with @app.state, as long"
                " as calls may be under way that are at it",
            )
        return found

    def use_prompts(self, texts: Mapping[str, str]) -> None:
        """Take the content of the prompts' files, by language, in TOML."""
        self.catalogue = Catalogue.parse(texts, default=self.language)

    async def __call__(
        self,
        scope: Message,
        receive: Receive,
        send: Send,
    ) -> None:
        """Serve this app alone, with settings from the environment (see the reference)."""
        if self._asgi is None:
            # Lazily, and the one import upwards in the project: an application that
            # `reception serve` loads needs none of it.
            from reception.bootstrap.foreign import single  # noqa: PLC0415  # see above

            self._asgi = single(self)
        await self._asgi(scope, receive, send)

    def __repr__(self) -> str:
        return f"<App {self.name}>"
