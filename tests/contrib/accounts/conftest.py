"""An app with accounts, its mails, and a client that registers and logs in as a browser does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from turnbuckle import App
from turnbuckle.testing import Client, ClientResponse
from turnbuckle_contrib.accounts import AccountsPlugin, Mail, Mailer
from turnbuckle_contrib.auth import User, passwords

ORIGIN = "https://shop.example"
PASSWORD = "tepid walrus umbrella"
People = tuple["Person", "Person"]
FAST = ("auth", {"scrypt_memory": 8})


def make_app(mails: list[Mail], mailer: Mailer | None = None, **settings: object) -> App:
    """Return an app with accounts in memory, and a page for users."""
    accounts = (AccountsPlugin(mailer=mailer or mails.append), {"database": ":memory:", "origin": ORIGIN, **settings})
    app = App("shop", plugins=["sessions", "csrf", "jinja_templates", FAST, accounts])

    @app.get("/")
    async def home(user: User | None) -> str:
        return user.name if user else "visitor"

    @app.get("/orders")
    async def orders(user: User) -> str:
        return f"orders of {user.name}"

    return app


@attrs.define
class Person:
    """A browser with its cookies, and the mails of all people."""

    client: Client
    mails: list[Mail]

    async def get(self, path: str) -> ClientResponse:
        return await self.client.get(path)

    async def post(self, path: str, **fields: str) -> ClientResponse:
        """Send a form of the page at a path, with the hidden fields of the page."""
        page = await self.client.get(path)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
        return await self.client.post(path.partition("?")[0], data={**hidden, **fields}, headers=headers)

    async def mail(self, number: int) -> Mail:
        """Return the mail with a number, from 0 on, once it was sent: after the response."""
        async with asyncio.timeout(10):
            while len(self.mails) <= number:  # noqa: ASYNC110  # the threads of the database are not watched
                await asyncio.sleep(0.005)
        return self.mails[number]

    async def link(self, path: str, email: str) -> str:
        """Ask for a mail, and return the path of its link."""
        before = len(self.mails)
        assert (await self.post(path, email=email)).status == 303
        found = re.search(rf"{ORIGIN}(/\S+token=\S+)", (await self.mail(before)).text)
        assert found is not None
        return found[1]

    async def register(self, email: str = "ada@example.org", name: str = "Ada") -> ClientResponse:
        """Register, and be logged in."""
        return await self.post(await self.link("/accounts/register", email), name=name, password=PASSWORD)

    async def login(
        self, email: str = "ada@example.org", password: str = PASSWORD, path: str = "/accounts/login"
    ) -> ClientResponse:
        return await self.post(path, email=email, password=password)


@pytest.fixture
def mails() -> list[Mail]:
    return []


@pytest.fixture
async def people(
    mails: list[Mail], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Person, Person]]:
    """Two browsers of one app."""
    monkeypatch.chdir(tmp_path)
    # The lowest cost: these tests hash many passwords.
    monkeypatch.setattr(passwords, "_SCRYPT", {8: passwords._Cost(ln=2, lanes=1)})
    # A file, because each client runs the app again.
    app = make_app(mails, database=str(tmp_path / "accounts.sqlite3"), mails_per_hour=20)
    async with Client(app, base_url=ORIGIN) as first, Client(app, base_url=ORIGIN) as second:
        yield Person(first, mails), Person(second, mails)
