"""All contrib plugins work together: each with each other one, and all at once.

The apps have a page, a form, a stream and an error. Each must be answered as without the plugins, and no app may start
with a warning. The conformance suite of middleware runs on an app with all plugins, and on one with both chains.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import ClassVar, Final

import pytest

from turnbuckle import App, Plugin, Request
from turnbuckle.startup.plugins.discovery import installed_plugins
from turnbuckle.testing import Client, ClientResponse
from turnbuckle.testing.conformance import MiddlewareConformance
from turnbuckle_contrib.auth import User
from turnbuckle_contrib.openid_connect import OpenIDConnectPlugin

_SETTINGS: Final[Mapping[str, Mapping[str, object]]] = {
    "accounts": {"console_mail": True, "database": ":memory:", "origin": "http://testserver"},
    "allowed_hosts": {"hosts": ("testserver", "*.example", "localhost", "127.0.0.1")},
    "auth": {"login": "/accounts/login"},
    "asyncpg": {"required": False, "timeout": 0.1},
    "openid_connect": {
        "issuer": "https://login.example",
        "client_id": "app",
        "client_secret": "secret",
        "origin": "https://testserver",
    },
    "plan_page": {"without_debug": True},
    "proxy": {"upstreams": ("http://127.0.0.1:9",), "prefix": "/upstream"},
    "psycopg": {"required": False, "timeout": 0.1},
    "rate_limit": {"rules": ("100000/second",)},
    "sessions": {"secrets": ("k" * 40,)},
    "static": {"folders": "turnbuckle_contrib:openapi"},
}
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {"auth": ("sessions",), "method_override": ("csrf",)}
# They only provide chains, which other tests choose.
_CHAINS: Final = frozenset({"web", "api"})
_HARMLESS: Final = frozenset({"TB445"})
_FIELDS: Final = {"Sec-Fetch-Site": "same-origin", "Accept-Encoding": "gzip"}
_START: Final = 0.25


@cache
def _plugins() -> Mapping[str, type[Plugin]]:
    ours = [plugin for plugin in installed_plugins() if plugin.value.startswith("turnbuckle_contrib.")]
    return {plugin.name: plugin.entry_point.load() for plugin in ours}


_NAMES: Final = tuple(sorted(_plugins()))


def _with_needs(*names: str) -> list[object]:
    """Return plugins with the plugins that they need, and their settings."""
    wanted = list(names)
    for name in wanted:
        plugin = _plugins().get(name)
        requires = plugin.info.requires if plugin is not None else ()
        wanted += [other for other in (*requires, *_NEEDS.get(name, ())) if other not in wanted]
    plugins: dict[str, object] = {"openid_connect": OpenIDConnectPlugin(user=_user)}
    return [(plugins.get(name, name), _SETTINGS[name]) if name in _SETTINGS else name for name in wanted]


async def _user(request: Request, identity: object) -> User:
    return User(id="1", name="Ada")


def _conflict(first: str, second: str) -> bool:
    return second in _plugins()[first].info.conflicts or first in _plugins()[second].info.conflicts


def _add_routes(app: App) -> App:
    @app.get("/page")
    async def page(request: Request) -> str:
        return "page " * 200

    @app.post("/form")
    async def form(request: Request) -> str:
        return str((await request.form())["name"])

    @app.get("/stream")
    async def stream(request: Request) -> AsyncIterator[str]:
        yield "one"
        yield "two"

    @app.get("/fails")
    async def fails(request: Request) -> str:
        raise ValueError("on purpose")

    return app


def _text(response: ClientResponse) -> str:
    content = response.content
    if response.headers.get("content-encoding") == "gzip":
        content = zlib.decompressobj(wbits=31).decompress(content)
    return content.decode()


async def _answers(app: App) -> dict[str, object]:
    """Return the warnings of an app, and how it answers, which plugins must not change: see ``_EXPECTED``."""
    found = [entry for entry in app.plan.diagnostics if entry.level == "warning" and entry.code not in _HARMLESS]
    async with Client(app, raise_exceptions=False, headers=_FIELDS, base_url="https://testserver") as client:
        page = await client.get("/page")
        head = await client.head("/page")
        form = await client.post("/form", data={"name": "Ada"})
        stream = await client.get("/stream")
        return {
            "warnings": [str(entry) for entry in found],
            "page": (page.status, _text(page)),
            "head": (head.status, head.content),
            "form": (form.status, _text(form)),
            "stream": (stream.status, _text(stream)),
            "failure": (await client.get("/fails")).status,
            "unknown path": (await client.get("/nothing")).status,
            "other method": (await client.put("/page")).status,
        }


_EXPECTED: Final[Mapping[str, object]] = {
    "warnings": [],
    "page": (200, "page " * 200),
    "head": (200, b""),
    "form": (200, "Ada"),
    "stream": (200, "onetwo"),
    "failure": 500,
    "unknown path": 404,
    "other method": 405,
}


@pytest.mark.parametrize("name", _NAMES)
async def test_each_plugin_works_with_each_other_one(name: str) -> None:
    for other in _NAMES[_NAMES.index(name) + 1 :]:
        if not _conflict(name, other):
            try:
                assert await _answers(_add_routes(App(plugins=_with_needs(name, other)))) == _EXPECTED
            except BaseException as error:
                error.add_note(f"with the plugins {name!r} and {other!r}")
                raise


def _all() -> list[object]:
    names: list[str] = []
    for name in _NAMES:
        if not any(_conflict(name, other) for other in names):
            names.append(name)
    return _with_needs(*names)


async def test_all_plugins_work_together() -> None:
    assert await _answers(_add_routes(App(plugins=_all()))) == _EXPECTED


async def test_all_plugins_work_with_both_chains() -> None:
    app = _add_routes(App(plugins=_all(), chain="web"))
    app.scope("/api", chain="api").get("/notes")(_notes)
    assert await _answers(app) == _EXPECTED


async def _notes(request: Request) -> list[str]:
    return ["note"]


async def test_both_chains_work_alone() -> None:
    settings = {"plugin": {name: dict(values) for name, values in _SETTINGS.items() if name in {"sessions"}}}
    app = _add_routes(App(chain="web", settings=settings))
    app.scope("/api", chain="api").get("/notes")(_notes)
    assert await _answers(app) == _EXPECTED


class TestAllTogether(MiddlewareConformance):
    answers_exceptions = True
    headers: ClassVar = {"Sec-Fetch-Site": "same-origin"}

    def app_options(self) -> Mapping[str, object]:
        # The suite sends its requests without TLS.
        return {"plugins": [plugin for plugin in _all() if plugin != "https_redirect"]}


class TestBothChains(MiddlewareConformance):
    answers_exceptions = True
    headers: ClassVar = {"Sec-Fetch-Site": "same-origin"}

    def app_options(self) -> Mapping[str, object]:
        return {"plugins": [("sessions", _SETTINGS["sessions"]), "api"], "chain": "web"}


def test_all_plugins_start_in_a_quarter_of_a_second() -> None:
    """The time of the processor counts. On a machine with other work, the same work takes up to twice as long."""
    _add_routes(App(plugins=_all())).compile()
    fastest = _START + 1
    for _ in range(5):
        app = _add_routes(App(plugins=_all()))
        begin = time.process_time()
        app.compile()
        fastest = min(fastest, time.process_time() - begin)
    assert fastest <= 2 * _START
