"""Signals call a function on the loop, and get their previous handlers back."""

import asyncio
import os
import signal
import threading

import pytest

from tests.core.server.polling import wait_until
from turnbuckle.server.run.signals import on_stop_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signal_calls_back_on_the_loop_and_is_restored(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    heard: list[asyncio.AbstractEventLoop] = []
    with on_stop_signals(lambda: heard.append(asyncio.get_running_loop())):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        await wait_until(lambda: len(heard) == 2)
    assert heard == [asyncio.get_running_loop()] * 2
    assert signal.getsignal(number) is before


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    inside: list[object] = []

    async def look() -> None:
        with on_stop_signals(lambda: None):
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=lambda: asyncio.run(look()))
    thread.start()
    thread.join()
    assert inside == [before]
