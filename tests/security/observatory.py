"""The rules by which the HTTP Observatory of Mozilla and MDN grades a site, in the version of 2026.

Written from its published scoring table and the behaviour of its scanner (npm: ``@mdn/mdn-http-observatory`` 1.4.8),
which has been run against the same app: both come to 135 points. Each function returns the points for one test; the
extra points count only for a site that has at least 90 without them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs

from turnbuckle.testing import ClientResponse

__all__ = ["Site", "grade", "points"]

_HASHES: Final = ("'nonce-", "'sha256-", "'sha384-", "'sha512-")
_BROAD: Final = frozenset({"*", "ftp:", "http:", "https:", "http://*", "http://*.*", "https://*", "https://*.*"})
_UNSAFE: Final = frozenset({"'unsafe-inline'", "data:"})
_PRIVATE: Final = frozenset({"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"})
_HALF_A_YEAR: Final = 15_552_000


@attrs.frozen(kw_only=True)
class Site:
    """The responses of a site.

    Attributes:
        plain: to GET over http.
        secure: to GET over https.
        preflight: to a preflight of another origin.
        origin: the other origin.
    """

    plain: ClientResponse
    secure: ClientResponse
    preflight: ClientResponse
    origin: str


def points(site: Site) -> Mapping[str, int]:
    """Return the points of each test."""
    csp = _directives(site.secure.headers.get("content-security-policy", ""))
    hsts = _transport(site.secure)
    return {
        "content-security-policy": _policy(csp),
        "cookies": _cookies(site.secure, is_protected=hsts == 0),
        "cross-origin-resource-sharing": _sharing(site),
        "redirection": _redirection(site),
        "referrer-policy": _referrer(site.secure),
        "strict-transport-security": hsts,
        "subresource-integrity": _scripts(site.secure),
        "x-content-type-options": 0 if site.secure.headers.get("x-content-type-options") == "nosniff" else -5,
        "x-frame-options": _framing(site.secure, csp),
        "cross-origin-resource-policy": _embedding(site.secure),
    }


def grade(found: Mapping[str, int]) -> tuple[int, str]:
    """Return the score and the grade of the points."""
    score = 100 + sum(min(value, 0) for value in found.values())
    if score >= 90:
        score += sum(max(value, 0) for value in found.values())
    steps = {100: "A+", 90: "A", 85: "A-", 80: "B+", 70: "B", 65: "B-", 60: "C+", 50: "C", 45: "C-", 40: "D+", 30: "D"}
    return score, next((name for least, name in steps.items() if score >= least), "F")


def _directives(policy: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for part in policy.lower().split(";"):
        name, *sources = part.split() or [""]
        if name:
            found.setdefault(name, set(sources or ["'none'"]))
    return found


def _policy(csp: dict[str, set[str]]) -> int:
    if not csp:
        return -25
    default = csp.get("default-src", {"*"})
    script, style, objects = (set(csp.get(name, default)) for name in ("script-src", "style-src", "object-src"))
    for sources in (script, style):
        if any(source.startswith(_HASHES) for source in sources):
            sources.discard("'unsafe-inline'")
    every = [source for name, sources in csp.items() for source in sources if name not in {"img-src", "media-src"}]
    passive = [*csp.get("img-src", default), *csp.get("media-src", default)]
    is_bare = default == {"'none'"}
    rules = [
        (bool(script & (_BROAD | _UNSAFE) or objects & _BROAD), -20),
        (any(source.startswith(("http:", "ftp:")) for source in every), -20),
        ("'unsafe-eval'" in script | style, -10),
        (any(source.startswith(("http:", "ftp:")) for source in passive), -10),
        (bool(style & (_BROAD | _UNSAFE)), 0),
        (is_bare, 10),
    ]
    return next((value for applies, value in rules if applies), 5)


def _cookies(response: ClientResponse, *, is_protected: bool) -> int:
    values = []
    for cookie in response.headers.get_list("set-cookie"):
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        name = cookie.partition("=")[0].lower()
        is_session = "sess" in name or "login" in name
        same_site = next((part for part in attributes if part.startswith("samesite=")), "")
        if "secure" not in attributes:
            values.append(
                {(True, True): -10, (True, False): -40, (False, True): -5}.get((is_session, is_protected), -20)
            )
        if is_session and "httponly" not in attributes:
            values.append(-30)
        if "csrf" in name and not same_site:
            values.append(-20)
        values.append(5 if same_site in {"samesite=lax", "samesite=strict"} else 0)
    return min(values, default=0)


def _sharing(site: Site) -> int:
    headers = site.preflight.headers
    reflects = headers.get("access-control-allow-origin") == site.origin
    return -50 if reflects and headers.get("access-control-allow-credentials") == "true" else 0


def _redirection(site: Site) -> int:
    if not 300 <= site.plain.status < 400:
        return -20
    target = urlsplit(site.plain.headers["location"])
    return -20 if target.scheme != "https" else 0


def _referrer(response: ClientResponse) -> int:
    value = response.headers.get("referrer-policy")
    if value is None:
        return 0
    return 5 if value.split(",")[-1].strip() in _PRIVATE else -5


def _transport(response: ClientResponse) -> int:
    found = re.search(r"max-age=(\d+)", response.headers.get("strict-transport-security", ""))
    if found is None:
        return -20
    return 0 if int(found[1]) >= _HALF_A_YEAR else -10


def _scripts(response: ClientResponse) -> int:
    foreign = re.findall(r"<script[^>]*\ssrc=[\"']?(?:https?:)?//[^>]*>", response.text)
    return -50 if any("integrity=" not in script for script in foreign) else 0


def _framing(response: ClientResponse, csp: dict[str, set[str]]) -> int:
    if not csp.get("frame-ancestors", {"*"}) & _BROAD:
        return 5
    return 0 if response.headers.get("x-frame-options", "").upper() in {"DENY", "SAMEORIGIN"} else -20


def _embedding(response: ClientResponse) -> int:
    return 10 if response.headers.get("cross-origin-resource-policy") in {"same-origin", "same-site"} else 0
