"""Mistakes in signatures and dependencies: ``turnbuckle check`` reports each with its place, the reason and the fix."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from turnbuckle.cli.group import turnbuckle

_HEAD: Final = """\
from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import attrs

from turnbuckle import *

app = App()
T = TypeVar("T")


class Store: ...


class Fast(Store): ...


@attrs.frozen
class Note:
    title: str


@attrs.frozen
class Author:
    name: str


@attrs.frozen
class Tagged:
    tags: list[str] = []


class Row(NamedTuple):
    cells: list[str] = []


@attrs.frozen
class Deep:
    note: Note


class Depends:
    def __init__(self, function: object = None) -> None: ...


class Foreign:
    class Query: ...


Foreign.Query.__module__ = "fastapi.params"


def get_store() -> Store:
    return Store()


"""
_GET: Final = '@app.get("/")\nasync def home({}) -> str: return ""\n'
_POST: Final = '@app.post("/")\nasync def home({}) -> str: return ""\n'


def get(parameters: str) -> str:
    return _GET.format(parameters)


def post(parameters: str) -> str:
    return _POST.format(parameters)


# The code, a part of the fix, and the source.
MISTAKES: Final = {
    "marker-as-default": ("TB614", "Annotated[int, Query(", get("page: int = Query(ge=1)")),
    "marker-class-as-default": ("TB614", "Annotated[int, Query(", get("page: int = Query")),
    "marker-of-fastapi": ("TB614", "Query from turnbuckle", get("page: Annotated[int, Foreign.Query()]")),
    "depends-as-default": ("TB614", "@app.supply", get("store: Store = Depends(get_store)")),
    "depends-in-annotated": ("TB614", "@app.supply", get("store: Annotated[Store, Depends(get_store)]")),
    "function-as-annotation": ("TB614", "'store: Store'", get("store: get_store")),
    "function-as-default": ("TB614", "@app.supply above get_store", get("store: Store = get_store")),
    "unknown-type": ("TB611", "@app.supply above a function that is annotated '-> Store'", get("store: Store")),
    "function-type": ("TB611", "@app.supply", get("hook: Callable[[], int]")),
    "type-variable": ("TB611", "'note: Note'", post("note: T")),
    "list-of-a-type-variable": ("TB611", "'notes: list[Note]'", post("notes: list[T]")),
    "response": ("TB611", "return a Response", get("response: Response")),
    "two-bodies": ("TB615", "write one class", post("note: Note, author: Author")),
    "body-and-form": ("TB615", "Form[...]", post("note: Note, name: Form[str]")),
    "body-on-get": ("TB615", "@app.post", get("note: Note")),
    "mutable-default": ("TB616", "Query(default_factory=list)", get("tags: list[str] = []")),
    "mutable-default-with-options": (
        "TB616",
        "Query(alias='tag', default_factory=list)",
        get('tags: Annotated[list[str], Query(alias="tag")] = []'),
    ),
    "mutable-default-of-a-field": ("TB616", "'tags = attrs.field(factory=list)'", post("note: Tagged")),
    "mutable-default-in-a-query": ("TB616", "'tags = attrs.field(factory=list)'", get("note: Query[Tagged]")),
    "mutable-default-in-a-named-tuple": ("TB616", "'cells = attrs.field(factory=list)'", post("rows: list[Row]")),
    "mutable-default-in-a-result": ("TB616", "factory=list", '@app.get("/")\nasync def read() -> Tagged: ...\n'),
    "default-of-another-type": ("TB616", "default of this type", get('page: int = "first"')),
    "default-against-constraint": ("TB616", "default of this type", get("page: Annotated[int, Query(ge=1)] = 0")),
    "two-defaults": ("TB616", "remove", get("ids: Annotated[list[int], Query(default_factory=list)] = None")),
    "no-annotation": ("TB415", "annotate it: 'page: str'", get("request, page")),
    "no-annotation-with-default": ("TB612", "'page: int = 1'", get("request, page=1")),
    "unknown-name": ("TB613", "import the name", post("note: Nota")),
    "query-of-a-class-without-schema": ("TB614", "has a schema", get("store: Query[Store]")),
    "query-of-nested-classes": ("TB614", "Body[...]", get("deep: Query[Deep]")),
    "header-of-a-class": ("TB614", "such as str", get("note: Header[Note]")),
    "cookie-of-a-list": ("TB614", "such as str", get("names: Cookie[list[str]]")),
    "upload-of-bytes": ("TB614", "Upload[UploadedFile]", post("file: Upload[bytes]")),
    "constraint-of-another-type": ("TB614", "constraints", get("text: Annotated[str, Query(ge=1)]")),
    "pattern-that-is-none": ("TB614", "constraints", get('text: Annotated[str, Query(pattern="[")]')),
    "two-markers": ("TB614", "one of them", get("page: Annotated[int, Query(), Header()]")),
    "marker-inside-a-union": ("TB614", "Query[int | None]", get("page: Query[int] | None = None")),
    "path-and-marker": ("TB614", "remove the marker", get("id: Query[int]").replace('"/"', '"/{id}"')),
    "path-of-another-type": ("TB415", "'id: int' in the handler", get("id: str").replace('"/"', '"/{id:int}"')),
    "path-misspelt": ("TB415", "'note_id'", get("noteid: int").replace('"/"', '"/{note_id:int}"')),
    "path-twice": ("TB405", "another name", get("id: int").replace('"/"', '"/{id}/{id}"')),
    "supplier-without-annotation": ("TB620", "'-> Store'", "@app.supply\ndef make(): return Store()\n"),
    "supplier-of-none": ("TB620", "guards=[make]", "@app.supply\ndef make() -> None: ...\n"),
    "supplier-that-yields": ("TB620", "Iterator[Store]", "@app.supply\ndef make() -> Store: yield Store()\n"),
    "supplier-of-a-scalar": ("TB621", "NewType('Name', str)", '@app.supply\ndef make() -> str: return ""\n'),
    "supplier-twice": (
        "TB610",
        "remove one",
        "@app.supply\ndef make() -> Store: return Store()\n@app.supply\ndef other() -> Store: return Store()\n",
    ),
    "supplier-cycle": (
        "TB618",
        "remove a parameter",
        "@app.supply\ndef make(fast: Fast) -> Store: return fast\n@app.supply\ndef fast(s: Store) -> Fast: return s\n",
    ),
    "supplier-for-the-app-of-a-request": (
        "TB622",
        'per="app"',
        '@app.supply(per="app")\ndef make(request: Request) -> Store: return Store()\n',
    ),
    "supplier-of-a-subclass": (
        "TB611",
        "'store: Fast'",
        "@app.supply\ndef make() -> Fast: return Fast()\n" + get("store: Store"),
    ),
    "supplier-of-a-union": (
        "TB611",
        "'store: Store | None'",
        "@app.supply\ndef make() -> Store | None: return None\n" + get("store: Store"),
    ),
    "supplier-of-a-form-beside-a-body": (
        "TB615",
        "Form[...]",
        "@app.supply\ndef make(name: Form[str]) -> Store: return Store()\n" + post("store: Store, note: Note"),
    ),
    "guard-that-is-called": (
        "TB623",
        "without parentheses",
        "async def check() -> None: ...\n" + get("").replace('"/"', '"/", guards=[check()]'),
    ),
    "guard-that-returns-a-bool": (
        "TB623",
        "raise Forbidden()",
        "def check() -> bool: return True\n" + get("").replace('"/"', '"/", guards=[check]'),
    ),
    "guard-without-annotation": (
        "TB612",
        "'user: Request'",
        "def check(user): ...\n" + get("").replace('"/"', '"/", guards=[check]'),
    ),
    "content-in-middleware": (
        "TB624",
        "reads_body=True",
        "@app.middleware\nasync def m(request, call_next, note: Note): return await call_next(request)\n",
    ),
}


@pytest.mark.parametrize(("code", "fix", "source"), list(MISTAKES.values()), ids=list(MISTAKES))
def test_check_reports_a_mistake(
    code: str, fix: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.py").write_text(_HEAD + source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "main", sys)
    monkeypatch.delitem(sys.modules, "main")
    shown = CliRunner().invoke(turnbuckle, ["check", "main"]).stderr
    first, *lines = shown.splitlines()
    assert first.split()[1] == code, shown
    own = _HEAD.count("\n")
    assert any(f"main.py:{number}" in shown for number in range(own + 1, own + source.count("\n") + 1)), shown
    assert any(line.startswith("  why: ") and len(line) > 20 for line in lines), shown
    assert fix in next(line for line in lines if line.startswith("  fix: ")), shown
    assert shown.count(": TB") == 1, shown
