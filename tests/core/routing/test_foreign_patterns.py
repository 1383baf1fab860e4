"""Parameters in the syntax of other frameworks are refused with the spelling here."""

from __future__ import annotations

import pytest

from turnbuckle.routing.converters import BUILTIN_CONVERTERS
from turnbuckle.routing.host_patterns import ForeignHostError, parse_host_pattern
from turnbuckle.routing.patterns import PatternError, parse_pattern


@pytest.mark.parametrize(
    ("pattern", "fix"),
    [
        pytest.param("/a/<int:id>", "write '{id:int}', or '%3C' for '<'", id="flask-int"),
        pytest.param("/a/<id>", "write '{id}', or '%3C'", id="flask-str"),
        pytest.param("/a/<string:id>", "write '{id}', or '%3C'", id="flask-string"),
        pytest.param("/a/<slug:title>/x", "write '{title}', or '%3C'", id="django-slug"),
        pytest.param("/a/<path:rest>", "write '{rest:path}', or '%3C'", id="flask-path"),
        pytest.param("/a/<uuid:u>", "write '{u:uuid}', or '%3C'", id="flask-uuid"),
        pytest.param("/a/<id:int>", "write '{id:int}', or '%3C'", id="sanic-int"),
        pytest.param("/a/<name>.<ext>", "write '{name}', or '%3C'", id="flask-mixture"),
        pytest.param("/v<int:major>", "write '{major:int}', or '%3C'", id="flask-after-text"),
        pytest.param("/a/<int(min=1):id>", "write '{id:int}', or '%3C'", id="flask-arguments"),
        pytest.param("/a/:id", "write '{id}', or '%3A' for a colon", id="express"),
        pytest.param("/:year/:month", "write '{year}', or '%3A'", id="express-two"),
        pytest.param("/a/:id?", "write '{id}', or '%3A'", id="express-optional"),
        pytest.param("/a/:id(\\d+)", "write '{name:re(...)}' for an expression", id="express-expression"),
        pytest.param("/a/*", "write '{rest:path}', or '%2A'", id="star"),
        pytest.param("/a/*rest", "write '{rest:path}', or '%2A'", id="star-name"),
        pytest.param("/a/[id]", "write '{id}'", id="next"),
        pytest.param("/a/[...rest]", "write '{rest:path}'", id="next-rest"),
        pytest.param("/a/(?P<id>[0-9]+)", "write '{id:re(...)}' for an expression", id="django-re"),
        pytest.param("/a/(?P<id>[0-9]{4})", "write '{id:re(...)}' for an expression", id="django-re-braces"),
        pytest.param("/a/\\d+", "or enable the plugin regex_router", id="expression"),
        pytest.param("/a/.*", "or enable the plugin regex_router", id="any-text"),
        pytest.param("/a/{id?}", "write two routes, one with '{id}' and one without", id="optional"),
        pytest.param("/a/{id:int?}", "write two routes, one with '{id}' and one without", id="optional-int"),
        pytest.param("/a/{id=5}", "write two routes", id="default"),
        pytest.param("/a/{*rest}", "write '{rest:path}'", id="axum"),
        pytest.param("/a/{**rest}", "write '{rest:path}'", id="asp-net"),
        pytest.param("/a/{rest...}", "write '{rest:path}'", id="go"),
        pytest.param("/a/{rest*}", "write '{rest:path}'", id="hapi"),
        pytest.param("/a/{rest:.*}", "write '{rest:path}'", id="aiohttp-rest"),
        pytest.param("/a/{id:[0-9]+}", "write '{id:int}'", id="aiohttp-digits"),
        pytest.param("/a/{id:\\d+}", "write '{id:int}'", id="digits"),
        pytest.param("/a/{id:[a-z]{2}}", "write '{id:re([a-z]{2})}'", id="aiohttp-expression"),
        pytest.param("/a/{int:id}", "write '{id:int}'", id="swapped"),
        pytest.param("/a/{ id }", "write '{id}'", id="spaces"),
        pytest.param("/a/{id: int}", "write '{id:int}'", id="space-before-converter"),
        pytest.param("/a/{{id}}", "write '{id}'", id="double-braces"),
        pytest.param("a/{id}", "write '/a/{id}'", id="no-slash"),
        pytest.param("GET /a", "write '/a', and methods=['GET'] or @app.get", id="method"),
        pytest.param("^a/$", "enable the plugin regex_router", id="anchor"),
        pytest.param("https://a.example/x", "write the path only; host=... names a host", id="url"),
        pytest.param("/search?q={q}", "write '/search', and read the query with request.query_params", id="query"),
    ],
)
def test_syntax_of_another_framework_is_refused_with_the_spelling_here(pattern: str, fix: str) -> None:
    with pytest.raises(PatternError) as raised:
        parse_pattern(pattern)
    assert fix in raised.value.fix


@pytest.mark.parametrize(
    "pattern",
    [
        "/items:batch",
        "/v1/{name}:cancel",
        "/%3Aid",
        "/%2A",
        "/a/%3Cid%3E",
        "/$metadata",
        "/a(b)",
        "/x[1]",
        "/a*b",
        "/@me",
        "/a.b.c",
        "/{id:int}",
        "/{code:re([a-z]{2})}",
        "/{code:re(\\d+)}",
        "/{code:re(.*)}",
        "/{rest:path}",
        "/{name}.{kind}",
        "/v{major:int}.{minor:int}",
    ],
)
def test_other_patterns_are_accepted(pattern: str) -> None:
    assert parse_pattern(pattern).text == pattern


@pytest.mark.parametrize(
    ("pattern", "fix"),
    [
        pytest.param("*.example.com", "{name}.example.com", id="star"),
        pytest.param("<tenant>.example.com", "{tenant}.example.com", id="flask"),
        pytest.param("<str:tenant>.example.com", "{tenant}.example.com", id="flask-converter"),
        pytest.param(":tenant.example.com", "{tenant}.example.com", id="express"),
        pytest.param("api-<x>.{y}.example.com", "api-{x}.{y}.example.com", id="mixture"),
    ],
)
def test_host_in_the_syntax_of_another_framework_is_refused(pattern: str, fix: str) -> None:
    with pytest.raises(ForeignHostError, match="parameters are written in braces") as raised:
        parse_host_pattern(pattern, BUILTIN_CONVERTERS)
    assert raised.value.fix == f"write {fix!r}"
