"""People register, log in and out, change their password, and choose a new one by mail."""

from __future__ import annotations

import re

import pytest

from tests.contrib.accounts.conftest import ORIGIN, PASSWORD, People, make_app
from turnbuckle.testing import Client
from turnbuckle_contrib.accounts import Mail

NEW = "another long walrus story"


def without_token(page: str) -> str:
    return re.sub(r'(name="csrf_token" value=)"[^"]+"', r"\1", page)


async def test_register_logs_in(people: People) -> None:
    ada, eve = people
    assert (await ada.get("/")).text == "visitor"
    response = await ada.register()
    assert (response.status, response.headers["Location"]) == (303, "/")
    assert (await ada.get("/")).text == "Ada"
    assert (await eve.get("/")).text == "visitor"
    mail = ada.mails[0]
    assert (mail.to, mail.subject) == ("ada@example.org", "Your account at shop")
    assert mail.text.count(ORIGIN) == 1
    assert "token=" not in repr(mail)


async def test_login_returns_to_the_page_that_needed_it(people: People) -> None:
    ada, other = people
    await ada.register()
    refused = await other.client.get("/orders", headers={"Accept": "text/html"})
    assert refused.status == 303
    path = refused.headers["Location"]
    assert path == "/accounts/login?next=/orders"
    response = await other.login(path=path)
    assert (response.status, response.headers["Location"]) == (303, "/orders")
    assert (await other.get("/orders")).text == "orders of Ada"
    again = await other.get(path)
    assert (again.status, again.headers["Location"]) == (303, "/orders")


async def test_wrong_password_and_unknown_address_have_one_answer(people: People) -> None:
    ada, other = people
    await ada.register()
    wrong = await other.login(password="not the right one")
    unknown = await other.login(email="eve@example.org")
    assert (wrong.status, unknown.status) == (403, 403)
    assert without_token(wrong.text) == without_token(unknown.text).replace("eve@example.org", "ada@example.org")
    assert (await other.get("/")).text == "visitor"


async def test_logout_ends_the_session(people: People) -> None:
    ada, _ = people
    await ada.register()
    assert (await ada.get("/accounts/logout")).status == 200
    assert (await ada.get("/")).text == "Ada"
    response = await ada.post("/accounts/logout")
    assert (response.status, response.headers["Location"]) == (303, "/")
    assert (await ada.get("/")).text == "visitor"


async def test_logout_everywhere_ends_all_sessions(people: People) -> None:
    ada, other = people
    await ada.register()
    await other.login()
    await ada.post("/accounts/logout", everywhere="yes")
    assert (await other.get("/")).text == "visitor"


async def test_changed_password_ends_other_sessions(people: People) -> None:
    ada, other = people
    await ada.register()
    await other.login()
    response = await ada.post("/accounts/password", current=PASSWORD, password=NEW)
    assert (response.status, response.headers["Location"]) == (303, "/accounts")
    assert "The password is changed." in (await ada.get("/accounts")).text
    assert (await ada.get("/")).text == "Ada"
    assert (await other.get("/")).text == "visitor"
    assert (await other.login()).status == 403
    assert (await other.login(password=NEW)).status == 303
    assert (await ada.mail(1)).subject == "Your password at shop was changed"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"current": "wrong", "password": NEW}, "not your present password"),
        ({"current": PASSWORD, "password": "short"}, "at least 15 characters"),
        ({"current": PASSWORD, "password": "passwordpassword"}, "attackers"),
        ({"current": PASSWORD, "password": "ada@example.org"}, "address or name"),
    ],
)
async def test_refused_change_of_the_password(people: People, fields: dict[str, str], text: str) -> None:
    ada, other = people
    await ada.register()
    response = await ada.post("/accounts/password", **fields)
    assert response.status == 422
    assert text in response.text
    assert f'value="{fields["password"]}"' not in response.text.replace('name="username" value="ada@example.org"', "")
    assert (await other.login()).status == 303


async def test_new_password_by_mail(people: People) -> None:
    ada, other = people
    await ada.register()
    link = await other.link("/accounts/forgot", "ada@example.org")
    response = await other.post(link, password=NEW)
    assert (response.status, response.headers["Location"]) == (303, "/accounts/login")
    assert "The new password is saved." in (await other.get("/accounts/login")).text
    assert (await ada.get("/")).text == "visitor"
    assert (await other.login()).status == 403
    assert (await other.login(password=NEW)).status == 303
    assert (await ada.mail(2)).subject == "Your password at shop was changed"
    assert [mail.to for mail in ada.mails] == ["ada@example.org"] * 3


async def test_link_works_once(people: People) -> None:
    ada, other = people
    link = await ada.link("/accounts/register", "ada@example.org")
    assert (await other.get(link)).status == 200
    assert (await ada.post(link, name="Ada", password=PASSWORD)).status == 303
    assert (await other.get(link)).status == 410
    token = link.partition("token=")[2]
    fields = {"token": token, "name": "Eve", "password": NEW}
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert (await other.client.post("/accounts/confirm", data=fields, headers=headers)).status == 410
    assert (await other.login(password=NEW)).status == 403


async def test_refused_password_leaves_the_link(people: People) -> None:
    ada, _ = people
    link = await ada.link("/accounts/register", "ada@example.org")
    refused = await ada.post(link, name=" ", password="short")
    assert refused.status == 422
    assert "Write your name" in refused.text
    assert "at least 15 characters" in refused.text
    assert (await ada.post(link, name="Ada", password=PASSWORD)).status == 303


async def test_two_links_for_one_address_make_one_account(people: People) -> None:
    ada, eve = people
    first = await ada.link("/accounts/register", "ada@example.org")
    second = await eve.link("/accounts/register", "ADA@example.org")
    assert (await ada.post(first, name="Ada", password=PASSWORD)).status == 303
    assert (await eve.post(second, name="Eve", password=NEW)).status == 410
    assert (await eve.login(password=NEW)).status == 403


async def test_purposes_of_links_are_not_mixed_up(people: People) -> None:
    ada, other = people
    await ada.register()
    link = await other.link("/accounts/forgot", "ada@example.org")
    assert (await other.get(link.replace("/reset?", "/confirm?"))).status == 410
    assert (await other.get(link)).status == 200


async def test_closed_registration_has_no_page(mails: list[Mail]) -> None:
    async with Client(make_app(mails, registration="closed"), base_url=ORIGIN) as client:
        assert (await client.get("/accounts/register")).status == 404
        page = await client.get("/accounts/login")
        assert page.status == 200
        assert "Create an account" not in page.text


async def test_pages_are_not_cached_and_send_no_token_elsewhere(people: People) -> None:
    ada, _ = people
    link = await ada.link("/accounts/register", "ada@example.org")
    for path in ("/accounts/login", "/accounts/register", "/accounts/forgot", "/accounts/sent", link):
        page = await ada.get(path)
        assert page.headers["Cache-Control"] == "no-store", path
        assert page.headers["Referrer-Policy"] == "same-origin", path
        assert page.headers["X-Frame-Options"] == "DENY", path
        # The pages work with a policy that allows neither inline styles nor inline scripts.
        assert "style=" not in page.text
        assert "<style" not in page.text
        assert "<script>" not in page.text
        assert " on" + "click" not in page.text
