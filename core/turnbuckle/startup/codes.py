"""Every code of a startup diagnostic, with its title: the index of their documentation.

TB1xx plugins, TB2xx settings, TB3xx hooks, TB4xx resolution, TB5xx compilation, TB6xx composition lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["CODES"]

CODES: Final[Mapping[str, str]] = {
    "TB101": "unknown plugin",
    "TB102": "two distributions offer a plugin of the same name",
    "TB103": "a plugin cannot be imported",
    "TB104": "what should be a plugin is none",
    "TB105": "a plugin is enabled twice",
    "TB106": "a required plugin is not enabled",
    "TB107": "two plugins do not go together",
    "TB108": "a plugin was written for another generation of hooks",
    "TB109": "plugins depend on each other in a circle",
    "TB110": "an optional plugin was left out",
    "TB111": "a plugin says nothing useful about itself",
    "TB112": "an unknown plugin is disabled",
    "TB201": "unknown setting",
    "TB202": "a setting has a wrong value",
    "TB203": "a settings file cannot be read",
    "TB204": "a required setting is missing",
    "TB205": "a setting of the command line cannot be read",
    "TB206": "a variable of the environment names no setting",
    "TB207": "a setting is overruled by the code",
    "TB208": "settings for a plugin that is not enabled",
    "TB209": "a plugin takes no settings",
    "TB210": "a class of settings cannot be used",
    "TB301": "unknown hook",
    "TB302": "a hook takes an argument that does not exist",
    "TB303": "a hook is async",
    "TB304": "a hook is a wrapper",
    "TB305": "a definition of hooks cannot be used",
    "TB306": "a hook raised an exception",
    "TB307": "a hook returned no list of records",
    "TB308": "a hook returned a wrong record",
    "TB309": "a hook is not a function",
    "TB310": "an option of hookimpl has no effect",
    "TB311": "a hook is deprecated",
    "TB401": "two plugins for one slot",
    "TB402": "nothing in a slot has the name that was asked for",
    "TB403": "a value passed to the app does not fit its slot",
    "TB404": "two response types for one type",
    "TB405": "a route cannot be used",
    "TB406": "two routes claim the same requests",
    "TB407": "a route can never be reached",
    "TB408": "middleware is ordered in a circle",
    "TB409": "middleware is ordered by a name that does not exist",
    "TB410": "two middleware of one name",
    "TB411": "middleware is ordered against its zone",
    "TB412": "middleware lacks what it needs outside of it",
    "TB413": "middleware buffers a response that is streamed",
    "TB414": "two error handlers for one exception",
    "TB415": "a handler does not fit its path",
    "TB416": "two protocols for one token",
    "TB417": "two commands of one name",
    "TB418": "two middleware set the same key of the request state",
    "TB419": "the order of middleware in the settings does not fit",
    "TB420": "two routes of one name",
    "TB421": "a scope cannot be used",
    "TB501": "middleware cannot be made",
    "TB502": "a router cannot be made",
    "TB503": "a parser cannot be made",
    "TB504": "a response type or error handler cannot be used",
    "TB601": "an app is put together in another way than its lock says",
    "TB602": "a composition lock cannot be read",
}
