"""The suite of lifespans (``turnbuckle.records.Lifespan`` has their contract).

A lifespan is entered and left on the serving loop, by one task. Whatever happens in between or on the way, what it has
opened is closed, and nothing that it has started goes on.
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
from turnbuckle.settings import Settings
from turnbuckle.setup import Setup
from turnbuckle.testing.client.client import Client

__all__ = ["LifespanConformance"]

ResultT = TypeVar("ResultT")

_TIMEOUT: Final = 2.0
# At how many steps of the loop a task is cancelled, one after the other.
_STEPS: Final = 6


class LifespanConformance(abc.ABC):
    """What a lifespan must do; derive ``TestMyLifespan`` from it and give it ``make_lifespan``.

    Attributes:
        settings: of the app that it is part of.
        leaves_threads: threads of a pool may outlive it.
    """

    settings: ClassVar[Mapping[str, object]] = {}
    leaves_threads: ClassVar[bool] = False

    @abc.abstractmethod
    def make_lifespan(self) -> Lifespan:
        """Return a new record."""

    def is_open(self) -> bool | None:
        """Say whether what it manages is open at the moment; None if that cannot be seen."""
        return None

    def make_setup(self) -> Setup:
        """Return what its factory is given; without settings of a plugin by default."""
        return Setup(settings=Settings())

    def _context(self, lifespan: Lifespan | None = None) -> AbstractAsyncContextManager[object]:
        return (lifespan or self.make_lifespan()).factory(self.make_setup())

    def _run(self, step: Callable[[], Coroutine[object, object, ResultT]], when: str) -> ResultT:
        """Do something on a loop of its own, and see what is left behind."""
        threads = set(threading.enumerate())
        result, tasks = asyncio.run(_watched(step))
        assert not tasks, f"tasks go on {when}: {', '.join(tasks)}"
        self._check_open(False, when)
        started = [] if self.leaves_threads else [each.name for each in threading.enumerate() if each not in threads]
        # The loop's own pool ends with the loop.
        assert not started, f"threads go on {when}: {', '.join(started)}"
        return result

    def _check_open(self, expected: bool, when: str) -> None:
        is_open = self.is_open()
        assert is_open in {None, expected}, f"what the lifespan manages is {'open' if is_open else 'closed'} {when}"

    # -- as it should go ---------------------------------------------------------------------------------------------

    def test_waits_until_it_is_entered(self) -> None:
        """Making the context opens nothing: that may happen on another thread, without a loop."""
        context = self._context()
        assert isinstance(context, AbstractAsyncContextManager), (
            f"the factory must return an async context manager, not {context!r}"
        )
        self._check_open(False, "before it was entered")

    def test_opens_and_closes(self) -> None:
        """Entered, it is open; left, it is closed."""

        async def step() -> None:
            async with self._context():
                self._check_open(True, "once it was entered")

        self._run(step, "after it was left")

    def test_serves_more_than_once(self) -> None:
        """A record is entered again by the next server, and by that of another app at the same time."""
        lifespan = self.make_lifespan()

        async def step() -> None:
            first, second = self._context(lifespan), self._context(lifespan)
            assert first is not second, "the factory must return a new context each time"
            async with first:
                self._check_open(True, "once it was entered")

        for _ in range(2):
            self._run(step, "after it was left")

    def test_serves_an_app(self) -> None:
        """A server enters it before the first request, and leaves it after the last."""

        async def step() -> None:
            app = App(settings=self.settings)
            app.lifespan(self._ready())
            async with Client(app) as client:
                self._check_open(True, "while requests are served")
                assert (await client.get("/")).status == 404

        self._run(step, "after the server has stopped")

    # -- as it may go ------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, GeneratorExit])
    def test_lets_exceptions_pass(self, kind: type[BaseException]) -> None:
        """What is raised inside goes on, and what was opened is closed."""

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
        """A server that does not come to start leaves what it has entered."""

        async def step() -> None:
            app = App(settings=self.settings)
            app.lifespan(self._ready())
            app.lifespan(_failing)
            with pytest.raises(LifespanError):
                await Client(app).__aenter__()

        self._run(step, "after the next lifespan failed")

    @pytest.mark.parametrize("steps", range(_STEPS))
    def test_may_be_cancelled_while_it_is_entered(self, steps: int) -> None:
        """A start that is broken off leaves nothing open, however far it has come."""

        async def step() -> None:
            context = self._context()
            entering = asyncio.ensure_future(context.__aenter__())
            await _cancelled_after(steps, entering)
            if not entering.cancelled() and entering.exception() is None:
                await context.__aexit__(None, None, None)

        self._run(step, f"after entering was cancelled at step {steps}")

    @pytest.mark.parametrize("steps", range(_STEPS))
    def test_may_be_cancelled_while_it_is_left(self, steps: int) -> None:
        """Nor does a stop that has no time left, which says so by cancelling."""

        async def step() -> None:
            context = self._context()
            await context.__aenter__()
            leaving = asyncio.ensure_future(context.__aexit__(None, None, None))
            await _cancelled_after(steps, leaving)

        self._run(step, f"after leaving was cancelled at step {steps}")

    def test_is_left_when_the_server_is_cancelled(self) -> None:
        """The cancellation goes on: a server whose end is swallowed never ends."""

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
        """Return the factory, given the suite's own setup."""
        factory = self.make_lifespan().factory

        def tested(setup: Setup) -> AbstractAsyncContextManager[object]:
            return factory(self.make_setup())

        return tested


class _Failing(AbstractAsyncContextManager[None]):
    async def __aenter__(self) -> None:
        raise ValueError("on purpose")

    async def __aexit__(self, *raised: object) -> None:
        """Leave nothing."""


def _failing(setup: Setup) -> AbstractAsyncContextManager[object]:
    return _Failing()


async def _watched(step: Callable[[], Coroutine[object, object, ResultT]]) -> tuple[ResultT, list[str]]:
    """Return what the step returns, with the tasks that are left behind; they are cancelled."""
    result = await step()
    for _ in range(_STEPS):
        # What was cancelled ends at the next step, and is not left behind.
        await asyncio.sleep(0)
    return result, [each.get_name() for each in asyncio.all_tasks() if each is not asyncio.current_task()]


async def _cancelled_after(steps: int, task: asyncio.Future[ResultT]) -> None:
    """Cancel a task after some steps of the loop, and wait for its end."""
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=_TIMEOUT)
    assert done, "it goes on after it was cancelled"
