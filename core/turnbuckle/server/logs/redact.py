"""Remove secret settings from every line of a log, however they got into a message or a traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final, final
from urllib.parse import quote, quote_plus

from turnbuckle.server.logs.records import AccessEntry, LogLine

__all__ = ["Redactor"]

# A shorter value gives little protection as a secret, and would be found inside ordinary words.
_MIN_LENGTH: Final = 6
_REPLACEMENT: Final = "********"


@final
class Redactor:
    """Replaces secrets in records.

    Args:
        secrets: the secret values; values of fewer than 6 characters are ignored.
    """

    __slots__ = ("_pattern",)

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _MIN_LENGTH for form in _forms(secret)}
        # The longest first, because one secret may begin with another.
        joined = "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
        self._pattern: Final = re.compile(joined) if joined else None

    def clean(self, record: LogLine | AccessEntry) -> None:
        """Replace the secrets in a record."""
        pattern = self._pattern
        if pattern is None:
            return
        if isinstance(record, AccessEntry):
            record.target = pattern.sub(_REPLACEMENT, record.target)
            record.referer = pattern.sub(_REPLACEMENT, record.referer)
            record.user_agent = pattern.sub(_REPLACEMENT, record.user_agent)
            record.host = pattern.sub(_REPLACEMENT, record.host)
            record.reason = pattern.sub(_REPLACEMENT, record.reason)
            record.request_id = pattern.sub(_REPLACEMENT, record.request_id)
        else:
            record.message = pattern.sub(_REPLACEMENT, record.message)
            record.exception = pattern.sub(_REPLACEMENT, record.exception)


def _forms(secret: str) -> tuple[str, ...]:
    """Return the forms of a secret: plain, as Python and JSON quote it, and percent-encoded."""
    return (
        secret,
        repr(secret)[1:-1],
        repr(secret.encode("utf-8", "replace"))[2:-1],
        json.dumps(secret)[1:-1],
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
    )
