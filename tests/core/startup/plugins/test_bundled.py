"""The table of bundled plugins agrees with the plugins."""

import pytest

from tests.core.startup.finding import error_of
from turnbuckle import App, Plan, SettingsSources
from turnbuckle.startup.plugins.bundled import FIRST_PARTY
from turnbuckle.startup.plugins.discovery import installed_plugins

_KNOWN = [(kind, name, known) for kind, table in FIRST_PARTY.items() for name, known in table.items()]


async def _asgi_app(scope: object, receive: object, send: object) -> None:
    """Serve nothing."""


def _wsgi_app(environ: object, start_response: object) -> list[bytes]:
    return []


def _chosen(plan: Plan, kind: str) -> str:
    if kind == "parser":
        return plan.parser.name
    if kind == "router":
        assert plan.root.router is not None
        return plan.root.router.name
    if kind == "mount":
        ((mount, _),) = plan.mounts()
        return mount.provider.record.name
    return plan.components[kind.removesuffix(" component")].name


@pytest.mark.parametrize(("kind", "name", "known"), _KNOWN, ids=[name for _, name, _ in _KNOWN])
def test_plugin_provides_what_is_said_of_it(kind: str, name: str, known: object) -> None:
    plugin, extra = known.plugin, known.extra
    (installed,) = [found for found in installed_plugins() if found.name == plugin]
    assert installed.extra == extra
    app = App(plugins=[plugin])
    if kind == "mount":
        app.mount("/x", _asgi_app if name == "asgi" else _wsgi_app)
    assert _chosen(app.plan, kind) == name


def test_hint_names_a_plugin_that_is_not_enabled() -> None:
    found = error_of(App(), "TB402", SettingsSources(flags=("parser=htptools",), entry_points=False))
    assert found.text == "no parser is named 'htptools'; did you mean 'httptools'?"
    assert found.fix == (
        "enable plugin 'httptools_parser', which has it "
        "(it needs pip install 'turnbuckle[httptools]', or '.[httptools]' in a clone)"
    )


def test_hint_does_not_repeat_the_name() -> None:
    found = error_of(App(), "TB402", SettingsSources(flags=("parser=httptools",), entry_points=False))
    assert "did you mean" not in found.text
    assert found.fix.startswith("enable plugin 'httptools_parser'")
