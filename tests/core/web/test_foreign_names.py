"""Tests of ``turnbuckle.web.foreign_names``: each error says what a name is called here, and hints name real things."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.core.web.requests import make_request
from turnbuckle import (
    App,
    FormData,
    HTTPError,
    NotAcceptable,
    Request,
    Response,
    SetCookie,
    UnsupportedMediaType,
    UploadedFile,
)
from turnbuckle.web import foreign_names
from turnbuckle.web.headers import Headers, MutableHeaders
from turnbuckle.web.multidict import QueryParams


@pytest.mark.parametrize(
    ("thing", "name", "hint"),
    [
        pytest.param(make_request(), "args", "request.query_params", id="flask-args"),
        pytest.param(make_request(), "GET", "request.query_params", id="django-get"),
        pytest.param(make_request(), "body", "await request.read()", id="body"),
        pytest.param(make_request(), "data", "await request.read()", id="data"),
        pytest.param(make_request(), "get_json", "await request.json()", id="get-json"),
        pytest.param(make_request(), "files", "(await request.form()).files", id="files"),
        pytest.param(make_request(), "user", "request.state.user", id="user"),
        pytest.param(make_request(), "app", "request.resource(KEY)", id="app"),
        pytest.param(make_request(), "remote_addr", "request.client", id="remote-addr"),
        pytest.param(Response(), "status_code", "response.status", id="status-code"),
        pytest.param(Response(), "media_type", "response.content_type", id="media-type"),
        pytest.param(Response(), "set_header", "response.headers.set", id="set-header"),
        pytest.param(QueryParams(), "getlist", "get_list(name)", id="getlist-of-query"),
        pytest.param(FormData(), "getlist", "get_list(name)", id="getlist-of-form"),
        pytest.param(Headers(), "getlist", "get_list(name)", id="getlist-of-headers"),
        pytest.param(MutableHeaders(), "append", "add(name, value)", id="append"),
    ],
)
def test_foreign_name_raises_an_error_that_says_what_it_is_called_here(thing: object, name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(f"has no attribute '{name}'; instead: ")) as raised:
        getattr(thing, name)
    assert hint in str(raised.value)
    assert raised.value.name == name
    assert not hasattr(thing, name)


@pytest.mark.parametrize(
    ("thing", "name", "hint"),
    [
        pytest.param(make_request(), "user", "request.state.user", id="user"),
        pytest.param(Response(), "status_code", "response.status", id="status-code"),
    ],
)
def test_foreign_name_cannot_be_set(thing: object, name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(hint)):
        setattr(thing, name, 1)


def test_subclass_may_have_an_attribute_of_a_foreign_name() -> None:
    class Page(Response):
        def __init__(self) -> None:
            super().__init__("")
            self.data = [1]  # type: ignore[assignment]  # the name is hidden from type checkers

    class Custom(Response):
        text = "custom"  # type: ignore[assignment]

    page = Page()
    assert page.data == [1]
    del page.data
    with pytest.raises(AttributeError, match="instead: response"):
        page.data  # noqa: B018
    assert Custom().text == "custom"


def test_keywords_of_other_frameworks_have_a_hint() -> None:
    for call, hint in (
        (lambda: Response("", status_code=404), "'status_code' is called status here"),  # type: ignore[call-arg]
        (lambda: Response("", mimetype="text/html"), "'mimetype' is called content_type here"),  # type: ignore[call-arg]
        (lambda: Response().set_cookie("a", httponly=True), "'httponly' is called http_only here"),  # type: ignore[call-arg]
        (lambda: Response().set_cookie("a", samesite="Lax"), "'samesite' is called same_site here"),  # type: ignore[call-arg]
        (lambda: HTTPError(status_code=404), "'status_code' is called status here"),  # type: ignore[call-arg]
        (lambda: SetCookie(name="a", value="", httponly=True), "'httponly' is called http_only here"),  # type: ignore[call-arg]
        (lambda: UnsupportedMediaType(message="no"), "'message' is called detail here"),  # type: ignore[call-arg]
        (lambda: NotAcceptable([], reason="no"), "'reason' is called detail here"),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError) as raised:
            call()
        assert foreign_names.keyword_hint(raised.value) == hint


def test_keywords_of_other_functions_have_no_hint() -> None:
    def function() -> None: ...

    with pytest.raises(TypeError) as raised:
        function(data=1)  # type: ignore[call-arg]
    assert foreign_names.keyword_hint(raised.value) == ""


@pytest.mark.parametrize(
    ("cls", "names"),
    [
        pytest.param(Request, foreign_names.REQUEST_NAMES, id="request"),
        pytest.param(Response, foreign_names.RESPONSE_NAMES, id="response"),
        pytest.param(App, foreign_names.APP_NAMES, id="app"),
        pytest.param(UploadedFile, foreign_names.UPLOAD_NAMES, id="upload"),
    ],
)
def test_hints_name_attributes_that_exist(cls: type, names: dict[str, str]) -> None:
    own = {name for base in cls.__mro__ for name in vars(base)} | set(getattr(cls, "__slots__", ()))
    for hint in names.values():
        for name in re.findall(rf"\b{'file' if cls is UploadedFile else cls.__name__.lower()}\.(\w+)", hint):
            assert name in own, hint
            assert name not in names, hint


def test_names_of_uploads_are_answered_with_the_name_here() -> None:
    upload: Any = UploadedFile("a.txt", "text/plain", in_memory=10)
    with pytest.raises(AttributeError, match=r"'UploadedFile' object has no attribute 'filename'; instead: file\.name"):
        upload.filename  # noqa: B018
    with pytest.raises(AttributeError, match=r"instead: file\.file has the methods of files"):
        upload.seek(0)
    assert upload.name == "a.txt"
