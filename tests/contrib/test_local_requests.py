"""Which hosts stand for this machine."""

from __future__ import annotations

import pytest

from turnbuckle_contrib.local_requests import is_local_host


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8000",
        "app.localhost",
        "app.localhost:8000",
        "127.0.0.1",
        "127.8.9.1:80",
        "[::1]",
        "[::1]:8000",
    ],
)
def test_hosts_of_this_machine(host: str) -> None:
    assert is_local_host(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "192.0.2.1:8000", "[2001:db8::1]", "[2001:db8::1]:8000"])
def test_other_addresses_count_only_on_demand(host: str) -> None:
    assert not is_local_host(host)
    assert is_local_host(host, any_address=True)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":8000",
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "127.0.0.1.evil.example:80",
        "[127.0.0.1]",
        "[::1",
        "::1",
        "2130706433",
    ],
)
def test_names_of_sites_never_count(host: str) -> None:
    assert not is_local_host(host)
    assert not is_local_host(host, any_address=True)
