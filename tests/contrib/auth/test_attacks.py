"""Random input never gets past the checks, and never makes them fail in another way than a refusal."""

from __future__ import annotations

import asyncio
import base64
import json
import string
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.contrib.auth.issuers import AUDIENCE, ISSUER, NOW, RSA, claims, key_set, raw_token, token
from turnbuckle import App, Peer, Request, RequestHead
from turnbuckle.testing import Client
from turnbuckle_contrib.auth import AuthPlugin, Credentials, User, UserSource, hash_password, safe_next
from turnbuckle_contrib.auth.bearer import BearerScheme, InvalidToken, TokenRules, verify_token
from turnbuckle_contrib.auth.keys import FixedKeys, import_keys

RULES = TokenRules(issuer=ISSUER, audiences=(AUDIENCE,), algorithms=("RS256",))
KEYS = FixedKeys(import_keys(key_set(RSA)))
TOKEN = token()
_MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def is_refused(text: str) -> bool:
    try:
        asyncio.run(verify_token(text, RULES, KEYS, NOW))
    except InvalidToken:
        return True
    return False


def test_the_token_of_these_tests_is_accepted() -> None:
    assert not is_refused(TOKEN)


@_MANY
@given(st.text(string.ascii_letters + string.digits + "-_.=+/ \x00é", max_size=200))
def test_random_text_is_no_token(text: str) -> None:
    assert is_refused(text)


@_MANY
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "zip", "enc"]), _JSON),
    st.sampled_from(["RS256", "none", "HS256", None]),
    st.binary(max_size=300),
)
def test_random_header_and_signature_are_refused(
    header: dict[str, Any], algorithm: str | None, signature: bytes
) -> None:
    chosen = header if algorithm is None else {**header, "alg": algorithm}
    assert is_refused(raw_token(chosen, claims(), signature))


@_MANY
@given(st.integers(0, TOKEN.rindex(".") - 1), st.sampled_from(string.ascii_letters + string.digits + "-_."))
def test_token_with_one_other_character_is_refused(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    assert changed == TOKEN or is_refused(changed)


@_MANY
@given(st.dictionaries(st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "name", "scope", "roles"]), _JSON))
def test_random_claims_of_the_issuer_are_accepted_or_refused(changes: dict[str, Any]) -> None:
    try:
        text = token(**changes)
    except (ValueError, TypeError):
        return
    if not is_refused(text):
        found = asyncio.run(verify_token(text, RULES, KEYS, NOW))
        assert found["iss"] == ISSUER
        assert AUDIENCE in found["aud"]
        assert isinstance(found["sub"], str)
        assert found["exp"] > NOW - 30


@_MANY
@given(st.dictionaries(st.text(max_size=4), _JSON) | st.lists(_JSON) | _JSON)
def test_random_document_is_no_key_set(document: Any) -> None:
    with pytest.raises(ValueError, match=r"(?i)key set"):
        import_keys({"keys": document} if isinstance(document, list) else document)


@_MANY
@given(st.text(max_size=40) | st.text("/\\.:@%\t\r\n\x00 ?#evil", max_size=12))
def test_next_is_a_path_of_this_site(value: str) -> None:
    request = Request(RequestHead(b"GET", b"/", 1, [(b"host", b"a.example")]), None, Peer())
    for text in (value, f"/{value}"):
        found = urljoin("https://notes.example/login", safe_next(request, text))
        assert urlsplit(found).netloc == "notes.example"
        assert found.isascii()
        assert not set(found) & set("\\ \t\r\n\x00")


async def test_random_fields_are_never_an_error(cheap_hashes: None) -> None:
    stored = hash_password("right")

    def find(request: Request, name: str) -> Credentials | None:
        return Credentials(User(name), stored) if name == "ada" else None

    plugin = AuthPlugin(UserSource(get_credentials=find), [BearerScheme(RULES, KEYS)], clock=lambda: NOW)
    app = App(plugins=[(plugin, {"schemes": ["basic", "api_key"], "attempts": 1000})])

    @app.get("/")
    async def home(user: User) -> str:
        return user.id

    values = [
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic  :",
        "Bearer .",
        "bearer ..",
        "Basic " + base64.b64encode(b"ada:right").decode() + " ",
        "Basic " + base64.b64encode(b"ada:right").decode() + ",Bearer x",
        "Basic " + base64.b64encode(b"ada:right").decode()[:-1],
        "Basic " + base64.urlsafe_b64encode(b"ada:\xc3\xbf\xc3\xbf\xc3\xbf").decode(),
        "Basic\tYTpi",
        "Bearer\xa0x",
        'Digest username="ada"',
        "Negotiate " + "A" * 4000,
        json.dumps({"alg": "none"}),
    ]
    async with Client(app) as client:
        good = "Basic " + base64.b64encode(b"ada:right").decode()
        assert (await client.get("/", headers={"Authorization": good})).text == "ada"
        for value in values:
            response = await client.get("/", headers={"Authorization": value})
            allowed = (200, 400, 401) if value.rstrip() == good else (400, 401)
            assert response.status in allowed, value
