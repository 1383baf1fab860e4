"""Tests of ``turnbuckle.web.trusted_addresses``."""

from __future__ import annotations

import pytest

from turnbuckle.web.trusted_addresses import TrustedAddresses

TRUSTED = TrustedAddresses(["127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "fe80::/10"])


@pytest.mark.parametrize(
    ("address", "is_trusted"),
    [
        pytest.param("127.0.0.1", True, id="address"),
        pytest.param("127.0.0.2", False, id="other-address"),
        pytest.param("10.255.0.1", True, id="network"),
        pytest.param("11.0.0.1", False, id="other-network"),
        pytest.param("2001:db8::5", True, id="ipv6"),
        pytest.param("2001:db9::5", False, id="other-ipv6"),
        pytest.param("::ffff:10.1.2.3", True, id="mapped"),
        pytest.param("::ffff:11.1.2.3", False, id="other-mapped"),
        pytest.param("fe80::1%eth0", True, id="zone"),
        pytest.param("010.0.0.1", False, id="octal"),
        pytest.param("localhost", False, id="name"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_address_is_trusted(address: str, is_trusted: bool) -> None:
    assert TRUSTED.trusts((address, 1)) is is_trusted
    assert TRUSTED.trusts_address(address) is is_trusted


def test_unix_sockets_are_trusted_by_name() -> None:
    assert not TRUSTED.trusts(None)
    assert TrustedAddresses(["unix"]).trusts(None)
    assert not TrustedAddresses(["unix"]).trusts_address("unix")


def test_empty_set_trusts_no_address() -> None:
    assert not TrustedAddresses([])
    assert not TrustedAddresses([]).trusts(("127.0.0.1", 1))
    assert not TrustedAddresses([]).trusts(None)


@pytest.mark.parametrize("entry", ["", "*", "localhost", "10.0.0.1/8", "10.0.0.0/33", "Unix"])
def test_malformed_network_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        TrustedAddresses([entry])


def test_repr_names_the_networks() -> None:
    assert repr(TrustedAddresses(["10.0.0.0/8"])) == "TrustedAddresses(['10.0.0.0/8'])"


@pytest.mark.parametrize(
    ("entry", "address", "is_trusted"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::FFFF:192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "11.0.0.1", False),
        ("::ffff:0:0/96", "203.0.113.9", True),
        ("::/0", "203.0.113.9", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("192.0.2.1", "::ffff:c000:201", True),
    ],
)
def test_entry_has_the_spelling_of_addresses(entry: str, address: str, is_trusted: bool) -> None:
    assert TrustedAddresses([entry]).trusts_address(address) is is_trusted
