"""Addresses as text, and the validation of file modes."""

import pytest

from turnbuckle.server.listen.addresses import Address, BindAddress
from turnbuckle.server.listen.listeners import open_listeners


@pytest.mark.parametrize(
    ("address", "url"),
    [
        pytest.param(Address(host="127.0.0.1", port=80), "http://127.0.0.1:80", id="ipv4"),
        pytest.param(Address(host="::1", port=80), "http://[::1]:80", id="ipv6"),
        pytest.param(Address(unix="/run/web.sock"), "unix:/run/web.sock", id="unix"),
    ],
)
def test_address_prints_as_a_client_would_write_it(address: Address, url: str) -> None:
    assert str(address) == address.url == url


@pytest.mark.parametrize("mode", ["rw-", "0o660", "66", "6660", "888", "+60", " 660"])
def test_bind_address_refuses_an_invalid_mode(mode: str) -> None:
    with pytest.raises(ValueError, match="three octal digits"):
        BindAddress(unix_mode=mode)


def test_address_says_that_tls_is_spoken() -> None:
    (listener,) = open_listeners(BindAddress(port=0, is_secured=True))
    assert listener.address.url == f"https://127.0.0.1:{listener.address.port}"
    listener.close()
