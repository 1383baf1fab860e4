"""Secrets of plugins: configured, random while an app is developed, and never shown."""

from __future__ import annotations

import logging

import pytest

from turnbuckle import App, SettingsSources, Setup, StartupError
from turnbuckle_contrib.secret_keys import as_secrets, secrets_of
from turnbuckle_contrib.sessions import SessionsConfig

_SECRET = "an-arbitrary-text-of-forty-characters-xyz"


def _setup(*, debug: bool = False) -> Setup:
    return Setup(settings=App().plan.settings, plugin="sessions", debug=debug)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", ()), ("a", ("a",)), (["a", "b"], ("a", "b")), (("a",), ("a",)), ((), ())],
)
def test_text_is_a_single_secret(given: str | list[str], expected: tuple[str, ...]) -> None:
    assert as_secrets(given) == expected


def test_configured_secrets_are_used() -> None:
    assert secrets_of(_setup(), [_SECRET, "b" * 40]) == (_SECRET, "b" * 40)


def test_random_secret_in_debug_mode_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    with caplog.at_level(logging.WARNING, logger="turnbuckle.secrets"):
        first, second = (secrets_of(_setup(debug=True), ()) for _ in range(2))
    assert first != second
    assert len(first[0]) >= 43
    assert "plugin.sessions.secrets is not set: a random secret is used" in caplog.text
    assert first[0] not in caplog.text


def test_missing_secret_is_an_error_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    with pytest.raises(LookupError) as caught:
        secrets_of(_setup(), ())
    notes = "\n".join(caught.value.__notes__)
    assert 'python -c "import secrets; print(secrets.token_urlsafe(32))"' in notes
    assert "TURNBUCKLE_PLUGIN_SESSIONS_SECRETS=..." in notes


def test_secrets_come_from_the_environment() -> None:
    app = App(plugins=["sessions"])
    app.resolve(SettingsSources(environ={"TURNBUCKLE_PLUGIN_SESSIONS_SECRETS": f"{_SECRET},{'b' * 40}"}))
    config = app.plan.root.configs["sessions"]
    assert isinstance(config, SessionsConfig)
    assert config.secrets == (_SECRET, "b" * 40)


def test_secrets_are_never_shown() -> None:
    app = App(plugins=[("sessions", {"secrets": _SECRET, "store": "redis", "url": "redis://:pass-word@host:1/0"})])
    app.resolve()
    shown = repr(app.plan) + repr(app.plan.root.configs) + repr(app.plan.setting_values)
    assert "arbitrary" not in shown
    assert "pass-word" not in shown
    with pytest.raises(StartupError) as caught:
        App(plugins=[("sessions", {"secrets": "too-short-text"})]).compile()
    assert "too-short-text" not in "".join(map(str, caught.value.exceptions))
