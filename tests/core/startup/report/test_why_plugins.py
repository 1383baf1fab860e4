"""Why a plugin is enabled, its records, and which plugin owns a protocol or a command."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import pytest

from tests.core.startup.finding import Site, make_plugin
from turnbuckle import (
    App,
    Component,
    ErrorHandler,
    Handler,
    Lifespan,
    Middleware,
    ParserProvider,
    Plan,
    PluginInfo,
    ProtocolProvider,
    Request,
    ResponseType,
    Route,
    RouterProvider,
    SettingsSources,
    Setup,
    SwitchProtocols,
    TreeRouter,
)
from turnbuckle.http.parser import H1Parser
from turnbuckle.startup.report.explain import explain_request
from turnbuckle.startup.report.plan_json import plan_as_json
from turnbuckle.startup.report.plan_text import plan_as_text
from turnbuckle.startup.report.why import Answer, why_component
from turnbuckle.startup.report.why_middleware import why_middleware
from turnbuckle.startup.report.why_plugins import why_command, why_plugin, why_protocol


async def _answer(request: Request) -> str:
    return ""


async def _answer_error(request: Request, error: KeyError) -> str:
    return ""


def _step_aside(call_next: Handler, setup: Setup) -> Handler:
    return call_next


@click.command("sweep")
def _sweep() -> None:
    """Sweep the floor."""


def _speak(dispatch: Handler, setup: Setup) -> Handler:
    async def speak(request: Request) -> SwitchProtocols:
        return SwitchProtocols("chat", asyncio.Protocol)

    return speak


_EVERYTHING = make_plugin(
    "everything",
    info=PluginInfo(name="everything", requires=("base",), after=("base",), conflicts=("nothing",)),
    provide_parsers=lambda self, setup: [ParserProvider("mine", H1Parser)],
    provide_routers=lambda self, setup: [RouterProvider("own", lambda setup: TreeRouter())],
    provide_middleware=lambda self, setup: [Middleware("wrap", _step_aside), Middleware("wrap_more", _step_aside)],
    provide_response_types=lambda self, setup: [ResponseType(complex, lambda value: _answer)],
    provide_routes=lambda self, setup: [Route(path=f"/{number}", handler=_answer) for number in range(6)],
    provide_error_handlers=lambda self, setup: [ErrorHandler(KeyError, _answer_error)],
    provide_protocols=lambda self, setup: [ProtocolProvider(name="chat", upgrade="Chat/1", factory=_speak)],
    provide_components=lambda self, setup: [Component("clock", "sun", lambda setup: 1)],
    provide_lifespans=lambda self, setup: [Lifespan("life", lambda setup: setup)],
    provide_commands=lambda self, setup: [_sweep],
)


def _plan(**settings: object) -> Plan:
    return App(plugins=[_EVERYTHING, make_plugin("base")], settings=settings).plan


def _one(answers: list[Answer]) -> Answer:
    (answer,) = answers
    return answer


def _facts(answer: Answer) -> dict[str, str]:
    facts = dict(answer.facts)
    assert len(facts) == len(answer.facts)
    return facts


# -- plugins


def test_plugin_lists_its_records() -> None:
    answer = _one(why_plugin(_plan(), "everything"))
    facts = _facts(answer)
    assert facts.pop("start-up").endswith(" ms")
    assert facts.pop("hooks").startswith("provide_")
    assert facts == {
        "state": "enabled",
        "requires": "base",
        "comes after": "base",
        "conflicts with": "nothing",
        "parser": "mine",
        "clock component": "sun",
        "router": "own",
        "middleware": "wrap, wrap_more",
        "routes": "6 routes: /0, /1, /2, /3, /4, ...",
        "response types": "complex",
        "error handlers": "KeyError",
        "lifespans": "life",
        "protocols": "chat",
        "commands": "sweep",
    }
    assert answer.rejected == ()
    assert "-p no:everything" in answer.change


def test_plugin_is_required_by_others() -> None:
    assert _facts(_one(why_plugin(_plan(), "base")))["required by"] == "everything"


def test_plugin_lists_its_rejected_candidates() -> None:
    answer = _one(why_plugin(_plan(parser="h1", router="tree"), "everything"))
    assert not {"parser", "router"} & _facts(answer).keys()
    assert [candidate.name for candidate in answer.rejected] == ["parser mine", "router own"]
    assert answer.rejected[0].reason.startswith("'h1' is the parser: ")


def test_plugin_that_reads_along() -> None:
    settings = {"parser": {"name": "h1", "shadow": "mine"}}
    assert _facts(_one(why_plugin(_plan(**settings), "everything")))["shadow parser"] == "mine"


def test_builtin_plugin() -> None:
    answer = _one(why_plugin(App().plan, "h1"))
    assert answer.rule == "it is built in"
    assert _facts(answer)["parser"] == "h1"


def test_plugin_of_a_scope_lists_its_records_there() -> None:
    app = App()
    app.scope("/s", plugins=[make_plugin("it", provide_routes=lambda self, setup: [Route(path="/x", handler=_answer)])])
    answer = _one(why_plugin(app.plan, "it"))
    assert answer.scope == "/s"
    assert _facts(answer)["routes"] == "1 route: /s/x"


@pytest.mark.parametrize(
    ("sources", "rule"),
    [
        pytest.param(SettingsSources(plugins=("it",)), "enabled by -p it", id="option"),
        pytest.param(
            SettingsSources(environ={"TURNBUCKLE_PLUGINS": "it"}), "enabled by $TURNBUCKLE_PLUGINS", id="variable"
        ),
        pytest.param(
            SettingsSources(flags=("plugins.enabled=it",)), "enabled by plugins.enabled (--set)", id="setting"
        ),
        pytest.param(
            SettingsSources(flags=("plugins.autoload=true",)), "enabled by plugins.autoload (--set)", id="autoload"
        ),
        pytest.param(SettingsSources(flags=("parser=it",)), "enabled by the setting parser.name (--set)", id="parser"),
        pytest.param(
            SettingsSources(flags=("parser.shadow=it",)), "enabled by the setting parser.shadow (--set)", id="shadow"
        ),
    ],
)
def test_plugin_names_the_source_that_enables_it(sources: SettingsSources, rule: str, site: Site) -> None:
    site.install(
        "it",
        "from turnbuckle import *\nfrom turnbuckle.http.parser import H1Parser\n"
        "class It(Plugin):\n    info = PluginInfo(name='it')\n"
        "    def provide_parsers(self, setup):\n        return [ParserProvider('it', H1Parser)]\n",
    )
    answer = _one(why_plugin(App().resolve(sources), "it"))
    assert answer.rule == rule
    assert answer.origin is not None
    assert answer.origin.distribution == "it 1.2"


def test_plugin_is_enabled_by_code() -> None:
    rule = _one(why_plugin(_plan(), "base")).rule
    assert rule.startswith("enabled by the code at ")
    assert "test_why_plugins.py:" in rule


def test_plugin_that_is_only_installed(site: Site) -> None:
    site.install("idle", "")
    answer = _one(why_plugin(App().plan, "idle"))
    assert answer.rule == "it is installed, but not enabled"
    assert answer.change.startswith("-p idle, ")
    # Where the plan had to look installed plugins up, they are in it.
    looked_up = App().resolve(SettingsSources(plugins=("no:other",)))
    assert _one(why_plugin(looked_up, "idle")).rule == answer.rule


def test_plugin_that_is_disabled(site: Site) -> None:
    site.install("it", "")
    answer = _one(why_plugin(App(plugins=["it"]).resolve(SettingsSources(plugins=("no:it",))), "it"))
    assert answer.rule == "disabled by -p no:it"
    assert answer.change == "remove what disables it"


def test_plugin_that_is_quarantined(site: Site) -> None:
    module = site.install("it", "1 / 0")
    answer = _one(why_plugin(App().resolve(SettingsSources(flags=("plugins.optional=it",))), "it"))
    assert _facts(answer)["state"] == "quarantined"
    warning = _facts(answer)["warning"]
    assert "TB103" in warning
    assert "ZeroDivisionError" in warning
    assert warning.endswith(f"{module}.py:1")
    assert "plugins.optional" in answer.change


def test_unknown_plugin(site: Site) -> None:
    site.install("sessions", "")
    with pytest.raises(LookupError, match="no plugin is named 'session'; did you mean 'sessions'"):
        why_plugin(App().plan, "session")


# -- protocols, commands, components


@pytest.mark.parametrize("token", ["chat/1", "CHAT/1", "chat"])
def test_protocol_by_its_tokens(token: str) -> None:
    answer = _one(why_protocol(_plan(), token))
    assert (answer.name, _facts(answer)) == ("chat", {"Upgrade": "Chat/1"})
    assert answer.origin is not None
    assert answer.origin.plugin == "everything"


def _carrier_plan() -> Plan:
    def provide(self: object, setup: Setup) -> list[ProtocolProvider]:
        def make(handler: object, setup: object) -> object:
            return lambda link: None

        return [ProtocolProvider(name="lines", factory=make, alpn="lines/1", preface=b"LINES\n", version="LINES/1")]

    return App(plugins=[make_plugin("lines", provide_protocols=provide)]).plan


@pytest.mark.parametrize("token", ["lines", "lines/1", "LINES/1"])
def test_protocol_of_whole_connections(token: str) -> None:
    answer = _one(why_protocol(_carrier_plan(), token))
    assert _facts(answer) == {"version": "LINES/1", "ALPN": "lines/1", "first bytes": "LINES\\n"}
    how = "whose TLS handshake agrees on 'lines/1', or without TLS that begins with its first bytes"
    assert answer.rule == f"it serves a connection {how}"


def test_all_protocols_begin_with_http() -> None:
    answers = why_protocol(_carrier_plan())
    assert [answer.name for answer in answers] == ["HTTP/1.1", "lines"]
    assert why_protocol(_carrier_plan(), "http/1.1") == answers[:1]
    assert _facts(answers[0]) == {"parser": "h1"}


def test_unknown_protocol() -> None:
    with pytest.raises(LookupError, match="no enabled plugin provides protocol 'cat'; did you mean 'chat'"):
        why_protocol(_plan(), "cat")


def test_command_of_a_plugin() -> None:
    answer = _one(why_command(_plan(), "sweep"))
    assert _facts(answer) == {"help": "Sweep the floor."}
    assert answer.change == "disable its plugin with -p no:everything"


def test_command_of_the_core() -> None:
    assert _one(why_command(App().plan, "serve")).rule == "it is built in, and plugins cannot replace it"


def test_unknown_command() -> None:
    with pytest.raises(LookupError, match="no command is named 'weep'; did you mean 'sweep'"):
        why_command(_plan(), "weep")


@pytest.mark.parametrize("kind", ["json", "loop"])
def test_component_that_the_core_has_itself(kind: str) -> None:
    answer = _one(why_component(App().plan, kind))
    assert answer.rule == "no enabled plugin provides another"
    assert answer.origin is None


# -- middleware


def test_middleware_names_its_position_and_every_constraint() -> None:
    links = [
        Middleware("a", _step_aside, before=["b"]),
        Middleware("b", _step_aside, after=["gone"], before=["c"]),
        Middleware("c", _step_aside, after=["b"]),
    ]
    plan = App(middleware=links).plan
    facts = _facts(_one(why_middleware(plan, "b")))
    assert (facts["chain"], facts["position"]) == ("a > [b] > c", "2 of 3, outermost first")
    assert (facts["before"], facts["after"]) == ("c", "gone (does not exist)")
    assert (facts["in before of"], facts["in after of"]) == ("a", "c")


# -- explain, plan


_UPGRADE = (("Connection", "upgrade"), ("Upgrade", "h2c, Chat/1"))


def test_explain_names_the_protocol_that_is_asked_first() -> None:
    found = explain_request(_plan(), "GET", "/1", _UPGRADE)
    assert found.offered == ("h2c", "chat/1", "chat")
    assert found.protocol is not None
    assert found.protocol.record.name == "chat"
    assert found.winner is not None


def test_explain_names_an_offer_that_no_plugin_takes() -> None:
    found = explain_request(App().plan, "GET", "/1", _UPGRADE)
    assert found.protocol is None
    assert found.offered


def test_explain_of_a_request_that_offers_nothing() -> None:
    found = explain_request(_plan(), "GET", "/1")
    assert (found.protocol, found.offered) == (None, ())


def test_plan_shows_protocols_and_commands() -> None:
    text = plan_as_text(_plan())
    assert "chat  Upgrade: Chat/1  everything" in text
    assert "  commands\n    sweep  everything" in text


def test_plan_data_names_the_request_for_a_plugin() -> None:
    plugins = plan_as_json(_plan())["plugins"]
    assert isinstance(plugins, list)
    (plugin,) = [plugin for plugin in plugins if plugin["name"] == "everything"]
    assert (plugin["requires"], plugin["after"], plugin["conflicts"]) == (["base"], ["base"], ["nothing"])
    assert Path(plugin["requested_by"]["location"].rpartition(":")[0]).name == "test_why_plugins.py"
