"""Sessions of streams, of server-sent events and of WebSockets: saved with the head, read afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from turnbuckle import SSE, App, Request, Response, ServerSentEvent, Session, Stream, WebSocket
from turnbuckle.testing import Client


async def test_stream_saves_changes_of_its_handler(any_app: App) -> None:
    @any_app.get("/stream")
    async def stream(session: Session) -> Stream:
        session["streamed"] = True

        async def pieces() -> AsyncIterator[str]:
            yield "a"
            yield str(session["streamed"])

        return Stream(pieces())

    async with Client(any_app) as client:
        response = await client.get("/stream")
        assert (response.text, "set-cookie" in response.headers) == ("aTrue", True)
        assert (await client.get("/show")).json()["values"] == {"streamed": True}


async def test_stream_that_changes_the_session_gets_an_error(any_app: App) -> None:
    errors: list[str] = []

    @any_app.get("/stream")
    async def stream(session: Session) -> AsyncIterator[str]:
        # A handler with "yield" runs once the head was sent.
        yield "a"
        try:
            session["late"] = True
        except RuntimeError as error:
            errors.append(str(error))
        yield str(dict(session))

    async with Client(any_app) as client:
        await client.post("/set?a=1")
        assert (await client.get("/stream")).text == "a{'a': '1'}"
        assert (await client.get("/show")).json()["values"] == {"a": "1"}
    assert errors == [
        "the session cannot be changed any more, because the head of the response is made; change it before the handler"
        " returns its stream, before a WebSocket is accepted, or in middleware inside of 'sessions'"
    ]


async def test_events_read_the_session(any_app: App) -> None:
    @any_app.get("/events")
    async def events(session: Session) -> SSE:
        async def send() -> AsyncIterator[ServerSentEvent]:
            yield ServerSentEvent(str(session.get("a")))

        return SSE(send())

    async with Client(any_app) as client:
        await client.post("/set?a=1")
        assert "data: 1" in (await client.get("/events")).text


async def test_function_after_the_response_can_read_and_not_change(any_app: App) -> None:
    seen: list[object] = []

    def work(session: Session) -> None:
        seen.append(session["a"])
        try:
            session["a"] = 2
        except RuntimeError:
            seen.append("refused")

    @any_app.post("/later")
    async def later(request: Request) -> str:
        request.after_response(work, request.session)
        return "later"

    async with Client(any_app) as client:
        await client.post("/set?a=1")
        await client.post("/later")
        assert (await client.get("/show")).json()["values"] == {"a": "1"}
    assert seen == ["1", "refused"]


async def test_websocket_changes_the_session_until_it_is_accepted(any_app: App) -> None:
    errors: list[str] = []

    @any_app.websocket("/ws")
    async def chat(socket: WebSocket, session: Session) -> None:
        assert socket.session is session
        session["opened"] = session.get("opened", 0) + 1
        await socket.accept()
        for change in (session.rotate, session.end, lambda: session.update(late=True)):
            try:
                change()
            except RuntimeError as error:
                errors.append(str(error))
        await socket.send(f"{session['_user']} {session['opened']}")

    async with Client(any_app) as client:
        await client.post("/login")
        for number in (1, 2):
            async with client.websocket("/ws") as socket:
                assert await socket.receive() == f"ada {number}"
        assert (await client.get("/show")).json()["values"] == {"_user": "ada", "opened": 2}
    assert len(errors) == 6
    assert all("before a WebSocket is accepted" in error for error in errors)


async def test_refused_websocket_saves_the_session(any_app: App) -> None:

    @any_app.websocket("/ws")
    async def chat(socket: WebSocket, session: Session) -> Response:
        session["refused"] = True
        return Response("no", 403)

    async with Client(any_app) as client:
        with pytest.raises(Exception, match="403"):
            async with client.websocket("/ws"):
                pass
        assert (await client.get("/show")).json()["values"] == {"refused": True}
