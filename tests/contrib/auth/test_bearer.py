"""Bearer tokens: which are accepted, and attacks on their check."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc.jwk import OctKey

from tests.contrib.auth.issuers import (
    AUDIENCE,
    EC,
    ED,
    ISSUER,
    NOW,
    OTHER_RSA,
    RSA,
    claims,
    key_server,
    key_set,
    raw_token,
    token,
)
from turnbuckle import App, StartupError
from turnbuckle.testing import Client, FakeClock
from turnbuckle_contrib.auth import AuthPlugin, User, requires
from turnbuckle_contrib.auth.bearer import BearerScheme, InvalidToken, TokenRules, roles_of, verify_token
from turnbuckle_contrib.auth.keys import FixedKeys, import_keys

RULES = TokenRules(issuer=ISSUER, audiences=(AUDIENCE,), algorithms=("RS256", "ES256", "EdDSA", "Ed25519"))
KEYS = FixedKeys(import_keys(key_set(RSA, EC, ED)))
SECRET = "a shared secret of more than 32 bytes"


async def check(text: str, rules: TokenRules = RULES, now: float = NOW) -> dict[str, Any]:
    return await verify_token(text, rules, KEYS, now)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS256"), (EC, "ES256"), (ED, "Ed25519"), (ED, "EdDSA")],
    ids=["RSA", "EC", "Ed25519", "EdDSA"],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_token_is_accepted(key: Any, algorithm: str) -> None:
    text = token(key, algorithm)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = await check(text)
    assert (found["sub"], found["name"]) == ("user-1", "Ada")


async def test_token_without_a_key_id_is_accepted_if_one_key_fits() -> None:
    assert await check(token(header={"kid": None}))
    two = FixedKeys(import_keys(key_set(RSA, OTHER_RSA)))
    with pytest.raises(InvalidToken, match="no key fits"):
        await verify_token(token(header={"kid": None}), RULES, two, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"iss": "https://evil.example"}, id="wrong issuer"),
        pytest.param({"iss": ISSUER + "/"}, id="similar issuer"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"iss": [ISSUER]}, id="list of issuers"),
        pytest.param({"aud": "other"}, id="wrong audience"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"aud": []}, id="empty audience"),
        pytest.param({"aud": {"notes": 1}}, id="audience is an object"),
        pytest.param({"exp": NOW - 31}, id="expired"),
        pytest.param({"exp": None}, id="never expires"),
        pytest.param({"exp": "9999999999"}, id="expiry is a text"),
        pytest.param({"exp": True}, id="expiry is a bool"),
        pytest.param({"exp": float("nan")}, id="expiry is no number"),
        pytest.param({"nbf": NOW + 31}, id="not yet valid"),
        pytest.param({"iat": NOW + 31}, id="issued in the future"),
        pytest.param({"sub": None}, id="no subject"),
        pytest.param({"sub": 1}, id="subject is a number"),
    ],
)
async def test_token_with_wrong_claims_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidToken):
        await check(token(**changes))


@pytest.mark.parametrize(
    "changes",
    [{"aud": ["other", AUDIENCE]}, {"exp": NOW - 29}, {"nbf": NOW + 29}, {"iat": NOW + 29}, {"exp": NOW + 0.5}],
    ids=[
        "list of audiences",
        "expiry within the leeway",
        "begin within the leeway",
        "issue within the leeway",
        "float",
    ],
)
async def test_token_with_other_claims_is_accepted(changes: dict[str, object]) -> None:
    assert await check(token(**changes))


async def test_clock_decides_about_the_expiry() -> None:
    text = token()
    assert await check(text, now=NOW + 629)
    with pytest.raises(InvalidToken):
        await check(text, now=NOW + 631)


def _hmac_with(key: bytes, header: Mapping[str, object], content: Mapping[str, object]) -> str:
    signed = raw_token(header, content).rpartition(".")[0]
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return signed + "." + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def test_algorithm_none_is_refused() -> None:
    for name in ("none", "None", "NONE", "nOnE", ""):
        for signature in (b"", b"x"):
            with pytest.raises(InvalidToken):
                await check(raw_token({"alg": name, "kid": "rsa"}, claims(), signature))


async def test_public_key_as_the_secret_of_an_hmac_is_refused() -> None:
    pem = RSA.as_pem(private=False)
    for key in (pem, pem.strip(), RSA.as_der(private=False), RSA.as_dict(private=False)["n"].encode()):
        for header in ({"alg": "HS256", "kid": "rsa"}, {"alg": "HS256"}, {"alg": "RS256", "kid": "rsa"}):
            with pytest.raises(InvalidToken):
                await check(_hmac_with(key, header, claims()))


async def test_algorithm_that_is_not_pinned_is_refused() -> None:
    rules = TokenRules(issuer=ISSUER, audiences=(AUDIENCE,), algorithms=("ES256",))
    with pytest.raises(InvalidToken, match="algorithm is not accepted"):
        await check(token(), rules)
    assert await check(token(EC, "ES256"), rules)


async def test_keys_and_urls_of_the_header_are_ignored() -> None:
    async with key_server() as server:
        server.document = key_set(OTHER_RSA)
        public = OTHER_RSA.as_dict(private=False)
        for extra in ({"jku": server.url}, {"x5u": server.url}, {"jwk": public}, {"x5c": ["AAAA"]}):
            for kid in ("other", "rsa", None, server.url):
                with pytest.raises(InvalidToken):
                    await check(token(OTHER_RSA, header={**extra, "kid": kid}))
            # A token of the issuer may have them.
            assert await check(token(header=extra))
        assert server.requests == []


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"alg": "RS256", "kid": "rsa", "crit": ["exp"]}, id="critical extension"),
        pytest.param({"alg": "RS256", "kid": "rsa", "b64": False, "crit": ["b64"]}, id="content that is not encoded"),
        pytest.param({"alg": "RS256", "kid": "rsa", "typ": "logout+jwt"}, id="another type"),
        pytest.param({"alg": "RS256", "kid": "rsa", "typ": ["JWT"]}, id="type is a list"),
        pytest.param({"alg": "RS256", "kid": 1}, id="key id is a number"),
        pytest.param({"alg": "RS256", "kid": "../../etc/passwd"}, id="key id is a path"),
        pytest.param({"alg": ["RS256"], "kid": "rsa"}, id="list of algorithms"),
        pytest.param({"kid": "rsa"}, id="no algorithm"),
        pytest.param(["RS256"], id="header is a list"),
        pytest.param("RS256", id="header is a text"),
    ],
)
async def test_token_with_another_header_is_refused(header: object) -> None:
    with pytest.raises(InvalidToken):
        await check(raw_token(header, claims(), b"x" * 256))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        "a.b.c",
        "\xff.b.c",
        "A" * 100_000,
        "A" * 2000 + ".e30.c2ln",
        base64.urlsafe_b64encode(b"[" * 700).decode().rstrip("=") + ".e30.c2ln",
        base64.urlsafe_b64encode(b"\xff\xfe").decode().rstrip("=") + ".e30.c2ln",
    ],
    ids=range(12),
)
async def test_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        await check(text)


async def test_changed_token_is_refused() -> None:
    header, content, signature = token().split(".")
    other = token(sub="admin").split(".")
    for text in (
        f"{header}.{other[1]}.{signature}",
        f"{header}.{content}.{other[2]}",
        f"{header}.{content}.",
        f"{header}.{content}.{signature[:-4]}AAAA",
        f"{header}..{signature}",
        token(OTHER_RSA, header={"kid": "rsa"}),
        token(EC, "ES256", header={"kid": "ed"}),
    ):
        with pytest.raises(InvalidToken):
            await check(text)


@pytest.mark.parametrize("content", [b"[]", b'"text"', b"null", b"no json", b"\xff", b"[" * 5000])
async def test_signed_content_that_is_no_object_is_refused(content: bytes) -> None:
    from joserfc import jws

    text = jws.serialize_compact({"alg": "RS256", "kid": "rsa"}, content, RSA, algorithms=["RS256"])
    with pytest.raises(InvalidToken):
        await check(text)


def test_roles_of_claims() -> None:
    found: dict[str, Any] = {
        "scope": "read write",
        "roles": ["admin", 1, None],
        "realm_access": {"roles": ["editor"]},
        "https://a.example/roles": ["named"],
        "odd": 1,
    }
    assert roles_of(found, ("scope", "roles")) == {"read", "write", "admin"}
    assert roles_of(found, ("realm_access.roles", "https://a.example/roles")) == {"editor", "named"}
    assert roles_of(found, ("odd", "missing", "scope.x", "realm_access")) == frozenset()


# -- in an app


def make_app(plugin: AuthPlugin, **settings: object) -> App:
    app = App("Notes", plugins=[(plugin, settings)])

    @app.get("/me")
    async def me(user: User) -> dict[str, object]:
        return {
            "id": user.id,
            "name": user.name,
            "roles": sorted(user.roles),
            "scheme": user.scheme,
            "issuer": user.claims["iss"],
        }

    @app.get("/admin", guards=[requires("admin")])
    async def admin() -> str:
        return "secret"

    return app


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def test_tokens_of_an_issuer_with_a_key_set() -> None:
    async with key_server() as server:
        clock = FakeClock()
        app = make_app(
            AuthPlugin(clock=clock.wall),
            schemes=["bearer"],
            token_issuer=ISSUER,
            token_audiences=[AUDIENCE],
            token_keys=server.url,
        )
        async with Client(app, clock=clock) as client:
            response = await client.get("/me", headers=bearer(token()))
            assert response.json() == {
                "id": "user-1",
                "name": "Ada",
                "roles": ["read"],
                "scheme": "bearer",
                "issuer": ISSUER,
            }
            response = await client.get("/admin", headers=bearer(token()))
            assert response.status == 403
            challenge = 'Bearer realm="Notes", error="insufficient_scope", scope="admin"'
            assert response.headers["www-authenticate"] == challenge
            assert (await client.get("/admin", headers=bearer(token(roles=["admin"])))).text == "secret"
            await client.advance(631)
            response = await client.get("/me", headers=bearer(token()))
            assert response.status == 401
            assert response.headers["www-authenticate"] == 'Bearer realm="Notes", error="invalid_token"'
            response = await client.get("/me")
            assert response.headers["www-authenticate"] == 'Bearer realm="Notes"'
        assert len(server.requests) == 1


async def test_issuer_that_cannot_be_reached_is_503() -> None:
    app = make_app(
        AuthPlugin(),
        schemes=["bearer"],
        token_issuer=ISSUER,
        token_audiences=[AUDIENCE],
        token_keys="http://127.0.0.1:1/",
    )
    async with Client(app) as client:
        response = await client.get("/me", headers=bearer(token()))
        assert (response.status, response.headers["retry-after"]) == (503, "10")


async def test_tokens_with_a_shared_secret() -> None:
    app = make_app(
        AuthPlugin(clock=lambda: NOW),
        schemes=["bearer"],
        token_issuer=ISSUER,
        token_audiences=[AUDIENCE],
        token_secret=SECRET,
    )
    async with Client(app) as client:
        good = _hmac_with(SECRET.encode(), {"alg": "HS256"}, claims())
        assert (await client.get("/me", headers=bearer(good))).status == 200
        bad = _hmac_with(b"another secret of more than 32 bytes", {"alg": "HS256"}, claims())
        assert (await client.get("/me", headers=bearer(bad))).status == 401
        assert (await client.get("/me", headers=bearer(token()))).status == 401
        assert SECRET not in json.dumps(repr(app.plan))


async def test_users_of_other_claims_and_of_none() -> None:
    def user(found: Mapping[str, Any]) -> User | None:
        return User(found["email"], claims=found) if "email" in found else None

    app = make_app(AuthPlugin(schemes=[BearerScheme(RULES, KEYS, user=user)], clock=lambda: NOW), schemes=["api_key"])
    async with Client(app) as client:
        assert (await client.get("/me", headers=bearer(token(email="ada@example.com")))).json()[
            "id"
        ] == "ada@example.com"
        assert (await client.get("/me", headers=bearer(token()))).status == 401


@pytest.mark.parametrize(
    ("value", "status"),
    [("Bearer", 400), ("Bearer a b", 400), ("Bearer a.b.c", 401), ("Bearer " + "a" * 9000, 400), ("Basic YTpi", 401)],
)
async def test_fields_without_an_accepted_token(value: str, status: int) -> None:
    app = make_app(AuthPlugin(schemes=[BearerScheme(RULES, KEYS)]), schemes=["api_key"])
    async with Client(app) as client:
        assert (await client.get("/me", headers={"Authorization": value})).status == status


async def test_token_in_the_query_is_not_read() -> None:
    app = make_app(AuthPlugin(schemes=[BearerScheme(RULES, KEYS)], clock=lambda: NOW), schemes=["api_key"])
    async with Client(app) as client:
        assert (await client.get(f"/me?access_token={token()}")).status == 401


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "needs token_issuer"),
        ({"token_issuer": ISSUER}, "needs token_audiences"),
        ({"token_issuer": ISSUER, "token_audiences": ["a"]}, "either token_keys, a URL, or token_secret"),
        ({"token_issuer": ISSUER, "token_audiences": ["a"], "token_keys": "http://a.example"}, "must begin with https"),
        ({"token_issuer": ISSUER, "token_audiences": ["a"], "token_secret": "short"}, "less than 32 bytes"),
        (
            {
                "token_issuer": ISSUER,
                "token_audiences": ["a"],
                "token_keys": "https://a.example",
                "token_secret": SECRET,
            },
            "either token_keys, a URL, or token_secret",
        ),
        (
            {
                "token_issuer": ISSUER,
                "token_audiences": ["a"],
                "token_keys": "https://a.example",
                "token_algorithms": ["HS256"],
            },
            "HS256 needs token_secret",
        ),
        (
            {
                "token_issuer": ISSUER,
                "token_audiences": ["a"],
                "token_keys": "https://a.example",
                "token_algorithms": ["none"],
            },
            "not 'none'",
        ),
    ],
    ids=range(8),
)
def test_wrong_settings_stop_the_start(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[("auth", {"schemes": ["bearer"], **settings})]).compile()
    text = "\n".join(map(str, caught.value.problems))
    assert reason in text
    assert SECRET not in text
    assert "'short'" not in text


def test_secret_is_not_a_key_of_a_set() -> None:
    key = OctKey.import_key(SECRET)
    assert not import_keys({"keys": [*key_set(RSA)["keys"], key.as_dict(private=True)]})[1:]
