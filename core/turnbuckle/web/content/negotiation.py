"""Choose between representations by the fields of a request: ``Accept`` and its relatives (RFC 9110, section 12).

Pure and linear. A malformed member of a field is skipped, because no user could correct it, and a field without a valid
member counts as absent. Members beyond the first hundred are not read.

Sources: RFC 9110, sections 12.4 and 12.5; RFC 4647, sections 3.3.1 and 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

import attrs

from turnbuckle.web.media_type import MediaType, parse_media_type, parse_parameters

__all__ = ["best_charset", "best_coding", "best_language", "best_media_type"]

_MAX_MEMBERS: Final = 100
# Longer fields are parsed each time, so that clients cannot fill the cache with them.
_MAX_CACHED: Final = 512

# A member of a list ends at a comma outside of quoted strings. A string that is not closed extends to the end; the
# possessive quantifiers never return characters, so that the time is linear.
_MEMBER: Final = re.compile(r'(?:[^",]++|"(?:[^"\\]++|\\.?+)*+(?:"|\Z))++', re.DOTALL)
# weight = OWS ";" OWS "q=" qvalue; qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) (section 12.4.2)
# More digits, and ".2" as old Java clients send it, are accepted.
_WEIGHT: Final = re.compile(r"0?\.[0-9]+|0\.?|1(?:\.0*)?")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# language-range = (1*8ALPHA *("-" 1*8alphanum)) / "*" (RFC 4647, section 2.1); "_" is an error that some clients make.
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*|\*")
_TYPE: Final = re.compile(r"(\*/\*)|([^/*]+/)\*|[^/*]+/[^/*]+")

_Weight: TypeAlias = float


@attrs.frozen
class _Range:
    """One member of a field.

    Attributes:
        value: the value in lower case, such as ``"text/*"``, ``"de-at"`` or ``"gzip"``.
        weight: its weight, from 0 to 1.
        parameters: the parameters of a media range, in lower case.
    """

    value: str
    weight: _Weight
    parameters: frozenset[tuple[str, str]] = frozenset()


def best_media_type(values: Sequence[str], offers: Sequence[str]) -> str | None:
    """Return the media type that a client likes best, or None if it accepts none of them.

    The weight of an offer is the weight of the most specific range that matches it. If two offers have the same weight,
    the offer that a more specific range matches is preferred, and then the first one.

    Args:
        values: the values of all ``Accept`` fields.
        offers: media types, the server's favourite first.

    Raises:
        ValueError: an offer is no media type.
    """
    parsed = [_offer(offer) for offer in offers]
    ranges = _ranges(values, _media_range)
    if not ranges:
        return offers[0]
    rated = [max(_rate(parsed_offer, ranges), default=(0, 0.0)) for parsed_offer in parsed]
    return _highest([(weight, specificity) for specificity, weight in rated], offers)


def best_language(values: Sequence[str], offers: Sequence[str]) -> str | None:
    """Return the language that a client likes best, or None if it accepts none of them.

    The ranges are tried in the order of their weights, and then in the order received. A range matches the same tag,
    then a tag that it begins (``de`` matches ``de-AT``, RFC 4647, section 3.3.1), then a tag that is the beginning of
    it (``de-AT`` finds ``de``, section 3.4). ``*`` matches the first tag that no other range matches. A tag whose
    longest matching range has the weight 0 is never returned.

    Args:
        values: the values of all ``Accept-Language`` fields.
        offers: language tags, the server's favourite first.
    """
    ranges = _ranges(values, _language_range)
    if not ranges:
        return offers[0]
    tags = {_normal_tag(offer): offer for offer in reversed(offers)}
    excluded = {tag for tag in tags if _is_excluded(tag, ranges)}
    candidates = [tag for tag in map(_normal_tag, offers) if tag not in excluded]
    # The sort is stable.
    for language_range in sorted(ranges, key=lambda member: -member.weight):
        if language_range.weight and (found := _find_language(language_range.value, candidates, ranges)):
            return tags[found]
    return None


def best_charset(values: Sequence[str], offers: Sequence[str]) -> str | None:
    """Return the charset that a client likes best, or None if it accepts none of them (RFC 9110, section 12.5.2)."""
    ranges = _ranges(values, _token_range)
    return _best_token(ranges, offers) if ranges else offers[0]


def best_coding(values: Sequence[str], offers: Sequence[str]) -> str | None:
    """Return the content coding that a client likes best, or None if it prefers content without a coding.

    A client without the field gets no coding: RFC 9110, section 12.5.3, allows any, but such a client may not decode
    it.
    """
    ranges = _ranges(values, _token_range)
    # "identity" is content without a coding; it is acceptable if the field does not name it, but not preferred.
    plain = max((member.weight for member in ranges if member.value == "identity"), default=0.0)
    return _best_token([member for member in ranges if member.weight >= plain or not member.weight], offers)


def _ranges(values: Sequence[str], parse: Callable[[str], _Range | None]) -> tuple[_Range, ...]:
    text = values[0] if len(values) == 1 else ", ".join(values)
    return _cached_ranges(text, parse) if len(text) <= _MAX_CACHED else _parse_ranges(text, parse)


def _parse_ranges(text: str, parse: Callable[[str], _Range | None]) -> tuple[_Range, ...]:
    members = islice(_MEMBER.finditer(text), _MAX_MEMBERS)
    return tuple(found for member in members if (found := parse(member[0].strip(" \t"))) is not None)


_cached_ranges: Final = lru_cache(maxsize=128)(_parse_ranges)


def _media_range(member: str) -> _Range | None:
    essence = member.partition(";")[0].strip(" \t").lower()
    # Old Java clients send "*" for any type.
    essence = "*/*" if essence == "*" else essence
    parameters = parse_parameters(member)
    weights = [value for name, value in parameters if name == "q"]
    weight = _weight(weights)
    if weight is None or not _TYPE.fullmatch(essence) or not all(map(_TOKEN.fullmatch, essence.split("/"))):
        return None
    # Parameters after the weight were extensions in RFC 7231.
    own = parameters[: next((index for index, pair in enumerate(parameters) if pair[0] == "q"), None)]
    return _Range(essence, weight, frozenset((name, value.lower()) for name, value in own))


def _language_range(member: str) -> _Range | None:
    value, weight = _split_weight(member)
    return None if weight is None or not _LANGUAGE.fullmatch(value) else _Range(_normal_tag(value), weight)


def _token_range(member: str) -> _Range | None:
    value, weight = _split_weight(member)
    return None if weight is None or not _TOKEN.fullmatch(value) else _Range(_normal_coding(value), weight)


def _split_weight(member: str) -> tuple[str, _Weight | None]:
    value, semicolon, rest = member.partition(";")
    if not semicolon:
        return value.strip(" \t"), 1.0
    name, _, text = rest.partition("=")
    return value.strip(" \t"), _weight([text.strip(" \t")]) if name.strip(" \t").lower() == "q" else None


def _weight(texts: Sequence[str]) -> _Weight | None:
    """Return the weight; 1 if there is none, and None if it is malformed."""
    if not texts:
        return 1.0
    return float(texts[0]) if _WEIGHT.fullmatch(texts[0]) else None


@lru_cache(maxsize=256)
def _offer(offer: str) -> MediaType:
    media_type = parse_media_type(offer)
    if not media_type.essence or "*" in media_type.essence:
        raise ValueError(f"{offer!r} is no media type; write it like 'text/html'")
    return media_type


def _rate(offer: MediaType, ranges: Iterable[_Range]) -> Iterator[tuple[int, _Weight]]:
    """Yield the specificity and the weight of each range that matches an offer."""
    for media_range in ranges:
        specificity = _specificity(offer, media_range)
        if specificity:
            yield specificity, media_range.weight


def _specificity(offer: MediaType, media_range: _Range) -> int:
    """Return how specific a range is that matches an offer; 0 if it does not match (RFC 9110, section 12.5.1)."""
    wanted = media_range.value
    if wanted == "*/*":
        return 1
    if wanted.endswith("/*"):
        return 2 if offer.essence.startswith(wanted[:-1]) else 0
    if wanted != offer.essence:
        return 0
    own = {(name, value.lower()) for name, value in offer.parameters}
    # Clients write "application/json; charset=utf-8" and mean any JSON.
    required = {pair for pair in media_range.parameters if pair[0] != "charset" or offer.charset}
    return 3 + len(required) if required <= own else 0


def _highest(ratings: Sequence[tuple[_Weight, int]], offers: Sequence[str]) -> str | None:
    best = max(range(len(offers)), key=lambda index: (*ratings[index], -index))
    return offers[best] if ratings[best][0] else None


def _best_token(ranges: Sequence[_Range], offers: Sequence[str]) -> str | None:
    weights = {member.value: member.weight for member in reversed(ranges)}
    others = weights.get("*", 0.0)
    ratings = [(weights.get(_normal_coding(offer), others), 0) for offer in offers]
    return _highest(ratings, offers)


def _normal_coding(value: str) -> str:
    # RFC 9110, section 8.4.1: x-gzip and x-compress are the same as gzip and compress.
    lower = value.lower()
    return lower[2:] if lower in {"x-gzip", "x-compress"} else lower


def _normal_tag(tag: str) -> str:
    return tag.lower().replace("_", "-")


def _is_excluded(tag: str, ranges: Iterable[_Range]) -> bool:
    matching = [member for member in ranges if member.value == "*" or _begins(member.value, tag)]
    longest = max(matching, key=lambda member: 0 if member.value == "*" else len(member.value), default=None)
    return longest is not None and not longest.weight


def _begins(prefix: str, tag: str) -> bool:
    return tag == prefix or tag.startswith(prefix + "-")


def _find_language(wanted: str, tags: Sequence[str], ranges: Iterable[_Range]) -> str:
    """Return the first tag that a range matches, or ""."""
    if wanted == "*":
        named = [member.value for member in ranges if member.value != "*"]
        return next((tag for tag in tags if not any(_begins(name, tag) for name in named)), "")
    if longer := next((tag for tag in (wanted, *tags) if _begins(wanted, tag) and tag in tags), ""):
        return longer
    while "-" in wanted:
        wanted = wanted.rpartition("-")[0]
        # A single letter introduces an extension, and is removed with it (RFC 4647, section 3.4).
        if len(wanted.rpartition("-")[2]) > 1 and wanted in tags:
            return wanted
    return ""
