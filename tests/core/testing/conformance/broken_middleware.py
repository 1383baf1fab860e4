"""Middleware that is wrong, each in another way."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import Self

from turnbuckle import Handler, HTTPError, Middleware, Request, Response, Setup, Stream, middleware


@middleware
async def sound(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    response.headers.set("X-Sound", request.path.encode("ascii", "replace").decode().replace("\0", "?"))
    return response


@middleware
async def retries(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    return response if response.status < 400 else await call_next(request)


@middleware
async def answers_itself(request: Request, call_next: Handler) -> Response:
    return Response("cached")


@middleware
async def makes_another_response(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    return Response(response.body, response.status, dict(response.headers))


@middleware
async def eats_content(request: Request, call_next: Handler) -> Response:
    async for _ in request.stream():
        continue
    return await call_next(request)


@middleware
async def needs_a_route(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    assert request.route is not None
    return response


@middleware
async def swallows_exceptions(request: Request, call_next: Handler) -> Response:
    try:
        return await call_next(request)
    except Exception:
        return Response("all is well")


@middleware
async def replaces_exceptions(request: Request, call_next: Handler) -> Response:
    try:
        return await call_next(request)
    except Exception as error:
        raise HTTPError(500, str(error)) from error


@middleware
async def swallows_cancellation(request: Request, call_next: Handler) -> Response:
    with suppress(asyncio.CancelledError):
        return await call_next(request)
    return Response("too late")


@middleware
async def shields(request: Request, call_next: Handler) -> Response:
    return await asyncio.shield(asyncio.ensure_future(call_next(request)))


@middleware
async def runs_in_a_task(request: Request, call_next: Handler) -> Response:
    return await asyncio.create_task(call_next(request))


@middleware
async def buffers(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    if not isinstance(response.body, bytes):
        pieces = [piece if isinstance(piece, bytes) else piece.encode() async for piece in response.body]
        return Response(b"".join(pieces), response.status)
    return response


buffers_and_says_so = Middleware("buffers", buffers.factory, buffers_response=True)


@middleware
async def leaves_streams_open(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    if isinstance(response.body, bytes):
        return response
    source = response.body.__aiter__()
    KEPT.append(source)

    class Pieces:
        def __aiter__(self) -> Self:
            return self

        async def __anext__(self) -> bytes:
            return await anext(source)

    return Stream(Pieces())


KEPT: list[object] = []


@middleware
async def reads_ahead(request: Request, call_next: Handler) -> Response:
    await request.read()
    return await call_next(request)


reads_ahead_and_says_so = Middleware("reads_ahead", reads_ahead.factory, reads_body=True)


def _remembering(next_handler: Handler, setup: Setup) -> Handler:
    latest: list[Request] = []

    async def handler(request: Request) -> Response:
        latest[:] = [request]
        response = await next_handler(request)
        response.headers.set("X-Path", latest[0].raw_path)
        return response

    return handler


remembers_the_latest = Middleware("remembers_the_latest", _remembering)


def _sharing(next_handler: Handler, setup: Setup) -> Handler:
    first: list[Request] = []

    async def handler(request: Request) -> Response:
        first.append(request)
        request._state = first[0].state
        return await next_handler(request)

    return handler


shares_state = Middleware("shares_state", _sharing)


class _FirstNext:
    """Calls the next handler of the first app in every app."""

    def __init__(self) -> None:
        self.next: Handler | None = None

    def __call__(self, next_handler: Handler, setup: Setup) -> Handler:
        self.next = self.next or next_handler
        return self.next


def keeps_the_first_app() -> Middleware:
    return Middleware("keeps_the_first_app", FIRST)


FIRST = _FirstNext()


@middleware
async def skips_errors(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    if response.status < 400:
        response.headers.set("X-Seen", "yes")
    return response


@middleware
async def adds_cookies_to_the_response(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    response.headers.add("Set-Cookie", "seen=1")
    return response


@middleware
async def adds_cookies_to_a_copy(request: Request, call_next: Handler) -> Response:
    response = (await call_next(request)).copy()
    response.headers.add("Set-Cookie", f"id={secrets.token_urlsafe(32)}")
    return response


@middleware
async def keeps_the_first_secret(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    response.headers.setdefault("X-Secret", secrets.token_urlsafe(32))
    return response


@middleware
async def permits_the_origin(request: Request, call_next: Handler) -> Response:
    response = await call_next(request)
    if "origin" in request.headers:
        response.headers.set("Access-Control-Allow-Origin", request.headers["origin"])
    return response
