"""``SettingRefused``: the message of a validator is printed for secrets as well."""

from __future__ import annotations

import attrs
import pytest

from turnbuckle import App, Plugin, PluginInfo, SettingRefused, StartupError


def _refuse(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value == "bad":
        raise SettingRefused("the token has the wrong form")
    raise ValueError(f"{value!r} has the wrong form")


@attrs.frozen(kw_only=True)
class _Config:
    """Settings."""

    token: str = attrs.field(default="", metadata={"secret": True}, validator=attrs.validators.optional(_refuse))


class _Uploads(Plugin[_Config]):
    info = PluginInfo(name="uploads")


@pytest.mark.parametrize(
    ("token", "says"), [("bad", "the token has the wrong form"), ("hidden-word", "it was refused with ValueError")]
)
def test_message_of_a_validator_is_printed_if_it_contains_no_value(token: str, says: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[(_Uploads, {"token": token})]).resolve()
    (problem,) = caught.value.problems
    assert problem.diagnostic.text == f"setting 'plugin.uploads.token': {says}"
    assert "hidden-word" not in str(problem)
