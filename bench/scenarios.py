"""The kinds of requests that are compared, and the check of their answers."""

import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

TIMEOUT: Final = 5.0
# Two, so that a constant is no correct answer. The floor, which answers with a constant, is checked with the first.
IDS: Final = (10000001, 10000002)
JSON: Final = "application/json"


@dataclass(frozen=True)
class Call:
    """One request, and the expected answer: the text, or the JSON document, of a response with status 200."""

    method: str
    target: str
    content: bytes | None
    answer: object


@dataclass(frozen=True)
class Scenario:
    """One kind of request.

    Args:
        name: The name for `--scenario` and in the JSON.
        title: The title of the table.
        template: The request, in which each `%d` is a new number; None for wrk's own request (only Host).
        call: Returns the request for an id.
        at_most: For the names of other servers, the share of their CPU time that Turnbuckle may take.
        servers: The names of the servers that are compared; all if empty.
    """

    name: str
    title: str
    template: str | None
    call: Callable[[int], Call]
    at_most: dict[str, float] = field(default_factory=dict)
    servers: tuple[str, ...] = ()


_CLIENT: Final = """\
Host: 127.0.0.1:8000
User-Agent: python-httpx/0.28.1
Accept: */*
Accept-Encoding: gzip, deflate
Connection: keep-alive
Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI%d
Content-Type: application/json
"""
_ITEM: Final = """\
GET /items/%d?page=%d&sort=name HTTP/1.1
Host: 127.0.0.1:8000
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.%d Safari/537.36
Accept: text/html,application/xhtml+xml,application/json;q=0.9,image/avif,image/webp,*/*;q=0.8
Accept-Language: en-GB,en;q=0.9,de;q=0.7
Accept-Encoding: gzip, deflate, br, zstd
Referer: http://127.0.0.1:8000/items?after=%d
Cookie: session=8f14e45fceea167a5a36dedd%d; theme=dark; seen=1
X-Request-Id: 2c624232-cc22-4e18-8d5e-9fb1%d
Sec-Fetch-Dest: empty
Sec-Fetch-Mode: cors
Sec-Fetch-Site: same-origin
Connection: keep-alive

""".replace("\n", "\r\n")
# The lengths of the content are those with numbers of eight digits, which all numbers have.
_POST: Final = f"""\
POST /items HTTP/1.1
{_CLIENT}Content-Length: 110

{{"id":%d,"name":"order %d","price":9.5,"quantity":3,"tags":["red","large"],"note":"leave at door"}}\
""".replace("\n", "\r\n")
_TYPED: Final = f"""\
POST /shelves/%d/notes?draft=true&page=2 HTTP/1.1
{_CLIENT}Content-Length: 86

{{"title":"note %d","text":"buy milk and bread","tags":["red","large"],"stars":4}}\
""".replace("\n", "\r\n")


def _item(id: int) -> Call:
    return Call("GET", f"/items/{id}?page=2", None, {"id": id, "name": f"item {id}", "tags": ["red", "large"]})


def _post(id: int) -> Call:
    name = f"order {id}"
    order = {"id": id, "name": name, "price": 9.5, "quantity": 3, "tags": ["red", "large"], "note": "leave at door"}
    return Call("POST", "/items", json.dumps(order).encode(), {"id": id, "name": name, "total": 28.5})


def _typed(id: int) -> Call:
    note = {"title": f"note {id}", "text": "buy milk and bread", "tags": ["red", "large"], "stars": 4}
    answer = {"id": id, **note, "draft": True}
    return Call("POST", f"/shelves/{id}/notes?draft=true&page=2", json.dumps(note).encode(), answer)


def _plain(id: int) -> Call:
    return Call("GET", "/", None, "Hello, World!")


SCENARIOS: Final = (
    Scenario(
        "item",
        "item: GET /items/{id:int}, 12 browser fields, the target and 4 of them new each time, JSON answer",
        _ITEM,
        _item,
        {"uvicorn-httptools": 0.85, "starlette": 0.62, "fastapi": 0.25, "socketify": 1.10},
    ),
    Scenario(
        "post",
        "post: 110 bytes of JSON in, JSON out, a new Authorization each time",
        _POST,
        _post,
        {"uvicorn-httptools": 0.80, "starlette": 0.60, "granian-rsgi": 0.70},
    ),
    Scenario(
        "typed",
        "typed: path, query and a JSON document of four fields are validated, a JSON document is the answer",
        _TYPED,
        _typed,
        {"fastapi": 0.35, "litestar": 0.50, "blacksheep": 0.75},
        ("turnbuckle", "fastapi", "litestar", "blacksheep"),
    ),
    # The ratios before this scenario stopped being the first one.
    Scenario(
        "plain",
        "plain: the same 40 bytes again and again",
        None,
        _plain,
        {"uvicorn-httptools": 0.67, "starlette": 0.47, "fastapi": 0.16, "granian-rsgi": 0.62, "socketify": 1.28},
    ),
)


def wrong_answer(port: int, scenario: Scenario, ids: tuple[int, ...] = IDS) -> str:
    """Return what is wrong with a server's answers to a scenario, or "" if all are correct."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
            wrong = [_wrong(connection, scenario.call(id)) for id in ids]
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error!r}"
    return next(filter(None, wrong), "")


def _wrong(connection: socket.socket, call: Call) -> str:
    content = call.content or b""
    head = f"{call.method} {call.target} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
    if content:
        head += f"Content-Type: {JSON}\r\nContent-Length: {len(content)}\r\n"
    # In one piece, because the floor takes every read for a request.
    connection.sendall(head.encode() + b"\r\n" + content)
    response = http.client.HTTPResponse(connection, method=call.method)
    response.begin()
    body = response.read()
    if response.status != 200:
        return f"status {response.status} for {call.method} {call.target}"
    is_json = (response.getheader("content-type") or "").startswith(JSON)
    answer: object = json.loads(body) if is_json else body.decode()
    return "" if answer == call.answer else f"{body[:80]!r} for {call.method} {call.target}"
