"""``SettingRefused``: the message of a validator is printed for secrets as well."""

from __future__ import annotations

from collections.abc import Mapping

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


@attrs.frozen(kw_only=True)
class _Upload:
    """A class of entries."""

    token: str = attrs.field(repr=False, validator=_refuse)
    roles: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class _Table:
    """Settings."""

    uploads: Mapping[str, _Upload] = attrs.field(factory=dict)


class _Tabled(Plugin[_Table]):
    info = PluginInfo(name="tabled")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"token": "bad"}, "setting 'plugin.tabled.uploads.a': the token has the wrong form"),
        ({"token": "hidden-word"}, "setting 'plugin.tabled.uploads.a': it was refused with ValueError"),
        ("hidden-word", "setting 'plugin.tabled.uploads.a' must be a table, not a secret"),
        ({"roles": []}, "setting 'plugin.tabled.uploads.a.token' is missing and has no default"),
        (
            {"token": "hidden-word", "role": []},
            "unknown setting 'plugin.tabled.uploads.a.role'; did you mean 'plugin.tabled.uploads.a.roles'?",
        ),
    ],
    ids=["validator", "hidden", "no table", "missing", "unknown"],
)
def test_problem_of_an_entry_names_it_and_prints_no_secret(entry: object, says: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[(_Tabled, {"uploads": {"a": entry}})]).resolve()
    assert [problem.diagnostic.text for problem in caught.value.problems] == [says]
    assert "hidden-word" not in str(caught.value)
