"""The test suite for middleware (``turnbuckle.records.Middleware`` documents the contract).

The tests send requests to a whole server in memory, with one probe outside of the middleware and one inside. Middleware
must pass on unchanged all requests that do not concern it. The author tests how it handles other requests.
"""

from __future__ import annotations

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
from turnbuckle.testing.conformance.base import ConfiguredSuite
from turnbuckle.testing.conformance.middleware_probes import Probes, Unforeseen
from turnbuckle.testing.conformance.shared_responses import Observed, mixed_parts, observe
from turnbuckle.web.request.request import Request

__all__ = ["MiddlewareConformance"]

_Step: TypeAlias = Callable[[Client, Probes], Coroutine[object, object, None]]

_TOGETHER: Final = 5
_TIMEOUT: Final = 2.0
_MOST_LINES: Final = 10
# Fields that differ from one request to the next on any server.
_VOLATILE: Final = frozenset({"date"})


class MiddlewareConformance(ConfiguredSuite):
    """Tests of middleware; derive ``TestMyMiddleware`` and set ``plugin``, or define ``app_options``.

    Attributes:
        headers: fields that a request needs to pass the middleware, such as credentials.
        answers_exceptions: whether the middleware turns exceptions of inner middleware into responses.
    """

    headers: ClassVar[Mapping[str, str]] = {}
    answers_exceptions: ClassVar[bool] = False

    def app_options(self) -> Mapping[str, object]:
        """Return new arguments of ``App`` that add the middleware, such as ``{"middleware": [mine]}``.

        By default, these are the plugins of ``plugins()``, and ``plugin`` with ``config``.
        """
        assert self.plugin is not None, "define app_options(), or set plugin to the class of the plugin"
        return {"plugins": [*self.plugins(), (self.plugin, self.config)]}

    def has_run(self, response: ClientResponse) -> bool:
        """Return whether the response shows that the middleware has run; True by default."""
        return True

    def use(self, request: Request) -> None:
        """Use the middleware in a handler, such as by changing the session; by default, do nothing."""

    def _tested(self) -> list[Middleware]:
        return [entry.record for entry in App(**self.app_options()).plan.root.middleware]  # type: ignore[arg-type]  # App checks its arguments

    def _run(self, step: _Step, *, reuses_responses: bool = False) -> Probes:
        """Serve an app with the middleware and the probes, and run one step."""

        async def run() -> Probes:
            probes = Probes(reuses_responses=reuses_responses, use=self.use)
            application = probes.app(self.app_options(), self._tested()).compile()
            application = attrs.evolve(application, cancel_on_disconnect=True)
            async with Client(application, headers=self.headers, timeout=_TIMEOUT, raise_exceptions=False) as client:
                await step(client, probes)
            return probes

        return asyncio.run(run())

    # -- unchanged messages ------------------------------------------------------------------------------------------

    def test_calls_next_once(self) -> None:
        """The handler runs exactly once for each request."""

        async def step(client: Client, probes: Probes) -> None:
            for path in ("/plain", "/nothing"):
                await client.get(path)
            await client.post("/echo", content=b"content")

        calls = self._run(step).calls
        for path in ("/plain", "/nothing", "/echo"):
            assert calls.get(path) == 1, f"a request for {path} calls the next handler {calls.get(path, 0)} times"

    def test_keeps_the_response(self) -> None:
        """Status, content and fields of the response are kept, including repeated fields."""

        async def step(client: Client, probes: Probes) -> None:
            response = await client.get("/plain")
            assert response.status == 201, f"a status of 201 became {response.status}"
            assert response.headers.get("x-probe") == "plain", "a field that the handler set is gone"
            assert {"one", "two"} <= response.cookies.keys(), f"of two cookies there are {list(response.cookies)}"
            assert (await client.head("/plain")).content == b"", "a response to HEAD has no content"

        self._run(step)

    def test_keeps_the_content(self) -> None:
        """The handler reads the sent content, chunked or not."""

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
        """Middleware also runs for requests without a route, and for errors."""

        async def step(client: Client, probes: Probes) -> None:
            response = await client.request(method, path)
            assert response.status == status, f"{method} {path} must be {status}, and is {response.status}"
            assert self.has_run(response), f"the middleware did not deal with {method} {path}, which is {status}"

        assert not self._run(step).raised, "an exception came out of the middleware"

    # -- exceptions --------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", [Unforeseen, Forbidden])
    def test_lets_exceptions_pass(self, kind: type[Exception]) -> None:
        """An exception of inner middleware propagates as the same object, so that it can be logged and answered."""
        error = kind("on purpose")

        async def step(client: Client, probes: Probes) -> None:
            probes.to_raise = error
            assert (await client.get("/plain")).status

        raised = self._run(step).raised
        if not self.answers_exceptions:
            assert raised, f"{error!r} was swallowed"
            assert raised[0] is error, f"{error!r} became {raised[0]!r}"

    def test_lets_cancellation_pass(self) -> None:
        """The handler of a disconnected client is cancelled; middleware must neither suppress nor ignore that."""

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
        """Each piece is sent at once, unless the middleware declares ``buffers_response``."""
        buffers = any(record.buffers_response for record in self._tested())

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
        """The stream of a disconnected client is closed, so that it can clean up."""
        if any(record.buffers_response for record in self._tested()):
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
        """The handler gets the first piece before the last one is sent, unless ``reads_body`` is declared."""
        if any(record.reads_body for record in self._tested()):
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
        """Context variables set outside are visible inside, and vice versa: middleware starts no task in between."""

        async def step(client: Client, probes: Probes) -> None:
            response = await client.get("/plain")
            assert response.text == "outside", "a context variable set outside of the middleware is lost inside"

        assert self._run(step).marks == ["inside"], "a context variable set in the handler is lost outside"

    def test_keeps_requests_apart(self) -> None:
        """Concurrent requests are answered like single requests."""

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
                assert found == steady, f"a concurrent request has the fields {found}, a single one {steady}"

        strangers = self._run(step).strangers
        assert not strangers, f"requests share state: {', '.join(strangers)}"

    async def _alone(self, client: Client, probes: Probes, number: int) -> tuple[dict[str, str | None], str]:
        """Return the fields that all requests for a path share, and the content."""
        probes.go.set()
        first, second = await client.get(f"/together/{number}"), await client.get(f"/together/{number}")
        pairs = {name.lower(): value for name, value in first.headers.items() if name.lower() not in _VOLATILE}
        return {name: value for name, value in pairs.items() if second.headers.get(name) == value}, first.text

    def test_keeps_apps_apart(self) -> None:
        """Two apps with the middleware share no state."""

        async def run() -> None:
            first, second = Probes(), Probes()
            async with (
                Client(
                    first.app(self.app_options(), self._tested()), headers=self.headers, raise_exceptions=False
                ) as one,
                Client(
                    second.app(self.app_options(), self._tested()), headers=self.headers, raise_exceptions=False
                ) as other,
            ):
                for client in (one, other, one):
                    assert (await client.get("/plain")).status == 201
            assert (first.calls, second.calls) == ({"/plain": 2}, {"/plain": 1}), (
                "a request to one app was handed to the other"
            )

        asyncio.run(run())

    def test_keeps_responses_apart(self) -> None:
        """A handler may return one object for all requests: nothing of a request is in the response to a later one."""
        before = self._observe(reuses_responses=False)
        shared = self._observe(reuses_responses=True)
        after = self._observe(reuses_responses=False)
        found = mixed_parts(shared, before, after)
        assert not found, "a response that a handler returns again was changed:\n" + "\n".join(found[:_MOST_LINES])

    def _observe(self, *, reuses_responses: bool) -> list[Observed]:
        observed: list[Observed] = []

        async def step(client: Client, probes: Probes) -> None:
            observed.extend(await observe(client, self.headers))

        self._run(step, reuses_responses=reuses_responses)
        return observed

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
