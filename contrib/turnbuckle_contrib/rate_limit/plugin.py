"""The middleware: it counts a request before its handler runs, and answers 429 with Problem Details (RFC 9457).

It is in the session zone, inside of ``auth``, so that rules can count by user, and that a refusal has the fields of
CORS, which scripts need to read it, and of the other middleware of the zones edge and security.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol, final

import attrs

from turnbuckle import (
    Handler,
    Lifespan,
    Middleware,
    Plugin,
    PluginInfo,
    Request,
    ResourceKey,
    Response,
    ServiceUnavailable,
    Setup,
    TooManyRequests,
    TrustedAddresses,
    hookimpl,
)
from turnbuckle_contrib.health import HealthCheck
from turnbuckle_contrib.rate_limit.keys import Keys
from turnbuckle_contrib.rate_limit.memory import MemoryCounters
from turnbuckle_contrib.rate_limit.rules import Check, Outcome, Rule, as_rules
from turnbuckle_contrib.service_urls import is_redis_url, require_redis

__all__ = ["RATE_LIMIT", "RateLimitConfig", "RateLimitPlugin"]

_QUOTA_EXCEEDED: Final = "https://iana.org/assignments/http-problem-types#quota-exceeded"
_ALLOWED: Final = Outcome(())


class Counters(Protocol):
    """Counts requests in a store that other processes share."""

    async def count(self, checks: Sequence[Check]) -> Outcome:
        """Count a request, and return the usages."""

    async def is_ready(self) -> bool:
        """Return whether the store answers."""


RATE_LIMIT: Final = ResourceKey("rate_limit", Counters)  # type: ignore[type-abstract]  # a protocol
"""The key of the counters in Redis."""


def _are_networks(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    TrustedAddresses(value)


def _are_rules(instance: object, attribute: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    as_rules(value)


@attrs.frozen(kw_only=True)
class RateLimitConfig:
    """Settings of the plugin.

    Attributes:
        rules: the rules of all routes without the option ``rate_limit``, as texts: ``"100/minute"``, ``"1000/hour by
            user"``, ``"10 per 5 seconds by header X-API-Key"``, ``"50/minute by myapp.limits:tenant"``.
        exempt: addresses and networks of clients that are not limited, and ``"unix"``.
        fields: whether responses have the fields RateLimit and RateLimit-Policy.
        max_keys: number of clients that each rule counts in the memory of a process, in a period.
        url: URL of Redis, which counts for all processes; "" for counters in the memory of each process.
        prefix: prefix of the keys in Redis.
        timeout: seconds that Redis may take for a request.
        on_failure: ``"allow"`` or ``"refuse"`` requests while Redis does not answer.
    """

    rules: tuple[str, ...] = attrs.field(default=("100/minute",), converter=tuple, validator=_are_rules)
    exempt: tuple[str, ...] = attrs.field(default=(), validator=_are_networks)
    fields: bool = True
    max_keys: int = attrs.field(default=50_000, validator=attrs.validators.ge(1))
    url: str = attrs.field(default="", repr=False, validator=is_redis_url, metadata={"secret": True})
    prefix: str = "turnbuckle:rate_limit"
    timeout: float = attrs.field(default=0.5, validator=attrs.validators.gt(0))
    on_failure: str = attrs.field(default="allow", validator=attrs.validators.in_(("allow", "refuse")))


@final
class RateLimitPlugin(Plugin[RateLimitConfig]):
    """Provide the middleware ``rate_limit`` in the session zone, and the option ``rate_limit`` of routes.

    Args:
        rules: rules of the app, in place of the rules in the settings.
        clock: returns seconds; for counters in memory.
    """

    info = PluginInfo(name="rate_limit", route_options={"rate_limit": as_rules})

    def __init__(
        self, rules: Iterable[str | Rule] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rules: Final = None if rules is None else as_rules(rules)
        self._clock: Final = clock

    def provide_lifespans(self, setup: Setup[RateLimitConfig]) -> list[Lifespan]:
        """Return the lifespan of the connection to Redis.

        Raises:
            LookupError: Redis is configured, and a package is not installed.
        """
        if not setup.config.url:
            return []
        require_redis(setup, "url is set")
        try:
            import limits  # noqa: F401
        except ImportError as missing:
            error = LookupError("plugin.rate_limit.url is set, but the package limits is not installed")
            error.add_note("fix: pip install 'turnbuckle[rate-limit]'")
            raise error from missing
        return [Lifespan("rate_limit", _in_redis, provides=RATE_LIMIT)]

    @hookimpl(optionalhook=True)
    def provide_health_checks(self, setup: Setup[RateLimitConfig]) -> list[HealthCheck]:
        """Return the check of Redis, if requests are refused without it."""
        if not setup.config.url or setup.config.on_failure == "allow":
            return []
        return [HealthCheck("rate_limit", _is_ready, RATE_LIMIT)]

    def provide_middleware(self, setup: Setup[RateLimitConfig]) -> list[Middleware]:
        """Return the middleware."""
        rules = as_rules(setup.config.rules) if self._rules is None else self._rules
        needs = ("auth",) if any(rule.by == "user" for rule in rules) else ()
        return [Middleware("rate_limit", self._around, zone="session", after=("sessions", "auth"), needs=needs)]

    def _around(self, next_handler: Handler, setup: Setup[RateLimitConfig]) -> Handler:
        config = setup.config
        default = as_rules(config.rules) if self._rules is None else self._rules
        limiter = _Limiter(setup, self._clock)
        exempt = TrustedAddresses(config.exempt)
        has_fields, scope = config.fields, setup.scope

        async def limit(request: Request) -> Response:
            route = request.find_route()
            rules = None if route is None else route.options.get("rate_limit")
            if rules is None:
                rules, place = default, scope
            else:
                place = route.path if route is not None else scope
            if not rules or (exempt and exempt.trusts(request.client)):
                return await next_handler(request)
            outcome = await limiter.count(request, rules, place)  # type: ignore[arg-type]  # the option is converted
            if outcome is None:
                raise ServiceUnavailable(
                    "rate limits cannot be checked; try again later", headers={"Retry-After": "5"}, problem={}
                )
            if outcome.is_refused:
                raise _refusal(outcome, has_fields=has_fields)
            response = await next_handler(request)
            if has_fields and outcome.usages:
                headers = response.headers
                headers.set("RateLimit-Policy", _policy(outcome))
                headers.set("RateLimit", _state(outcome))
            return response

        return limit


@asynccontextmanager
async def _in_redis(setup: Setup[RateLimitConfig]) -> AsyncIterator[Counters]:
    from turnbuckle_contrib.rate_limit.redis import RedisCounters

    counters = RedisCounters(setup.config.url, setup.config.prefix, setup.config.timeout)
    yield counters
    await counters.close()


async def _is_ready(counters: Counters) -> bool:
    return await counters.is_ready()


@final
class _Limiter:
    """Counts the requests of one app."""

    def __init__(self, setup: Setup[RateLimitConfig], clock: Callable[[], float]) -> None:
        config = setup.config
        self._setup: Final = setup
        self._memory: Final = None if config.url else MemoryCounters(clock, config.max_keys)
        self._is_open: Final = config.on_failure == "allow"
        self._keys: Final = Keys()

    async def count(self, request: Request, rules: Sequence[Rule], place: str) -> Outcome | None:
        """Count a request, and return the usages; None if it is refused because Redis does not answer.

        To find a user may take long, for example to verify a password. So other rules refuse a request before that.
        """
        keys = [(rule, self._keys.plain(request, rule)) for rule in rules if rule.is_plain]
        outcome = await self._count(keys, place)
        if outcome is None or outcome.is_refused or len(keys) == len(rules):
            return outcome
        keys = [(rule, await self._keys.key(request, rule)) for rule in rules if not rule.is_plain]
        further = await self._count(keys, place)
        return None if further is None else Outcome([*outcome.usages, *further.usages], further.is_refused)

    async def _count(self, keys: Sequence[tuple[Rule, str | None]], place: str) -> Outcome | None:
        checks = [Check(rule, place, key) for rule, key in keys if key is not None]
        if not checks:
            return _ALLOWED
        if self._memory is not None:
            return self._memory.count(checks)
        from turnbuckle_contrib.rate_limit.redis import StoreUnavailable

        try:
            return await self._setup.resource(RATE_LIMIT).count(checks)
        except StoreUnavailable:
            return _ALLOWED if self._is_open else None


def _refusal(outcome: Outcome, *, has_fields: bool) -> TooManyRequests:
    exceeded = outcome.exceeded
    seconds = max(usage.reset for usage in exceeded)
    fields = {"RateLimit-Policy": _policy(outcome), "RateLimit": _state(outcome)} if has_fields else {}
    problem = {
        "type": _QUOTA_EXCEEDED,
        "title": "Request cannot be satisfied as assigned quota has been exceeded",
        "violated-policies": [usage.rule.name for usage in exceeded],
    }
    headers = {"Retry-After": str(seconds), "Cache-Control": "no-store", **fields}
    return TooManyRequests(f"too many requests; try again in {seconds} s", headers=headers, problem=problem)


def _policy(outcome: Outcome) -> str:
    return ", ".join(usage.rule.policy for usage in outcome.usages)


def _state(outcome: Outcome) -> str:
    return ", ".join(f'"{usage.rule.name}";r={usage.remaining};t={usage.reset}' for usage in outcome.usages)
