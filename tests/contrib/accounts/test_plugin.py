"""The plugin: its settings, what stops the start, its command, and templates that an app replaces."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

from tests.contrib.accounts.conftest import FAST, ORIGIN, PASSWORD, Person, make_app
from turnbuckle import App, Component, Plugin, PluginInfo, Setup, StartupError, hookimpl
from turnbuckle.cli.group import turnbuckle
from turnbuckle.testing import Client, PluginConformance
from turnbuckle_contrib.accounts import AccountsPlugin, Mail, Mailer, SQLiteAccounts
from turnbuckle_contrib.auth import requires

_NEEDED = ["sessions", "csrf", "jinja_templates", FAST]


def problems_of(*plugins: Any, **options: Any) -> str:
    with pytest.raises(StartupError) as caught:
        App(plugins=[*_NEEDED, *plugins], **options).resolve()
    return "\n".join(map(str, caught.value.problems))


async def send(mail: Mail) -> None: ...


class TestPlugin(PluginConformance):
    plugin = AccountsPlugin
    config: ClassVar[Mapping[str, object]] = {"console_mail": True, "database": ":memory:"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"prefix": "accounts"}, "must start with a slash"),
        ({"home": "//evil.example"}, "must be a path of this app"),
        ({"origin": "shop.example"}, "must be a scheme and a host"),
        ({"origin": "https://shop.example/"}, "must be a scheme and a host"),
        ({"min_length": 7}, "must be at least 8"),
        ({"registration": "open"}, "registration"),
        ({"token_seconds": 0}, "token_seconds"),
    ],
)
def test_wrong_setting(settings: dict[str, object], text: str) -> None:
    assert text in problems_of((AccountsPlugin(mailer=send), {"origin": ORIGIN, **settings}))


def test_missing_mailer_stops_the_start() -> None:
    found = problems_of(AccountsPlugin)
    assert "no function sends the mails" in found
    assert "AccountsPlugin(mailer=send)" in found


def test_missing_origin_stops_the_start() -> None:
    found = problems_of(AccountsPlugin(mailer=send))
    assert 'plugin.accounts.origin = "https://example.org"' in found


def test_missing_plugins_are_named() -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[AccountsPlugin(mailer=send)]).resolve()
    found = str(caught.value.problems[0])
    assert "auth" in "\n".join(map(str, caught.value.problems)) or "auth" in found


def test_plugin_in_a_scope_stops_the_start() -> None:
    app = App(plugins=_NEEDED)
    app.scope("/me", plugins=[(AccountsPlugin(mailer=send), {"origin": ORIGIN})])
    with pytest.raises(StartupError, match="problem"):
        app.resolve()


class Post(Plugin):
    """Send mails, from a plugin."""

    info = PluginInfo(name="post")

    @hookimpl(optionalhook=True)
    def provide_mailers(self, setup: Setup) -> list[Mailer]:
        return [send]


def test_mailer_of_a_plugin() -> None:
    App(plugins=[*_NEEDED, Post, (AccountsPlugin, {"origin": ORIGIN})]).resolve()
    second = type("Second", (Post,), {"info": PluginInfo(name="second")})
    assert "two plugins send mails" in problems_of(Post, second, (AccountsPlugin, {"origin": ORIGIN}))


async def test_debug_mode_prints_mails_with_the_origin_of_the_request(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    accounts = (AccountsPlugin, {"database": str(tmp_path / "a.sqlite3")})
    app = App("shop", debug=True, plugins=["sessions", "csrf", "jinja_templates", FAST, accounts])
    async with Client(app, base_url="http://localhost") as client:
        person = Person(client, [])
        assert (await person.post("/accounts/register", email="ada@example.org")).status == 303
        for _ in range(1000):
            await client.settle()
            if "token=" in caplog.text:
                break
    assert "http://localhost/accounts/confirm?token=" in caplog.text


async def test_pages_are_open_in_an_app_whose_guards_demand_a_user() -> None:
    accounts = (AccountsPlugin(mailer=send), {"origin": ORIGIN, "database": ":memory:"})
    app = App("shop", plugins=[*_NEEDED, accounts], guards=[requires("staff")])
    async with Client(app, base_url=ORIGIN) as client:
        for path in ("login", "register", "forgot", "sent", "style.css", "script.js", "logout"):
            assert (await client.get(f"/accounts/{path}")).status == 200, path
        for path in ("", "/password"):
            assert (await client.get(f"/accounts{path}")).status == 401, path


async def test_readiness_reads_accounts() -> None:
    accounts = (AccountsPlugin(mailer=send), {"origin": ORIGIN, "database": ":memory:"})
    async with Client(App(plugins=[*_NEEDED, "health", accounts])) as client:
        response = await client.get("/-/health/ready")
        assert (response.status, response.json()["checks"]["accounts"]) == (200, "ok")


class Own(Plugin):
    """Store accounts elsewhere: here, in another file."""

    info = PluginInfo(name="own")

    def provide_components(self, setup: Setup) -> list[Component]:
        return [Component("account_store", "own", lambda setup: SQLiteAccounts("own.sqlite3"))]


async def test_storage_is_a_component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mails: list[Mail]) -> None:
    monkeypatch.chdir(tmp_path)
    app = App(
        plugins=[*_NEEDED, Own, (AccountsPlugin(mailer=send), {"origin": ORIGIN})],
        settings={"components": {"account_store": "own"}},
    )
    async with Client(app):
        pass
    assert os.listdir(tmp_path) == ["own.sqlite3"]


async def test_app_replaces_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mails: list[Mail]) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "templates/accounts"
    folder.mkdir(parents=True)
    (folder / "layout.html").write_text(
        "<b>My shop</b>{% block content %}{% endblock %}{% block below %}{% endblock %}"
    )
    (folder / "mail_register.txt").write_text("Welcome\n\n{{ link }}")
    async with Client(make_app(mails), base_url=ORIGIN) as client:
        assert (await client.get("/accounts/login")).text.startswith("<b>My shop</b>")
        person = Person(client, mails)
        await person.post("/accounts/register", email="ada@example.org")
        assert (await person.mail(0)).subject == "Welcome"


def test_command_adds_accounts_and_roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mails: list[Mail]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "turnbuckle.toml").write_text(
        '[plugins]\nenabled = ["sessions", "csrf", "auth", "jinja_templates", "accounts"]\n'
        "[plugin.accounts]\nconsole_mail = true\n"
    )
    runner = CliRunner()

    def run(*arguments: str, status: int = 0) -> str:
        result = runner.invoke(turnbuckle, ["accounts", *arguments])
        assert result.exit_code == status, result.output
        return result.output

    assert "added ada@example.org" in run(
        "add", "Ada@example.org", "--name", "Ada", "--role", "admin", "--password", PASSWORD
    )
    assert "there is an account" in run("add", "ada@example.org", "--password", PASSWORD, status=1)
    assert "at least 15" in run("add", "bob@example.org", "--password", "short", status=1)
    assert "is no e-mail address" in run("add", "bob", "--password", PASSWORD, status=1)
    assert "ada@example.org: editor" in run("roles", "ada@example.org", "editor")
    assert "there is no account" in run("roles", "eve@example.org", "editor", status=1)
    with closing(sqlite3.connect("accounts.sqlite3")) as database:
        assert database.execute("SELECT email, name, roles FROM accounts").fetchall() == [
            ("ada@example.org", "Ada", "editor")
        ]
