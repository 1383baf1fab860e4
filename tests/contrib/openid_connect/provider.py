"""An OpenID provider as a Turnbuckle app, which tests serve on a real socket, and which can misbehave."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote_plus, urlencode

import attrs
from joserfc import jws, jwt
from joserfc.jwk import RSAKey

from turnbuckle import JSON, App, HTTPServer, Redirect, Request, Response

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
CLIENT = "notes-app"
SECRET = "s3cret:+/%"


@attrs.define
class Code:
    """A code that was issued."""

    nonce: str
    challenge: str
    callback: str


@attrs.define(eq=False)
class FakeProvider:
    """The provider; tests change its attributes."""

    now: float
    url: str = ""
    codes: dict[str, Code] = attrs.field(factory=dict)
    claims: dict[str, Any] = attrs.field(factory=dict)
    header: dict[str, Any] = attrs.field(factory=dict)
    metadata: dict[str, Any] = attrs.field(factory=dict)
    keys: list[Any] = attrs.field(factory=lambda: [KEY])
    signing_key: Any = KEY
    answers: dict[str, Response] = attrs.field(factory=dict)
    calls: list[str] = attrs.field(factory=list)
    forms: list[dict[str, str]] = attrs.field(factory=list)

    def make_app(self) -> App:
        app = App("provider")
        app.get("/.well-known/openid-configuration")(self.describe)
        app.get("/keys")(self.key_set)
        app.get("/authorize")(self.authorize)
        app.post("/token")(self.token)
        return app

    async def describe(self, request: Request) -> Response:
        self.calls.append("describe")
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/logout",
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        sent = {name: value for name, value in document.items() if value is not None}
        return self.answers.get("describe") or JSON(sent)

    async def key_set(self, request: Request) -> Response:
        self.calls.append("keys")
        return JSON({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: Request) -> Response:
        query = request.query_params
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = Code(query["nonce"], query["code_challenge"], query["redirect_uri"])
        answer = {"code": code, "state": query["state"], "iss": self.url}
        return Redirect(f"{query['redirect_uri']}?{urlencode(answer)}", 303)

    async def token(self, request: Request) -> Response:
        self.calls.append("token")
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.forms.append(form)
        if "token" in self.answers:
            return self.answers["token"]
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme:
            name, _, secret = base64.b64decode(credentials).decode().partition(":")
            client = (unquote_plus(name), unquote_plus(secret))
        else:
            client = (form.get("client_id", ""), form.get("client_secret", ""))
        if client != (CLIENT, SECRET):
            return JSON({"error": "invalid_client"}, 401)
        code = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if code is None or code.challenge != challenge or code.callback != form["redirect_uri"]:
            return JSON({"error": "invalid_grant"}, 400)
        return JSON({"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(code.nonce)})

    def id_token(self, nonce: str) -> str:
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "4711",
            "exp": int(self.now) + 300,
            "iat": int(self.now),
            "nonce": nonce,
            "name": "Ada",
            **self.claims,
        }
        sent = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.signing_key.get("kid"), **self.header}
        if header["alg"] == "none":
            content = jwt.encode({"alg": "RS256"}, sent, self.signing_key).split(".")[1]
            return base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode() + f".{content}."
        registry = jws.JWSRegistry(strict_check_header=False)
        return jwt.encode(header, sent, self.signing_key, registry=registry)


@asynccontextmanager
async def serve(provider: FakeProvider) -> AsyncIterator[FakeProvider]:
    async with HTTPServer(provider.make_app().compile(), port=0) as server:
        provider.url = server.addresses[0].url.rstrip("/")
        yield provider
