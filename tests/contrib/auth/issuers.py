"""An issuer of tokens, and a server for its keys, that tests run themselves."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

ISSUER = "https://issuer.example"
AUDIENCE = "notes"
NOW = 1_767_225_600

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "other"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})


def claims(**changes: object) -> dict[str, Any]:
    made = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "exp": NOW + 600,
        "iat": NOW,
        "name": "Ada",
        "scope": "read",
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def token(key: Any = RSA, algorithm: str = "RS256", header: dict[str, object] | None = None, **changes: object) -> str:
    fields = {"alg": algorithm, "kid": key.get("kid"), **(header or {})}
    fields = {name: value for name, value in fields.items() if value is not None}
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode(fields, claims(**changes), key, registry=registry)


def raw_token(header: object, content: object, signature: bytes = b"") -> str:
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (json.dumps(header).encode(), json.dumps(content).encode(), signature)
    )


def key_set(*keys: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


class KeyServer:
    """Answers each connection with the same bytes, and counts them."""

    def __init__(self) -> None:
        self.document: object = key_set(RSA, EC, ED)
        self.answer: bytes | None = None
        self.requests: list[bytes] = []
        self.pause = 0.0
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/keys"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.ensure_future(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await asyncio.sleep(self.pause)
            writer.write(self.answer if self.answer is not None else http(json.dumps(self.document).encode()))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def http(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *fields]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def key_server() -> AsyncIterator[KeyServer]:
    keys = KeyServer()
    server = await asyncio.start_server(keys.accept, "127.0.0.1", 0)
    keys.port = server.sockets[0].getsockname()[1]
    try:
        yield keys
    finally:
        server.close()
        for task in keys.tasks:
            task.cancel()
        await asyncio.gather(*keys.tasks, return_exceptions=True)
