"""A loop that stood still: what came meanwhile is not late."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from tests.core.server.running import LOOPS, running
from tests.core.server.waiting import PATIENCE
from turnbuckle.server.timeouts import Timeouts
from turnbuckle.web.request import Request
from turnbuckle.web.response import Response

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class LeapingClock:
    """The clock of the machine, and what it was put forward by."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def wall(self) -> float:
        return time.time()

    def call_later(self, delay: float, callback: Callable[[], object], /) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(delay, callback)


@pytest.mark.parametrize("loop", LOOPS)
def test_request_that_came_while_the_loop_stood_still_is_answered(loop: str) -> None:
    clock, has_begun, is_sent = LeapingClock(), threading.Event(), threading.Event()

    async def block(request: Request) -> Response:
        if request.path == "/block":
            has_begun.set()
            is_sent.wait(PATIENCE)
            clock.ahead = 2 * Timeouts().idle
            # A sweep falls due meanwhile, for they are 0.02 s apart.
            threading.Event().wait(0.1)  # the fault that is tried
        return Response("hello")

    with (
        running(block, loop=loop, timeouts=Timeouts(linger=0.008), clock=clock) as served,
        served.connect() as idle,
        served.connect() as busy,
    ):
        idle.sendall(GET)
        assert idle.recv(4096).endswith(b"hello")
        busy.sendall(GET.replace(b"/", b"/block", 1))
        assert has_begun.wait(PATIENCE)
        idle.sendall(GET)
        is_sent.set()
        assert busy.recv(4096).endswith(b"hello")
        assert idle.recv(4096).endswith(b"hello")
