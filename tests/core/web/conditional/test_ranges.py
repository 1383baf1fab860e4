"""Tests of ``turnbuckle.web.conditional.ranges``: RFC 9110, section 14."""

from email import message_from_bytes, policy

import pytest
from hypothesis import given, strategies as st

from turnbuckle.web.conditional import ranges
from turnbuckle.web.conditional.ranges import ByteRange, MultipartRanges, parse_ranges


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # The examples of section 14.1.2, for 10000 bytes.
        pytest.param("bytes=0-499", [(0, 500)], id="first"),
        pytest.param("bytes=500-999", [(500, 1000)], id="second"),
        pytest.param("bytes=-500", [(9500, 10000)], id="suffix"),
        pytest.param("bytes=9500-", [(9500, 10000)], id="open"),
        pytest.param("bytes=0-0,-1", [(0, 1), (9999, 10000)], id="first-and-last"),
        pytest.param("bytes= 0-999, 4500-5499, -1000", [(0, 1000), (4500, 5500), (9000, 10000)], id="several"),
        pytest.param("bytes=500-600,601-999", [(500, 601), (601, 1000)], id="adjacent"),
        pytest.param("bytes=500-700,601-999", [(500, 701), (601, 1000)], id="overlapping"),
        pytest.param("Bytes=0-499", [(0, 500)], id="case"),
        pytest.param("bytes=0-", [(0, 10000)], id="all"),
        pytest.param("bytes=-20000", [(0, 10000)], id="long-suffix"),
        pytest.param("bytes=9000-20000", [(9000, 10000)], id="beyond-the-end"),
        pytest.param("bytes=,0-0,,", [(0, 1)], id="empty-members"),
        pytest.param("bytes=007-0008", [(7, 9)], id="zeros"),
        pytest.param(f"bytes=5-{'9' * 5000}", [(5, 10000)], id="huge-end"),
        pytest.param("bytes=9999-9999,10000-10001", [(9999, 10000)], id="one-of-two-satisfiable"),
        pytest.param("bytes=10000-", [], id="unsatisfiable"),
        pytest.param(f"bytes={'9' * 5000}-", [], id="huge-start"),
        pytest.param("bytes=-0", [], id="empty-suffix"),
        pytest.param("bytes=-0,20000-", [], id="none-satisfiable"),
        pytest.param("bytes=5-4", None, id="backwards"),
        pytest.param("bytes=0-1,5-4", None, id="one-backwards"),
        pytest.param("bytes=", None, id="empty"),
        pytest.param("bytes=,", None, id="only-commas"),
        pytest.param("bytes=-", None, id="no-numbers"),
        pytest.param("bytes=a-b", None, id="letters"),
        pytest.param("bytes=+1-2", None, id="sign"),
        pytest.param("bytes=1_0-20", None, id="underscore"),
        pytest.param("bytes=\u0661-2", None, id="other-digits"),
        pytest.param("bytes=1 - 2", None, id="space"),
        pytest.param("bytes 0-1", None, id="no-equals"),
        pytest.param("bytes =0-1", None, id="space-before-equals"),
        pytest.param("items=0-1", None, id="other-unit"),
        pytest.param("0-1", None, id="no-unit"),
        pytest.param("bytes=0-,0-0", None, id="more-than-there-is"),
        pytest.param("bytes=" + "0-," * 16, None, id="whole-file-sixteen-times"),
        pytest.param("bytes=" + ",".join(f"{n}-{n}" for n in range(17)), None, id="too-many"),
        pytest.param("bytes=" + "," * 17, None, id="too-many-commas"),
    ],
)
def test_parse_ranges(value: str, expected: list[tuple[int, int]] | None) -> None:
    assert parse_ranges(value, 10_000) == expected


def test_as_many_ranges_as_the_limit_are_sent() -> None:
    texts = [f"{number}-{number}" for number in range(ranges._MAX_RANGES)]
    assert len(parse_ranges(f"bytes={','.join(texts)}", 10_000)) == ranges._MAX_RANGES


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=-1", "bytes=1-2"])
def test_ranges_of_nothing_are_ignored(value: str) -> None:
    assert parse_ranges(value, 0) is None


@given(st.text("0123456789-, bytes=", max_size=40), st.integers(1, 1000))
def test_ranges_are_within_the_content(text: str, size: int) -> None:
    found = parse_ranges(f"bytes={text}", size) or []
    assert all(0 <= start < stop <= size for start, stop in found)
    assert sum(stop - start for start, stop in found) <= size


def test_content_range() -> None:
    assert ByteRange(42, 1234).content_range(1234) == "bytes 42-1233/1234"


async def test_multipart_of_bytes() -> None:
    content = bytes(range(256))
    body = MultipartRanges(content, [ByteRange(0, 2), ByteRange(250, 256)], 256, "image/x-a")
    whole = body.join()
    assert [piece async for piece in body] == [whole]
    assert len(whole) == body.length
    message = message_from_bytes(f"Content-Type: {body.content_type}\r\n\r\n".encode() + whole, policy=policy.HTTP)
    first, last = message.iter_parts()
    assert first.items() == [("Content-Type", "image/x-a"), ("Content-Range", "bytes 0-1/256")]
    assert last["content-range"] == "bytes 250-255/256"
    assert (first.get_payload(decode=True), last.get_payload(decode=True)) == (content[:2], content[250:])


def test_boundaries_are_random() -> None:
    types = {MultipartRanges(b"ab", [ByteRange(0, 1)], 2, "").content_type for _ in range(5)}
    assert len(types) == 5
    assert all(len(text.partition("boundary=")[2]) == 32 for text in types)
