"""The test suite for lifespans (``turnbuckle.records.Lifespan`` documents the contract).

One task enters and leaves a lifespan, on the serving loop. In every case, the lifespan must close its resources,
and must leave no tasks or threads behind.
"""

from __future__ import annotations

import abc
import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import ClassVar, Final, TypeVar

import pytest

from turnbuckle.app import App
from turnbuckle.errors import LifespanError
from turnbuckle.records import Lifespan
from turnbuckle.setup import Setup
from turnbuckle.testing.client.client import Client
from turnbuckle.testing.conformance.base import ConfiguredSuite

__all__ = ["LifespanConformance"]

ResultT = TypeVar("ResultT")

_TIMEOUT: Final = 2.0
# A task is cancelled after so many steps of the loop, from 0 upwards.
_STEPS: Final = 6


class LifespanConformance(ConfiguredSuite, abc.ABC):
    """Tests of a lifespan; derive ``TestMyLifespan`` and define ``make_lifespan``.

    Its factory gets the settings of ``plugin`` and ``config``.

    Attributes:
        settings: the settings of the app.
        leaves_threads: whether threads of a pool may outlive the lifespan.
    """

    settings: ClassVar[Mapping[str, object]] = {}
    leaves_threads: ClassVar[bool] = False

    @abc.abstractmethod
    def make_lifespan(self) -> Lifespan:
        """Return a new record."""

    def is_open(self) -> bool | None:
        """Return whether the managed resource is open now; None if the test cannot know."""
        return None

    def _context(self, lifespan: Lifespan | None = None) -> AbstractAsyncContextManager[object]:
        return (lifespan or self.make_lifespan()).factory(self.make_setup())

    def _run(self, step: Callable[[], Coroutine[object, object, ResultT]], when: str) -> ResultT:
        """Run a step on a new loop, and check that nothing is left behind."""
        threads = set(threading.enumerate())
        result, tasks = asyncio.run(_watched(step))
        assert not tasks, f"tasks go on {when}: {', '.join(tasks)}"
        self._check_open(False, when)
        started = (
            [] if self.leaves_threads else [thread.name for thread in threading.enumerate() if thread not in threads]
        )
        # The loop's default pool has ended with the loop.
        assert not started, f"threads go on {when}: {', '.join(started)}"
        return result

    def _check_open(self, expected: bool, when: str) -> None:
        is_open = self.is_open()
        assert is_open in {None, expected}, f"what the lifespan manages is {'open' if is_open else 'closed'} {when}"

    # -- without faults ---------------------------------------------------------------------------------------------

    def test_waits_until_it_is_entered(self) -> None:
        """Making the context must open nothing, because it may happen on another thread, without a loop."""
        context = self._context()
        assert isinstance(context, AbstractAsyncContextManager), (
            f"the factory must return an async context manager, not {context!r}"
        )
        self._check_open(False, "before it was entered")

    def test_opens_and_closes(self) -> None:
        """The resource is open after entering, and closed after leaving."""

        async def step() -> None:
            async with self._context():
                self._check_open(True, "once it was entered")

        self._run(step, "after it was left")

    def test_serves_more_than_once(self) -> None:
        """The next server enters the same record again, and the server of another app may enter it at the same time."""
        lifespan = self.make_lifespan()

        async def step() -> None:
            first, second = self._context(lifespan), self._context(lifespan)
            assert first is not second, "the factory must return a new context each time"
            async with first:
                self._check_open(True, "once it was entered")

        for _ in range(2):
            self._run(step, "after it was left")

    def test_serves_an_app(self) -> None:
        """A server enters it before the first request, and leaves it after the last one."""

        async def step() -> None:
            app = App(settings=self.settings)
            app.lifespan(self._ready())
            async with Client(app) as client:
                self._check_open(True, "while requests are served")
                assert (await client.get("/")).status == 404

        self._run(step, "after the server has stopped")

    # -- with faults -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, GeneratorExit])
    def test_lets_exceptions_pass(self, kind: type[BaseException]) -> None:
        """An exception raised inside must propagate, and the resource must be closed."""

        async def step() -> bool:
            error = kind("on purpose")
            context = self._context()
            await context.__aenter__()
            with suppress(kind):
                return not await context.__aexit__(kind, error, None)
            return True

        passes = self._run(step, f"after {kind.__name__} was raised inside")
        assert passes, f"{kind.__name__} was swallowed"

    def test_is_left_when_another_fails(self) -> None:
        """A server that fails to start leaves the lifespans that it has entered."""

        async def step() -> None:
            app = App(settings=self.settings)
            app.lifespan(self._ready())
            app.lifespan(_failing)
            with pytest.raises(LifespanError):
                await Client(app).__aenter__()

        self._run(step, "after the next lifespan failed")

    @pytest.mark.parametrize("steps", range(_STEPS))
    def test_may_be_cancelled_while_it_is_entered(self, steps: int) -> None:
        """A start that is cancelled at any step leaves nothing open."""

        async def step() -> None:
            context = self._context()
            entering = asyncio.ensure_future(context.__aenter__())
            await _cancelled_after(steps, entering)
            if not entering.cancelled() and entering.exception() is None:
                await context.__aexit__(None, None, None)

        self._run(step, f"after entering was cancelled at step {steps}")

    @pytest.mark.parametrize("steps", range(_STEPS))
    def test_may_be_cancelled_while_it_is_left(self, steps: int) -> None:
        """A stop that runs out of time is cancelled, and leaves nothing open either."""

        async def step() -> None:
            context = self._context()
            await context.__aenter__()
            leaving = asyncio.ensure_future(context.__aexit__(None, None, None))
            await _cancelled_after(steps, leaving)

        self._run(step, f"after leaving was cancelled at step {steps}")

    def test_is_left_when_the_server_is_cancelled(self) -> None:
        """The cancellation must propagate: otherwise the server never ends."""

        async def step() -> bool:
            inside = asyncio.Event()

            async def serve() -> None:
                async with self._context():
                    inside.set()
                    await asyncio.Event().wait()

            serving = asyncio.ensure_future(serve())
            await asyncio.wait_for(inside.wait(), _TIMEOUT)
            self._check_open(True, "once it was entered")
            await _cancelled_after(0, serving)
            return serving.cancelled()

        was_cancelled = self._run(step, "after the server was cancelled")
        assert was_cancelled, "the cancellation was swallowed"

    def _ready(self) -> Callable[[Setup], AbstractAsyncContextManager[object]]:
        """Return the factory, which gets the setup of the suite."""
        factory = self.make_lifespan().factory

        def tested(setup: Setup) -> AbstractAsyncContextManager[object]:
            return factory(self.make_setup())

        return tested


class _Failing(AbstractAsyncContextManager[None]):
    async def __aenter__(self) -> None:
        raise ValueError("on purpose")

    async def __aexit__(self, *raised: object) -> None:
        """Do nothing."""


def _failing(setup: Setup) -> AbstractAsyncContextManager[object]:
    return _Failing()


async def _watched(step: Callable[[], Coroutine[object, object, ResultT]]) -> tuple[ResultT, list[str]]:
    """Return the result of the step, and the names of the tasks that it leaves behind."""
    result = await step()
    for _ in range(_STEPS):
        # A cancelled task ends at the next step, so it does not count.
        await asyncio.sleep(0)
    return result, [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def _cancelled_after(steps: int, task: asyncio.Future[ResultT]) -> None:
    """Cancel a task after some steps of the loop, and wait for its end."""
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=_TIMEOUT)
    assert done, "it goes on after it was cancelled"
