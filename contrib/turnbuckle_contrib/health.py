"""Serve liveness and readiness of the process, for load balancers and orchestrators.

``app.install("health", at="/-/health")`` serves ``/-/health/live`` and ``/-/health/ready``. Enabled in the settings
only, the plugin serves the same paths, below ``prefix``. Liveness runs no check: a response shows that the event loop
runs. Readiness runs all checks concurrently and answers 200 if all of them pass, otherwise 503. A check passes unless
it returns False, raises, or exceeds the timeout. The reason of a failure is logged, and not sent to the client,
because these paths are public.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any, Final, TypeAlias, cast, final

import attrs

from turnbuckle import JSON, Plugin, PluginInfo, Request, ResourceKey, Response, Route, Setup, Text, hookspec

__all__ = ["Check", "HealthCheck", "HealthConfig", "HealthPlugin"]

Check: TypeAlias = Callable[..., object]
"""A function, async or not, that returns False or raises if it fails."""

_log: Final = logging.getLogger("turnbuckle.health")


@attrs.frozen
class HealthCheck:
    """A check with its name; ``provide_health_checks`` returns such records.

    Attributes:
        name: name of the check, in the response and the log.
        check: the function; without arguments, or with the resource as its only one.
        resource: key of the resource that the function checks, such as a database; None for no argument.
    """

    name: str
    check: Check
    resource: ResourceKey[Any] | None = None


class HealthHooks:
    """The hooks of this plugin, for other plugins."""

    @hookspec
    def provide_health_checks(self, setup: Setup) -> Iterable[HealthCheck]:
        """Return checks for readiness; with ``@hookimpl(optionalhook=True)`` it works without this plugin as well."""
        return ()


def _is_path(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value and (not value.startswith("/") or value.endswith("/")):
        raise ValueError(f"{attribute.name} must start with a slash and not end with one, not {value!r}")


def _read_only(mapping: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(mapping))


@attrs.frozen(kw_only=True)
class HealthConfig:
    """Settings of the plugin.

    Attributes:
        live: path of liveness; "" for none.
        ready: path of readiness; "" for none.
        prefix: prefix of both paths if the plugin is enabled for the whole app; a scope has its own prefix.
        checks: ``"module:function"`` of each check, by name.
        timeout: seconds that a check may take.
    """

    live: str = attrs.field(default="/live", validator=_is_path)
    ready: str = attrs.field(default="/ready", validator=_is_path)
    prefix: str = attrs.field(default="/-/health", validator=_is_path)
    checks: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only)
    timeout: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))


@final
class HealthPlugin(Plugin[HealthConfig]):
    """Provide the routes of liveness and readiness.

    Args:
        checks: checks by name, in addition to the checks of the settings and of other plugins.
    """

    info = PluginInfo(name="health")
    hookspecs = HealthHooks

    def __init__(self, checks: Mapping[str, Check] | None = None) -> None:
        self._checks: Final = tuple(HealthCheck(name, check) for name, check in (checks or {}).items())

    def provide_routes(self, setup: Setup[HealthConfig]) -> list[Route]:
        """Return the two routes."""
        config = setup.config
        provided = cast("Iterable[HealthCheck]", setup.ask("provide_health_checks", setup=setup))
        configured = [HealthCheck(name, _imported(name, value)) for name, value in config.checks.items()]
        readiness = _Readiness(_unique([*self._checks, *configured, *provided]), config.timeout)
        prefix = "" if setup.scope else config.prefix
        routes = [(config.live, _live), (config.ready, readiness.answer)]
        return [Route(path=prefix + path, handler=handler) for path, handler in routes if path]


@attrs.frozen
class _Readiness:
    """Run all checks."""

    checks: Sequence[HealthCheck]
    timeout: float

    async def answer(self, request: Request) -> Response:
        """Return 200 if all checks pass, otherwise 503."""
        results = await asyncio.gather(*(self._passes(request, check) for check in self.checks))
        return _response(request, {check.name: passed for check, passed in zip(self.checks, results, strict=True)})

    async def _passes(self, request: Request, check: HealthCheck) -> bool:
        try:
            arguments = () if check.resource is None else (request.resource(check.resource),)
            async with asyncio.timeout(self.timeout):
                result = await _call(check.check, arguments)
        except TimeoutError:
            _log.warning("health check %r took longer than %g s, or raised a timeout itself", check.name, self.timeout)
            return False
        except Exception:  # noqa: BLE001  # a check may raise anything, and any exception means not ready
            _log.warning("health check %r failed", check.name, exc_info=True)
            return False
        return result is not False


async def _live(request: Request) -> Response:
    return _response(request, {})


async def _call(check: Check, arguments: tuple[object, ...]) -> object:
    call = getattr(check, "__call__", check)  # noqa: B004  # to find out whether it is async
    is_async = inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(call)
    result = check(*arguments) if is_async else await asyncio.to_thread(_run, check, arguments)
    return await result if inspect.isawaitable(result) else result


def _run(check: Check, arguments: tuple[object, ...]) -> object:
    try:
        return check(*arguments)
    except StopIteration as error:
        # StopIteration cannot pass through a future: the await would never end.
        raise RuntimeError("the check raised StopIteration") from error


def _response(request: Request, passed: Mapping[str, bool]) -> Response:
    status = 200 if all(passed.values()) else 503
    words = {name: "ok" if is_ok else "failed" for name, is_ok in passed.items()}
    overall = "ok" if status == 200 else "failed"
    # A cached response would show an old state.
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if _wants_text(request):
        lines = [overall, *(f"{name}: {word}" for name, word in words.items())]
        return Text("\n".join(lines) + "\n", status, headers)
    return JSON({"status": overall, **({"checks": words} if words else {})}, status, headers)


def _wants_text(request: Request) -> bool:
    accept = request.headers.get("accept", "").lower()
    return "text/plain" in accept and "json" not in accept


def _imported(name: str, value: str) -> Check:
    check: object = resolve_name(value)
    if not callable(check):
        raise TypeError(f"health check {name!r} is {value!r}, which cannot be called")
    return check


def _unique(checks: Iterable[HealthCheck]) -> tuple[HealthCheck, ...]:
    by_name: dict[str, HealthCheck] = {}
    for check in checks:
        if by_name.setdefault(check.name, check) is not check:
            raise ValueError(f"there are two health checks named {check.name!r}")
    return tuple(by_name.values())
