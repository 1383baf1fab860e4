"""Attacks on pages with passwords: enumeration, guessing, forgery, fixation, and links that lead elsewhere."""

from __future__ import annotations

import asyncio

import pytest

from tests.contrib.accounts.conftest import ORIGIN, PASSWORD, People, Person, make_app
from tests.contrib.accounts.test_pages import NEW, without_token
from turnbuckle.testing import Client, ClientResponse
from turnbuckle_contrib.accounts import Accounts, Mail, SQLiteAccounts

_FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


def seen(response: ClientResponse) -> tuple[object, ...]:
    headers = sorted(
        (name, value) for name, value in response.headers.items() if name.lower() not in {"date", "set-cookie"}
    )
    return response.status, headers, without_token(response.text)


async def test_registration_does_not_show_whether_an_address_has_an_account(people: People) -> None:
    ada, eve = people
    await ada.register()
    known = await eve.post("/accounts/register", email="ada@example.org")
    unknown = await eve.post("/accounts/register", email="bob@example.org")
    assert seen(known) == seen(unknown)
    assert known.status == 303
    mails = {(await eve.mail(number)).to: await eve.mail(number) for number in (1, 2)}
    assert "There is one already" in mails["ada@example.org"].text
    assert "token=" not in mails["ada@example.org"].text
    assert "/accounts/confirm?token=" in mails["bob@example.org"].text


async def test_reset_does_not_show_whether_an_address_has_an_account(people: People) -> None:
    ada, eve = people
    await ada.register()
    known = await eve.post("/accounts/forgot", email="ada@example.org")
    unknown = await eve.post("/accounts/forgot", email="bob@example.org")
    assert seen(known) == seen(unknown)
    await eve.mail(1)
    assert [mail.to for mail in eve.mails] == ["ada@example.org"] * 2


async def test_response_does_not_wait_for_the_mail(mails: list[Mail]) -> None:
    may_end = asyncio.Event()

    async def slow(mail: Mail) -> None:
        await may_end.wait()
        mails.append(mail)

    async with Client(make_app(mails, slow), base_url=ORIGIN) as client:
        person = Person(client, mails)
        # An answer that waited for the mail would show by its time that the address has an account.
        assert (await person.post("/accounts/register", email="ada@example.org")).status == 303
        assert mails == []
        may_end.set()
        await person.mail(0)


async def test_address_that_unicode_makes_similar_is_another_one(people: People) -> None:
    ada, eve = people
    await ada.register("mike@example.org", "Mike")
    # "m\u0131ke" in capitals is "MIKE".
    response = await eve.post("/accounts/forgot", email="m\u0131ke@example.org")
    assert response.status == 303
    await eve.link("/accounts/register", "zoe@example.org")
    assert all(mail.to != "m\u0131ke@example.org" for mail in ada.mails)


@pytest.mark.parametrize(
    "path", ["/login", "/logout", "/password", "/register", "/forgot", "/reset", "/confirm"], ids=lambda path: path[1:]
)
async def test_page_of_another_site_cannot_send_a_form(people: People, path: str) -> None:
    ada, _ = people
    await ada.register()
    fields = {"email": "ada@example.org", "password": PASSWORD, "current": PASSWORD, "everywhere": "yes"}
    response = await ada.client.post(f"/accounts{path}", data=fields, headers=_FOREIGN)
    assert response.status == 403
    assert (await ada.get("/")).text == "Ada"


async def test_login_changes_the_session(people: People) -> None:
    ada, eve = people
    await ada.register()
    # The attacker has a session, with a message, and plants its cookie into the browser of the victim.
    link = await eve.link("/accounts/forgot", "ada@example.org")
    await eve.post(link, password=NEW)
    planted = next(cookie for cookie in eve.client.cookies.pairs_for(ORIGIN + "/") if "session" in cookie[0])
    await eve.login(password=NEW)
    after = next(cookie for cookie in eve.client.cookies.pairs_for(ORIGIN + "/") if "session" in cookie[0])
    assert planted[1] != after[1]
    async with Client(make_app(eve.mails), base_url=ORIGIN) as attacker:
        response = await attacker.get("/orders", cookies=dict([planted]))
        assert response.status in {303, 401}


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        " //evil.example",
        "http:evil.example",
        "/..//evil.example" * 300,
    ],
)
async def test_login_leads_to_no_other_site(people: People, target: str) -> None:
    ada, other = people
    await ada.register()
    page = await other.client.get("/accounts/login", params={"next": target})
    assert "evil.example" not in page.text
    headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    fields = {"email": "ada@example.org", "password": PASSWORD, "next": target}
    response = await other.client.post("/accounts/login", data=fields, headers=headers)
    assert (response.status, response.headers["Location"]) == (303, "/")


async def test_link_in_a_mail_has_the_configured_host(people: People) -> None:
    ada, eve = people
    await ada.register()
    headers = {"Host": "evil.example", "Sec-Fetch-Site": "same-origin", "X-Forwarded-Host": "evil.example"}
    response = await eve.client.post("/accounts/forgot", data={"email": "ada@example.org"}, headers=headers)
    assert response.status == 303
    assert "evil.example" not in (await eve.mail(1)).text


async def test_guessing_is_throttled_for_known_and_unknown_addresses(people: People) -> None:
    ada, eve = people
    await ada.register()
    for email in ("ada@example.org", "eve@example.org"):
        answers = [await eve.login(email=email, password=f"guess {number} of many") for number in range(12)]
        assert [answer.status for answer in answers[:5]] == [403] * 5
        assert answers[-1].status == 429
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert "too often" in answers[-1].text


async def test_other_spellings_of_an_address_are_throttled_as_well(people: People) -> None:
    ada, eve = people
    await ada.register()
    spellings = [f" ada@exam{chr(0xAD) * number}PLE.org " for number in range(12)]
    answers = [await eve.login(email=email, password="a guess") for email in spellings]
    assert [answer.status for answer in answers] == [403] * 10 + [429] * 2
    accounts = Accounts(store=SQLiteAccounts("accounts.sqlite3"))
    await accounts.store.open()
    assert await accounts.get_credentials("ADA@example.org") is not None
    # The scheme "basic" takes the name as it was sent.
    assert await accounts.get_credentials(spellings[1].strip()) is None
    await accounts.store.close()


async def test_mails_are_throttled(mails: list[Mail]) -> None:
    async with Client(make_app(mails, mails_per_hour=2), base_url=ORIGIN) as client:
        eve = Person(client, mails)
        answers = [await eve.post("/accounts/register", email="ada@example.org") for _ in range(4)]
        assert [answer.status for answer in answers] == [303, 303, 429, 429]
        assert "too often" in answers[-1].text


async def test_script_in_a_name_is_text(people: People) -> None:
    ada, _ = people
    link = await ada.link("/accounts/register", "ada@example.org")
    await ada.post(link, name="<script>alert(1)</script>", password=PASSWORD)
    page = await ada.get("/accounts")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_typed_text_comes_back_as_text(people: People) -> None:
    ada, _ = people
    for path in ("/accounts/login", "/accounts/register", "/accounts/forgot"):
        page = await ada.post(path, email='"><script>alert(1)</script>', password="x")
        assert "<script>alert" not in page.text, path
    page = await ada.get('/accounts/confirm?token="><script>')
    assert page.status == 410
    assert "<script>" not in page.text


async def test_large_form_is_refused(people: People) -> None:
    ada, _ = people
    response = await ada.client.post("/accounts/login", data={"email": "a", "password": "x" * 20_000})
    assert response.status == 413


async def test_new_session_after_password_change_is_not_the_old_one(people: People) -> None:
    ada, _ = people
    await ada.register()
    before = dict(ada.client.cookies.pairs_for(ORIGIN + "/"))
    await ada.post("/accounts/password", current=PASSWORD, password=NEW)
    response = await ada.client.get("/", cookies=before)
    assert response.text == "visitor"
