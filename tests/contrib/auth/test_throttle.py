"""Limits for failed logins."""

from __future__ import annotations

import pytest

from turnbuckle import Peer, Request, RequestHead, TooManyRequests
from turnbuckle_contrib.auth import Throttle


class _Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _request(address: str = "192.0.2.1") -> Request:
    return Request(RequestHead(b"GET", b"/", 1, [(b"host", b"a")]), None, Peer(client=(address, 1)))


def _throttle(time: _Time, attempts: int = 3, seconds: float = 60, entries: int = 1000) -> Throttle:
    return Throttle(attempts, seconds, entries, time)


def _is_refused(throttle: Throttle, address: str, account: str) -> bool:
    try:
        throttle.attempt(_request(address), account)
    except TooManyRequests:
        return True
    return False


def test_attempts_of_an_address_for_an_account_are_limited_and_come_back() -> None:
    time = _Time()
    throttle = _throttle(time)
    assert [_is_refused(throttle, "192.0.2.1", "ada") for _ in range(4)] == [False, False, False, True]
    with pytest.raises(TooManyRequests) as caught:
        throttle.attempt(_request(), "ada")
    assert caught.value.headers == {"Retry-After": "20"}
    time.now += 20
    assert [_is_refused(throttle, "192.0.2.1", "ada") for _ in range(2)] == [False, True]
    time.now += 3600
    assert [_is_refused(throttle, "192.0.2.1", "ada") for _ in range(4)] == [False, False, False, True]


def test_refused_attempts_do_not_lengthen_the_wait() -> None:
    time = _Time()
    throttle = _throttle(time)
    for _ in range(100):
        _is_refused(throttle, "192.0.2.1", "ada")
    time.now += 20
    assert not _is_refused(throttle, "192.0.2.1", "ada")


def test_attacker_does_not_lock_out_the_user_at_another_address() -> None:
    throttle = _throttle(_Time())
    while not _is_refused(throttle, "192.0.2.66", "ada"):
        pass
    assert not _is_refused(throttle, "192.0.2.1", "ada")
    assert not _is_refused(throttle, "192.0.2.66", "grace")


def test_attack_from_many_addresses_is_limited_and_spares_known_addresses() -> None:
    throttle = _throttle(_Time())
    throttle.attempt(_request("192.0.2.1"), "ada")
    throttle.succeeded(_request("192.0.2.1"), "ada")
    tries = sum(not _is_refused(throttle, f"198.51.100.{number}", "ada") for number in range(200))
    assert tries == 30
    assert _is_refused(throttle, "203.0.113.1", "ada")
    assert not _is_refused(throttle, "192.0.2.1", "ada")
    assert not _is_refused(throttle, "203.0.113.1", "grace")


def test_address_that_tries_many_accounts_is_limited() -> None:
    throttle = _throttle(_Time())
    tries = sum(not _is_refused(throttle, "192.0.2.66", f"user{number}") for number in range(200))
    assert tries == 15
    assert not _is_refused(throttle, "192.0.2.1", "user1")


def test_successes_are_not_counted() -> None:
    throttle = _throttle(_Time())
    for _ in range(100):
        throttle.attempt(_request(), "ada")
        throttle.succeeded(_request(), "ada")
    assert [_is_refused(throttle, "192.0.2.1", "ada") for _ in range(4)] == [False, False, False, True]


def test_success_of_one_account_does_not_reset_another_one() -> None:
    throttle = _throttle(_Time())
    for _ in range(3):
        throttle.attempt(_request(), "ada")
    throttle.attempt(_request(), "mallory")
    throttle.succeeded(_request(), "mallory")
    assert _is_refused(throttle, "192.0.2.1", "ada")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:1", id="one network of IPv6"),
        pytest.param("192.0.2.1", "::ffff:192.0.2.1", id="IPv4 in IPv6"),
        pytest.param("fe80::1%eth0", "fe80::2%eth0", id="with a zone"),
    ],
)
def test_addresses_of_one_client(first: str, second: str) -> None:
    throttle = _throttle(_Time())
    while not _is_refused(throttle, first, "ada"):
        pass
    assert _is_refused(throttle, second, "ada")


def test_names_of_one_account() -> None:
    throttle = _throttle(_Time())
    while not _is_refused(throttle, "192.0.2.1", "Ada"):
        pass
    assert _is_refused(throttle, "192.0.2.1", "aDA")
    assert _is_refused(throttle, "192.0.2.1", " ada\t")
    assert _is_refused(throttle, "192.0.2.1", "\uff41da")
    long = "x" * 100_000
    while not _is_refused(throttle, "192.0.2.1", long):
        pass
    assert _is_refused(throttle, "192.0.2.1", long + "y")


def test_memory_is_bounded_and_keeps_the_attacker() -> None:
    throttle = _throttle(_Time(), entries=100)
    while not _is_refused(throttle, "192.0.2.66", "ada"):
        pass
    for number in range(5000):
        _is_refused(throttle, f"198.51.{number // 200}.{number % 200}", f"user{number}")
        assert _is_refused(throttle, "192.0.2.66", "ada")
    assert _is_refused(throttle, "192.0.2.66", "ada")
    sizes = [len(buckets._empty_at) for buckets in (throttle._by_pair, throttle._by_address, throttle._by_account)]
    assert max(sizes) <= 100


def test_client_without_an_address() -> None:
    throttle = _throttle(_Time())
    request = Request(RequestHead(b"GET", b"/", 1, [(b"host", b"a")]), None, Peer())
    for _ in range(3):
        throttle.attempt(request, "ada")
    with pytest.raises(TooManyRequests):
        throttle.attempt(request, "ada")
