"""The test suite for response types (``turnbuckle.records.ResponseType`` documents the contract)."""

from __future__ import annotations

import abc
import asyncio
import copy
from collections.abc import AsyncIterable, Sequence
from typing import Final, TypeVar

from turnbuckle.app import App
from turnbuckle.http.events import RequestHead
from turnbuckle.records import ResponseType
from turnbuckle.startup.plugins.validate import fault_of_render
from turnbuckle.testing.client.client import Client
from turnbuckle.testing.client.response import ClientResponse
from turnbuckle.testing.conformance.base import ConfiguredSuite
from turnbuckle.web.handlers import is_async_function
from turnbuckle.web.peer import Peer
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response

__all__ = ["ResponseTypeConformance"]

ValueT = TypeVar("ValueT")

_HEAD: Final = RequestHead(b"GET", b"/", 1, [(b"host", b"testserver")], 0)


def _render(record: ResponseType, value: object) -> Response:
    """Return the result of ``render``, which is an ``async def`` if it needs the request."""
    if not is_async_function(record.render):
        return record.render(value)  # type: ignore[return-value]  # the suite checks it

    async def render() -> object:
        return await record.render(value, Request(_HEAD, None, Peer()))  # type: ignore[misc]  # it is async

    return asyncio.run(render())  # type: ignore[return-value]  # as above


class ResponseTypeConformance(ConfiguredSuite, abc.ABC):
    """Tests of a response type; derive ``TestMyType`` and define ``response_type`` and ``make_values``."""

    @abc.abstractmethod
    def response_type(self) -> ResponseType:
        """Return the record."""

    @abc.abstractmethod
    def make_values(self) -> Sequence[object]:
        """Return new values as handlers might return them; at least two different ones."""

    def test_has_values_of_its_type(self) -> None:
        """The values are instances of the type of the record."""
        record, values = self.response_type(), self.make_values()
        assert len(values) > 1, "make_values() must give at least two values"
        for value in values:
            assert isinstance(value, record.type), (
                f"{value!r} is not of type {record.type.__name__}, and is never rendered by this type"
            )

    def test_renders_a_response(self) -> None:
        """The result is a response with the media type of the record."""
        record = self.response_type()
        for value in self.make_values():
            response = _render(record, value)
            assert isinstance(response, Response), f"render({value!r}) must return a Response, not {response!r}"
            sent = (response.content_type or "").partition(";")[0].strip()
            assert not record.media_type or sent in {record.media_type, ""}, (
                f"render({value!r}) gives {sent!r}, and the record says {record.media_type!r}"
            )

    def test_takes_the_value(self) -> None:
        """A plain ``def`` takes the value, and an ``async def`` takes the value and the request."""
        fault = fault_of_render(self.response_type())
        assert not fault, fault

    def test_makes_a_response_each_time(self) -> None:
        """Each call returns a new response, because middleware changes responses."""
        record = self.response_type()
        for value, again in zip(self.make_values(), self.make_values(), strict=True):
            if isinstance(value, Response):
                continue
            first, second = _render(record, value), _render(record, again)
            assert first is not second, f"render({value!r}) gives the same response twice"
            first.headers.set("X-Conformance", "changed")
            first.status = 418
            third = _render(record, again)
            for other in (second, third):
                assert "x-conformance" not in other.headers, f"responses for {value!r} share their fields"
                assert other.status != 418, f"responses for {value!r} share their status"

    def test_leaves_the_value_alone(self) -> None:
        """Rendering does not change the value, because a handler may keep it and return it again."""
        record = self.response_type()
        for value in self.make_values():
            before = _snapshot(value)
            _render(record, value)
            assert _snapshot(value) == before, f"render() changes the value: {before} became {_snapshot(value)}"

    def test_tells_values_apart(self) -> None:
        """The content depends on the value: different values do not all have the same content."""
        contents = {response.content for response in asyncio.run(self._get_all()) if response.status != 204}
        streams = any(isinstance(value, AsyncIterable) for value in self.make_values())
        assert len(contents) > 1 or streams, f"all values give the same content: {contents}"

    def test_serves_an_app(self) -> None:
        """The value of a handler is sent, the same each time, and HEAD has the fields of GET."""
        first, second = asyncio.run(self._get_all()), asyncio.run(self._get_all())
        heads = asyncio.run(self._get_all("HEAD"))
        for value, one, other, head in zip(self.make_values(), first, second, heads, strict=True):
            assert one.status < 500, f"a handler that returns {value!r} is answered with {one.status}"
            assert (one.status, one.content) == (other.status, other.content), f"{value!r} is not always rendered alike"
            assert head.content == b"", "a response to HEAD has no content"
            assert head.headers.get("content-type") == one.headers.get("content-type"), f"HEAD of {value!r} differs"

    def test_covers_subclasses(self) -> None:
        """A subclass without its own response type is rendered by the one of its base."""
        record = self.response_type()
        for value in self.make_values():
            derived = _derived(value)
            if derived is not None:
                response = _render(record, derived)
                assert isinstance(response, Response), f"render() of a subclass of {type(value).__name__}: {response!r}"

    async def _get_all(self, method: str = "GET") -> list[ClientResponse]:
        app = App()
        record = self.response_type()
        app.response_type(record.type, media_type=record.media_type)(record.render)
        values = self.make_values()

        async def answer(request: Request, number: int) -> object:
            return values[number]

        app.get("/{number:int}")(answer)
        async with Client(app, raise_exceptions=False) as client:
            return [await client.request(method, f"/{number}") for number in range(len(values))]


def _snapshot(value: object) -> str:
    if isinstance(value, AsyncIterable):
        return type(value).__name__
    return f"{value!r} {getattr(value, '__dict__', '')!r}"


def _derived(value: ValueT) -> ValueT | None:
    """Return a copy as an instance of a subclass; None if that is not possible."""
    kind = type(value)
    try:
        derived = copy.copy(value)
        derived.__class__ = type(f"Derived{kind.__name__}", (kind,), {"__slots__": ()})
    except (TypeError, AttributeError, copy.Error):
        return None
    return derived
