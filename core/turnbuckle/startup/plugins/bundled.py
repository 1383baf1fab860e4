"""List the parts that the plugins of the framework provide, for hints while these plugins are not enabled."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

__all__ = ["FIRST_PARTY", "FirstParty"]


@attrs.frozen
class FirstParty:
    """A plugin of the framework.

    Attributes:
        plugin: its name.
        extra: the extra of the distribution that it needs; "" for none.
    """

    plugin: str
    extra: str = ""

    @property
    def remedy(self) -> str:
        """Return how to enable the plugin."""
        install = (
            f" (it needs pip install 'turnbuckle[{self.extra}]', or '.[{self.extra}]' in a clone)" if self.extra else ""
        )
        return f"enable plugin {self.plugin!r}, which has it{install}"


FIRST_PARTY: Final[Mapping[str, Mapping[str, FirstParty]]] = MappingProxyType(
    {
        "parser": {
            "h11": FirstParty("h11_parser", "h11"),
            "httptools": FirstParty("httptools_parser", "httptools"),
            "zttp": FirstParty("zttp_parser", "zttp"),
        },
        "router": {
            "regex": FirstParty("regex_router"),
            "werkzeug": FirstParty("werkzeug_router", "werkzeug"),
        },
        "json component": {"msgspec": FirstParty("msgspec_json", "msgspec")},
        "codec:application/msgpack component": {"msgspec": FirstParty("msgpack", "msgspec")},
        "loop component": {"uvloop": FirstParty("uvloop_loop", "uvloop")},
        "templates component": {"jinja": FirstParty("jinja_templates", "jinja2")},
        "mount": {"asgi": FirstParty("asgi"), "wsgi": FirstParty("wsgi", "wsgi")},
        "shadow_parser component": {"threaded": FirstParty("shadow_parser")},
    }
)
"""The plugins by the name of the part that they provide, for each kind of slot."""
