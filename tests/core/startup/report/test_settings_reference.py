"""The reference of settings is what the classes say."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from turnbuckle.settings import Settings
from turnbuckle.startup.report.settings_reference import (
    sections_of,
    setting_description,
    settings_reference,
    variable_of,
)


@attrs.frozen
class Inner:
    """Settings within.

    Attributes:
        words: any ``words``
            over two lines.
    """

    words: Sequence[str] = ()


@attrs.frozen
class Config:
    """Settings of a plugin,
    in two lines.

    More about them.

    Attributes:
        key: opens the door. Keep it.
        size: how many | how much.

    Nothing after this counts.
        odd: no.
    """

    key: str = attrs.field(metadata={"secret": True})
    size: int = 3
    other: float = attrs.Factory(lambda self: self.size * 2.0, takes_self=True)
    inner: Inner = attrs.field(factory=Inner)


@attrs.frozen
class Bare:
    flag: bool = False


def test_every_setting_of_the_core_has_a_description() -> None:
    settings = [setting for section in sections_of(Settings) for setting in section.settings]
    assert len(settings) > 30
    assert [setting.key for setting in settings if not setting.text] == []
    assert [section.key for section in sections_of(Settings) if not section.text] == []


def test_settings_of_plugins_are_in_the_reference_when_given() -> None:
    lines = settings_reference({"lock": Config, "bare": Bare}).splitlines()
    assert "## plugin.lock" in lines
    assert lines[lines.index("## plugin.lock") + 2] == "Settings of a plugin, in two lines."
    assert "| `plugin.lock.key` | text | none: required | opens the door. Keep it; secret, never printed |" in lines
    assert "| `plugin.lock.size` | a whole number | `3` | how many \\| how much |" in lines
    assert "| `plugin.lock.other` | a number | `computed` |  |" in lines
    assert "| `plugin.lock.inner.words` | a list of texts | `[]` | any `words` over two lines |" in lines
    assert "| `plugin.bare.flag` | true or false | `false` |  |" in lines


def test_setting_is_found_in_its_class() -> None:
    found = setting_description(Config, "plugin.lock", "plugin.lock.inner.words")
    assert found is not None
    assert found.text == "any ``words`` over two lines"
    assert setting_description(Config, "plugin.lock", "plugin.lock.nope") is None


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        pytest.param("limits.content", "TURNBUCKLE_LIMITS_CONTENT", id="core"),
        pytest.param("plugin.my-own.key", "TURNBUCKLE_PLUGIN_MY_OWN_KEY", id="plugin"),
    ],
)
def test_variable_of_a_setting(key: str, variable: str) -> None:
    assert variable_of(key) == variable
