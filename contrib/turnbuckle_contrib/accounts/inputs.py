"""Check the addresses, names and passwords that people type (NIST SP 800-63B-4, section 3.1.1).

A password needs a length, and must not be one that attackers try first. There are no rules about digits or capitals:
they make passwords harder to remember, and hardly harder to guess. The list of common passwords is the part of Royce
Williams' list, as it comes with Django, with at least eight characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

__all__ = ["MAX_PASSWORD", "normalized_email", "normalized_name", "password_fault"]

MAX_PASSWORD: Final = 256
"""The maximum number of characters: hashing a long text takes time, which a client must not choose."""

_MAX_EMAIL: Final = 254
_MAX_LOCAL: Final = 64
_MAX_NAME: Final = 80
_DOMAIN: Final = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])"
)
# RFC 5322 allows more in quotes, which no provider gives out; characters beyond ASCII follow RFC 6532.
_LOCAL: Final = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+)*"
)
_SHORT_WORD: Final = 4
_COMMON: Final = Path(__file__).with_name("common_passwords.txt")


def normalized_email(text: str) -> str | None:
    """Return the address in the form that is stored and compared, or None if it is none.

    The domain is in ASCII (RFC 5891), and ASCII letters are in lower case. Other letters keep their case: Unicode maps
    different letters to the same lower case, and an address of one person must not be found by another one's.
    """
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    local = "".join(letter.lower() if letter.isascii() else letter for letter in local)
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    email = f"{local}{at}{domain}"
    is_address = _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) and email.isprintable()
    return email if is_address and len(local) <= _MAX_LOCAL and len(email) <= _MAX_EMAIL else None


def normalized_name(text: str) -> str | None:
    """Return a name without blanks around it and without controls, or None if it is empty or too long."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    return name if 0 < len(name) <= _MAX_NAME and name.isprintable() else None


def password_fault(password: str, *, min_length: int, words: tuple[str, ...] = ()) -> str:
    """Return the reason why a new password is refused, as a sentence for its owner; "" if it is not.

    Args:
        password: the password.
        min_length: the minimum number of characters.
        words: words that an attacker knows, such as the address.
    """
    if len(password) < min_length:
        return f"Use at least {min_length} characters. A few unrelated words are easy to remember."
    if len(password) > MAX_PASSWORD:
        return f"Use at most {MAX_PASSWORD} characters."
    # A guess is as easy in full width.
    lowered = unicodedata.normalize("NFKC", password).casefold()
    unit = _repeated_unit(lowered)
    if lowered in _common() or unit in _common():
        return "This password is among the first that attackers try. Choose another one."
    if len(unit) < min(min_length, len(lowered)) or _is_sequence(lowered):
        return "This password repeats itself, or is a sequence. Choose another one."
    known = (word.casefold() for word in words if len(word) >= _SHORT_WORD)
    if any(len(lowered.replace(word, "")) < _SHORT_WORD for word in known):
        return "This password is hardly more than your address or name. Choose another one."
    return ""


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())


def _repeated_unit(text: str) -> str:
    """Return the shortest text that gives the whole one if it is repeated."""
    return text[: (text + text).index(text, 1)]


def _is_sequence(text: str) -> bool:
    steps = {ord(second) - ord(first) for first, second in pairwise(text)}
    return steps in ({1}, {-1})
