"""The rules of rate limits, and their spelling: ``"100/minute by user"``. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from pkgutil import resolve_name
from typing import Final, TypeAlias

import attrs

from turnbuckle import Request

__all__ = ["Check", "KeyFunction", "Outcome", "Rule", "Usage", "as_rules", "parse_rule"]

KeyFunction: TypeAlias = Callable[[Request], object]
"""Returns the text that identifies the client of a request, or None for no limit; it may be async."""

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_RATE: Final = re.compile(r"([0-9]{1,9})(?: ?/ ?| per )(?:([0-9]{1,6}) )?(second|minute|hour|day)s?")
_TEXT: Final = re.compile(r"(.+?)(?: by (.+))?")
_HEADER: Final = re.compile(r"header ([!#$%&'*+\-.^_`|~0-9A-Za-z]+)")
_PLAIN: Final = frozenset({"address", "user"})


def _is_source(instance: object, attribute: attrs.Attribute[str], value: object) -> None:
    if callable(value) or (isinstance(value, str) and (value in _PLAIN or _HEADER.fullmatch(value))):
        return
    raise ValueError(f"by {value!r:.60}: write 'address', 'user', 'header NAME', 'module:function', or a function")


def _as_source(value: str | KeyFunction) -> str | KeyFunction:
    if isinstance(value, str) and ":" in value:
        function: KeyFunction = resolve_name(value)
        return function
    return value


@attrs.frozen(eq=False)
class Rule:
    """A number of requests that each client may send in a period.

    Attributes:
        rate: the number and the period, such as ``"100/minute"`` or ``"5 per 10 seconds"``.
        by: what identifies a client: ``"address"`` (for IPv6 its /64 network), ``"user"``, ``"header NAME"``, a
            function of the request, or ``"module:function"``.

    Raises:
        ValueError: the rate or ``by`` is malformed.
    """

    rate: str
    by: str | KeyFunction = attrs.field(default="address", converter=_as_source, validator=_is_source)
    # The parts of the rate, and the rule in the field RateLimit-Policy: read for each request.
    amount: int = attrs.field(init=False)
    seconds: int = attrs.field(init=False)
    name: str = attrs.field(init=False)
    policy: str = attrs.field(init=False)
    is_plain: bool = attrs.field(init=False)

    @amount.default
    def _read_amount(self) -> int:
        return _parse_rate(self.rate)[0]

    @seconds.default
    def _read_seconds(self) -> int:
        return _parse_rate(self.rate)[1]

    @name.default
    def _make_name(self) -> str:
        by = self.by if isinstance(self.by, str) else getattr(self.by, "__name__", "function")
        # A structured string (RFC 9651, section 3.3.3) that needs no escapes.
        return re.sub(r"[^ !#-\[\]-~]", "_", f"{self.amount}/{self.seconds}s by {by}")

    @policy.default
    def _make_policy(self) -> str:
        return f'"{self.name}";q={self.amount};w={self.seconds}'

    @is_plain.default
    def _needs_no_wait(self) -> bool:
        return isinstance(self.by, str) and self.by != "user"


def _parse_rate(rate: str) -> tuple[int, int]:
    """Return the number of requests, and the period in seconds."""
    found = _RATE.fullmatch(rate.strip())
    amount, seconds = (0, 0) if found is None else (int(found[1]), int(found[2] or 1) * _SECONDS[found[3]])
    if not amount or not seconds:
        raise ValueError(f"rate {rate!r:.60} is malformed; write it like '100/minute' or '5 per 10 seconds'")
    return amount, seconds


def parse_rule(text: str) -> Rule:
    """Return the rule of a text such as ``"100/minute"`` or ``"1000/hour by header X-API-Key"``.

    Raises:
        ValueError: the text is malformed.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError("a rate limit is empty; write it like '100/minute'")
    return Rule(found[1], found[2] or "address")


def as_rules(value: object) -> tuple[Rule, ...]:
    """Return the rules of an option: one rule or several, each as a text or a ``Rule``; none for False.

    Raises:
        ValueError: the value has another type, or a rule is malformed.
    """
    if value is False:
        return ()
    if isinstance(value, str | Rule):
        value = [value]
    if not isinstance(value, Iterable):
        raise ValueError(f"write a rate such as '5/minute', several in a list, or False for none, not {value!r:.60}")
    return tuple(rule if isinstance(rule, Rule) else parse_rule(rule) for rule in value)


@attrs.define
class Check:
    """One rule for one client.

    Attributes:
        rule: the rule.
        place: the part of the app that the rule counts for: the path of a route, the prefix of a scope, or "".
        key: the client.
    """

    rule: Rule
    place: str
    key: str


@attrs.define
class Usage:
    """The state of one rule for one client.

    Attributes:
        rule: the rule.
        remaining: number of requests that are left.
        reset: whole seconds until the period of the server ends, or until the next request is allowed if none is left.
        is_exceeded: whether the request exceeds the rule.
    """

    rule: Rule
    remaining: int
    reset: int
    is_exceeded: bool = False

    @classmethod
    def of_window(cls, rule: Rule, previous: int, current: int, elapsed: float, *, is_exceeded: bool) -> Usage:
        """Return the usage that follows from two counters, by which a window of time slides over two fixed periods.

        Args:
            rule: the rule.
            previous: number of requests in the previous period.
            current: number of requests in the current period, with this request if it is allowed.
            elapsed: the part of the current period that has passed, from 0 to 1.
            is_exceeded: whether the request exceeds the rule.
        """
        if not is_exceeded:
            remaining = rule.amount - current - int(previous * (1 - elapsed))
            return cls(rule, max(0, remaining), math.ceil((1 - elapsed) * rule.seconds))
        wait = _wait(rule.amount, previous, current, elapsed) * rule.seconds
        # At this very moment, the request would still exceed the rule.
        return cls(rule, 0, math.floor(wait) + 1, True)


def _wait(amount: int, previous: int, current: int, elapsed: float) -> float:
    """Return how many periods pass until one more request is allowed."""
    if current < amount:
        # It is allowed once the previous period counts for less than the requests that are left.
        return max(0.0, 1 - (amount - current) / previous - elapsed) if previous else 0.0
    return 1 - elapsed + max(0.0, 1 - amount / current)


@attrs.define
class Outcome:
    """The result of all rules for one request.

    Attributes:
        usages: the state of each rule.
        is_refused: whether the request exceeds one of them.
    """

    usages: Sequence[Usage]
    is_refused: bool = False

    @property
    def exceeded(self) -> list[Usage]:
        """Return the usages of the rules that the request exceeds."""
        return [usage for usage in self.usages if usage.is_exceeded]
