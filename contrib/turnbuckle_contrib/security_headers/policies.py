"""Check the values of fields, so that a mistake stops the start and does not leave pages without protection.

Browsers ignore parts of a policy that they do not understand, without a word to the visitor. The checks here find the
usual mistakes: a misspelt directive, a keyword without quotes, a directive that is repeated and therefore ignored.

Sources: Content Security Policy Level 3, sections 2.3 and 6; Permissions Policy, section 5; Reporting API, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from turnbuckle_contrib.origins import check_origin

__all__ = ["NONCE", "check_endpoint", "check_feature", "check_policy", "format_features", "report_groups", "words"]

NONCE: Final = "{nonce}"
"""The text in a policy that each response replaces by a new nonce."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_SOURCES: Final = words(
    "default-src script-src script-src-elem script-src-attr style-src style-src-elem style-src-attr img-src "
    "font-src connect-src media-src object-src frame-src child-src worker-src manifest-src base-uri form-action "
    "frame-ancestors fenced-frame-src prefetch-src"
)
_OTHERS: Final = words(
    "sandbox report-uri report-to upgrade-insecure-requests require-trusted-types-for trusted-types webrtc"
)
_KEYWORDS: Final = words(
    "'self' 'none' 'unsafe-inline' 'unsafe-eval' 'unsafe-hashes' 'strict-dynamic' 'report-sample' 'wasm-unsafe-eval' "
    "'inline-speculation-rules' 'trusted-types-eval' 'report-sha256' 'report-sha384' 'report-sha512'"
)
_SCHEMES: Final = words("http https ws wss data blob filesystem mediastream")
_VISIBLE: Final = re.compile(r"[\x21-\x2b\x2d-\x7e ]*")
_DIRECTIVE: Final = re.compile(r"[a-z0-9-]+", re.IGNORECASE)
_HASH: Final = re.compile(r"'sha(?:256|384|512)-[A-Za-z0-9+/_-]+={0,2}'")
_NONCE_SOURCE: Final = f"'nonce-{NONCE}'"
# scheme-source / host-source (Content Security Policy Level 3, section 2.3.1)
_SOURCE: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"
    r"|(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?:[0-9]+|\*))?(?:/[^?#\s]*)?"
)
_FEATURE: Final = re.compile(r"[a-z][a-z0-9-]*")
# key of a dictionary (RFC 9651, section 3.2)
_ENDPOINT: Final = re.compile(r"[a-z*][a-z0-9_.*-]*")


def check_policy(policy: str) -> None:
    """Check a content security policy, in which ``{nonce}`` stands for the nonce.

    Raises:
        ValueError: browsers would ignore the policy or a part of it.
    """
    if not _VISIBLE.fullmatch(policy):
        raise ValueError("a policy consists of visible ASCII characters except ','; separate its directives by ';'")
    seen = set()
    for name, values in _directives(policy):
        if name in seen:
            raise ValueError(f"the policy has {name} twice, and browsers ignore the second; write one with all values")
        seen.add(name)
        _check_directive(name, values)


def _directives(policy: str) -> Iterator[tuple[str, list[str]]]:
    for part in policy.split(";"):
        name, *values = part.split() or [""]
        if name:
            yield name.lower(), values


def _check_directive(name: str, values: list[str]) -> None:
    if name in _SOURCES:
        if len(values) > 1 and "'none'" in values:
            raise ValueError(f"{name} has 'none' and other sources; browsers then ignore 'none'")
        for source in values:
            _check_source(name, source)
        return
    if name not in _OTHERS:
        near = get_close_matches(name, _SOURCES | _OTHERS, n=1, cutoff=0.75)
        if near or not _DIRECTIVE.fullmatch(name):
            raise ValueError(f"the policy has no directive {name!r}{f'; did you mean {near[0]!r}?' if near else ''}")
    if any(NONCE in value for value in values):
        raise ValueError(f"{name} cannot have a nonce")


def _check_source(directive: str, source: str) -> None:
    lower = source.lower()
    if source == _NONCE_SOURCE or lower in _KEYWORDS or _HASH.fullmatch(source):
        return
    if NONCE in source or lower.startswith(("'nonce-", "nonce-")):
        raise ValueError(f"{directive} has {source}; write {_NONCE_SOURCE}, which is new in each response")
    quoted = f"'{lower.strip(chr(39))}'"
    if quoted in _KEYWORDS or _HASH.fullmatch(f"'{source}'"):
        raise ValueError(f"{directive} has {source}, which browsers take for a host; write '{source.strip(chr(39))}'")
    if lower in _SCHEMES:
        raise ValueError(f"{directive} has {source}, which browsers take for a host; write {source}:")
    if not _SOURCE.fullmatch(source):
        raise ValueError(f"{directive} has {source!r}, which is no source")


def report_groups(policy: str) -> list[str]:
    """Return the names of the endpoints that a policy reports to."""
    return [group for name, values in _directives(policy) if name == "report-to" for group in values]


def check_feature(name: str, allowed: tuple[str, ...]) -> None:
    """Check one feature of a permissions policy.

    Raises:
        ValueError: browsers would ignore it.
    """
    if not _FEATURE.fullmatch(name):
        raise ValueError(f"permissions_policy has {name!r}, which is no feature such as 'camera'")
    if "*" in allowed and len(allowed) > 1:
        raise ValueError(f"permissions_policy allows {name} to '*', so no other origin is needed")
    for origin in allowed:
        if origin not in {"*", "self", "src"}:
            try:
                check_origin(origin)
            except ValueError as error:
                raise ValueError(
                    f"permissions_policy allows {name} to 'self', '*' or origins: {error}; [] allows it to no page"
                ) from None


def format_features(features: Mapping[str, tuple[str, ...]]) -> str:
    """Return the value of ``Permissions-Policy``."""
    return ", ".join(f"{name}={_format_allowed(allowed)}" for name, allowed in features.items())


def _format_allowed(allowed: tuple[str, ...]) -> str:
    if allowed == ("*",):
        return "*"
    return "(" + " ".join(origin if origin in {"self", "src"} else f'"{origin}"' for origin in allowed) + ")"


def check_endpoint(name: str, url: str) -> None:
    """Check a name and its URL in ``Reporting-Endpoints``.

    Raises:
        ValueError: browsers would ignore the endpoint.
    """
    if not _ENDPOINT.fullmatch(name):
        raise ValueError(f"reporting_endpoints has {name!r}; a name has lower-case letters, digits, '_', '-', '.'")
    is_usable = url.startswith("https://") or (url.startswith("/") and not url.startswith("//"))
    if not is_usable or not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", url):
        raise ValueError(f"reporting_endpoints has {url!r}; browsers report to https URLs and to paths only")
