"""Report factories that fail, with the forms that they may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from turnbuckle.diagnostics import Origin
from turnbuckle.startup.model.diagnostics import Diagnostics, format_error
from turnbuckle.startup.plugins.error_hints import explain_error

__all__ = ["FactoryFailures", "ReportFailure"]

ReportFailure: TypeAlias = Callable[[str, str, Origin, Exception], None]
"""Reports a factory that failed: code, subject, origin and exception."""

_FACTORIES: Final = {
    "TB501": "its factory takes the next handler and the setup, and returns a handler",
    "TB503": "its factory takes the limits, and returns a parser for one connection",
    "TB506": "its factory takes the next handler and the setup, and returns a handler, as middleware factories do; "
    "with an ALPN name it returns a factory of asyncio.Protocol",
}
_FORMS: Final = {
    "TB501": "'async def m(request, call_next)' under @turnbuckle.middleware, which makes the record with a factory",
    "TB503": "a class or function that takes the limits, and has or returns feed, feed_eof, next_event, trailing_data",
    "TB506": "'def factory(next_handler, setup)' with such a result",
}


@attrs.frozen
class FactoryFailures:
    """Reports the factories of one app that fail.

    Attributes:
        diagnostics: where they are reported.
    """

    diagnostics: Diagnostics

    def report(self, code: str, what: str, origin: Origin, error: Exception) -> None:
        """Report a factory that failed.

        Args:
            code: the code of the problem.
            what: the part that it makes, as the subject of a sentence.
            origin: origin of the part.
            error: the exception.
        """
        # Messages of the core itself end with the right spelling.
        _, _, fix = str(error).partition("; ") if " middleware " in f" {error}" else ("", "", "")
        # A package is missing that the settings of a plugin need.
        why, fix = explain_error(error, str(origin)) if isinstance(error, ImportError) else (_FACTORIES[code], fix)
        self.diagnostics.add(
            code,
            f"{what} cannot be made: {format_error(error)}",
            origin,
            why=why,
            fix=fix or f"write {_FORMS[code]}",
        )
