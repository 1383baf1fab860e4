"""What the tests of mistakes share: a project with one mistake in it, and what must be said about that.

The line that must be named ends in ``# here``, in whichever file of the project it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from tests.core.startup.finding import Site

__all__ = ["Mistake", "plugin"]

_HERE = "# here"
_IMPORTS = """\
from contextlib import asynccontextmanager, contextmanager

import attrs

from turnbuckle import *
from turnbuckle.records import *


async def answer(request):
    return "yes"


async def passing(request, call_next):
    return await call_next(request)


def around(next_handler, setup):
    return next_handler


"""
_APP = "from turnbuckle import App\n\napp = App()\n"


def plugin(body: str, *, name: str = "it", cls: str = "It", marks_class: bool = False, **info: object) -> str:
    """Return the source of a plugin with a body, with more in its info, and with its class as the line to name."""
    more = "".join(f", {key}={value}" for key, value in info.items())
    lines = "".join(f"    {line}\n" if line else "\n" for line in body.splitlines())
    mark = f"  {_HERE}" if marks_class else ""
    return f'class {cls}(Plugin):{mark}\n    info = PluginInfo(name="{name}"{more})\n\n{lines}\n'


@attrs.frozen(kw_only=True)
class Mistake:
    """A project with one mistake.

    Attributes:
        code: the code of what must be found.
        says: what must be said of it.
        source: the source of plugin ``it``, which is installed and enabled; "" for no plugin.
        app: the source of the app, behind the same imports; "" for an app that has nothing.
        local: the source of ``turnbuckle_plugin.py``, behind the same imports; "" for none.
        settings: more lines of ``turnbuckle.toml``, above its sections.
        sections: sections of ``turnbuckle.toml``.
        others: sources of more distributions by name; each offers a plugin of that name, or ``it`` with ``offers_it``.
        offers_it: whether the others offer plugin ``it``.
        enabled: which plugins the settings enable.
        plugin: the plugin that must be named.
    """

    code: str
    says: str
    source: str = ""
    app: str = ""
    local: str = ""
    settings: str = ""
    sections: str = ""
    others: Mapping[str, str] = attrs.field(factory=dict)
    offers_it: bool = False
    enabled: tuple[str, ...] = ("it",)
    plugin: str = "it"

    def write(self, folder: Path, site: Site) -> None:
        """Write the project into a folder, and install its plugins."""
        files = {"shop.py": _IMPORTS + self.app if self.app else _APP, "turnbuckle_plugin.py": self.local}
        if self.local:
            files["turnbuckle_plugin.py"] = _IMPORTS + self.local
        enabled = self.enabled if self.source or self.others else ()
        named = ", ".join(f'"{name}"' for name in enabled)
        files["turnbuckle.toml"] = f"{self.settings}\n[plugins]\nenabled = [{named}]\n{self.sections}"
        for name, text in files.items():
            if text:
                (folder / name).write_text(text)
        if self.source:
            site.install("it", _IMPORTS + self.source)
        for name, text in self.others.items():
            site.install("it" if self.offers_it else name, _IMPORTS + text, distribution=name)

    def location(self, folder: Path) -> str:
        """Return the place that must be named, "" if no line is marked."""
        for path in sorted(folder.rglob("*")):
            lines = path.read_text().splitlines() if path.suffix in {".py", ".toml"} else []
            for number, line in enumerate(lines, 1):
                if line.endswith(_HERE):
                    return f"{path.relative_to(folder)}:{number}"
        return ""
