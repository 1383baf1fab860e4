"""Mistakes in hooks and in their return values."""

from __future__ import annotations

from tests.core.startup.mistakes import Mistake, plugin

__all__ = ["HOOKS"]


def _returning(value: str, hook: str = "provide_routes") -> str:
    return plugin(f"def {hook}(self, setup):  # here\n    return {value}")


HOOKS = {
    "misspelt-hook": Mistake(
        code="TB301",
        says="plugin 'it' implements hook 'provide_route', which does not exist; did you mean 'provide_routes'?",
        source=_returning("[]", "provide_route"),
    ),
    "misspelt-and-marked": Mistake(
        code="TB301",
        says="implements hook 'on_startup', which does not exist",
        source=plugin("@hookimpl  # here\ndef on_startup(self):\n    pass"),
    ),
    "misspelt-in-a-project-plugin": Mistake(
        code="TB301",
        says="did you mean 'provide_middleware'?",
        local=plugin("def provide_middlewares(self, setup):  # here\n    return []"),
    ),
    "wrong-argument": Mistake(
        code="TB302",
        says="hook 'provide_routes' of plugin 'it' takes 'app', which does not exist",
        source=plugin("def provide_routes(self, app):  # here\n    return []"),
    ),
    "extra-argument": Mistake(
        code="TB302",
        says="hook 'provide_routes' of plugin 'it' takes 'request', which does not exist",
        source=plugin("def provide_routes(self, setup, request):  # here\n    return []"),
    ),
    "forgotten-self": Mistake(
        code="TB302",
        says="hook 'provide_routes' of plugin 'it' ",
        source=plugin("def provide_routes(setup):  # here\n    return []"),
    ),
    "argument-with-a-default": Mistake(
        code="TB302",
        says="takes 'setup' by keyword or with a default, so that it never gets a value",
        source=plugin("def provide_routes(self, setup=None):  # here\n    return []"),
    ),
    "async-hook": Mistake(
        code="TB303",
        says="hook 'provide_routes' of plugin 'it' is async",
        source=plugin("async def provide_routes(self, setup):  # here\n    return []"),
    ),
    "wrapper": Mistake(
        code="TB304",
        says="hook 'provide_routes' of plugin 'it' is a wrapper",
        source=plugin("@hookimpl(wrapper=True)  # here\ndef provide_routes(self, setup):\n    return (yield)"),
    ),
    "firstresult": Mistake(
        code="TB305",
        says="plugin 'it' defines hooks that cannot be used",
        source=plugin(
            "class hookspecs:  # here\n    @hookspec(firstresult=True)\n    def it_colour(self, setup):\n        pass"
        ),
    ),
    "hook-raises": Mistake(
        code="TB306",
        says="hook 'provide_routes' of plugin 'it' raised KeyError: 'path'",
        source=plugin("def provide_routes(self, setup):\n    return [{}['path']]  # here"),
    ),
    "generator-raises": Mistake(
        code="TB306",
        says="hook 'provide_routes' of plugin 'it' raised RuntimeError: half way",
        source=plugin(
            "def provide_routes(self, setup):\n"
            "    yield Route(path='/', handler=answer)\n"
            "    raise RuntimeError('half way')  # here"
        ),
    ),
    "record-made-wrongly": Mistake(
        code="TB306",
        says="hook 'provide_routes' of plugin 'it' raised TypeError: ",
        source=plugin("def provide_routes(self, setup):\n    return [Route('/', answer)]  # here"),
    ),
    "unknown-zone": Mistake(
        code="TB306",
        says="hook 'provide_middleware' of plugin 'it' raised ValueError: ",
        source=plugin(
            "def provide_middleware(self, setup):\n    return [Middleware('x', around, zone='outer')]  # here"
        ),
    ),
    "needs-config-that-is-none": Mistake(
        code="TB306",
        says="raised AttributeError: 'NoneType' object has no attribute 'path'",
        source=plugin("def provide_routes(self, setup):\n    return [setup.config.path]  # here"),
    ),
    "returns-none": Mistake(
        code="TB307",
        says="hook 'provide_routes' of plugin 'it' returned None, which is no list of records",
        source=plugin("def provide_routes(self, setup):  # here\n    Route(path='/', handler=answer)"),
    ),
    "returns-a-lone-record": Mistake(
        code="TB307",
        says="which is no list of records",
        source=_returning("Route(path='/', handler=answer)"),
    ),
    "returns-a-dict": Mistake(
        code="TB307",
        says="returned {}, which is no list of records",
        source=_returning("{}"),
    ),
    "returns-strings": Mistake(
        code="TB308",
        says="returned '/items', which is no Route",
        source=_returning("['/items']"),
    ),
    "returns-a-record-of-another-hook": Mistake(
        code="TB308",
        says="which is no Middleware",
        source=_returning("[Route(path='/', handler=answer)]", "provide_middleware"),
    ),
    "returns-a-function-for-middleware": Mistake(
        code="TB308",
        says="which is no Middleware",
        source=_returning("[passing]", "provide_middleware"),
    ),
    "record-without-a-name": Mistake(
        code="TB308",
        says="a wrong Component: its name is None, which is no text",
        source=_returning("[Component('json', None, around)]", "provide_components"),
    ),
    "hook-is-a-list": Mistake(
        code="TB309",
        says="hook 'provide_routes' of plugin 'it' is [], not a function",
        source=plugin("provide_routes = []\n\ndef close(self):\n    pass", marks_class=True),
    ),
    "review-raises": Mistake(
        code="TB306",
        says="hook 'review_plan' of plugin 'it' raised AttributeError: ",
        source=plugin("def review_plan(self, plan):\n    return plan.middleware_chain  # here"),
    ),
}
