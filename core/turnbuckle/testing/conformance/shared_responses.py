"""Compare the responses of a handler that returns one object for all requests with the responses of new objects.

Middleware that changes the object for one client must not change the responses to the next clients.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final, TypeAlias

from turnbuckle.testing.client.client import Client
from turnbuckle.testing.client.response import ClientResponse

__all__ = ["Observed", "mixed_parts", "observe"]

Observed: TypeAlias = Mapping[str, Sequence[str]]
"""The values of each field of one response; also its status, content and the Set-Cookie fields of each cookie."""

_PATHS: Final = ("/repeated/plain", "/repeated/public")
_REQUESTS: Final[Sequence[tuple[str, Mapping[str, str]]]] = (
    ("GET", {}),
    ("GET", {"Cookie": "client=ada", "Accept-Encoding": "gzip"}),
    ("GET", {"Origin": "https://one.example"}),
    ("GET", {"Origin": "https://two.example", "Cookie": "client=bob"}),
    ("GET", {}),
    ("HEAD", {"Accept": "application/json", "Accept-Language": "de"}),
    ("GET", {"X-Request-ID": "conformance-request-id", "X-Forwarded-Proto": "https"}),
    ("GET", {"If-None-Match": "*"}),
    ("GET", {"Range": "bytes=0-3"}),
    ("POST", {"Origin": "https://one.example", "Sec-Fetch-Site": "cross-site"}),
    ("POST", {}),
    ("GET", {}),
)
# Parts that differ from one request to the next on any server.
_VOLATILE: Final = frozenset({"field date"})
# A shorter value, such as a duration, can be the same by chance.
_TOKEN: Final = re.compile(r"[\w+/.~-]{16,}")


async def observe(client: Client, headers: Mapping[str, str]) -> list[Observed]:
    """Send the requests of several clients, one after the other, and return what each response contains.

    Args:
        client: the client of an app with the probes.
        headers: fields that a request needs to pass the middleware; some requests replace them.
    """
    observed = []
    for path in _PATHS:
        for method, own in _REQUESTS:
            client.cookies.clear()
            observed.append(_observed(await client.request(method, path, headers={**headers, **own})))
    return observed


def _observed(response: ClientResponse) -> Observed:
    values = {"status": [str(response.status)], "content": [response.content.decode("latin-1")]}
    for name, value in response.headers.items():
        key = f"field {name.lower()}"
        if key == "field set-cookie":
            key += " " + value.partition("=")[0]
        values.setdefault(key, []).append(value)
    return values


def mixed_parts(shared: Sequence[Observed], before: Sequence[Observed], after: Sequence[Observed]) -> list[str]:
    """Return one line for each part of a response that an earlier request has changed.

    A part that differs between the two references is random or depends on the time. Of such a part, only the number of
    values is compared, and whether a long value is repeated.

    Args:
        shared: the responses of the handler that returns one object.
        before: the responses of new objects, observed before ``shared``.
        after: the same, observed after ``shared``, so that a value that depends on the time has changed.
    """
    names = sorted({name for observed in (*shared, *before, *after) for name in observed} - _VOLATILE)
    return [line for name in names for line in _mixed_parts_of(name, shared, before, after)]


def _mixed_parts_of(
    name: str, shared: Sequence[Observed], before: Sequence[Observed], after: Sequence[Observed]
) -> Iterator[str]:
    found, first, second = ([observed.get(name, ()) for observed in run] for run in (shared, before, after))
    is_steady = first == second
    for index, (values, expected, other) in enumerate(zip(found, first, second, strict=True)):
        is_same = values == expected if is_steady else len(values) in {len(expected), len(other)}
        if not is_same:
            yield f"{name} of {_request(index)} is {list(values)!r:.200} instead of {list(expected)!r:.200}"
    if not is_steady:
        for earlier, later in sorted(_repeated(found) - _repeated(first) - _repeated(second)):
            yield f"{name} of {_request(later)} has a value of {_request(earlier)}"


def _repeated(values: Sequence[Sequence[str]]) -> set[tuple[int, int]]:
    """Return the pairs of responses that have a long value in common."""
    tokens = [set(_TOKEN.findall("\n".join(lines))) for lines in values]
    return {(one, other) for one, other in combinations(range(len(tokens)), 2) if tokens[one] & tokens[other]}


def _request(index: int) -> str:
    method, headers = _REQUESTS[index % len(_REQUESTS)]
    return f"request {index + 1} ({method} {_PATHS[index // len(_REQUESTS)]} {dict(headers)})"
