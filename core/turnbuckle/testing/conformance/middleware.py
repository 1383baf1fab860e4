"""The suite of middleware (``turnbuckle.records.Middleware`` has their contract).

Everything is asked through a whole server in memory, with a probe outside of the middleware and one inside. What has
nothing to do with a request must let it through as it is; what it does with those that concern it is for its author to
test.
"""

from __future__ import annotations

import abc
import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar, Final, TypeAlias

import attrs
import pytest

from turnbuckle.app import App
from turnbuckle.errors import Forbidden
from turnbuckle.records import Middleware
from turnbuckle.testing.client.client import Client
from turnbuckle.testing.client.response import ClientResponse
from turnbuckle.testing.conformance.middleware_probes import Probes, Unforeseen

__all__ = ["MiddlewareConformance"]

_Step: TypeAlias = Callable[[Client, Probes], Coroutine[object, object, None]]

_TOGETHER: Final = 5
_TIMEOUT: Final = 2.0
# What differs from one request to the next of any server.
_VOLATILE: Final = frozenset({"date"})


class MiddlewareConformance(abc.ABC):
    """What middleware must do; derive ``TestMyMiddleware`` from it and give it ``app_options``.

    Attributes:
        headers: fields that requests need so that the middleware lets them through, such as credentials.
        answers_exceptions: it turns exceptions of the middleware inside of it into responses.
    """

    headers: ClassVar[Mapping[str, str]] = {}
    answers_exceptions: ClassVar[bool] = False

    @abc.abstractmethod
    def app_options(self) -> Mapping[str, object]:
        """Return what ``App`` is given to have the middleware, such as ``{"middleware": [mine]}``; new each time."""

    def has_run(self, response: ClientResponse) -> bool:
        """Say whether the middleware has dealt with a response, if that can be seen; always so by default."""
        return True

    def _tested(self) -> list[Middleware]:
        return [each.record for each in App(**self.app_options()).plan.root.middleware]  # type: ignore[arg-type]  # see there

    def _run(self, step: _Step) -> Probes:
        """Serve an app with the middleware and the probes, and do one thing with it."""

        async def run() -> Probes:
            probes = Probes()
            application = probes.app(self.app_options(), self._tested()).compile()
            application = attrs.evolve(application, cancel_on_disconnect=True)
            async with Client(application, headers=self.headers, timeout=_TIMEOUT) as client:
                await step(client, probes)
            return probes

        return asyncio.run(run())

    # -- what goes in comes out --------------------------------------------------------------------------------------

    def test_calls_next_once(self) -> None:
        """The handler runs once for each request, neither twice nor not at all."""

        async def step(client: Client, probes: Probes) -> None:
            for path in ("/plain", "/nothing"):
                await client.get(path)
            await client.post("/echo", content=b"content")

        calls = self._run(step).calls
        for path in ("/plain", "/nothing", "/echo"):
            assert calls.get(path) == 1, f"a request for {path} calls the next handler {calls.get(path, 0)} times"

    def test_keeps_the_response(self) -> None:
        """Status, content and fields of the handler come out, also those that are there twice."""

        async def step(client: Client, probes: Probes) -> None:
            response = await client.get("/plain")
            assert response.status == 201, f"a status of 201 became {response.status}"
            assert response.headers.get("x-probe") == "plain", "a field that the handler set is gone"
            assert {"one", "two"} <= response.cookies.keys(), f"of two cookies there are {list(response.cookies)}"
            assert (await client.head("/plain")).content == b"", "a response to HEAD has no content"

        self._run(step)

    def test_keeps_the_content(self) -> None:
        """A handler reads what was sent, also if it was sent in chunks."""

        async def step(client: Client, probes: Probes) -> None:
            for content in (b"content", b"", b"c" * 100_000, _pieces(b"con", b"tent")):
                response = await client.post("/echo", content=content)
                expected = b"content" if isinstance(content, AsyncIterator) else content
                assert response.content == expected, f"content became {response.content!r:.80} ({response.status})"

        self._run(step)

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            pytest.param("GET", "/nothing", 404, id="404"),
            pytest.param("GET", "/missing", 404, id="404-of-a-handler"),
            pytest.param("PUT", "/plain", 405, id="405"),
            pytest.param("OPTIONS", "/plain", 204, id="options"),
            pytest.param("OPTIONS", "*", 204, id="options-of-all"),
            pytest.param("GET", "/fails", 500, id="500"),
            pytest.param("GET", "/plain?x=%ff&y", 201, id="odd-query"),
            pytest.param("GET", "/%ff%00", 404, id="odd-path"),
        ],
    )
    def test_runs_whatever_the_answer(self, method: str, path: str, status: int) -> None:
        """It is called for what no route takes, and for errors, where there is no route and no match."""

        async def step(client: Client, probes: Probes) -> None:
            response = await client.request(method, path)
            assert response.status == status, f"{method} {path} must be {status}, and is {response.status}"
            assert self.has_run(response), f"the middleware did not deal with {method} {path}, which is {status}"

        assert not self._run(step).raised, "an exception came out of the middleware"

    # -- what is raised ----------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", [Unforeseen, Forbidden])
    def test_lets_exceptions_pass(self, kind: type[Exception]) -> None:
        """What the middleware inside raises is raised outside: the very object, so that it can be told and logged."""
        error = kind("on purpose")

        async def step(client: Client, probes: Probes) -> None:
            probes.to_raise = error
            assert (await client.get("/plain")).status

        raised = self._run(step).raised
        if not self.answers_exceptions:
            assert raised, f"{error!r} was swallowed"
            assert raised[0] is error, f"{error!r} became {raised[0]!r}"

    def test_lets_cancellation_pass(self) -> None:
        """A handler whose client is gone is cancelled; nothing in between may keep that, or go on regardless."""

        async def step(client: Client, probes: Probes) -> None:
            connection = client.connect()
            connection.post(self._head("GET", "/waits"))
            await _soon(probes.started, "the handler to be called")
            await connection.reset()
            assert "inside" in probes.cancelled, "the handler was not cancelled with the request"
            assert "outside" in probes.cancelled, "the cancellation was swallowed"

        self._run(step)

    # -- streams -----------------------------------------------------------------------------------------------------

    def test_keeps_streams_streams(self) -> None:
        """A piece is sent when it is there, unless the middleware declares that it buffers responses."""
        buffers = any(each.buffers_response for each in self._tested())

        async def step(client: Client, probes: Probes) -> None:
            if buffers:
                probes.go.set()
            with _waiting_for("the first piece of a stream: it is buffered, and that is not declared"):
                async with client.stream("GET", "/streams") as response:
                    pieces = response.stream()
                    first = await anext(pieces)
                    probes.go.set()
                    rest = [piece async for piece in pieces]
            assert b"".join([first, *rest]) == b"first last", "a stream was changed"

        self._run(step)

    def test_closes_streams(self) -> None:
        """A stream whose client is gone is closed, so that it can clean up."""
        if any(each.buffers_response for each in self._tested()):
            return

        async def step(client: Client, probes: Probes) -> None:
            connection = client.connect()
            connection.pause_reading()
            connection.post(self._head("GET", "/endless"))
            await _soon(probes.started, "the stream to begin")
            await client.settle()
            await connection.reset()
            await _soon(probes.closed, "the stream to be closed once its client is gone")

        self._run(step)

    def test_keeps_content_a_stream(self) -> None:
        """A handler gets the first piece before the last one was sent, unless ``reads_body`` is declared."""
        if any(each.reads_body for each in self._tested()):
            return

        async def step(client: Client, probes: Probes) -> None:
            connection = client.connect()
            connection.post(self._head("POST", "/first", "Content-Length: 8") + b"half")
            await _soon(probes.started, "the first piece of content: it is read ahead, and that is not declared")
            await connection.send(b"half")
            assert connection.responses[0].content == b"halfhalf"

        self._run(step)

    # -- context and state -------------------------------------------------------------------------------------------

    def test_lets_context_variables_flow(self) -> None:
        """Those set outside are there inside, and those set inside are there outside: no task is put in between."""

        async def step(client: Client, probes: Probes) -> None:
            response = await client.get("/plain")
            assert response.text == "outside", "a context variable set outside of the middleware is lost inside"

        assert self._run(step).marks == ["inside"], "a context variable set in the handler is lost outside"

    def test_keeps_requests_apart(self) -> None:
        """Requests that are under way together are answered as if they were alone."""

        async def step(client: Client, probes: Probes) -> None:
            alone = [await self._alone(client, probes, number) for number in range(_TOGETHER)]
            probes.go.clear()
            probes.waiting = 0
            tasks = [asyncio.ensure_future(client.get(f"/together/{number}")) for number in range(_TOGETHER)]
            while probes.waiting < _TOGETHER:
                await _soon(probes.started, f"{_TOGETHER} requests at once; {probes.waiting} are there")
                probes.started.clear()
            probes.go.set()
            for task, (steady, text) in zip(tasks, alone, strict=True):
                response = await task
                assert response.text == text, f"the request for {text!r} was answered with {response.text!r}"
                found = {name: response.headers.get(name) for name in steady}
                assert found == steady, f"of requests at once, one has the fields {found}, and alone {steady}"

        strangers = self._run(step).strangers
        assert not strangers, f"requests share state: {', '.join(strangers)}"

    async def _alone(self, client: Client, probes: Probes, number: int) -> tuple[dict[str, str | None], str]:
        """Return the fields that are the same for each request of a path, and the content."""
        probes.go.set()
        first, second = await client.get(f"/together/{number}"), await client.get(f"/together/{number}")
        pairs = {name.lower(): value for name, value in first.headers.items() if name.lower() not in _VOLATILE}
        return {name: value for name, value in pairs.items() if second.headers.get(name) == value}, first.text

    def test_keeps_apps_apart(self) -> None:
        """Two apps may have the middleware; what it keeps belongs to one of them."""

        async def run() -> None:
            first, second = Probes(), Probes()
            async with (
                Client(first.app(self.app_options(), self._tested()), headers=self.headers) as one,
                Client(second.app(self.app_options(), self._tested()), headers=self.headers) as other,
            ):
                for client in (one, other, one):
                    assert (await client.get("/plain")).status == 201
            assert (first.calls, second.calls) == ({"/plain": 2}, {"/plain": 1}), (
                "a request to one app was handed to the other"
            )

        asyncio.run(run())

    def _head(self, method: str, path: str, *more: str) -> bytes:
        fields = [f"{name}: {value}" for name, value in self.headers.items()]
        lines = (f"{method} {path} HTTP/1.1", "Host: testserver", *fields, *more, "", "")
        return "\r\n".join(lines).encode()


@contextmanager
def _waiting_for(what: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


async def _soon(event: asyncio.Event, what: str) -> None:
    with _waiting_for(what):
        await asyncio.wait_for(event.wait(), _TIMEOUT)


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
