"""Methods of routes that are similar to the usual ones are reported; methods of an app's own are legal."""

from __future__ import annotations

import pytest

from tests.core.startup.finding import make_plugin, warning_of
from turnbuckle import App, Request, Route


async def show(request: Request) -> str:
    return "shown"


@pytest.mark.parametrize(
    ("method", "near"),
    [
        ("GETT", "GET"),
        ("GTE", "GET"),
        ("EGT", ""),
        ("POTS", "POST"),
        ("PSOT", "POST"),
        ("PUTT", "PUT"),
        ("DELET", "DELETE"),
        ("DEL", "DELETE"),
        ("PACTH", "PATCH"),
        ("OPTION", "OPTIONS"),
        ("UPDATES", ""),
        *((method, "") for method in ("PURGE", "WATCH", "BATCH", "M-SEARCH", "SUBSCRIBE", "NOTIFY", "PING", "BAN")),
        *((method, "") for method in ("QUERY", "SEARCH", "REPORT", "LINK", "PROPFIND")),
    ],
)
def test_unknown_method_that_is_similar_to_a_usual_one(method: str, near: str) -> None:
    app = App()
    app.add_route("/a", show, methods=["POST", method] if method != "PSOT" else [method])
    if not near:
        assert not app.resolve().diagnostics
        return
    found = warning_of(app, "TB430")
    assert found.text == f"route '/a' has the unknown method {method!r}; did you mean {near!r}?"
    assert "test_routes.py:" in found.origins[0].location
    fixed = ["POST", near] if method != "PSOT" else [near]
    listed = ", ".join(f'"{name}"' for name in sorted(set(fixed)))
    assert found.fix == f"write methods=[{listed}], or ignore this if clients send {method}"


def test_unknown_method_of_a_plugin_is_reported() -> None:
    plugin = make_plugin("shop", provide_routes=lambda self, setup: [Route(path="/a", handler=show, methods=["GETT"])])
    assert warning_of(App(plugins=[plugin]), "TB430").origins[0].plugin == "shop"
