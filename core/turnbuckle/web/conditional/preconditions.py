"""Evaluate the preconditions of a request: ``If-Match`` and its relatives (RFC 9110, section 13).

Pure: the fields of the request and the validators of a representation in, a status out. A validator is an entity tag,
as the value of an ETag field, or the time of the last modification in whole seconds since the epoch.

Sources: RFC 9110, sections 8.8 and 13; RFC 6585, section 3.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote

from turnbuckle.errors import HTTPError, NotModified, PreconditionFailed
from turnbuckle.http.dates import format_date, parse_date
from turnbuckle.web.content.codecs import JSON_TYPE
from turnbuckle.web.headers import Headers

__all__ = [
    "check_preconditions",
    "content_tag",
    "entity_tag",
    "failed_precondition",
    "format_last_modified",
    "is_if_range_true",
    "parse_entity_tags",
    "tag_of_format",
]

# entity-tag = [ weak ] opaque-tag, weak = %s"W/", opaque-tag = DQUOTE *etagc DQUOTE
# etagc = %x21 / %x23-7E / obs-text
_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*+"'
_ENTITY_TAG: Final = re.compile(_TAG)
_MEMBER: Final = re.compile(rf"[ \t,]*+({_TAG})[ \t]*+(?:,|\Z)")
# All ASCII characters of etagc but the percent sign, which escapes the others.
_PLAIN: Final = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"

_READING: Final = frozenset({"GET", "HEAD"})
# RFC 9110, section 13.2.1: preconditions do not apply to methods that do not select or modify a representation.
_WITHOUT_PRECONDITIONS: Final = frozenset({"CONNECT", "OPTIONS", "TRACE"})


def entity_tag(value: str | int, *, weak: bool = False) -> str:
    """Return the ETag field for a value: ``entity_tag("v1")`` is ``"v1"`` in double quotes.

    Characters that an entity tag cannot have are percent-encoded. A complete entity tag is returned unchanged.

    Args:
        value: any text or number that is different for each version of the content.
        weak: whether versions with the same tag may differ in their bytes.

    Raises:
        TypeError: the value is neither a text nor a whole number.
    """
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise TypeError(f"the value of an ETag is a str or an int, and not {value!r:.80}")
    text = str(value)
    tag = text if _ENTITY_TAG.fullmatch(text) else f'"{quote(text, _PLAIN, errors="replace")}"'
    return f"W/{tag}" if weak and not tag.startswith("W/") else tag


def tag_of_format(tag: str, media_type: str) -> str:
    """Return the entity tag of one of several formats of a resource, which must differ (section 8.8.3.3).

    Args:
        tag: the entity tag in the usual format, JSON, which keeps it.
        media_type: the format.
    """
    return tag if media_type == JSON_TYPE else f'{tag[:-1]};{media_type}"'


def content_tag(content: bytes) -> str:
    """Return the strong entity tag that follows from the bytes of content."""
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def format_last_modified(when: datetime) -> str:
    """Return the Last-Modified field for a time.

    Raises:
        ValueError: the time has no time zone.
        TypeError: the value is not a datetime.
    """
    return format_date(_epoch_seconds(when)).decode("ascii")


def _epoch_seconds(when: datetime) -> int:
    if not isinstance(when, datetime):
        raise TypeError(f"the time of the last modification is a datetime, and not {when!r:.80}")
    if when.tzinfo is None:
        raise ValueError(f"the time of the last modification, {when}, has no time zone")
    return math.floor(when.timestamp())


def parse_entity_tags(lines: list[str]) -> tuple[str, ...]:
    """Return the entity tags of a list, ``("*",)`` for an asterisk; none if the list is malformed.

    Args:
        lines: the values of all lines of the field.
    """
    text = ", ".join(lines).strip(" \t,")
    if text == "*":
        return ("*",)
    tags, position = [], 0
    while position < len(text):
        found = _MEMBER.match(text, position)
        if found is None:
            return ()
        tags.append(found[1])
        position = found.end()
    return tuple(tags)


def failed_precondition(
    method: str, fields: Headers, etag: str, modified: float | None, *, exists: bool = True
) -> Literal[304, 412] | None:
    """Return the status that answers a request with a false precondition; None if all are true (section 13.2.2).

    Args:
        method: of the request.
        fields: of the request.
        etag: the entity tag of the current representation; "" if it has none.
        modified: when it was last modified, in whole seconds since the epoch; None if that is not known.
        exists: whether there is a current representation.
    """
    is_read = method in _READING
    if if_match := fields.get_list("if-match"):
        if not _matches(if_match, etag, exists=exists, weak=False):
            return 412
    elif _is_later(modified, fields, "if-unmodified-since") is True:
        return 412
    if if_none_match := fields.get_list("if-none-match"):
        if _matches(if_none_match, etag, exists=exists, weak=True):
            return 304 if is_read else 412
    elif is_read and _is_later(modified, fields, "if-modified-since") is False:
        return 304
    return None


def _matches(lines: list[str], etag: str, *, exists: bool, weak: bool) -> bool:
    """Compare an entity tag with the list of a field: strongly, or weakly (section 8.8.3.2)."""
    tags = parse_entity_tags(lines)
    if tags == ("*",):
        return exists
    if not etag or not exists:
        return False
    if weak:
        return etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}
    return not etag.startswith("W/") and etag in tags


def _is_later(modified: float | None, fields: Headers, name: str) -> bool | None:
    """Return whether the modification is later than the date in a field; None if one of them is not known.

    A field that is malformed, or that has several lines, is ignored (sections 13.1.3 and 13.1.4).
    """
    lines = fields.get_list(name)
    date = parse_date(lines[0]) if len(lines) == 1 else None
    return None if date is None or modified is None else modified > date


def is_if_range_true(fields: Headers, etag: str, modified: float | None) -> bool:
    """Return whether the ranges of a request apply: it has no If-Range, or one that is true (section 13.1.5).

    An entity tag is compared strongly, and a date must be exactly the date of the last modification.
    """
    lines = fields.get_list("if-range")
    if not lines:
        return True
    if len(lines) > 1:
        return False
    if _ENTITY_TAG.fullmatch(lines[0]):
        return _matches(lines, etag, exists=True, weak=False)
    return modified is not None and parse_date(lines[0]) == modified


def check_preconditions(  # noqa: PLR0913 - a request, and one argument for each fact about the representation
    method: str,
    fields: Headers,
    etag: str | int | None,
    last_modified: datetime | None,
    *,
    exists: bool,
    required: bool,
    headers: Mapping[str, str] | None,
    formats: Sequence[str] = (JSON_TYPE,),
) -> None:
    """Do what ``Request.check_preconditions`` describes.

    ``formats`` are the media types of the app's codecs; for a request that reads, the type that its client likes best.
    """
    if method in _WITHOUT_PRECONDITIONS:
        return
    tag = "" if etag is None else _current_tag(fields, entity_tag(etag), formats)
    modified = None if last_modified is None else _epoch_seconds(last_modified)
    if required and exists and method not in _READING:
        _require_condition(fields, tag)
    status = failed_precondition(method, fields, tag, modified, exists=exists)
    if status == 412:
        raise PreconditionFailed("the resource is not in the state that the request expects")
    if status == 304:
        validators = {"ETag": tag} if tag else {}
        if modified is not None and not tag:
            validators["Last-Modified"] = format_date(modified).decode("ascii")
        raise NotModified({**validators, **(headers or {})})


def _current_tag(fields: Headers, tag: str, formats: Sequence[str]) -> str:
    """Return the entity tag of the format that the client knows: it may have read any of them."""
    tags = [tag_of_format(tag, media_type) for media_type in formats]
    if len(tags) > 1:
        lines = [*fields.get_list("if-match"), *fields.get_list("if-none-match")]
        known = {known.removeprefix("W/") for known in parse_entity_tags(lines)}
        tags.sort(key=lambda own: own.removeprefix("W/") not in known)
    return tags[0]


def _require_condition(fields: Headers, etag: str) -> None:
    names = ("if-match",) if etag else ("if-match", "if-unmodified-since")
    if not any(name in fields for name in names):
        field = "If-Match with the ETag" if etag else "If-Unmodified-Since with the Last-Modified"
        raise HTTPError(428, f"send {field} of the state that the request is to change")
