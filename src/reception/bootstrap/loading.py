"""
From a configuration to tenants: imports the applications, reads the callflow files.

Everything is checked here that would otherwise fail in the middle of a call: apps import
and have a handler, static flows are valid, fallbacks are safe. Problems are added to those
of the file, and all of them are raised together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reception.bootstrap.config import Config, Overrides, TenantConfig, read_config
from reception.bootstrap.problems import Problems
from reception.bootstrap.target import TargetError, load_app
from reception.callflow import Flow, Rejection, fallback_problems, flow, validate
from reception.callflow.reading import read
from reception.errors import AppError
from reception.face.app import AnswerHandler, App
from reception.face.handlers import runs_how
from reception.web.tenant import Tenant

# A 30-node flow has about 6 KB; the platform was seen to take 1 MB.
MAX_FLOW_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that can be served."""

    config: Config
    tenants: tuple[Tenant, ...]


def load(
    path: Path,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Overrides | None = None,
    on_config: Callable[[Config], object] | None = None,
) -> Loaded:
    """
    Read `reception.toml` and everything that it names.

    Args:
        on_config: told of the file, where nothing is wrong with it, before the
            applications are imported, which may take a while.

    Errors:
        ConfigError: with every problem that was found.
    """
    config, problems = read_config(
        path, os.environ if environ is None else environ, overrides or Overrides()
    )
    if on_config is not None and not problems.found:
        on_config(config)
    tenants = [_tenant(tenant, config, problems) for tenant in config.tenants]
    problems.raise_if_any()
    return Loaded(config, tuple(tenant for tenant in tenants if tenant is not None))


def tenant_of(app: App, app_id: str | None = None) -> Tenant:
    """Make the tenant of an app, open to this machine; the caller narrows it down."""
    return Tenant(
        app_id=app_id or app.name,
        answer=app.handler,
        runs=how_it_runs(app),
        fallback=app.fallback,
        app=app,
        open_to_loopback=True,
    )


def how_it_runs(app: App) -> Literal["dialog", "loop", "thread"]:
    """
    Tell how the calls of an app are answered.

    An app with several handlers may hand a call over, so that its calls come back.
    """
    return "dialog" if len(app.handlers) > 1 else runs_how(app.handler)


def _tenant(tenant: TenantConfig, config: Config, problems: Problems) -> Tenant | None:
    key = f"tenants.{tenant.app_id}"
    loopback = config.server.is_loopback
    fallback = None
    if tenant.fallback is not None:
        fallback = _flow(tenant.fallback, tenant, problems, f"{key}.fallback", loopback=False)
        for words in fallback_problems(fallback) if fallback is not None else ():
            problems.add("fallback", words, file=tenant.fallback.name)
    answer: AnswerHandler | Flow | None = None
    app: App | None = None
    runs: Literal["dialog", "loop", "thread", "static"] = "static"
    if tenant.app:
        try:
            app = load_app(tenant.app, config.directory)
        except TargetError as error:
            problems.add(f"{key}.app", error.message)
            return None
        answer, runs = app.handler, how_it_runs(app)
        fallback = fallback or app.fallback
    elif tenant.flow is not None:
        answer = _flow(tenant.flow, tenant, problems, f"{key}.flow", loopback=loopback)
        if answer is not None and fallback is None and _has_pivot(answer.to_dict()):
            problems.add(
                f"{key}.fallback",
                f"is required, since {tenant.flow.name} has a pivot: name a callflow file for"
                " when that pivot is not answered",
            )
    if answer is None:
        return None
    return Tenant(
        app_id=tenant.app_id,
        answer=answer,
        runs=runs,
        fallback=fallback,
        app=app,
        platforms=tenant.platforms,
        secrets=tenant.secrets,
        allow_from=tenant.allow_from,
        account_ids=tenant.account_ids,
        open_to_loopback=tenant.insecure_no_secret,
    )


def _flow(
    path: Path, tenant: TenantConfig, problems: Problems, key: str, *, loopback: bool
) -> Flow | None:
    """Read one callflow file; None, and its problems noted, where it cannot be used."""
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FLOW_BYTES + 1)
    except OSError as error:
        problems.add(key, f"names {path.name}, which cannot be read: {error.strerror or error}")
        return None
    if len(body) > MAX_FLOW_BYTES:
        problems.add(key, f"names {path.name}, which has more than {MAX_FLOW_BYTES} bytes")
        return None
    rejections = _rejections(body, tenant.platforms, loopback=loopback)
    for where, message in rejections.items():
        problems.add(where, message, file=path.name)
    if rejections:
        return None
    try:
        return flow.raw(_decoded(body))
    except AppError as error:
        problems.add(key, f"names {path.name}: {error.message}")
        return None


def _rejections(body: bytes, platforms: frozenset[int], *, loopback: bool) -> dict[str, str]:
    """Give what the platforms reject, by JSON path; localhost URLs pass on loopback."""
    found: dict[str, str] = {}
    for platform in sorted(platforms):
        findings = validate(body, platform=4 if platform == 4 else 5)
        for rejection in findings.errors:
            if not (loopback and rejection.rule == "client_url"):
                found.setdefault(rejection.path, rejection.message)
    return found


def _decoded(body: bytes) -> dict[str, object]:
    reading = read(body)
    if isinstance(reading, Rejection) or not isinstance(reading.root, dict):
        raise AppError("config.flow", "This is no callflow.")
    return reading.root


def _has_pivot(node: object) -> bool:
    if not isinstance(node, Mapping):
        return False
    children = node.get("children")
    below = children.values() if isinstance(children, Mapping) else ()
    return node.get("module") == "pivot" or any(_has_pivot(child) for child in below)
