"""API keys, in the settings and from a user source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from turnbuckle import App, Request, SettingsSources, StartupError
from turnbuckle.testing import Client, Project
from turnbuckle_contrib.auth import AuthPlugin, User, UserSource, requires
from turnbuckle_contrib.auth.api_keys import hash_api_key, new_api_key

KEY = new_api_key()
OTHER = new_api_key()


async def find(request: Request, digest: str) -> User | None:
    return User("7", "robot") if digest == hash_api_key(OTHER) else None


def make_app(**settings: object) -> App:
    keys = {"deploy": {"hash": hash_api_key(KEY), "roles": ["admin"]}}
    app = App(
        "Notes",
        plugins=[
            (AuthPlugin(UserSource(get_api_key_user=find)), {"schemes": ["api_key"], "api_keys": keys, **settings})
        ],
    )

    @app.get("/me")
    async def me(user: User) -> list[str]:
        return [user.id, user.name, user.scheme, *sorted(user.roles)]

    @app.get("/admin", guards=[requires("admin")])
    async def admin() -> str:
        return "secret"

    return app


async def test_keys_of_the_settings_and_of_a_source() -> None:
    async with Client(make_app()) as client:
        mine, others = {"X-API-Key": KEY}, {"x-api-key": OTHER}
        assert (await client.get("/me", headers=mine)).json() == ["api_key:deploy", "deploy", "api_key", "admin"]
        assert (await client.get("/admin", headers=mine)).text == "secret"
        assert (await client.get("/me", headers=others)).json() == ["7", "robot", "api_key"]
        assert (await client.get("/admin", headers=others)).status == 403


@pytest.mark.parametrize(
    "value",
    ["", "x", KEY[:-1], KEY + "x", KEY.upper(), hash_api_key(KEY), "x" * 5000, new_api_key(), KEY + "," + OTHER],
    ids=range(9),
)
async def test_wrong_key_is_401(value: str) -> None:
    async with Client(make_app()) as client:
        response = await client.get("/me", headers={"X-API-Key": value})
        assert response.status == 401
        assert response.headers["www-authenticate"] == 'ApiKey realm="Notes", header="X-API-Key"'


async def test_several_keys_are_400() -> None:
    async with Client(make_app()) as client:
        response = await client.get("/me", headers=[("X-API-Key", KEY), ("X-API-Key", OTHER)])
        assert response.status == 400


async def test_key_beside_other_credentials_is_400() -> None:
    async with Client(make_app(schemes=["api_key", "basic"])) as client:
        headers = {"X-API-Key": KEY, "Authorization": "Basic YTpi"}
        assert (await client.get("/me", headers=headers)).status == 400


async def test_field_with_another_name_and_vary() -> None:
    async with Client(make_app(api_key_header="X-Notes-Key")) as client:
        response = await client.get("/me", headers={"X-Notes-Key": KEY})
        assert response.status == 200
        # A shared cache must not send the answer to others: only Authorization has this meaning for it by itself.
        assert response.headers["vary"] == "X-Notes-Key"
        assert (await client.get("/me", headers={"X-API-Key": KEY})).status == 401


@pytest.mark.parametrize(
    "settings",
    [
        {"api_keys": {"deploy": {"hash": KEY}}},
        {"api_keys": {"deploy": {}}},
        {"api_keys": {"deploy": {"hash": hash_api_key(KEY), "role": []}}},
        {"api_key_header": "a b"},
        {"api_key_header": "Authorization"},
    ],
    ids=range(5),
)
def test_wrong_settings_stop_the_start(settings: dict[str, object]) -> None:
    with pytest.raises(StartupError):
        make_app(**settings).compile()


async def test_command_makes_a_key_and_the_settings_for_it(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "turnbuckle.toml").write_text('[plugins]\nenabled = ["auth"]\n[plugin.auth]\nschemes = ["api_key"]\n')
    finished = project.run("api-key", "deploy")
    found = re.search(r"key, shown only now: (\S+)\nsettings:\n(.*)", finished.stdout, re.DOTALL)
    assert found is not None, finished
    with (tmp_path / "turnbuckle.toml").open("a") as settings:
        settings.write(found[2])
    app = App()

    @app.get("/me")
    async def me(user: User) -> str:
        return user.name

    app.resolve(SettingsSources(folder=tmp_path))
    async with Client(app) as client:
        assert (await client.get("/me", headers={"X-API-Key": found[1]})).text == "deploy"
