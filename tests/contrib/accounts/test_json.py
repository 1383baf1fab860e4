"""The same pages for clients that send and read JSON."""

from __future__ import annotations

import re

from tests.contrib.accounts.conftest import ORIGIN, PASSWORD, People
from turnbuckle.testing import ClientResponse

# A browser adds Origin; any other client with cookies must do so as well, or send a token.
_JSON = {"Accept": "application/json", "Origin": ORIGIN}
NEW = "another long walrus story"


async def test_account_by_json(people: People) -> None:
    ada, _ = people
    client = ada.client

    async def send(path: str, **fields: object) -> ClientResponse:
        return await client.post(f"/accounts{path}", json=fields, headers=_JSON)

    response = await send("/register", email="Ada@Example.org")
    assert (response.status, response.json()) == (202, {"status": "sent"})
    token = re.search(r"token=(\S+)", (await ada.mail(0)).text)
    assert token is not None
    response = await send("/confirm", token=token[1], name="", password="short")
    assert response.status == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["/name", "/password"]
    assert (await send("/confirm", token=token[1], name="Ada", password=PASSWORD)).json() == {"status": "done"}

    response = await client.get("/accounts", headers=_JSON)
    account = response.json()
    assert {**account, "id": ""} == {"id": "", "name": "Ada", "email": "ada@example.org", "roles": []}
    assert (await send("/logout")).json() == {"status": "done"}
    assert (await client.get("/accounts", headers=_JSON)).status == 401

    assert (await send("/login", email="ada@example.org", password="wrong")).status == 403
    response = await send("/login", email="ada@example.org", password=PASSWORD)
    assert (response.status, response.json()) == (200, account)
    assert (await send("/password", current=PASSWORD, password=NEW)).json() == {"status": "done"}
    assert (await send("/login", email="ada@example.org", password=NEW)).status == 200
    assert (await send("/reset", token="nothing", password=NEW)).status == 410


async def test_json_of_another_form_is_refused(people: People) -> None:
    ada, _ = people
    response = await ada.client.post("/accounts/login", json=["ada@example.org"], headers=_JSON)
    assert response.status == 422
    response = await ada.client.post("/accounts/login", json={"email": {"$ne": ""}, "password": 1}, headers=_JSON)
    assert response.status == 403
    assert (await ada.client.post("/accounts/forgot", json={"email": "nobody"}, headers=_JSON)).status == 422


async def test_throttled_json_is_answered_with_429(people: People) -> None:
    ada, _ = people
    answers = [
        await ada.client.post("/accounts/login", json={"email": "x@example.org", "password": "y"}, headers=_JSON)
        for _ in range(12)
    ]
    assert answers[-1].status == 429
    assert "Retry-After" in answers[-1].headers
