"""Choose the optional plugins to quarantine after a failed start.

A plugin that fails while it is loaded, configured or called is quarantined at once. Other errors show only when
everything is put together: startup then runs again without the plugins at fault, until no error is left that is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Final

from turnbuckle.diagnostics import Diagnostic

__all__ = ["plugins_to_quarantine"]

# The origins of these errors name all rivals, of which the optional one is left out. In all other errors, the first
# origin is at fault.
_BETWEEN_RIVALS: Final = frozenset(
    {
        *("TB105", "TB107", "TB109", "TB401", "TB404", "TB406", "TB408", "TB410"),
        *("TB414", "TB416", "TB417", "TB418", "TB420", "TB422", "TB424"),
    }
)


def plugins_to_quarantine(
    errors: Iterable[Diagnostic], optional: Set[str], quarantined: Iterable[str]
) -> Mapping[str, Diagnostic]:
    """Return the optional plugins to leave out of the next start, each with its error.

    Args:
        errors: the errors that stop the start.
        optional: names of the optional plugins.
        quarantined: names of the plugins that are left out already.
    """
    candidates = optional - set(quarantined)
    found: dict[str, Diagnostic] = {}
    for error in errors:
        origins = error.origins if error.code in _BETWEEN_RIVALS else error.origins[:1]
        name = next((origin.plugin for origin in origins if origin.plugin in candidates), None)
        if name is not None and found.keys().isdisjoint(origin.plugin for origin in origins):
            found[name] = error
    return found
