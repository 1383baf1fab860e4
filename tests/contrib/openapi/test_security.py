"""Security schemes of plugins and apps, and amendments of documents."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tests.contrib.openapi.documents import document_of
from turnbuckle import (
    App,
    Plan,
    Plugin,
    PluginInfo,
    Request,
    StartupError,
    hookimpl,
    middleware,
)
from turnbuckle_contrib.openapi import OpenAPIPlugin, SecurityScheme
from turnbuckle_contrib.openapi.security import merge_patch

_BEARER = {"type": "http", "scheme": "bearer"}
_COOKIE = {"type": "apiKey", "in": "cookie", "name": "session"}


@attrs.frozen
class User:
    name: str


def admin_only(request: Request) -> None: ...


async def nothing(request: Request) -> str:
    return ""


async def for_user(user: User) -> str:
    return ""


@middleware(name="sessions")
async def sessions(request: Request, call_next: Any) -> Any:
    return await call_next(request)


class AuthPlugin(Plugin):
    """Authenticate."""

    info = PluginInfo(name="auth")

    @hookimpl(optionalhook=True)
    def provide_security_schemes(self, plan: Plan) -> list[SecurityScheme]:
        return [
            SecurityScheme(name="bearer", definition=_BEARER, types=User, guards=admin_only, scopes="admin"),
            SecurityScheme(name="cookie", definition=_COOKIE, middleware="sessions", errors=(401, 403)),
            SecurityScheme(name="unused", definition=_COOKIE),
        ]

    @hookimpl(optionalhook=True)
    def amend_openapi(self, document: dict[str, Any], plan: Plan) -> list[dict[str, Any]]:
        return [{"info": {"contact": {"name": f"{len(document['paths'])} paths"}}}, {"tags": None}]


def _add_routes(app: App) -> None:
    @app.supply
    def user(request: Request) -> User:
        return User("ada")

    app.get("/open")(nothing)
    app.get("/user")(for_user)
    app.get("/admin", guards=[admin_only])(nothing)
    app.scope("/guarded", guards=[admin_only]).get("/")(nothing)
    app.scope("/inside", middleware=[sessions]).scope("/deep").get("/user")(for_user)


def test_operations_require_the_schemes_of_their_parts() -> None:
    app = App(plugins=["openapi", AuthPlugin])
    _add_routes(app)
    document = document_of(app)
    operations = {path: item["get"] for path, item in document["paths"].items()}
    assert {path: operation.get("security") for path, operation in operations.items()} == {
        "/open": None,
        "/user": [{"bearer": ["admin"]}],
        "/admin": [{"bearer": ["admin"]}],
        "/guarded": [{"bearer": ["admin"]}],
        "/inside/deep/user": [{"bearer": ["admin"], "cookie": []}],
    }
    assert list(operations["/user"]["responses"]) == ["200", "401"]
    assert list(operations["/inside/deep/user"]["responses"]) == ["200", "401", "403"]
    assert document["components"]["securitySchemes"] == {"bearer": _BEARER, "cookie": _COOKIE}
    assert document["info"]["contact"] == {"name": "5 paths"}
    assert "tags" not in document


def test_plugin_in_a_scope_is_called_as_well() -> None:
    app = App(plugins=["openapi"])
    _add_routes(app)
    app.scope("/other", plugins=[AuthPlugin])
    document = document_of(app)
    assert list(document["components"]["securitySchemes"]) == ["bearer", "cookie"]


def test_plugin_works_without_openapi() -> None:
    assert not App(plugins=[AuthPlugin]).resolve().diagnostics


def test_app_adds_schemes_and_amendments() -> None:
    everywhere = SecurityScheme(
        name="basic", definition={"type": "http", "scheme": "basic"}, everywhere=True, errors=()
    )
    plugin = OpenAPIPlugin([everywhere], amend=lambda document, plan: {"info": {"title": plan.app_name.title()}})
    app = App("my shop", plugins=[plugin])
    app.get("/")(nothing)
    document = document_of(app)
    assert document["paths"]["/"]["get"]["security"] == [{"basic": []}]
    assert document["info"]["title"] == "My Shop"


@pytest.mark.parametrize(
    ("schemes", "text"),
    [
        pytest.param(["bearer"], "returns SecurityScheme records, not 'bearer'", id="type"),
        pytest.param(
            [SecurityScheme(name="x", definition=_BEARER), SecurityScheme(name="x", definition=_COOKIE)],
            "two security schemes named 'x' have different definitions",
            id="twice",
        ),
    ],
)
def test_wrong_scheme_is_a_problem(schemes: Any, text: str) -> None:
    with pytest.raises(StartupError) as raised:
        App(plugins=[OpenAPIPlugin(schemes)]).resolve()
    assert text in str(raised.value.problems[0])


# RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": "foo"}, None, None),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: object, patch: object, result: object) -> None:
    assert merge_patch(target, patch) == result


def test_name_of_a_scheme_is_a_key_of_components() -> None:
    with pytest.raises(ValueError, match="name"):
        SecurityScheme(name="my scheme", definition=_BEARER)


def test_schemes_of_a_group_are_alternatives_and_others_are_required_with_each() -> None:
    schemes = [
        SecurityScheme(name="token", definition=_BEARER, types=(User,), group="user"),
        SecurityScheme(name="cookie", definition=_COOKIE, types=(User,), group="user"),
        SecurityScheme(name="gateway", definition={"type": "mutualTLS"}, everywhere=True),
    ]
    app = App(plugins=[OpenAPIPlugin(schemes)])

    @app.supply
    def user() -> User:
        return User("ada")

    app.get("/me")(for_user)
    app.get("/")(nothing)
    paths = document_of(app)["paths"]
    assert paths["/me"]["get"]["security"] == [{"token": [], "gateway": []}, {"cookie": [], "gateway": []}]
    assert paths["/"]["get"]["security"] == [{"gateway": []}]
