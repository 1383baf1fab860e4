"""Mistakes in what plugins add up to, and in what their factories make."""

from __future__ import annotations

from tests.core.startup.mistakes import Mistake, plugin

__all__ = ["COMPOSITION"]


def _providing(what: str, *records: str, name: str = "it", **more: object) -> str:
    return plugin(f"def provide_{what}(self, setup):  # here\n    return [{', '.join(records)}]", name=name, **more)


def _quiet(source: str) -> str:
    return source.replace("  # here", "")


_PARSER = "ParserProvider('{}', lambda limits: limits)"
_OTHER_PARSER = {"other": _quiet(_providing("parsers", _PARSER.format("other"), name="other"))}
_BOTH = ("it", "other")


def _route(path: str, handler: str = "answer") -> str:
    return _providing("routes", f"Route(path={path!r}, handler={handler})")


COMPOSITION = {
    "two-plugins-for-one-slot": Mistake(
        code="TB401",
        says="2 plugins offer a parser: 'mine', 'other'",
        source=_providing("parsers", _PARSER.format("mine")),
        others=_OTHER_PARSER,
        enabled=_BOTH,
    ),
    "two-components-of-one-kind": Mistake(
        code="TB401",
        says="2 plugins offer a json component: 'mine', 'mine'",
        source=_providing("components", "Component('json', 'mine', around)", "Component('json', 'mine', around)"),
    ),
    "setting-names-an-unknown-parser": Mistake(
        code="TB402",
        says="no parser is named 'htptools'",
        settings='parser = "htptools"  # here',
        plugin="app",
    ),
    "setting-names-an-unknown-router": Mistake(
        code="TB402",
        says="no router is named 'tee'; did you mean 'tree'?",
        settings='router = "tee"  # here',
        plugin="app",
    ),
    "response-type-twice": Mistake(
        code="TB404",
        says="response type for complex",
        source=_providing("response_types", "ResponseType(complex, Text)", "ResponseType(complex, Text)"),
    ),
    "malformed-pattern": Mistake(
        code="TB405",
        says="route '/items/{id' cannot be used",
        source=_route("/items/{id"),
    ),
    "pattern-of-another-framework": Mistake(
        code="TB405",
        says="'<int:id>' is the syntax of another framework",
        source=_route("/items/<int:id>"),
    ),
    "pattern-without-a-slash": Mistake(
        code="TB405",
        says="route 'items' cannot be used",
        source=_route("items"),
    ),
    "unknown-converter": Mistake(
        code="TB405",
        says="route '/items/{id:integer}' cannot be used",
        source=_route("/items/{id:integer}", "lambda request, id: 'yes'"),
    ),
    "unknown-method": Mistake(
        code="TB405",
        says="route '/items' cannot be used",
        source=_providing("routes", "Route(path='/items', handler=answer, methods=['get'])"),
    ),
    "duplicate-route": Mistake(
        code="TB406",
        says="conflicts with GET /items",
        source=_route("/items"),
        others={"alpha": _quiet(_route("/items").replace('"it"', '"alpha"'))},
        enabled=("it", "alpha"),
    ),
    "middleware-in-a-cycle": Mistake(
        code="TB408",
        says="middleware is ordered in a cycle: a -> b -> a",
        source=_providing("middleware", "Middleware('a', around, before='b')", "Middleware('b', around, before='a')"),
    ),
    "middleware-of-one-name": Mistake(
        code="TB410",
        says="two middleware are named 'timing'",
        source=_providing("middleware", "Middleware('timing', around)"),
        others={"alpha": _quiet(_providing("middleware", "Middleware('timing', around)", name="alpha"))},
        enabled=("it", "alpha"),
    ),
    "order-against-the-zone": Mistake(
        code="TB411",
        says="middleware 'a' asks for 'a' (zone app) outside of 'b' (zone edge)",
        source=_providing("middleware", "Middleware('a', around, before='b')", "Middleware('b', around, zone='edge')"),
    ),
    "needs-what-is-not-there": Mistake(
        code="TB412",
        says="middleware 'login' needs 'session' outside of it, and nothing provides it",
        source=_providing("middleware", "Middleware('login', around, needs='session')"),
    ),
    "needs-what-is-inside": Mistake(
        code="TB412",
        says="middleware 'login' needs 'session' outside of it, but 'sessions' is inside",
        source=_providing(
            "middleware",
            "Middleware('login', around, zone='security', needs='session')",
            "Middleware('sessions', around, zone='session', provides='session')",
        ),
    ),
    "error-handler-twice": Mistake(
        code="TB414",
        says="error handler for KeyError",
        source=_providing("error_handlers", "ErrorHandler(KeyError, passing)", "ErrorHandler(KeyError, passing)"),
    ),
    "handler-takes-another-parameter": Mistake(
        code="TB415",
        says="requires 'number', which its path does not give",
        source="async def item(request, number):\n    return 'yes'\n\n\n" + _route("/items/{id}", "item"),
    ),
    "handler-is-no-function": Mistake(
        code="TB415",
        says="route '/items': ",
        source=_route("/items", "'answer'"),
    ),
    "two-protocols-for-one-token": Mistake(
        code="TB416",
        says="upgrade token 'chat' is defined twice",
        source=_providing(
            "protocols",
            "ProtocolProvider(name='a', factory=around, upgrade='chat')",
            "ProtocolProvider(name='b', factory=around, upgrade='Chat')",
        ),
    ),
    "two-set-one-key": Mistake(
        code="TB418",
        says="middleware 'b' and 'a' both set 'user' on the request",
        source=_providing(
            "middleware", "Middleware('a', around, provides='user')", "Middleware('b', around, provides='user')"
        ),
    ),
    "order-leaves-one-out": Mistake(
        code="TB419",
        says="middleware.order leaves out 'b'",
        source=_providing("middleware", "Middleware('a', around)", "Middleware('b', around)"),
        sections='[middleware]\norder = ["a"]\n',
    ),
    "order-names-what-is-not-there": Mistake(
        code="TB419",
        says="middleware.order names 'bb', which does not exist",
        source=_quiet(_providing("middleware", "Middleware('a', around)")),
        sections='[middleware]\norder = ["a", "bb"]  # here\n',
        plugin="app",
    ),
    "route-name-twice": Mistake(
        code="TB420",
        says="route name 'home' is defined twice",
        source=_providing(
            "routes", "Route(path='/a', handler=answer, name='home')", "Route(path='/b', handler=answer, name='home')"
        ),
    ),
    "middleware-returns-nothing": Mistake(
        code="TB501",
        says="never returns a response; a 'return' is missing",
        source="@middleware\nasync def silent(request, call_next):\n    await call_next(request)\n\n\n"
        + _providing("middleware", "silent"),
    ),
    "middleware-factory-raises": Mistake(
        code="TB501",
        says="middleware 'mine' cannot be made: ZeroDivisionError: division by zero",
        source="def broken(next_handler, setup):\n    return 1 / 0\n\n\n"
        + _providing("middleware", "Middleware('mine', broken)"),
    ),
    "middleware-factory-returns-nothing": Mistake(
        code="TB501",
        says="middleware 'mine' cannot be made: TypeError: the factory of middleware 'mine' returned None",
        source="def broken(next_handler, setup):\n    async def handler(request):\n        return Text('yes')\n\n\n"
        + _providing("middleware", "Middleware('mine', broken)"),
    ),
    "middleware-factory-is-a-text": Mistake(
        code="TB501",
        says="middleware 'mine' cannot be made: TypeError: ",
        source=_providing("middleware", "Middleware('mine', 'around')"),
    ),
    "middleware-factory-is-the-middleware": Mistake(
        code="TB501",
        says="middleware 'mine' cannot be made: TypeError: ",
        source=_providing("middleware", "Middleware('mine', passing)"),
    ),
    "middleware-factory-takes-one-argument": Mistake(
        code="TB501",
        says="middleware 'mine' cannot be made: TypeError: ",
        source=_providing("middleware", "Middleware('mine', lambda next_handler: next_handler)"),
    ),
    "router-factory-raises": Mistake(
        code="TB502",
        says="router 'mine' cannot be made: TypeError: ",
        source=_providing("routers", "RouterProvider('mine', TreeRouter().match)"),
    ),
    "router-factory-returns-nothing": Mistake(
        code="TB502",
        says="router 'mine' cannot be made: TypeError: ",
        source=_providing("routers", "RouterProvider('mine', lambda setup: None)"),
    ),
    "parser-factory-raises": Mistake(
        code="TB503",
        says="parser 'mine' cannot be made: TypeError: ",
        source=_providing("parsers", "ParserProvider('mine', lambda: None)"),
    ),
    "parser-factory-makes-no-parser": Mistake(
        code="TB503",
        says="parser 'mine' cannot be made: TypeError: ",
        source=_providing("parsers", _PARSER.format("mine")),
    ),
    "response-type-that-is-no-type": Mistake(
        code="TB504",
        says="response type for 'Decimal' cannot be used",
        source=_providing("response_types", "ResponseType('Decimal', Text)"),
    ),
    "error-handler-for-no-exception": Mistake(
        code="TB504",
        says="error handler for 404 cannot be used",
        source=_providing("error_handlers", "ErrorHandler(404, answer)"),
    ),
    "lifespan-is-no-context-manager": Mistake(
        code="TB505",
        says="lifespan 'pool' cannot be used: ",
        source="async def pool(setup):\n    yield\n\n\n" + _providing("lifespans", "Lifespan('pool', pool)"),
    ),
    "lifespan-is-a-coroutine-function": Mistake(
        code="TB505",
        says="lifespan 'pool' cannot be used: ",
        source="async def pool(setup):\n    pass\n\n\n" + _providing("lifespans", "Lifespan('pool', pool)"),
    ),
    "lifespan-is-a-plain-context-manager": Mistake(
        code="TB505",
        says="lifespan 'pool' cannot be used: a 'def' that yields makes no async context manager",
        source="@contextmanager\ndef pool(setup):\n    yield\n\n\n" + _providing("lifespans", "Lifespan('pool', pool)"),
    ),
    "lifespan-takes-no-setup": Mistake(
        code="TB505",
        says="lifespan 'pool' cannot be used: ",
        source="@asynccontextmanager\nasync def pool():\n    yield\n\n\n"
        + _providing("lifespans", "Lifespan('pool', pool)"),
    ),
    "lifespan-is-a-text": Mistake(
        code="TB505",
        says="lifespan 'pool' cannot be used: ",
        source=_providing("lifespans", "Lifespan('pool', 'pool')"),
    ),
}
