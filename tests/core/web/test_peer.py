"""Tests of ``turnbuckle.web.peer``."""

import asyncio

import pytest

from turnbuckle.web.peer import LazyEvent, Peer


def test_peer_knows_nothing_by_default() -> None:
    peer = Peer()
    assert (peer.client, peer.server, peer.scheme) == (None, None, "http")
    assert not peer.lost.is_set()


def test_peer_takes_an_event() -> None:
    lost = asyncio.Event()
    peer = Peer(("192.0.2.1", 1), "/run/a.sock", scheme="https", lost=lost)
    assert peer.lost is lost


async def test_peer_made_by_hand_is_never_lost() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(Peer().lost.wait(), 0)


async def test_disconnected_wakes_all_tasks_that_wait() -> None:
    lost = LazyEvent()
    waiting = [asyncio.ensure_future(lost.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not lost.is_set()
    lost.set()
    await asyncio.gather(*waiting)
    assert lost.is_set()


async def test_disconnected_does_not_wait_once_it_is_set() -> None:
    lost = LazyEvent()
    lost.set()
    await lost.wait()
    assert lost.is_set()


def test_callbacks_are_called_once() -> None:
    lost, calls = LazyEvent(), []
    first, second, third = (lambda: calls.append(1)), (lambda: calls.append(2)), (lambda: calls.append(3))
    lost.discard_callback(first)
    for callback in (first, second):
        lost.add_callback(callback)
    lost.discard_callback(second)
    lost.set()
    lost.set()
    lost.add_callback(third)
    assert calls == [1, 3]
