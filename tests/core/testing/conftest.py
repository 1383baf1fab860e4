from __future__ import annotations

from collections.abc import Callable

import pytest

from turnbuckle.http.parser import H1ParserFactory
from turnbuckle.server.model.application import Application, ReadyLifespan
from turnbuckle.web.request.request import Request
from turnbuckle.web.response.response import Response
from turnbuckle.web.types import Handler


async def _echo(request: Request) -> Response:
    return Response(await request.read())


@pytest.fixture
def make_application() -> Callable[..., Application]:
    """Make an application from one handler, without the machinery of startup."""

    def make(handle: Handler = _echo, *, lifespans: tuple[ReadyLifespan, ...] = ()) -> Application:
        return Application(handle=handle, parser_factory=H1ParserFactory(), lifespans=lifespans)

    return make
