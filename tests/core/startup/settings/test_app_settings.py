"""The app's own settings in the section ``app``: their sources, their mistakes, and where the code reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from tests.core.startup.finding import error_of, errors_of, warning_of
from turnbuckle import App, Handler, Middleware, Request, Response, SettingsSources, Setup
from turnbuckle.cli.group import turnbuckle
from turnbuckle.startup.model.sources import Flag
from turnbuckle.testing import Client


@attrs.frozen
class BoardSettings:
    """The settings of the board.

    Attributes:
        title: the title of each page.
        per_page: notices on one page.
        api_key: the key for the mail service.
    """

    title: str = "Board"
    per_page: int = attrs.field(default=20, validator=attrs.validators.ge(1))
    api_key: str = attrs.field(default="", metadata={"secret": True})


@attrs.frozen
class Required:
    """Settings without a default."""

    key: str


def _board(**options: object) -> App:
    return App("board", config=BoardSettings, **options)  # type: ignore[arg-type]  # options of App


def _write(folder: Path, text: str) -> SettingsSources:
    (folder / "turnbuckle.toml").write_text(text)
    return SettingsSources(folder=folder)


def test_each_source_beats_the_one_before(tmp_path: Path) -> None:
    file = _write(tmp_path, "[app]\nper_page = 2\n")
    environ = {"TURNBUCKLE_APP_PER_PAGE": "3"}
    flags = (Flag("app.per_page=4"),)
    plans = [
        _board().resolve(),
        _board().resolve(file),
        _board().resolve(attrs.evolve(file, environ=environ)),
        _board().resolve(attrs.evolve(file, environ=environ, flags=flags)),
        _board(settings={"app": {"per_page": 5}}).resolve(file),
    ]
    assert [plan.config for plan in plans] == [BoardSettings(per_page=number) for number in (20, 2, 3, 4, 5)]
    sources = [plan.setting_values["app.per_page"].source for plan in plans]
    assert sources[:4] == ["default", f"{tmp_path / 'turnbuckle.toml'}:2", "$TURNBUCKLE_APP_PER_PAGE", "--set"]
    assert sources[4].startswith("App(...) at ")


def test_misspelt_setting_is_an_error_with_its_line(tmp_path: Path) -> None:
    found = error_of(_board(), "TB201", _write(tmp_path, "[app]\n\nper_pag = 2\n"))
    assert found.text == "unknown setting 'app.per_pag'; did you mean 'app.per_page'?"
    assert found.origins[0].location.endswith("turnbuckle.toml:3")


def test_misspelt_variable_is_a_warning() -> None:
    found = warning_of(_board(), "TB206", SettingsSources(environ={"TURNBUCKLE_APP_PERPAGE": "2"}))
    assert "did you mean 'TURNBUCKLE_APP_PER_PAGE'?" in found.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("per_page = 'many'", "setting 'app.per_page' must be a whole number, not 'many'", id="type"),
        pytest.param("per_page = 0", "setting 'app.per_page': ", id="validator"),
        pytest.param("api_key = 5", "setting 'app.api_key' must be text, not a secret", id="secret"),
    ],
)
def test_wrong_value_is_an_error_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    found = error_of(_board(), "TB202", _write(tmp_path, f"[app]\n{text}\n"))
    assert found.text.startswith(says)
    assert found.origins[0].location.endswith("turnbuckle.toml:2")


def test_section_that_is_no_table_is_an_error(tmp_path: Path) -> None:
    assert "'app' must be a table" in error_of(_board(), "TB202", _write(tmp_path, "app = 5\n")).text
    assert "'app' must be a table" in error_of(_board(settings={"app": 5}), "TB202").text


def test_missing_setting_is_an_error() -> None:
    found = error_of(App(config=Required), "TB204")
    assert found.text == "setting 'app.key' is missing and has no default"
    assert found.fix == "give it in turnbuckle.toml, or as $TURNBUCKLE_APP_KEY"


def test_settings_of_an_app_without_a_class_are_an_error(tmp_path: Path) -> None:
    found = error_of(App("board"), "TB209", _write(tmp_path, "[app]\ntitle = 'x'\n"))
    assert found.text == "app 'board' takes no settings"
    assert "config=" in found.fix
    assert error_of(App(settings={"app": {}}), "TB209").code == "TB209"


@pytest.mark.parametrize("config", [BoardSettings(), {"title": "x"}, dict, 5, "BoardSettings"])
def test_config_that_is_no_attrs_class_is_an_error(config: object) -> None:
    (found,) = errors_of(App(config=config))  # type: ignore[arg-type]  # the mistake under test
    assert found.code == "TB210"
    assert found.fix


def test_secrets_are_hidden(tmp_path: Path) -> None:
    plan = _board().resolve(_write(tmp_path, "[app]\napi_key = 'hunter2'\n"))
    assert isinstance(plan.config, BoardSettings)
    assert plan.config.api_key == "hunter2"
    assert plan.setting_values["app.api_key"].shown() == "********"
    assert "hunter2" not in repr(plan)


async def test_handlers_middleware_and_lifespans_read_it() -> None:
    seen: list[object] = []

    def factory(next_handler: Handler, setup: Setup[BoardSettings]) -> Handler:
        seen.append(setup.config.title)
        return next_handler

    async def around(request: Request, call_next: Handler) -> Response:
        seen.append(request.config(BoardSettings).title)
        return await call_next(request)

    async def connect(setup: Setup[BoardSettings]) -> AsyncIterator[None]:
        seen.append(setup.config.title)
        yield

    app = _board(middleware=[Middleware("m", factory), around], lifespan=connect)
    app.scope("/in").get("/")(lambda request: request.config(BoardSettings).title)
    async with Client(app, settings={"app": {"title": "T"}}) as client:
        assert (await client.get("/in")).text == "T"
    assert seen == ["T", "T", "T"]


async def test_wrong_class_is_an_error_that_names_both() -> None:
    app = _board()
    app.get("/")(lambda request: request.config(Required).key)
    async with Client(app) as client:
        with pytest.raises(LookupError, match="of the class BoardSettings, not of Required"):
            await client.get("/")


async def test_app_without_settings_says_how_to_declare_them() -> None:
    app = App()
    app.get("/")(lambda request: request.config(Required).key)
    async with Client(app) as client:
        with pytest.raises(LookupError, match=r"write App\(\.\.\., config=Required\)"):
            await client.get("/")


async def test_attribute_of_the_method_is_an_error_with_the_call() -> None:
    app = _board()

    @app.get("/")
    def show(request: Request) -> str:
        return request.config.title  # type: ignore[attr-defined, no-any-return]  # the mistake under test

    async with Client(app) as client:
        with pytest.raises(AttributeError) as caught:
            await client.get("/")
    assert any("request.config(cls)" in note for note in caught.value.__notes__)


def test_why_and_settings_describe_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, "[app]\nper_page = 7\n")
    (tmp_path / "board_main.py").write_text(
        f'from turnbuckle import App\nfrom {__name__} import BoardSettings\napp = App("board", config=BoardSettings)\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    why = CliRunner().invoke(turnbuckle, ["why", "setting", "app.per_page", "board_main:app"])
    assert "app.per_page = 7" in why.output
    assert "turnbuckle.toml:2" in why.output
    assert "notices on one page" in why.output
    reference = CliRunner().invoke(turnbuckle, ["settings", "board_main:app"])
    assert "| `app.per_page` | a whole number | `20` | notices on one page |" in reference.output
