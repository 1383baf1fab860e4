"""Answer whether the process lives, and whether it is ready for requests, for load balancers and orchestrators.

``app.install("health", at="/-/health")`` serves ``/-/health/live`` and ``/-/health/ready``; enabled by the settings
alone, the same paths, of ``prefix``. Liveness asks nothing: what it says is that the loop turns. Readiness asks every
check at once and is 200 if all of them pass, or else 503. A check passes unless it returns False, raises, or takes too
long. Why it failed is logged and never shown: anybody may ask.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Final, TypeAlias, cast, final

import attrs

from turnbuckle import JSON, Plugin, PluginInfo, Request, Response, Route, Setup, Text, hookspec

__all__ = ["Check", "HealthCheck", "HealthConfig", "HealthPlugin"]

Check: TypeAlias = Callable[[], object]
"""A function, async or not, that returns False or raises when something is wrong."""

_log: Final = logging.getLogger("turnbuckle.health")


@attrs.frozen
class HealthCheck:
    """A check with its name, as ``provide_health_checks`` returns it."""

    name: str
    check: Check


class HealthHooks:
    """What other plugins may add."""

    @hookspec
    def provide_health_checks(self, setup: Setup) -> Iterable[HealthCheck]:
        """Add checks to readiness; mark it with ``@hookimpl(optionalhook=True)`` to do without the plugin, too."""
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
        live: path that tells whether the process lives; "" for none.
        ready: path that tells whether it is ready; "" for none.
        prefix: what both paths start with, where the plugin is enabled for the whole app; a scope has a prefix already.
        checks: ``"module:function"`` of each check by its name.
        timeout: seconds that a check may take.
    """

    live: str = attrs.field(default="/live", validator=_is_path)
    ready: str = attrs.field(default="/ready", validator=_is_path)
    prefix: str = attrs.field(default="/-/health", validator=_is_path)
    checks: Mapping[str, str] = attrs.field(factory=dict, converter=_read_only)
    timeout: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))


@final
class HealthPlugin(Plugin):
    """Serves liveness and readiness.

    Args:
        checks: checks by name, beside those of the settings and of other plugins.
    """

    info = PluginInfo(name="health", config=HealthConfig)
    hookspecs = HealthHooks

    def __init__(self, checks: Mapping[str, Check] | None = None) -> None:
        self._checks: Final = tuple(HealthCheck(name, check) for name, check in (checks or {}).items())

    def provide_routes(self, setup: Setup) -> list[Route]:
        """Serve the two paths."""
        config = cast("HealthConfig", setup.config)
        provided = cast("Iterable[HealthCheck]", setup.ask("provide_health_checks", setup=setup))
        configured = [HealthCheck(name, _imported(name, value)) for name, value in config.checks.items()]
        readiness = _Readiness(_unique([*self._checks, *configured, *provided]), config.timeout)
        prefix = "" if setup.scope else config.prefix
        routes = [(config.live, _live), (config.ready, readiness.answer)]
        return [Route(path=prefix + path, handler=handler) for path, handler in routes if path]


@attrs.frozen
class _Readiness:
    """Asks all checks."""

    checks: Sequence[HealthCheck]
    timeout: float

    async def answer(self, request: Request) -> Response:
        """Answer 200 if all of them pass, or else 503."""
        passed = await asyncio.gather(*(self._passes(each) for each in self.checks))
        return _response(request, {each.name: one for each, one in zip(self.checks, passed, strict=True)})

    async def _passes(self, each: HealthCheck) -> bool:
        try:
            async with asyncio.timeout(self.timeout):
                result = await _called(each.check)
        except TimeoutError:
            _log.warning("health check %r took longer than %g s, or timed out itself", each.name, self.timeout)
            return False
        except Exception:  # noqa: BLE001  # a check may raise anything, and every reason is one not to be ready
            _log.warning("health check %r failed", each.name, exc_info=True)
            return False
        return result is not False


async def _live(request: Request) -> Response:
    return _response(request, {})


async def _called(check: Check) -> object:
    call = getattr(check, "__call__", check)  # noqa: B004  # what is asked is whether it is async
    is_async = inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(call)
    result = check() if is_async else await asyncio.to_thread(_run, check)
    return await result if inspect.isawaitable(result) else result


def _run(check: Check) -> object:
    try:
        return check()
    except StopIteration as error:
        # It cannot pass through a future, and whoever awaits that would wait for ever.
        raise RuntimeError("the check raised StopIteration") from error


def _response(request: Request, passed: Mapping[str, bool]) -> Response:
    status = 200 if all(passed.values()) else 503
    words = {name: "ok" if one else "failed" for name, one in passed.items()}
    overall = "ok" if status == 200 else "failed"
    # An answer that some cache remembers would be the wrong one.
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
    for each in checks:
        if by_name.setdefault(each.name, each) is not each:
            raise ValueError(f"there are two health checks named {each.name!r}")
    return tuple(by_name.values())
