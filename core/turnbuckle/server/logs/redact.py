"""Keep what settings call secret out of every line of a log, however it got into a message or a traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final, final
from urllib.parse import quote, quote_plus

from turnbuckle.server.logs.records import AccessEntry, LogLine

__all__ = ["Redactor"]

# What is shorter is no secret to speak of, and would be found in the middle of words.
_SHORTEST: Final = 6
_HIDDEN: Final = "********"


@final
class Redactor:
    """Replaces secrets in records.

    Args:
        secrets: values; those of fewer than 6 characters are let pass.
    """

    __slots__ = ("_pattern",)

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        # The longest first: one secret may begin with another.
        joined = "|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
        self._pattern: Final = re.compile(joined) if joined else None

    def clean(self, record: LogLine | AccessEntry) -> None:
        """Replace them in a record."""
        pattern = self._pattern
        if pattern is None:
            return
        if isinstance(record, AccessEntry):
            record.target = pattern.sub(_HIDDEN, record.target)
            record.referer = pattern.sub(_HIDDEN, record.referer)
            record.user_agent = pattern.sub(_HIDDEN, record.user_agent)
            record.host = pattern.sub(_HIDDEN, record.host)
            record.reason = pattern.sub(_HIDDEN, record.reason)
            record.request_id = pattern.sub(_HIDDEN, record.request_id)
        else:
            record.message = pattern.sub(_HIDDEN, record.message)
            record.exception = pattern.sub(_HIDDEN, record.exception)


def _forms(secret: str) -> tuple[str, ...]:
    """Return a secret as it is, in Python's and JSON's quotes, and in a URI."""
    return (
        secret,
        repr(secret)[1:-1],
        repr(secret.encode("utf-8", "replace"))[2:-1],
        json.dumps(secret)[1:-1],
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
    )
