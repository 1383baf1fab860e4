"""Forwarding fields: the address of the client, and all ways in which a client could forge it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from turnbuckle import Headers, TrustedAddresses
from turnbuckle_contrib.forwarded import Forwarded, read_forwarded, read_x_forwarded

PROXY = ("10.0.0.1", 5000)
TRUSTED = TrustedAddresses(["10.0.0.0/8", "2001:db8:ffff::/48"])


def fields(*pairs: tuple[str, str]) -> Headers:
    return Headers(tuple((name.lower().encode(), value.encode("latin-1", "replace")) for name, value in pairs))


def x_for(*lines: str, **more: str) -> Forwarded:
    others = [(f"X-Forwarded-{name}", value) for name, value in more.items()]
    return read_x_forwarded(fields(*[("X-Forwarded-For", line) for line in lines], *others), PROXY, TRUSTED)


def forwarded(*lines: str) -> Forwarded:
    return read_forwarded(fields(*[("Forwarded", line) for line in lines]), PROXY, TRUSTED)


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        pytest.param([], PROXY, id="none"),
        pytest.param([""], PROXY, id="empty"),
        pytest.param(["192.0.2.1"], ("192.0.2.1", 0), id="one"),
        pytest.param(["192.0.2.1:4711"], ("192.0.2.1", 4711), id="port"),
        pytest.param(["2001:db8::1"], ("2001:db8::1", 0), id="ipv6"),
        pytest.param(["[2001:db8::1]"], ("2001:db8::1", 0), id="ipv6-brackets"),
        pytest.param(["[2001:DB8::1]:4711"], ("2001:db8::1", 4711), id="ipv6-port"),
        pytest.param(["198.51.100.9, 192.0.2.1"], ("192.0.2.1", 0), id="spoofed-leftmost"),
        pytest.param(["10.0.0.9, 192.0.2.1"], ("192.0.2.1", 0), id="spoofed-as-trusted"),
        pytest.param(["127.0.0.1, 192.0.2.1, 10.0.0.7"], ("192.0.2.1", 0), id="through-a-trusted-one"),
        pytest.param(["192.0.2.1, 10.0.0.8, 2001:db8:ffff::1"], ("192.0.2.1", 0), id="through-two"),
        pytest.param(["198.51.100.9", "192.0.2.1"], ("192.0.2.1", 0), id="two-fields"),
        pytest.param(["198.51.100.9, 192.0.2.1", "10.0.0.7"], ("192.0.2.1", 0), id="two-fields-through-one"),
        pytest.param([", ,192.0.2.1,, ,"], ("192.0.2.1", 0), id="empty-elements"),
        pytest.param(["\t192.0.2.1 \t"], ("192.0.2.1", 0), id="white-space"),
        pytest.param(["10.0.0.3, 10.0.0.2"], ("10.0.0.3", 0), id="all-trusted"),
        pytest.param(["unknown"], None, id="unknown"),
        pytest.param(["192.0.2.1, UNKNOWN"], None, id="unknown-hides-what-is-left-of-it"),
        pytest.param(["192.0.2.1, _hidden"], None, id="hidden"),
        pytest.param(["unknown, 192.0.2.1"], ("192.0.2.1", 0), id="unknown-is-not-looked-at"),
        pytest.param(['<script>", 192.0.2.1'], ("192.0.2.1", 0), id="garbage-is-not-looked-at"),
        pytest.param(["::ffff:192.0.2.1"], ("192.0.2.1", 0), id="mapped"),
        pytest.param(["192.0.2.1, ::ffff:10.0.0.4"], ("192.0.2.1", 0), id="mapped-trusted"),
    ],
)
def test_x_forwarded_for_ends_at_the_first_that_is_not_trusted(
    lines: list[str], client: tuple[str, int] | None
) -> None:
    assert x_for(*lines).client == client


@pytest.mark.parametrize(
    "element",
    [
        "localhost",
        "256.0.0.1",
        "192.0.2",
        "192.0.2.01",
        "192.0.2.1:",
        "192.0.2.1:99999",
        "192.0.2.1:+5",
        "a b",
        "[192.0.2.1]",
        "[::1",
        "::1]",
        "[::1]x",
        "1::2::3",
        "fe80::1%eth0",
        "for=192.0.2.1",
        '"192.0.2.1"',
        "192.0.2.1;",
        "\xb2.1.1.1",
        "_",
    ],
)
def test_malformed_address_of_a_trusted_proxy_is_refused(element: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        x_for(f"192.0.2.1, {element}")


def test_last_value_of_the_others_counts() -> None:
    found = x_for("192.0.2.1", Proto="http, https", Host="evil.example, shop.example", Prefix="/a, /b")
    assert found == Forwarded(client=("192.0.2.1", 0), scheme="https", host="shop.example", prefix="/b")


@pytest.mark.parametrize(
    ("given_fields", "host"),
    [
        pytest.param({"Host": "shop.example", "Port": "8443", "Proto": "https"}, "shop.example:8443", id="port"),
        pytest.param({"Host": "shop.example", "Port": "443", "Proto": "https"}, "shop.example", id="default-port"),
        pytest.param({"Host": "shop.example", "Port": "443", "Proto": "http"}, "shop.example:443", id="other-default"),
        pytest.param({"Host": "shop.example:1", "Port": "2"}, "shop.example:1", id="host-knows"),
        pytest.param({"Host": "[2001:db8::1]", "Port": "81"}, "[2001:db8::1]:81", id="ipv6"),
        pytest.param({"Port": "81"}, "", id="no-host"),
    ],
)
def test_port_goes_with_the_host(given_fields: dict[str, str], host: str) -> None:
    assert x_for(**given_fields).host == host


def test_port_goes_with_the_host_of_the_request() -> None:
    headers = fields(("Host", "shop.example"), ("X-Forwarded-Port", "8080"))
    assert read_x_forwarded(headers, PROXY, TRUSTED).host == "shop.example:8080"


@pytest.mark.parametrize(("proto", "scheme"), [("HTTPS", "https"), ("wss", "https"), ("ws", "http"), ("", "")])
def test_scheme_is_one_of_two(proto: str, scheme: str) -> None:
    assert x_for(Proto=proto).scheme == scheme


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("Proto", "javascript", id="scheme"),
        pytest.param("Proto", "https://", id="scheme-and-more"),
        pytest.param("Host", "a.example/x", id="path-in-host"),
        pytest.param("Host", "user@a.example", id="user-in-host"),
        pytest.param("Host", "a.example:99999", id="port-in-host"),
        pytest.param("Host", "[::g]", id="no-ipv6"),
        pytest.param("Host", "[1::2::3]", id="no-address"),
        pytest.param("Port", "x", id="port"),
        pytest.param("Port", "-1", id="negative-port"),
        pytest.param("Prefix", "//evil.example", id="prefix-with-host"),
        pytest.param("Prefix", "shop", id="prefix-without-slash"),
        pytest.param("Prefix", "/a?b", id="prefix-with-query"),
        pytest.param("Prefix", '/a"', id="prefix-with-quote"),
    ],
)
def test_malformed_value_of_a_trusted_proxy_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        x_for(**{name: value})


@pytest.mark.parametrize(("prefix", "expected"), [("/", ""), ("/shop/", "/shop"), ("/a/b", "/a/b")])
def test_prefix_has_no_slash_at_its_end(prefix: str, expected: str) -> None:
    assert x_for(Prefix=prefix).prefix == expected


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_For", "XForwardedFor", "Forwarded", "X-Real-IP"])
def test_other_names_count_for_nothing(name: str) -> None:
    assert read_x_forwarded(fields((name, "192.0.2.1")), PROXY, TRUSTED).client == PROXY


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], Forwarded(client=PROXY), id="none"),
        pytest.param(["for=192.0.2.1"], Forwarded(client=("192.0.2.1", 0)), id="one"),
        pytest.param(["For=192.0.2.1; Proto=HTTPS"], Forwarded(client=("192.0.2.1", 0), scheme="https"), id="case"),
        pytest.param(['for="192.0.2.1:47"'], Forwarded(client=("192.0.2.1", 47)), id="quoted-port"),
        pytest.param(['for="[2001:db8::1]:47"'], Forwarded(client=("2001:db8::1", 47)), id="ipv6-port"),
        pytest.param(['for="[2001:db8::1]"'], Forwarded(client=("2001:db8::1", 0)), id="ipv6"),
        pytest.param(['for="192.0.2.1:_p"'], Forwarded(client=("192.0.2.1", 0)), id="hidden-port"),
        pytest.param(['for="1\\92.0.2.1"'], Forwarded(client=("192.0.2.1", 0)), id="escaped"),
        pytest.param(
            ['for=192.0.2.1;proto=https;host="shop.example:8443";by=10.0.0.1'],
            Forwarded(client=("192.0.2.1", 0), scheme="https", host="shop.example:8443"),
            id="all",
        ),
        pytest.param(["for=198.51.100.9, for=192.0.2.1"], Forwarded(client=("192.0.2.1", 0)), id="spoofed-leftmost"),
        pytest.param(["for=198.51.100.9", "for=192.0.2.1"], Forwarded(client=("192.0.2.1", 0)), id="two-fields"),
        pytest.param(
            ["for=198.51.100.9;host=evil.example, for=192.0.2.1;host=shop.example, for=10.0.0.2;host=inner.example"],
            Forwarded(client=("192.0.2.1", 0), host="shop.example"),
            id="host-goes-with-the-client",
        ),
        pytest.param(
            ["for=198.51.100.9;proto=https;host=evil.example, for=192.0.2.1"],
            Forwarded(client=("192.0.2.1", 0)),
            id="host-of-the-client-is-not-taken",
        ),
        pytest.param(["for=unknown;host=a.example"], Forwarded(client=None, host="a.example"), id="unknown"),
        pytest.param(["for=192.0.2.1, for=_hidden"], Forwarded(client=None), id="hidden"),
        pytest.param(["for=192.0.2.1, proto=https"], Forwarded(client=None, scheme="https"), id="without-for"),
        pytest.param([",, for=192.0.2.1 ,;,"], Forwarded(client=("192.0.2.1", 0)), id="empty-elements"),
        pytest.param(['for="', "for=192.0.2.1"], Forwarded(client=("192.0.2.1", 0)), id="broken-field-of-the-client"),
        pytest.param(["for=192.0.2.1;ext=x"], Forwarded(client=("192.0.2.1", 0)), id="extension"),
    ],
)
def test_forwarded_ends_at_the_first_that_is_not_trusted(lines: list[str], expected: Forwarded) -> None:
    assert forwarded(*lines) == expected


@pytest.mark.parametrize(
    "line",
    [
        'for=", for=192.0.2.1',
        'for="x, for=192.0.2.1',
        'for="192.0.2.1"x',
        "for=[2001:db8::1]",
        "for=192.0.2.1:80",
        "for",
        "for=",
        'for=""',
        "=x",
        "for = 192.0.2.1",
        "for=192.0.2.1;for=192.0.2.2",
        "for=192.0.2.1 host=x",
        "for=localhost",
        'for="2001:db8::1"',
        "for=192.0.2.1;proto=ftp",
        'for=192.0.2.1;host="a/b"',
        'for=192.0.2.1;host="\\"',
    ],
)
def test_malformed_forwarded_of_a_trusted_proxy_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        forwarded(line)


@given(st.lists(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40), max_size=4))
def test_nothing_that_a_client_sends_moves_what_the_proxy_wrote(lines: list[str]) -> None:
    assert x_for(*lines, "192.0.2.1").client == ("192.0.2.1", 0)
    assert forwarded(*lines, "for=192.0.2.1").client == ("192.0.2.1", 0)


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=60))
def test_any_field_is_read_or_refused(text: str) -> None:
    for read in (x_for, forwarded):
        try:
            found = read(text)
        except ValueError:
            continue
        assert found.client is None or found.client == PROXY or found.client[0]


def test_long_field_is_read_in_a_moment() -> None:
    assert forwarded('for="' + "\\a" * 8000 + '"x,' + "," * 8000, "for=192.0.2.1").client == ("192.0.2.1", 0)
    assert x_for("10.0.0.1," * 4000).client == ("10.0.0.1", 0)
    with pytest.raises(ValueError, match="malformed"):
        forwarded('for="' + "\\a" * 8000)
