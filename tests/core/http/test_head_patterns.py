"""Tests of ``turnbuckle.http.head_patterns``: the expressions accept nothing that the line-by-line parser refuses."""

from __future__ import annotations

import random
import sys
import time

import pytest
from hypothesis import given, strategies as st

from turnbuckle.errors import ProtocolError
from turnbuckle.http.events import RequestHead
from turnbuckle.http.fields import FieldSection, parse_field_line, parse_request_line
from turnbuckle.http.framing import FRAMING_FIELDS, read_framing
from turnbuckle.http.head_patterns import framing_fields, head_patterns

PATTERNS = head_patterns(128)

BROWSER = (
    b"GET /items/7?q=a%20b HTTP/1.1\r\nHost: example.com:8000\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0\r\n"
    b"Upgrade-Insecure-Requests: 1\r\nAccept: text/html,*/*;q=0.8\r\nReferer: http://example.com/\r\nTE: trailers\r\n"
    b"Cookie: a=b; c=d\r\nContent-Type: text/plain\r\nTraceparent: 00-0af7-b7ad-01\r\nuser-agent: x\r\nX-A:\r\n\r\n"
)
POST = (
    b"POST /items HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: 110\r\n"
    b"Authorization: Bearer abc\r\n\r\n"
)
OTHERS = [
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.1\r\nX-A: 1\r\nHost: [::1]:65535\r\nConnection: close, TE\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a%%20b \r\nUpgrade: x\r\nExpect: 100-continue\r\nContent-Length: %019d\r\n\r\n" % 1,
    b"CONNECT a:443 HTTP/1.1\r\nHOST:a\r\nX: a\tb\r\nTransfer-Encoding: chunked\r\n\r\n",
]


def parse_exactly(received: bytes) -> RequestHead | None:
    """Return the head that the bytes consist of, parsed line by line; None if they are malformed."""
    if not received.endswith(b"\r\n\r\n") or b"\r\n\r\n" in received[:-1]:
        return None
    first, *lines = received[:-4].split(b"\r\n")
    try:
        fields = [parse_field_line(line) for line in lines]
        head = RequestHead(*parse_request_line(first), fields)
        read_framing(head, [field for field in fields if field[0] in FRAMING_FIELDS])
    except ProtocolError:
        return None
    return head


def check_head(received: bytes) -> None:
    """Compare what the expressions find at the beginning of some bytes with the exact result."""
    common, whole = PATTERNS.common.match(received), PATTERNS.whole.match(received)
    if common is not None:
        method, target, lines, length = common.groups()
        expected = RequestHead(method, target, 1, tuple(FieldSection(lines)), int(length or 0))
        assert parse_exactly(received[: common.end()]) == expected
        assert whole is not None
        assert whole.groups()[3] == lines
    exact = parse_exactly(received)
    if exact is not None:
        assert whole is not None
        assert whole.end() == len(received)
        method, target, minor_version, lines = whole.groups()
        assert (method, target, FieldSection(lines)) == (exact.method, exact.target, exact.fields)
        assert exact.minor_version == int(minor_version != b"0")
        assert framing_fields(lines) == [field for field in exact.fields if field[0] in FRAMING_FIELDS]
    if whole is not None:
        # Only the target, the value of Host and the framing are validated after the match.
        first, *lines = received[: whole.end() - 4].split(b"\r\n")
        assert len(first.split(b" ")) == 3
        for line in lines:
            if not line.lower().startswith(b"host:"):
                assert parse_field_line(line)


# Earlier versions leave the position within a line; see the module.
_HAS_SOUND_REPETITIONS = sys.version_info >= (3, 11, 5)


@pytest.mark.skipif(not _HAS_SOUND_REPETITIONS, reason="depends on a correction of the module re")
@pytest.mark.parametrize("received", [BROWSER, POST])
def test_usual_heads_are_common(received: bytes) -> None:
    found = PATTERNS.common.match(received)
    assert found is not None
    assert found.end() == len(received)
    check_head(received)


@pytest.mark.parametrize("received", OTHERS)
def test_unusual_heads_are_whole(received: bytes) -> None:
    assert PATTERNS.common.match(received) is None
    assert PATTERNS.whole.match(received) is not None
    check_head(received)


@pytest.mark.parametrize("name", sorted(FRAMING_FIELDS))
@pytest.mark.parametrize("place", range(4))
def test_framing_fields_are_never_plain(name: bytes, place: int) -> None:
    spellings = {name, name.upper(), name.title(), name.swapcase(), name[:1].upper() + name[1:], name.capitalize()}
    spellings |= {name[:at] + name[at:].upper() for at in range(len(name))}
    for spelling in spellings:
        lines = [b"Host: a", b"Accept: a", b"Content-Length: 5"]
        lines.insert(place, spelling + b": 7")
        received = b"POST / HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n"
        assert PATTERNS.common.match(received) is None, received
        check_head(received)


@pytest.mark.skipif(not _HAS_SOUND_REPETITIONS, reason="depends on a correction of the module re")
@pytest.mark.parametrize(
    "line",
    [
        b"Host-X: 1",
        b"Hos: 1",
        b"H: 1",
        b"Connection-X: 1",
        b"Conn: 1",
        b"C: 1",
        b"Content-Lengths: 1",
        b"Content-L: 1",
        b"Content: 1",
        b"Content-: 1",
        b"Content_Length: 1",
        b"Expect-CT: 1",
        b"Expec: 1",
        b"E: 1",
        b"T: 1",
        b"Te: 1",
        b"Transfer-Encoding-X: 1",
        b"Upgrade-X: 1",
        b"Upgrad: 1",
        b"U: 1",
        b"Cookies: 1",
        b"User-Agents: 1",
        b"X: a\tb",
        b"Connection: keep-alive",
        b"Connection: Keep-Alive",
    ],
)
def test_other_fields_are_plain(line: bytes) -> None:
    for received in (b"GET / HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n", POST[:-2] + line + b"\r\n\r\n"):
        assert PATTERNS.common.match(received) is not None, received
        check_head(received)


@pytest.mark.parametrize(
    ("host", "is_common"),
    [
        (b"a", True),
        (b"127.0.0.1:8000", True),
        (b"a:59999", True),
        (b"a:9", True),
        (b"a:", True),
        (b"a:60000", False),
        (b"a:65536", False),
        (b"a:123456", False),
        (b"[::1]", False),
        (b"a%41", False),
        (b"", False),
        (b"a/b", False),
        (b"a,b", False),
        (b"a@b", False),
        (b"a b", False),
        (b"a:b", False),
        (b"a\xff", False),
    ],
)
def test_only_plain_hosts_are_common(host: bytes, is_common: bool) -> None:
    received = b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    assert (PATTERNS.common.match(received) is not None) is is_common
    check_head(received)


@pytest.mark.parametrize("count", range(40))
def test_number_of_field_lines_is_limited(count: int) -> None:
    patterns = head_patterns(20)
    for framing in ([b"Host: a"], [b"Host: a", b"Content-Length: 1"]):
        for place in (1, len(framing)):
            lines = framing[:place] + [b"A: 1"] * (count - len(framing)) + framing[place:]
            received = b"POST / HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n"
            assert (patterns.whole.match(received) is not None) is (len(lines) <= 20)
            assert patterns.common.match(received) is None or len(lines) <= 20


def test_no_field_lines() -> None:
    assert head_patterns(0).whole.match(b"GET / HTTP/1.0\r\n\r\n")
    assert not head_patterns(0).whole.match(b"GET / HTTP/1.0\r\nA:\r\n\r\n")
    assert not head_patterns(0).common.match(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")


SCRAPS = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b":",
    b" ",
    b"\t",
    b"0",
    b"chunked",
    b",",
    b"\xff",
    b"\x7f",
    b"",
    b"Host: b\r\n",
    b"X\r\n",
    b"\r\nContent-Length: 3",
    b"Transfer-Encoding: chunked\r\n",
    b"C",
    b"t",
    b"\r\n ",
    b"Connection: close\r\n",
    b"CONNECT ",
]


def mutate(received: bytes, choose: random.Random) -> bytes:
    for _ in range(choose.randrange(1, 4)):
        at, length = choose.randrange(len(received) + 1), choose.choice((0, 0, 1, 2, 9))
        scrap = choose.choice(SCRAPS) if choose.random() < 0.8 else bytes([choose.randrange(256)])
        received = received[:at] + scrap + received[at + length :]
    return received


def test_expressions_agree_with_lines_on_damaged_heads() -> None:
    choose = random.Random(9)
    for _ in range(4000):
        check_head(mutate(choose.choice([BROWSER, POST, *OTHERS]), choose))


@given(
    st.lists(st.sampled_from([*SCRAPS, b"GET / HTTP/1.1\r\n", b"Host: a\r\n", b"A: b\r\n"]), max_size=12).map(b"".join)
)
def test_expressions_agree_with_lines_on_scraps(received: bytes) -> None:
    check_head(received)


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(b"G" * 10**6, id="method"),
        pytest.param(b"GET /" + b"a" * 10**6, id="target"),
        pytest.param(BROWSER[:-2] + b"X" * 10**6, id="name"),
        pytest.param(BROWSER[:-2] + b"X:" + b" " * 10**6, id="value"),
        pytest.param(BROWSER[:-2] + b"Content-Length: 5\r\n" * 50000, id="lengths"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"Content-Type: a\r\n" * 50000, id="lines"),
    ],
)
def test_expressions_take_linear_time(received: bytes) -> None:
    # Row 55: no input causes backtracking. The tests of the parser check heads in small pieces.
    start = time.process_time()
    for patterns in (PATTERNS, head_patterns(10**6)):
        assert patterns.common.match(received) is None
        assert patterns.whole.match(received) is None
    assert time.process_time() - start < 1
