"""Tests of ``turnbuckle.startup.collect.interfaces``."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from turnbuckle import App
from turnbuckle.startup.collect.interfaces import interface_of


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


async def with_default(scope: Any, receive: Any, send: Any, extra: Any = None) -> None: ...


async def with_anything(*args: Any) -> None: ...


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


def double(scope: Any) -> Any: ...


def make() -> Any: ...


def anything(*args: Any) -> Any: ...


class Framework:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class OldFramework:
    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        return []


class PerCall:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...


class Channel:
    def __init__(self, scope: Any) -> None: ...


@pytest.mark.parametrize(
    ("app", "interface"),
    [
        pytest.param(asgi, "asgi", id="function"),
        pytest.param(with_default, "asgi", id="optional-parameter"),
        pytest.param(with_anything, "asgi", id="async-wrapper"),
        pytest.param(Framework(), "asgi", id="instance"),
        pytest.param(functools.partial(with_default, extra=1), "asgi", id="partial"),
        pytest.param(PerCall, "asgi", id="class-per-call"),
        pytest.param(wsgi, "wsgi", id="wsgi-function"),
        pytest.param(OldFramework(), "wsgi", id="wsgi-instance"),
        pytest.param(double, "asgi2", id="asgi-2-function"),
        pytest.param(Channel, "asgi2", id="asgi-2-class"),
        pytest.param(make, "factory", id="factory"),
        pytest.param(App(), "turnbuckle", id="app"),
        pytest.param(App().scope("/x"), "turnbuckle", id="scope"),
        pytest.param(anything, "", id="unknown-wrapper"),
        pytest.param("main:app", "", id="text"),
    ],
)
def test_interface_is_recognized(app: object, interface: str) -> None:
    assert interface_of(app) == interface
