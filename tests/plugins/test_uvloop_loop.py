from __future__ import annotations

import uvloop

from turnbuckle import App


def test_app_is_served_on_uvloop() -> None:
    assert App(plugins=["uvloop_loop"]).compile().loop_factory is uvloop.new_event_loop
    assert App().compile().loop_factory is None


def test_plan_shows_the_loop() -> None:
    choice = App(plugins=["uvloop_loop"]).plan.components["loop"]
    assert (choice.name, choice.origin.plugin) == ("uvloop", "uvloop_loop")
