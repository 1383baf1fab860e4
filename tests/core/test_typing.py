"""Type checkers find a wrong override of a hook, and nothing wrong with a right one: mypy --strict, and pyright.

Pyright is run as basedpyright, which is the same checker in a distribution that needs nothing but pip, with its rules.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.processes import unmeasured_environ
from tests.type_checking import run_mypy
from turnbuckle.hookspecs import Hooks

_HEAD: Final = """\
from collections.abc import Iterable, Iterator

from turnbuckle import Component, Lifespan, Middleware, Plan, Plugin, PluginInfo, Request, Response, Route, Setup
from turnbuckle import Diagnostic, Handler, hookimpl, middleware


async def answer(request: Request) -> str:
    return "yes"


@middleware(zone="edge")
async def around(request: Request, call_next: Handler) -> Response:
    return await call_next(request)


class It(Plugin):
    info = PluginInfo(name="it", requires=("other",))

"""
_RIGHT: Final = {
    "list": "def provide_routes(self, setup: Setup) -> list[Route]:\n    return [Route(path='/', handler=answer)]",
    "tuple": "def provide_middleware(self, setup: Setup) -> tuple[Middleware, ...]:\n    return (around,)",
    "generator": "def provide_routes(self, setup: Setup) -> Iterator[Route]:\n    yield from ()",
    "marked": "@hookimpl\ndef provide_components(self, setup: Setup) -> Iterable[Component]:\n    return []",
    "factory": "def provide_routes(self, setup: Setup[object]) -> list[Route]:\n    return []",
    "review": "def review_plan(self, plan: Plan) -> list[Diagnostic]:\n    return []",
}
# The line that must be complained of is the first one.
_WRONG: Final = {
    "record": "def provide_routes(self, setup: Setup) -> list[Middleware]:\n    return []",
    "argument": "def provide_routes(self, config: Setup) -> list[Route]:\n    return []",
    "type_of_argument": "def provide_routes(self, setup: str) -> list[Route]:\n    return []",
    "one_more": "def provide_routes(self, setup: Setup, more: int) -> list[Route]:\n    return []",
    "async": "async def provide_lifespans(self, setup: Setup) -> list[Lifespan]:\n    return []",
    "none": "def provide_routes(self, setup: Setup) -> None:\n    return None",
    "lone_record": "def provide_middleware(self, setup: Setup) -> Middleware:\n    return around",
    "plan": "def review_plan(self, plan: Setup) -> list[Diagnostic]:\n    return []",
}
# Every hook there is: none of them returns numbers.
_WRONG_RECORDS: Final = {
    f"records_of_{hook}": f"def {hook}(self, {argument}: {argument.title()}) -> list[int]:\n    return []"
    for hook, argument in ((name, "plan" if name == "review_plan" else "setup") for name in vars(Hooks))
    if not hook.startswith("_")
}
_ERROR: Final = re.compile(r"(\w+)\.py:(\d+)(?::\d+)?(?: -|:) error: ")


# The settings of a plugin, an app and a request have their type without a cast.
_CONFIGURED: Final = """\
from collections.abc import AsyncIterator

import attrs

from turnbuckle import App, Handler, Lifespan, Middleware, Plugin, PluginInfo, Request, Response, Route, Setup


@attrs.frozen
class Config:
    size: int = 3


class Up(Plugin[Config]):
    info = PluginInfo(name="up")

    def provide_routes(self, setup: Setup[Config]) -> list[Route]:
        async def show(request: Request) -> str:
            return "x" * setup.config.size + "y" * request.config(Config).size

        return [Route(path="/", handler=show)]

    def provide_middleware(self, setup: Setup[Config]) -> list[Middleware]:
        return [Middleware("up", around)]


class Plain(Plugin):
    info = PluginInfo(name="plain", config=Config)

    def provide_routes(self, setup: Setup) -> list[Route]:
        assert isinstance(setup.config, Config)
        return []


def around(next_handler: Handler, setup: Setup[Config]) -> Handler:
    size: int = setup.config.size

    async def handler(request: Request) -> Response:
        return Response(str(size))

    return handler


async def connect(setup: Setup[Config]) -> AsyncIterator[None]:
    assert setup.config.size > 2
    yield


app = App("it", config=Config, plugins=[Up, Plain], lifespan=connect)
"""
_WRONG_CONFIGURED: Final = {
    "size_of_plugin": ("setup.config.size + ", "setup.config.sise + "),
    "size_of_request": ("request.config(Config).size", "request.config(Config).sise"),
    "size_of_setup": ("size: int = setup.config.size", "size: str = setup.config.size"),
}


# A marked parameter has the type inside its marker, in both spellings.
_PARAMETERS: Final = """\
from typing import Annotated

import attrs

from turnbuckle import App, Body, Cookie, Form, Header, Query, Upload, UploadedFile


@attrs.frozen
class Note:
    title: str


app = App()


@app.post("/notes", status=201)
async def create(
    note: Note,
    session: Cookie[str],
    tags: Annotated[list[str], Query(default_factory=list)],
    draft: Query[bool] = False,
    page: Annotated[int, Query(alias="p", ge=1, description="which page")] = 1,
    key: Header[str | None] = None,
) -> Note:
    shown: bool = draft
    number: int = page + 1
    text: str | None = key
    return Note(note.title + session + tags[0] + str((shown, number, text)))


@app.post("/forms")
def form(name: Form[str], picture: UploadedFile, others: Upload[list[UploadedFile]], data: Body[dict[str, int]]) -> str:
    length: int = data["a"] + others[0].size + picture.size
    return name.upper() + str(length)
"""
_WRONG_PARAMETERS: Final = {
    "default_of_a_marked_parameter": ("draft: Query[bool] = False", 'draft: Query[bool] = "no"'),
    "use_of_a_marked_parameter": ("shown: bool = draft", "shown: str = draft"),
    "use_of_an_annotated_parameter": ("number: int = page + 1", "number: str = page + 1"),
    "use_of_content": ("length: int = data[", "length: str = data["),
}


def _configured() -> Mapping[str, tuple[str, int]]:
    """Return each wrong version of the sources above, and its wrong line."""
    found = {}
    for source, changes in ((_CONFIGURED, _WRONG_CONFIGURED), (_PARAMETERS, _WRONG_PARAMETERS)):
        for name, (right, wrong) in changes.items():
            text = source.replace(right, wrong, 1)
            line = next(number for number, line in enumerate(text.splitlines(), 1) if wrong in line)
            found[name] = (text, line)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typed")
    for kind, bodies in (("right", _RIGHT), ("wrong", _WRONG | _WRONG_RECORDS)):
        for name, body in bodies.items():
            lines = "".join(f"    {line}\n" for line in body.splitlines())
            (folder / f"{kind}_{name}.py").write_text(_HEAD + lines)
    (folder / "right_configured.py").write_text(_CONFIGURED)
    (folder / "right_parameters.py").write_text(_PARAMETERS)
    for name, (text, _) in _configured().items():
        (folder / f"wrong_{name}.py").write_text(text)
    (folder / "pyproject.toml").write_text('[tool.basedpyright]\ntypeCheckingMode = "standard"\n')
    return folder


def _run_pyright(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable]
    return subprocess.run(command, cwd=folder, env=unmeasured_environ(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("run", "missed"),
    [
        # To mypy, the name of an argument that may be passed by position is free; TB302 refuses it at startup.
        pytest.param(lambda folder: run_mypy(folder, "--strict", "--config-file=", "."), {"argument"}, id="mypy"),
        pytest.param(_run_pyright, set(), id="pyright"),
    ],
)
def test_wrong_overrides_are_found_and_right_ones_pass(
    folder: Path, run: Callable[[Path], subprocess.CompletedProcess[str]], missed: set[str]
) -> None:
    assert len(_WRONG_RECORDS) >= 11
    result = run(folder)
    found = _lines_with_errors(result.stdout)
    first = len(_HEAD.splitlines()) + 1
    expected = {f"wrong_{name}": {first} for name in (_WRONG | _WRONG_RECORDS).keys() - missed}
    expected |= {f"wrong_{name}": {line} for name, (_, line) in _configured().items()}
    assert found == expected, result.stdout + result.stderr


def _lines_with_errors(output: str) -> Mapping[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name, line in _ERROR.findall(output):
        found.setdefault(name, set()).add(int(line))
    return found
