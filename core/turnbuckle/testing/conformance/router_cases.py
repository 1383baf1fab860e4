"""Paths with exactly one correct reading, as tables for ``parametrize``.

Sources: RFC 3986, sections 2 and 3.3; ``turnbuckle.routing.patterns`` and ``converters`` define the syntax.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

import pytest

__all__ = ["BAD_PATTERNS", "SLASHES", "TEXTS", "VALUES"]

_UUID: Final = "0f8fad5b-d9cb-469f-a165-70867728950e"

VALUES: Final = (
    pytest.param("/{x}", "/a", "a", id="str"),
    pytest.param("/{x}", "/", None, id="str-is-not-empty"),
    pytest.param("/{x}", "/a/b", None, id="str-ends-at-a-slash"),
    pytest.param("/{x:int}", "/42", 42, id="int"),
    pytest.param("/{x:int}", "/007", 7, id="int-with-zeros"),
    pytest.param("/{x:int}", "/+5", None, id="int-without-sign"),
    pytest.param("/{x:int}", "/1_0", None, id="int-without-underscore"),
    pytest.param("/{x:int}", "/%D9%A3", None, id="int-in-ascii"),
    pytest.param("/{x:float}", "/1.5", 1.5, id="float"),
    pytest.param("/{x:float}", "/1e5", None, id="float-without-exponent"),
    pytest.param("/{x:uuid}", f"/{_UUID}", uuid.UUID(_UUID), id="uuid"),
    pytest.param("/{x:uuid}", f"/{_UUID[:-1]}", None, id="uuid-too-short"),
    pytest.param("/{x:date}", "/2024-02-29", dt.date(2024, 2, 29), id="date"),
    pytest.param("/{x:date}", "/2023-02-29", None, id="date-that-never-was"),
    pytest.param("/{x:re([a-c]+)}", "/abc", "abc", id="re"),
    pytest.param("/{x:re([a-c]+)}", "/abd", None, id="re-to-the-end"),
    pytest.param("/{x:re([^a]+)}", "/b/c", None, id="re-ends-at-a-slash"),
    pytest.param("/f/{x:path}", "/f/a/b.txt", "a/b.txt", id="path"),
    pytest.param("/f/{x:path}", "/f/", "", id="path-empty"),
    pytest.param("/f/{x:path}", "/f/a//b/", "a//b/", id="path-with-slashes"),
    pytest.param("/f/{x:path}", "/f", None, id="path-needs-its-slash"),
    pytest.param("/{x:path}/edit", "/a/b/edit", "a/b", id="path-in-the-middle"),
    pytest.param("/v{x:int}.txt", "/v3.txt", 3, id="text-around"),
    pytest.param("/v{x:int}.txt", "/v3xtxt", None, id="text-is-no-expression"),
    pytest.param("/{x}", "/caf%C3%A9", "café", id="utf-8"),
    pytest.param("/{x}", "/a%2Fb", "a/b", id="encoded-slash-separates-nothing"),
    pytest.param("/{x:path}", "/a%2Fb/c", "a/b/c", id="encoded-slash-in-path"),
    pytest.param("/{x}", "/a%252Fb", "a%2Fb", id="decoded-once"),
    pytest.param("/{x}", "/a+b", "a+b", id="plus-is-plus"),
    pytest.param("/{x}", "/%0A", "\n", id="line-break"),
    pytest.param("/{x}", "/a%0A", "a\n", id="line-break-at-the-end"),
    pytest.param("/{x:int}", "/1%0A", None, id="line-break-is-no-digit"),
    pytest.param("/{x}", "/%zz", None, id="malformed-escape"),
    pytest.param("/{x}", "/a%", None, id="half-an-escape"),
    pytest.param("/{x}", "/%ff", None, id="not-utf-8"),
    pytest.param("/{x}", "/%ED%A0%80", None, id="lone-surrogate"),
)
TEXTS: Final = (
    pytest.param("/", "/", True, id="root"),
    pytest.param("/a", "/a/", False, id="slash-too-many"),
    pytest.param("/a/", "/a", False, id="slash-too-few"),
    pytest.param("/a/", "/a/", True, id="slash-at-the-end"),
    pytest.param("/a/b", "/a//b", False, id="slash-twice"),
    pytest.param("/a", "//a", False, id="slash-twice-at-the-front"),
    pytest.param("/a/b", "/a%2Fb", False, id="encoded-slash-separates-nothing"),
    pytest.param("/a%2Fb", "/a%2fb", True, id="encoded-slash-in-the-pattern"),
    pytest.param("/a", "/%61", True, id="encoded-without-need"),
    pytest.param("/café", "/caf%c3%a9", True, id="utf-8"),
    pytest.param("/a.b", "/axb", False, id="text-is-no-expression"),
    pytest.param("/a", "/A", False, id="case"),
    pytest.param("/a", "/a%0A", False, id="line-break-at-the-end"),
    pytest.param("/a", "/a%00", False, id="zero"),
    pytest.param("/a", "a", False, id="no-slash-at-the-front"),
    pytest.param("/a", "", False, id="empty"),
)
SLASHES: Final = (
    pytest.param("/a/", "/a", id="too-many"),
    pytest.param("/b", "/b/", id="too-few"),
    pytest.param("/d/1/", "/d/1", id="too-many-behind-a-parameter"),
    pytest.param("/e/1", "/e/1/", id="too-few-behind-a-parameter"),
    pytest.param("/e/a%2Fb", "/e/a%2Fb/", id="encoded-slash-stays-encoded"),
    pytest.param("/f", "/f/", id="before-many-segments"),
)
BAD_PATTERNS: Final = ("", "a", "/{", "/{x", "/{x:nothing_of_the_kind}", "/{x}/{x}", "/{1x}")
