"""What settings call secret is found wherever it stands, and reaches the application that must not print it."""

import attrs

from turnbuckle import App, Plugin, PluginInfo
from turnbuckle.plan import Overruled, SettingValue
from turnbuckle.startup.settings.checks import secret_texts


@attrs.frozen
class _Login:
    user: str


def test_texts_of_secret_settings_alone_are_found() -> None:
    values = [
        SettingValue(key="a", value="public", source="default"),
        SettingValue(key="b", value="hidden", source="default", secret=True, overruled=(Overruled("older", "$B"),)),
        SettingValue(key="c", value=("one", {"x": b"two"}, 3, None, "", _Login("me")), source="default", secret=True),
    ]
    assert secret_texts(values) == ("hidden", "older", "one", "two", "me")


def test_secrets_of_plugins_reach_the_application_and_no_print() -> None:
    @attrs.frozen(kw_only=True)
    class Config:
        token: str = attrs.field(default="", metadata={"secret": True})

    class Keeper(Plugin):
        info = PluginInfo(name="keeper", config=Config)

    application = App(plugins=[Keeper()], settings={"plugin": {"keeper": {"token": "hunter22"}}}).compile()
    assert application.secrets == ("hunter22",)
    assert "hunter22" not in repr(application)
