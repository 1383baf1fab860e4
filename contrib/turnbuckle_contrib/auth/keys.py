"""The keys that verify tokens: a fixed set, or the JSON Web Key Set of an issuer (RFC 7517), with rotation.

Only signature keys with usual sizes are taken from a set, and at most 100 of them. Keys that a token names or contains
(``jwk``, ``jku``, ``x5c``, ``x5u``) are never used. A set is fetched when it is needed for the first time, when it is
older than ``seconds``, and when a token has an unknown key id, at most once in ``interval``. If the issuer cannot be
reached, the last set remains in use for a day.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, final

from turnbuckle import ServiceUnavailable
from turnbuckle_contrib.auth.fetch import Fetcher, FetchFailed

if TYPE_CHECKING:
    from joserfc.jwk import Key

__all__ = ["ALGORITHMS", "FixedKeys", "KeySource", "RemoteKeys", "import_keys", "select_key"]

_log: Final = logging.getLogger("turnbuckle.auth")

ALGORITHMS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
    **dict.fromkeys(("HS256", "HS384", "HS512"), "oct"),
}
"""The type of key of each algorithm (RFC 7518, section 3.1; RFC 8037; RFC 9864)."""

_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
_PUBLIC: Final = frozenset({"RSA", "EC", "OKP"})
_MAX_KEYS: Final = 100
# Base64 of moduli of 2048 to 8192 bits, and of exponents up to 2**32: others are weak, or slow on purpose.
_MODULUS: Final = range(340, 1370)
_EXPONENT: Final = range(2, 7)
_MAX_STALE: Final = 86_400.0
_RETRY: Final = 5.0


class KeySource(Protocol):
    """Supplies the keys of an issuer."""

    async def keys(self, kid: str | None) -> Sequence[Key]:
        """Return the keys; if none has the key id, fresh ones if possible."""


def import_keys(document: object) -> list[Key]:
    """Return the public signature keys of a key set; other entries are ignored (RFC 7517, section 5).

    Raises:
        ValueError: the document is no key set, or has no such keys.
    """
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(entries, list):
        raise ValueError("the document is no JSON Web Key Set: it has no list 'keys'")
    keys = [key for entry in entries[:_MAX_KEYS] if (key := _import_key(entry)) is not None]
    if not keys:
        raise ValueError("the key set has no public keys for signatures")
    return keys


def _import_key(entry: object) -> Key | None:
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    if not isinstance(entry, dict) or entry.get("kty") not in _PUBLIC or entry.get("use", "sig") != "sig":
        return None
    if entry["kty"] == "RSA":
        sizes = [len(text) if isinstance(text := entry.get(name), str) else 0 for name in ("n", "e")]
        if sizes[0] not in _MODULUS or sizes[1] not in _EXPONENT:
            return None
    # Only the public members: a private key in the set, however it got there, is not kept.
    public = {name: entry[name] for name in ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y") if name in entry}
    try:
        return JWKRegistry.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def select_key(keys: Iterable[Key], algorithm: str, kid: str | None) -> Key | None:
    """Return the only key that fits an algorithm and a key id; None if there is none, or more than one."""
    fitting = [key for key in keys if _fits(key, algorithm, kid)]
    return fitting[0] if len(fitting) == 1 else None


def _fits(key: Key, algorithm: str, kid: str | None) -> bool:
    if key.key_type != ALGORITHMS.get(algorithm) or (kid is not None and key.get("kid") != kid):
        return False
    curve = _CURVES.get(algorithm)
    return (curve is None or key.get("crv") == curve) and key.get("alg", algorithm) == algorithm


@final
class FixedKeys:
    """Keys that never change."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys: Final = tuple(keys)

    @classmethod
    def of_secret(cls, secret: str) -> FixedKeys:
        """Return the key of a shared secret, for HS256, HS384 and HS512."""
        from joserfc.jwk import OctKey

        return cls([OctKey.import_key(secret)])

    async def keys(self, kid: str | None) -> Sequence[Key]:
        """Return the keys."""
        return self._keys


@final
class RemoteKeys:
    """The key set at a URL.

    Args:
        url: the URL.
        fetcher: fetches it.
        seconds: the set is fetched again when it is older.
        interval: seconds between two fetches.
        clock: seconds since any moment.
    """

    def __init__(
        self,
        url: str,
        fetcher: Fetcher,
        *,
        seconds: float = 3600.0,
        interval: float = 60.0,
        clock: Callable[[], float],
    ) -> None:
        self.url: Final = url
        self._fetcher: Final = fetcher
        self._seconds: Final = seconds
        self._interval: Final = interval
        self._clock: Final = clock
        self._keys: Sequence[Key] = ()
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._is_failing = False
        self._fetching: asyncio.Task[None] | None = None

    async def keys(self, kid: str | None) -> Sequence[Key]:
        """Return the keys; if none has the key id, fresh ones if possible.

        Raises:
            ServiceUnavailable: 503: there are no keys, because the issuer cannot be reached.
        """
        age, lifetime = self._clock() - self._fetched_at, max(_MAX_STALE, self._seconds)
        is_known = any(kid is None or key.get("kid") == kid for key in self._keys)
        if age > self._seconds or not is_known:
            await self._refresh(waits=not (is_known and self._is_failing and age <= lifetime))
        if self._clock() - self._fetched_at > lifetime:
            raise ServiceUnavailable(
                "the keys of the issuer are not available", headers={"Retry-After": "10"}, problem={}
            )
        return self._keys

    async def _refresh(self, *, waits: bool) -> None:
        if self._fetching is None:
            if self._clock() - self._tried_at < self._interval:
                return
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch())
        if waits:
            # Many requests wait for one fetch, which goes on if some of them are cancelled.
            await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        try:
            status, document = await self._fetcher.fetch_json(self.url)
            if status != 200:
                raise FetchFailed(f"{self.url} answered {status}")
            self._keys = import_keys(document)
            self._fetched_at = self._clock()
            self._is_failing = False
        except (FetchFailed, ValueError) as error:
            _log.warning("the keys at %s were not renewed: %s", self.url, error)
            # Requests with a known key no longer wait for the issuer.
            self._is_failing = True
            # A short failure of the issuer should not last for the whole interval.
            self._tried_at += min(self._interval, _RETRY) - self._interval
        finally:
            self._fetching = None
