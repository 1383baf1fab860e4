"""Mistakes that show when plugins are found, imported and configured."""

from __future__ import annotations

from tests.core.startup.mistakes import Mistake, plugin

__all__ = ["LOADING"]

_QUIET = "def provide_routes(self, setup):\n    return []"
_CONFIG = "@attrs.frozen\nclass Config:\n    size: int = 1\n\n\n"

LOADING = {
    "unknown-plugin": Mistake(
        code="TB101",
        says="unknown plugin 'itt'; did you mean 'it'?",
        app="app = App(plugins=['itt'])  # here",
        source=plugin(_QUIET),
        enabled=(),
        plugin="app",
    ),
    "two-distributions-of-one-name": Mistake(
        code="TB102",
        says="2 distributions offer plugin 'it'",
        others={"first": plugin(_QUIET), "second": plugin(_QUIET)},
        offers_it=True,
    ),
    "import-raises": Mistake(
        code="TB103",
        says="plugin 'it' cannot be imported: ZeroDivisionError: division by zero",
        source="1 / 0  # here\n" + plugin(_QUIET),
    ),
    "syntax-error": Mistake(
        code="TB103",
        says="plugin 'it' cannot be imported: SyntaxError: ",
        source="class It(Plugin)  # here\n    pass\n",
    ),
    "missing-dependency": Mistake(
        code="TB103",
        says="ModuleNotFoundError: No module named 'nowhere_at_all'",
        source="import nowhere_at_all  # here\n",
    ),
    "entry-point-names-nothing": Mistake(
        code="TB103",
        says="cannot be imported: AttributeError: ",
        source=plugin(_QUIET, cls="Other"),
    ),
    "project-plugin-raises": Mistake(
        code="TB103",
        says="turnbuckle_plugin.py cannot be imported: NameError: name 'nothing' is not defined",
        local="nothing  # here\n",
        plugin="app",
    ),
    "entry-point-names-a-function": Mistake(
        code="TB104",
        says="is not a plugin",
        source="def It():  # here\n    pass\n",
    ),
    "not-derived-from-plugin": Mistake(
        code="TB104",
        says="is not a plugin",
        source="class It:  # here\n    def provide_routes(self, setup):\n        return []\n",
    ),
    "init-raises": Mistake(
        code="TB104",
        says="plugin It cannot be made: RuntimeError: no licence",
        source=plugin("def __init__(self):\n    raise RuntimeError('no licence')  # here"),
    ),
    "init-wants-arguments": Mistake(
        code="TB104",
        says="plugin It cannot be made: TypeError: ",
        source=plugin("def __init__(self, size):\n    self.size = size\n\n" + _QUIET),
    ),
    "two-instances": Mistake(
        code="TB105",
        says="plugin 'it' is enabled twice",
        app=plugin(_QUIET, marks_class=True) + "app = App(plugins=[It(), It()])",
    ),
    "requirement-not-enabled": Mistake(
        code="TB106",
        says="plugin 'it' requires plugin 'parcel', which is not enabled; did you mean 'parcels'?",
        source=plugin(_QUIET, marks_class=True, requires='["parcel"]'),
        others={"parcels": plugin(_QUIET, name="parcels")},
        enabled=("it", "parcels"),
    ),
    "conflict": Mistake(
        code="TB107",
        says="plugin 'it' conflicts with plugin 'other'",
        source=plugin(_QUIET, marks_class=True, conflicts='["other"]'),
        others={"other": plugin(_QUIET, name="other")},
        enabled=("it", "other"),
    ),
    "api-of-the-future": Mistake(
        code="TB108",
        says="plugin 'it' was written for hooks of generation 2, this is generation 1",
        source=plugin(_QUIET, marks_class=True, api=2),
    ),
    "plugins-in-a-cycle": Mistake(
        code="TB109",
        says="plugins depend on each other in a cycle: it -> other -> it",
        source=plugin(_QUIET, marks_class=True, requires='["other"]'),
        others={"other": plugin(_QUIET, name="other", after='["it"]')},
        enabled=("it", "other"),
    ),
    "no-info": Mistake(
        code="TB111",
        says="plugin It has no info",
        source="class It(Plugin):  # here\n    def provide_routes(self, setup):\n        return []\n",
        plugin="It",
    ),
    "no-info-and-no-method": Mistake(
        code="TB111",
        says="plugin It has no info",
        source="class It(Plugin):  # here\n    name = 'it'\n",
        plugin="It",
    ),
    "info-that-raises": Mistake(
        code="TB111",
        says="plugin It has KeyError('name') as its info",
        source="class It(Plugin):  # here\n    @property\n    def info(self):\n        return {}['name']\n",
        plugin="It",
    ),
    "bad-name": Mistake(
        code="TB111",
        says="plugin It has the name 'My-Plugin'",
        source=plugin(_QUIET, marks_class=True, name="My-Plugin"),
        plugin="My-Plugin",
    ),
    "name-differs-from-entry-point": Mistake(
        code="TB111",
        says="plugin 'other' has the entry point 'it'",
        source=plugin(_QUIET, marks_class=True, name="other"),
        plugin="other",
    ),
    "unknown-config-key": Mistake(
        code="TB201",
        says="unknown setting 'plugin.it.sise'; did you mean 'plugin.it.size'?",
        source=_CONFIG + plugin(_QUIET, config="Config"),
        sections="[plugin.it]\nsise = 3  # here\n",
    ),
    "bad-config-value": Mistake(
        code="TB202",
        says="setting 'plugin.it.size' must be a whole number, not 'many'",
        source=_CONFIG + plugin(_QUIET, config="Config"),
        sections="[plugin.it]\nsize = 'many'  # here\n",
    ),
    "validator-refuses": Mistake(
        code="TB202",
        says="setting 'plugin.it.size': ",
        source="@attrs.frozen\nclass Config:\n"
        "    size: int = attrs.field(default=1, validator=attrs.validators.gt(0))\n\n\n"
        + plugin(_QUIET, config="Config"),
        sections="[plugin.it]\nsize = 0  # here\n",
    ),
    "config-missing": Mistake(
        code="TB204",
        says="setting 'plugin.it.key' is missing and has no default",
        source="@attrs.frozen\nclass Config:  # here\n    key: str\n\n\n" + plugin(_QUIET, config="Config"),
    ),
    "takes-no-settings": Mistake(
        code="TB209",
        says="plugin 'it' takes no settings",
        source=plugin(_QUIET),
        sections="[plugin.it]  # here\nsize = 3\n",
    ),
    "config-is-no-attrs-class": Mistake(
        code="TB210",
        says="the settings of 'plugin.it' cannot be read",
        source="class Config:  # here\n    size = 1\n\n\n" + plugin(_QUIET, config="Config"),
    ),
    "config-is-an-instance": Mistake(
        code="TB210",
        says="the settings of 'plugin.it' cannot be read",
        source=_CONFIG.replace("Config:", "Config:  # here") + plugin(_QUIET, config="Config()"),
    ),
    "config-annotation-unknown": Mistake(
        code="TB210",
        says="the settings of 'plugin.it' cannot be read",
        source="@attrs.frozen\nclass Config:  # here\n    size: 'Nowhere' = 1\n\n\n" + plugin(_QUIET, config="Config"),
    ),
}
