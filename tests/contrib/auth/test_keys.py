"""Keys of issuers: which are taken from a set, and when it is fetched."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from joserfc.jwk import OctKey

from tests.contrib.auth.issuers import EC, ED, OTHER_RSA, RSA, http, key_server, key_set
from turnbuckle import ServiceUnavailable
from turnbuckle_contrib.auth.fetch import Fetcher
from turnbuckle_contrib.auth.keys import RemoteKeys, import_keys, select_key


class _Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _ids(keys: Any) -> list[str]:
    return [key.get("kid") for key in keys]


def test_public_keys_for_signatures_are_taken() -> None:
    encryption = RSA.as_dict(private=False) | {"kid": "enc", "use": "enc"}
    secret = OctKey.generate_key(256, {"kid": "oct"}).as_dict(private=True)
    document = key_set(RSA, EC, ED)
    document["keys"] += [encryption, secret, {"kty": "future"}, {"kty": "RSA"}, "text", None, {"kty": "EC", "crv": "x"}]
    assert _ids(import_keys(document)) == ["rsa", "ec", "ed"]


def test_private_part_of_a_key_is_dropped() -> None:
    [key] = import_keys({"keys": [RSA.as_dict(private=True)]})
    assert not key.is_private


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"n": "AQAB"}, id="tiny modulus"),
        pytest.param({"n": "A" * 100_000}, id="huge modulus"),
        pytest.param({"e": "A" * 1000}, id="huge exponent"),
        pytest.param({"n": 1}, id="no text"),
    ],
)
def test_keys_of_unusual_sizes_are_ignored(changes: dict[str, object]) -> None:
    document = {"keys": [RSA.as_dict(private=False) | changes, EC.as_dict(private=False)]}
    assert _ids(import_keys(document)) == ["ec"]


@pytest.mark.parametrize(
    "document", [None, [], {}, {"keys": {}}, {"keys": []}, {"keys": [{"kty": "oct", "k": "AAAA"}]}]
)
def test_document_without_keys_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match=r"(?i)key set"):
        import_keys(document)


def test_number_of_keys_is_bounded() -> None:
    one = EC.as_dict(private=False)
    assert len(import_keys({"keys": [one] * 10_000})) == 100


def test_key_is_selected_by_algorithm_and_id() -> None:
    keys = import_keys(key_set(RSA, EC, ED))
    assert select_key(keys, "RS256", "rsa") is keys[0]
    assert select_key(keys, "RS256", None) is keys[0]
    assert select_key(keys, "ES256", "ec") is keys[1]
    for algorithm, kid in (("ES256", "rsa"), ("ES384", "ec"), ("HS256", "rsa"), ("none", "rsa"), ("RS256", "unknown")):
        assert select_key(keys, algorithm, kid) is None
    assert select_key(import_keys(key_set(RSA, OTHER_RSA)), "RS256", None) is None
    pinned = import_keys({"keys": [RSA.as_dict(private=False) | {"alg": "RS512"}]})
    assert select_key(pinned, "RS256", "rsa") is None


async def test_set_is_fetched_once_and_again_when_it_is_old() -> None:
    time = _Time()
    async with key_server() as server:
        keys = RemoteKeys(server.url, Fetcher(), seconds=100, interval=10, clock=time)
        for _ in range(3):
            assert _ids(await keys.keys("rsa")) == ["rsa", "ec", "ed"]
        assert len(server.requests) == 1
        time.now += 101
        server.document = key_set(EC)
        assert _ids(await keys.keys("rsa")) == ["ec"]
        assert len(server.requests) == 2


async def test_unknown_id_fetches_the_set_at_most_once_in_an_interval() -> None:
    time = _Time()
    async with key_server() as server:
        server.document = key_set(EC)
        keys = RemoteKeys(server.url, Fetcher(), seconds=1000, interval=60, clock=time)
        await keys.keys("ec")
        server.document = key_set(EC, RSA)
        assert _ids(await keys.keys("rsa")) == ["ec"]
        time.now += 60
        assert _ids(await keys.keys("rsa")) == ["ec", "rsa"]
        for number in range(100):
            await keys.keys(f"guess {number}")
        assert len(server.requests) == 2


async def test_many_requests_wait_for_one_fetch_even_if_some_are_cancelled() -> None:
    async with key_server() as server:
        server.pause = 0.05
        keys = RemoteKeys(server.url, Fetcher(), clock=_Time())
        waiting = [asyncio.create_task(keys.keys("rsa")) for _ in range(10)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        found = await asyncio.gather(*waiting[1:])
        assert all(_ids(found_keys) == ["rsa", "ec", "ed"] for found_keys in found)
        assert len(server.requests) == 1


async def test_issuer_that_fails_keeps_the_last_set_for_a_day() -> None:
    time = _Time()
    async with key_server() as server:
        keys = RemoteKeys(server.url, Fetcher(), seconds=100, interval=10, clock=time)
        await keys.keys("rsa")
        server.answer = http(b"{}", "500 Internal Server Error")
        time.now += 3600
        assert _ids(await keys.keys("rsa")) == ["rsa", "ec", "ed"]
        time.now += 86_400
        with pytest.raises(ServiceUnavailable) as caught:
            await keys.keys("rsa")
        assert caught.value.headers == {"Retry-After": "10"}
        server.answer = None
        time.now += 10
        assert _ids(await keys.keys("rsa")) == ["rsa", "ec", "ed"]


async def test_issuer_that_cannot_be_reached_at_first() -> None:
    keys = RemoteKeys("http://127.0.0.1:1/", Fetcher(), clock=_Time())
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            await keys.keys("rsa")


async def test_known_keys_are_used_at_once_while_the_issuer_fails() -> None:
    time = _Time()
    async with key_server() as server:
        keys = RemoteKeys(server.url, Fetcher(), seconds=100, interval=10, clock=time)
        await keys.keys("rsa")
        server.answer = http(b"{}", "500 Internal Server Error")
        time.now += 101
        await keys.keys("rsa")
        server.pause = 5
        time.now += 10
        async with asyncio.timeout(1):
            assert _ids(await keys.keys("rsa")) == ["rsa", "ec", "ed"]
