"""Reports show which chain requests run through, who provides it, and where it is chosen."""

from __future__ import annotations

import json

import pytest

from tests.core.startup.finding import make_plugin
from turnbuckle import App, Handler, Middleware, MiddlewareChain, Plan, Request, Setup
from turnbuckle.startup.report.diff import differences
from turnbuckle.startup.report.explain import explain_request
from turnbuckle.startup.report.lock import composition_of, lock_text
from turnbuckle.startup.report.plan_json import plan_as_json
from turnbuckle.startup.report.plan_text import plan_as_text
from turnbuckle.startup.report.why_middleware import why_chain, why_middleware
from turnbuckle.startup.report.why_plugins import why_plugin
from turnbuckle.startup.report.why_routes import why_route


def _pass_on(next_handler: Handler, setup: Setup) -> Handler:
    return lambda request: next_handler(request)  # noqa: PLW0108  # it must not be the next handler itself


async def _hello(request: Request) -> str:
    return "hello"


_IDS, _FORMS, _TOKENS = (Middleware(name, _pass_on) for name in ("ids", "forms", "tokens"))
_CHAINS = make_plugin(
    "chains",
    provide_middleware=lambda self, setup: [
        MiddlewareChain("web", [_IDS, _FORMS], "for browsers"),
        MiddlewareChain("api", [_IDS, _TOKENS]),
        MiddlewareChain("unused", [_IDS]),
    ],
)


def _plan(*, hook_without: tuple[str, ...] = ("forms",), chain: str = "web") -> Plan:
    app = App(plugins=[_CHAINS], chain=chain, middleware=[Middleware("own", _pass_on)])
    app.get("/", name="home")(_hello)
    app.post("/hook", without=hook_without, name="hook")(_hello)
    app.scope("/api", chain="api").get("/notes", name="notes")(_hello)
    return app.plan


def test_plan_shows_the_chain_of_each_scope_and_route() -> None:
    text = plan_as_text(_plan())
    assert "    chain 'web' of plugin 'chains', chosen at " in text
    assert "      chain 'api' of plugin 'chains', chosen at " in text
    assert "    chains of routes\n      POST  /hook  chain 'web' of plugin 'chains', chosen at " in text
    assert ", without forms (" in text
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    # All requests run through it.
    assert "chain '" not in rows["ids"]
    assert rows["forms"].endswith("chain 'web' (some requests)")
    assert rows["tokens"].endswith("chain 'api'")
    assert "chain" not in rows["own"].replace("test_why_middleware.py", "")


def test_plan_as_json_has_the_selections() -> None:
    data = json.loads(json.dumps(plan_as_json(_plan())))
    root, inner = data["scopes"]
    assert [chain["name"] for chain in root["chains"]] == ["web", "api", "unused"]
    assert root["chains"][0]["members"] == ["ids", "forms"]
    assert root["selection"]["chain"] == "web"
    assert root["selection"]["provider"]["plugin"] == "chains"
    assert "test_why_middleware.py" in root["selection"]["chosen"]["location"]
    hook = next(route for route in root["routes"] if route["name"] == "hook")
    assert hook["selection"]["middleware"] == ["ids", "own"]
    assert [entry["name"] for entry in hook["selection"]["without"]] == ["forms"]
    assert inner["selection"]["middleware"] == ["ids", "tokens", "own"]


def test_an_app_without_chains_has_no_selections_in_json() -> None:
    app = App()
    app.get("/")(_hello)
    (root,) = plan_as_json(app.plan)["scopes"]  # type: ignore[misc]  # plain data
    assert root["selection"] is None  # type: ignore[index,call-overload]
    assert root["routes"][0]["selection"] is None  # type: ignore[index,call-overload]


def test_why_chain_names_provider_members_and_requests() -> None:
    (answer,) = why_chain(_plan(), "web")
    facts = dict(answer.facts)
    assert answer.rule == "it is chosen"
    assert answer.origin is not None
    assert answer.origin.plugin == "chains"
    assert facts["purpose"] == "for browsers"
    assert facts["members"] == "ids, forms"
    assert "test_why_middleware.py" in facts["chosen"]
    assert facts["of /"] == "ids > forms > own"
    assert facts["of POST /hook"] == "ids > own (without forms)"
    assert "of /api" not in facts


def test_why_chain_of_an_unused_or_unknown_chain() -> None:
    (answer,) = why_chain(_plan(), "unused")
    assert answer.rule == "nothing chooses it, so it has no effect"
    with pytest.raises(LookupError, match="no chain is named 'wep'; did you mean 'web'"):
        why_chain(_plan(), "wep")


def test_why_middleware_and_route_name_the_chain() -> None:
    (answer,) = why_middleware(_plan(), "tokens")
    assert dict(answer.facts)["runs in"] == "chain 'api'"
    (own,) = why_middleware(_plan(), "own")
    assert "runs in" not in dict(own.facts)
    (route,) = why_route(_plan(), "hook")
    facts = dict(route.facts)
    assert facts["chain"] == "ids > own"
    assert facts["runs through"].startswith("chain 'web' of plugin 'chains', chosen at ")


def test_why_plugin_says_that_a_chain_enables_it() -> None:
    plan = App(chain=MiddlewareChain("mine", ["request_id"])).plan
    (answer,) = why_plugin(plan, "request_id")
    assert answer.rule.endswith("because a chosen middleware chain has it")


@pytest.mark.parametrize(
    ("method", "path", "chain"),
    [
        ("GET", "/", ["ids", "forms", "own"]),
        ("POST", "/hook", ["ids", "own"]),
        ("GET", "/hook", ["ids", "own"]),
        ("GET", "/api/notes", ["ids", "tokens", "own"]),
        ("GET", "/api/nothing", ["ids", "tokens", "own"]),
        ("GET", "/nothing", ["ids", "forms", "own"]),
    ],
)
def test_explain_shows_the_middleware_that_runs(method: str, path: str, chain: list[str]) -> None:
    found = explain_request(_plan(), method, path)
    assert [link.record.name for link in found.chain] == chain
    assert found.selection is not None


def test_the_lock_shows_another_chain() -> None:
    before, after = composition_of(_plan()), composition_of(_plan(hook_without=(), chain="api"))
    assert [record["of"] for record in before["scopes"][0]["runs"]] == ["scope", "POST /hook"]
    texts = [difference.text for difference in differences(before, after)]
    assert "requests of the app ran through ids > forms > own (chain 'web'), and run through" in " ".join(texts)
    assert (
        "requests of POST /hook ran through ids > own (chain 'web'), and run through the middleware of their scope"
        in texts
    )
    assert not differences(before, composition_of(_plan()))
    assert json.loads(lock_text(before))["scopes"][0]["runs"] == before["scopes"][0]["runs"]


def test_a_lock_of_an_earlier_version_is_not_different() -> None:
    app = App()
    app.get("/")(_hello)
    now = composition_of(app.plan)
    before = json.loads(json.dumps(now))
    for scope in before["scopes"]:
        del scope["runs"]
    assert not differences(before, now)
