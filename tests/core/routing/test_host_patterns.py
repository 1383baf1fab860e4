"""Host patterns."""

import pytest

from turnbuckle.errors import RouteError
from turnbuckle.routing.converters import BUILTIN_CONVERTERS
from turnbuckle.routing.host_patterns import normalize_host, parse_host_pattern


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com:8080", "example.com"),
        ("example.com:", "example.com"),
        ("example.com.", "example.com"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:80", "[::1]"),
        ("[::FFFF]", "[::ffff]"),
        ("", None),
        (":80", None),
        ("a b", None),
        ("a/b", None),
        ("user@host", None),
        ("host:80x", None),
        ("h\u00f6st", None),
        ("%41.com", None),
    ],
)
def test_normalize_host_table(authority: str, expected: str | None) -> None:
    assert normalize_host(authority) == expected


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("{t}.example.com", "acme.example.com", ("acme",)),
        ("{t}.Example.COM", "acme.example.com", ("acme",)),
        ("{t}.example.com", "a.b.example.com", None),
        ("{t}.example.com", ".example.com", None),
        ("{t}.example.com", "acme.example.org", None),
        ("{a}.{b}.com", "x.y.com", ("y", "x")),
        ("api-{n:int}.example.com", "api-5.example.com", (5,)),
        ("{x:re(a|b.?)}.com", "a.com", ("a",)),
        ("localhost", "localhost", ()),
        ("[::1]", "[::1]", ()),
    ],
)
def test_read_table(pattern: str, host: str, expected: tuple[int | str, ...] | None) -> None:
    parsed = parse_host_pattern(pattern, BUILTIN_CONVERTERS)
    assert parsed.read(host) == expected


def test_names_follow_the_values() -> None:
    parsed = parse_host_pattern("{a}.{b}.com", BUILTIN_CONVERTERS)
    assert parsed.names == ("b", "a")
    assert dict(zip(parsed.names, parsed.read("x.y.com"), strict=True)) == {"a": "x", "b": "y"}


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("example.com:80", "'com:80' has other characters than letters"),
        ("h\u00f6st.com", "has other characters than letters"),
        ("a/b.com", "separated by single dots, without slashes"),
        ("a..com", "empty segment"),
        (".com", "separated by single dots, without slashes"),
        ("example.com.", "an empty segment"),
        ("{x:path}.com", "a parameter cannot span labels"),
        ("{x.com", "'}' expected, not '.'"),
    ],
)
def test_parse_refuses(pattern: str, reason: str) -> None:
    with pytest.raises(RouteError) as caught:
        parse_host_pattern(pattern, BUILTIN_CONVERTERS)
    assert reason in str(caught.value)
    assert repr(pattern) in str(caught.value)


def test_order_puts_the_specific_first() -> None:
    written = ["{a}.{b}.com", "{a}.example.com", "api-{x}.example.com", "{n:int}.example.com"]
    ordered = sorted(written, key=lambda text: parse_host_pattern(text, BUILTIN_CONVERTERS).order)
    assert ordered == ["{n:int}.example.com", "api-{x}.example.com", "{a}.example.com", "{a}.{b}.com"]


def test_write_gives_a_host_that_reads_the_same() -> None:
    parsed = parse_host_pattern("{t}-{n:int}.Example.com", BUILTIN_CONVERTERS)
    assert parsed.write({"t": "acme", "n": 5}) == "acme-5.example.com"
    assert parsed.read("acme-5.example.com") == ("acme", 5)


@pytest.mark.parametrize("value", ["a.b", "a/b", "", "a b", "\u00e4", "a:1", 5, "a@b"])
def test_write_refuses(value: int | str) -> None:
    with pytest.raises(RouteError):
        parse_host_pattern("{t}.example.com", BUILTIN_CONVERTERS).write({"t": value})
