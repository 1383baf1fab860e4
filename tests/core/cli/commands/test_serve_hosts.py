"""``server.host`` takes one address or several, for IPv4 and IPv6 at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnbuckle import App, SettingsSources
from turnbuckle.server.listen.listeners import open_listeners
from turnbuckle.server.workers.settings import Workers
from turnbuckle.server.workers.sockets import open_socket_sets


def _hosts(sources: SettingsSources) -> tuple[str, ...]:
    return App().resolve(sources).settings.server.hosts


def test_host_is_one_address_or_several(tmp_path: Path) -> None:
    assert _hosts(SettingsSources()) == ("127.0.0.1",)
    assert _hosts(SettingsSources(flags=["server.host=::1"])) == ("::1",)
    assert _hosts(SettingsSources(flags=["server.host=127.0.0.1, ::1"])) == ("127.0.0.1", "::1")
    assert _hosts(SettingsSources(flags=['server.host=["127.0.0.1", "::1"]'])) == ("127.0.0.1", "::1")
    assert _hosts(SettingsSources(flags=["server.host=[::1]"])) == ("[::1]",)
    assert _hosts(SettingsSources(environ={"TURNBUCKLE_SERVER_HOST": "127.0.0.1,::1"})) == ("127.0.0.1", "::1")
    (tmp_path / "turnbuckle.toml").write_text('[server]\nhost = ["127.0.0.1", "::1"]\n')
    assert _hosts(SettingsSources(folder=tmp_path)) == ("127.0.0.1", "::1")
    assert App(settings={"server": {"host": ["a", "b"]}}).plan.settings.server.hosts == ("a", "b")
    assert App(settings={"server": {"host": "a"}}).plan.settings.server.hosts == ("a",)


@pytest.mark.parametrize("sockets", ["shared", "per_worker"])
def test_all_hosts_share_one_port(sockets: str) -> None:
    plan = App(settings={"server": {"host": ["127.0.0.1", "127.0.0.2"], "port": 0}}).plan
    sets = open_socket_sets(plan.settings.server.bind_address(), Workers(count=2, sockets=sockets))  # type: ignore[arg-type]
    try:
        assert len({listener.address.port for listeners in sets for listener in listeners}) == 1
        for listeners in sets:
            assert [listener.address.host for listener in listeners] == ["127.0.0.1", "127.0.0.2"]
    finally:
        for listeners in sets:
            for listener in listeners:
                listener.close()


def test_ipv4_and_ipv6_at_a_time() -> None:
    plan = App(settings={"server": {"host": ["0.0.0.0", "::"], "port": 0}}).plan
    listeners = open_listeners(plan.settings.server.bind_address())
    try:
        assert listeners[0].address.host == "0.0.0.0"
        assert {listener.address.port for listener in listeners} == {listeners[0].address.port}
    finally:
        for listener in listeners:
            listener.close()


def test_debug_is_reported_for_each_host_that_others_reach() -> None:
    app = App(debug=True, settings={"server": {"host": ["127.0.0.1", "0.0.0.0"]}})
    (warning,) = [found for found in app.plan.diagnostics if found.code == "TB211"]
    assert "'0.0.0.0'" in warning.text
    assert not App(debug=True, settings={"server": {"host": ["127.0.0.1", "::1"]}}).plan.diagnostics
