"""Tests of ``turnbuckle.testing.parsing.variants`` and ``splits``."""

from __future__ import annotations

from hypothesis import given, strategies as st

from turnbuckle.testing.parsing.variants import byte_by_byte, cut, mutated, pairs, whole

OCTETS = b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n"


def test_mutated_is_the_same_for_the_same_seed() -> None:
    assert [mutated(OCTETS, seed) for seed in range(50)] == [mutated(OCTETS, seed) for seed in range(50)]


def test_mutated_does_damage_of_many_kinds() -> None:
    damaged = {mutated(OCTETS, seed) for seed in range(200)}
    assert len(damaged - {OCTETS}) > 150
    assert any(len(data) < len(OCTETS) for data in damaged)
    assert any(data.count(b"\r\n") > OCTETS.count(b"\r\n") for data in damaged)


@given(st.binary(max_size=40), st.integers(0, 1000))
def test_mutated_takes_any_bytes(data: bytes, seed: int) -> None:
    assert isinstance(mutated(data, seed), bytes)


@given(st.binary(max_size=40), st.lists(st.integers(0, 100), max_size=5))
def test_splits_lose_nothing(data: bytes, places: list[int]) -> None:
    for pieces in (whole(data), byte_by_byte(data), cut(data, places), *pairs(data)):
        assert b"".join(pieces) == data
