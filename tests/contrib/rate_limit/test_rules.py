"""The spelling of rules, and the figures that follow from two counters."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings, strategies as st

from turnbuckle_contrib.rate_limit.memory import MemoryCounters
from turnbuckle_contrib.rate_limit.rules import Check, Rule, as_rules, parse_rule


def tenant(request: object) -> str:
    return "tenant"


@pytest.mark.parametrize(
    ("text", "amount", "seconds", "by"),
    [
        ("100/minute", 100, 60, "address"),
        ("1 / second", 1, 1, "address"),
        ("5 per 10 seconds", 5, 10, "address"),
        ("10/2 hours by user", 10, 7200, "user"),
        ("1000 per day by header X-API-Key", 1000, 86400, "header X-API-Key"),
        ("7/minute by tests.contrib.rate_limit.test_rules:tenant", 7, 60, None),
    ],
)
def test_rule_is_read_from_a_text(text: str, amount: int, seconds: int, by: str | None) -> None:
    rule = parse_rule(text)
    assert (rule.amount, rule.seconds) == (amount, seconds)
    assert callable(rule.by) if by is None else rule.by == by


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a rate limit is empty"),
        ("100", "rate '100' is malformed; write it like '100/minute' or '5 per 10 seconds'"),
        ("0/minute", "malformed"),
        ("5/0 minutes", "malformed"),
        ("-5/minute", "malformed"),
        ("5/fortnight", "malformed"),
        ("5/minute by cookie", "by 'cookie': write 'address', 'user', 'header NAME', 'module:function', or a function"),
        ("5/minute by header X Y", "by 'header X Y'"),
    ],
)
def test_malformed_rule_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"limit|rate|by") as caught:
        parse_rule(text)
    assert message in str(caught.value)


def test_options_are_texts_rules_lists_or_false() -> None:
    rule = Rule("5/minute", by=tenant)
    assert as_rules(False) == ()
    assert as_rules(rule) == (rule,)
    assert [found.rate for found in as_rules("5/minute")] == ["5/minute"]
    assert [found.rate for found in as_rules(["5/minute", "9/hour by user"])] == ["5/minute", "9/hour"]
    for wrong in (True, 5, None):
        with pytest.raises(ValueError, match="write a rate such as '5/minute'"):
            as_rules(wrong)


def test_policy_is_a_structured_field() -> None:
    assert parse_rule("5/minute by user").policy == '"5/60s by user";q=5;w=60'
    odd = Rule("5/minute", by=tenant)
    tenant.__name__ = 'te"n\\ant'
    assert Rule("5/minute", by=tenant).policy == '"5/60s by te_n_ant";q=5;w=60'
    tenant.__name__ = "tenant"
    assert odd.name == "5/60s by tenant"


class _Counting:
    def __init__(self, rate: str, max_keys: int = 100) -> None:
        self.now = 0.0
        self.rule = parse_rule(rate)
        self.counters = MemoryCounters(lambda: self.now, max_keys)

    def is_allowed(self, key: str = "a") -> bool:
        return not self.counters.count([Check(self.rule, "", key)]).exceeded

    def retry_after(self, key: str = "a") -> int:
        return self.counters.count([Check(self.rule, "", key)]).exceeded[0].reset


def test_amount_is_allowed_in_each_period() -> None:
    counting = _Counting("3/minute")
    assert [counting.is_allowed() for _ in range(5)] == [True, True, True, False, False]
    assert counting.is_allowed("b")
    counting.now = 180
    assert [counting.is_allowed() for _ in range(4)] == [True, True, True, False]


def test_window_slides() -> None:
    counting = _Counting("10/minute")
    counting.now = 59
    assert [counting.is_allowed() for _ in range(10)] == [True] * 10
    counting.now = 60
    assert not counting.is_allowed()
    counting.now = 90
    # Half of the previous period counts.
    assert [counting.is_allowed() for _ in range(6)] == [True] * 5 + [False]


@given(
    rate=st.sampled_from(["1/minute", "3/minute", "10/second", "7/30 seconds"]),
    gaps=st.lists(st.floats(0, 40), max_size=60),
)
@settings(max_examples=200, deadline=None)
def test_request_is_allowed_after_the_time_of_retry_after(rate: str, gaps: list[float]) -> None:
    counting = _Counting(rate)
    for gap in gaps:
        counting.now += gap
        counting.is_allowed()
    assume(not counting.is_allowed())
    before, seconds = counting.now, counting.retry_after()
    assert 1 <= seconds <= 2 * counting.rule.seconds
    counting.now = before + seconds
    assert counting.is_allowed()


@given(gaps=st.lists(st.floats(0, 20), min_size=20, max_size=100))
@settings(max_examples=200, deadline=None)
def test_no_window_has_more_than_twice_the_amount_and_fixed_periods_have_no_more_than_it(gaps: list[float]) -> None:
    counting = _Counting("5/minute")
    allowed: list[float] = []
    for gap in gaps:
        counting.now += gap
        if counting.is_allowed():
            allowed.append(counting.now)
    for start in allowed:
        assert sum(start <= moment < start + 60 for moment in allowed) < 10
    for period in range(int(counting.now // 60) + 1):
        assert sum(moment // 60 == period for moment in allowed) <= 5


def test_refused_request_does_not_count_for_other_rules() -> None:
    now = 0.0
    counters = MemoryCounters(lambda: now, 100)
    small, large = parse_rule("1/minute"), parse_rule("10/minute")
    checks = [Check(large, "", "a"), Check(small, "", "a")]
    for _ in range(5):
        outcome = counters.count(checks)
    assert [usage.rule for usage in outcome.exceeded] == [small]
    assert [usage.remaining for usage in outcome.usages] == [9, 0]


def test_number_of_clients_is_bounded_and_busy_ones_are_kept() -> None:
    counting = _Counting("10/minute", max_keys=50)
    for _ in range(10):
        assert counting.is_allowed("busy")
    for number in range(10_000):
        counting.is_allowed(f"other {number}")
        if not number % 20:
            assert not counting.is_allowed("busy")
    periods = next(iter(counting.counters._periods.values()))
    assert len(periods.current) == 50
    counting.now = 60
    counting.is_allowed("later")
    assert (len(periods.current), len(periods.previous)) == (1, 50)


def test_clients_that_are_all_busy_are_forgotten_from_the_oldest() -> None:
    counting = _Counting("1/minute", max_keys=5)
    assert all(counting.is_allowed(str(number)) for number in range(100))
    assert len(next(iter(counting.counters._periods.values())).current) == 5
