"""Hash and check passwords: scrypt of the standard library, or argon2id if ``argon2-cffi`` is installed.

A hash is a text with its method and parameters (the PHC string format), so that old hashes stay valid when the
parameters grow; ``verify_password`` reports a hash that should be replaced. The parameters are OWASP's (Password
Storage Cheat Sheet). Passwords are normalized (RFC 8265, section 4.2.2: NFC), and never truncated.

The functions block for a few hundred milliseconds. ``Passwords`` calls them in separate threads, a few at a time:
each call needs 32 MiB, or as many as configured.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import re
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, TypeVar, final

import attrs

from turnbuckle import ServiceUnavailable

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = [
    "DEFAULT_MEMORY",
    "MAX_PASSWORD",
    "PasswordMethod",
    "Passwords",
    "Verified",
    "VerifiedPasswords",
    "hash_password",
    "password_version",
    "verify_password",
]

T = TypeVar("T")

DEFAULT_MEMORY: Final = 32
"""MiB that scrypt takes by default: a small machine survives several logins at once."""

MAX_PASSWORD: Final = 1024
"""Maximum size of a password in bytes of UTF-8."""

PasswordMethod: TypeAlias = Literal["scrypt", "argon2"]

_SALT: Final = 16
_HASH: Final = 32
# Argon2id: passes, KiB, and lanes.
_ARGON2: Final = (2, 19456, 1)
# The limits bound the time and memory that a hash from a damaged or foreign database may take.
_SCRYPT_HASH: Final = re.compile(
    r"\$scrypt\$ln=([1-9][0-9]?),r=([1-9][0-9]?),p=([1-9][0-9]?)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)
_MAX_LN: Final = 20
_MAX_MEMORY: Final = 1024 * 1024 * 1024


@attrs.frozen(kw_only=True)
class _Cost:
    """The parameters of scrypt: the binary logarithm of the cost, the number of lanes, and the size of blocks."""

    ln: int
    lanes: int
    block: int = 8

    @property
    def memory(self) -> int:
        """The bytes that OpenSSL takes: the blocks of all lanes, and some more."""
        return 128 * self.block * ((1 << self.ln) + self.lanes + 2)

    def __str__(self) -> str:
        return f"ln={self.ln},r={self.block},p={self.lanes}"


# By MiB; all of them are as hard to break.
_SCRYPT: Final = {
    128: _Cost(ln=17, lanes=1),
    64: _Cost(ln=16, lanes=2),
    32: _Cost(ln=15, lanes=3),
    16: _Cost(ln=14, lanes=5),
    8: _Cost(ln=13, lanes=10),
}


class Verified(NamedTuple):
    """The result of a check.

    Attributes:
        ok: whether the password is right.
        needs_upgrade: whether the hash should be replaced, because its method or parameters are outdated.
    """

    ok: bool
    needs_upgrade: bool


def hash_password(password: str, *, method: PasswordMethod = "scrypt", memory: int = DEFAULT_MEMORY) -> str:
    """Return the hash of a password, with a new salt.

    Args:
        password: the password.
        method: "scrypt", or "argon2", which needs the package ``argon2-cffi``.
        memory: MiB that scrypt takes: 128, 64, 32, 16 or 8.

    Raises:
        ValueError: the password has more than ``MAX_PASSWORD`` bytes.
    """
    content = _prepare(password)
    if content is None:
        raise ValueError(f"the password has more than {MAX_PASSWORD} bytes")
    if method == "argon2":
        return str(_argon2_hasher().hash(content))
    cost, salt = _SCRYPT[memory], os.urandom(_SALT)
    return f"$scrypt${cost}${_encode(salt)}${_encode(_scrypt(content, salt, cost, _HASH))}"


def verify_password(
    password: str, password_hash: str, *, method: PasswordMethod = "scrypt", memory: int = DEFAULT_MEMORY
) -> Verified:
    """Check a password against a hash.

    Args:
        password: the password.
        password_hash: the hash.
        method: the method of new hashes; a hash of another one needs an upgrade.
        memory: of new hashes; a hash with other parameters needs an upgrade.

    Raises:
        ValueError: the hash is no hash that is known here.
        ImportError: it is a hash of argon2, and the package ``argon2-cffi`` is not installed.
    """
    content = _prepare(password)
    if password_hash.startswith("$argon2"):
        return _verify_argon2(content, password_hash, method)
    found = _SCRYPT_HASH.fullmatch(password_hash)
    if found is None or int(found[1]) > _MAX_LN:
        raise ValueError("the hash of the password is neither one of scrypt nor of argon2")
    cost = _Cost(ln=int(found[1]), block=int(found[2]), lanes=int(found[3]))
    if cost.memory > _MAX_MEMORY:
        raise ValueError("the hash of the password takes too much memory")
    salt, expected = _decode(found[4]), _decode(found[5])
    # A password that is too long takes the same time as a wrong one.
    is_same = hmac.compare_digest(_scrypt(content or b"", salt, cost, len(expected)), expected)
    is_current = method == "scrypt" and cost == _SCRYPT[memory]
    ok = is_same and content is not None
    return Verified(ok, ok and not is_current)


def _verify_argon2(content: bytes | None, password_hash: str, method: PasswordMethod) -> Verified:
    from argon2.exceptions import InvalidHash, VerificationError, VerifyMismatchError

    hasher = _argon2_hasher()
    try:
        hasher.verify(password_hash, content or b"")
    except VerifyMismatchError:
        return Verified(False, False)
    except (InvalidHash, VerificationError):
        raise ValueError("the hash of the password is neither one of scrypt nor of argon2") from None
    ok = content is not None
    return Verified(ok, ok and (method != "argon2" or hasher.check_needs_rehash(password_hash)))


def _argon2_hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    time, kib, lanes = _ARGON2
    return PasswordHasher(time_cost=time, memory_cost=kib, parallelism=lanes)


def unknown_hash(method: PasswordMethod = "scrypt", memory: int = DEFAULT_MEMORY) -> str:
    """Return a hash of no password, to be checked for users that do not exist: it takes the same time."""
    if method == "argon2":
        time, kib, lanes = _ARGON2
        return f"$argon2id$v=19$m={kib},t={time},p={lanes}${_encode(os.urandom(_SALT))}${_encode(os.urandom(_HASH))}"
    return f"$scrypt${_SCRYPT[memory]}${_encode(os.urandom(_SALT))}${_encode(os.urandom(_HASH))}"


def password_version(password_hash: str) -> str:
    """Return a text for ``User.version`` that changes with the hash of the password, and does not give it away."""
    return hashlib.sha256(b"turnbuckle.auth.version\0" + password_hash.encode()).hexdigest()[:24]


def _prepare(password: str) -> bytes | None:
    """Return the bytes that are hashed; None for a password that is too long."""
    # A character is at least one byte, so that nothing long is normalized.
    if len(password) > MAX_PASSWORD:
        return None
    content = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return content if len(content) <= MAX_PASSWORD else None


def _scrypt(content: bytes, salt: bytes, cost: _Cost, size: int) -> bytes:
    n, block, lanes = 2**cost.ln, cost.block, cost.lanes
    return hashlib.scrypt(content, salt=salt, n=n, r=block, p=lanes, maxmem=cost.memory, dklen=size)


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("the hash of the password is not base64") from None


@final
class VerifiedPasswords:
    """The passwords that were verified a short time ago, so that clients that send one in each request need not wait.

    Only digests with a random key of this process are kept, and a new hash of the password makes them worthless.

    Args:
        seconds: time that a password is remembered.
        clock: seconds since any moment.
        entries: maximum number of passwords.
    """

    def __init__(self, seconds: float, clock: Callable[[], float], entries: int = 1000) -> None:
        self._seconds: Final = seconds
        self._clock: Final = clock
        self._entries: Final = entries
        self._key: Final = os.urandom(32)
        self._until: Final[dict[bytes, float]] = {}

    def add(self, password: str, password_hash: str) -> None:
        """Remember a password that is right for a hash."""
        digest = self._digest(password, password_hash)
        self._until.pop(digest, None)
        self._until[digest] = self._clock() + self._seconds
        if len(self._until) > self._entries:
            del self._until[next(iter(self._until))]

    def knows(self, password: str, password_hash: str) -> bool:
        """Return whether a password was right for a hash a short time ago."""
        until = self._until.get(self._digest(password, password_hash))
        return until is not None and self._clock() < until

    def _digest(self, password: str, password_hash: str) -> bytes:
        content = _prepare(password) or b""
        return hmac.digest(self._key, password_hash.encode() + b"\0" + content, "sha256")


@final
class Passwords:
    """Hash and check passwords in threads, a few at a time.

    Args:
        method: the method of new hashes.
        memory: MiB that scrypt takes.
        concurrency: number of threads.
        waiting: maximum number of calls that wait for a thread; further ones are answered with 503.
        remembered: the passwords that were verified a short time ago; None remembers none.
    """

    def __init__(
        self,
        method: PasswordMethod = "scrypt",
        *,
        memory: int = DEFAULT_MEMORY,
        concurrency: int = 2,
        waiting: int = 100,
        remembered: VerifiedPasswords | None = None,
    ) -> None:
        self._remembered: Final = remembered
        self._method: Final[PasswordMethod] = method
        self._memory: Final = memory
        self._limit: Final = concurrency + waiting
        self._pending = 0
        self._threads: Final = ThreadPoolExecutor(concurrency, thread_name_prefix="passwords")
        self._unknown: Final = unknown_hash(method, memory)

    async def hash(self, password: str) -> str:
        """Return the hash of a password.

        Raises:
            ValueError: the password has more than ``MAX_PASSWORD`` bytes.
            ServiceUnavailable: too many calls are waiting.
        """
        return await self._run(lambda: hash_password(password, method=self._method, memory=self._memory))

    async def verify(self, password: str, password_hash: str | None, *, remember: bool = False) -> Verified:
        """Check a password against a hash; None, for a user that does not exist, takes the same time.

        Args:
            password: the password.
            password_hash: the hash.
            remember: whether ``was_verified`` knows the password for a while, if it is right.

        Raises:
            ValueError: the hash is no hash that is known here.
            ServiceUnavailable: too many calls are waiting.
        """
        known = password_hash if password_hash is not None else self._unknown
        verified = await self._run(lambda: verify_password(password, known, method=self._method, memory=self._memory))
        if password_hash is None:
            return Verified(False, False)
        if remember and verified.ok and self._remembered is not None:
            self._remembered.add(password, password_hash)
        return verified

    def was_verified(self, password: str, password_hash: str | None) -> bool:
        """Return whether a password was found right for the same hash a short time ago."""
        if self._remembered is None or password_hash is None:
            return False
        return self._remembered.knows(password, password_hash)

    async def _run(self, function: Callable[[], T]) -> T:
        if self._pending >= self._limit:
            raise ServiceUnavailable("too many logins at once", headers={"Retry-After": "5"}, problem={})
        self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, function)
        # A thread goes on when its request is cancelled, and counts until it is done.
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: asyncio.Future[T]) -> None:
        self._pending -= 1
        if not future.cancelled():
            # Without a request that waits for it, the loop would log the exception.
            future.exception()

    def close(self) -> None:
        """End the threads, without those calls that have not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
