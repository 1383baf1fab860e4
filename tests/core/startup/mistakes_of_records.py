"""Mistakes in the contents of records, of infos and of settings classes, and in the calls of plugins."""

from __future__ import annotations

from tests.core.startup.mistakes import Mistake, plugin

__all__ = ["RECORDS"]


def _returning(value: str, what: str = "routes", before: str = "") -> str:
    return before + plugin(f"def provide_{what}(self, setup):  # here\n    return {value}")


def _with_info(info: str, before: str = "") -> str:
    return f"{before}class It(Plugin):  # here\n    info = {info}\n"


_ROUTER = """\
class Tried:
    def __init__(self, setup):
        pass

    def add(self, route):
        pass

    def freeze(self):
        {freeze}

    def match(self, method, path):
        raise NotFound

    def url_for(self, name, /, **params):
        return "/"

    def unreachable_routes(self):
        {found}


"""
_RETURNED = "hook {!r} of plugin 'it' returned ".format

RECORDS = {
    "list-in-a-list": Mistake(
        code="TB308",
        says=_RETURNED("provide_routes") + "[Route(path='/x'",
        source=_returning("[[Route(path='/x', handler=answer)]]"),
    ),
    "class-of-a-record": Mistake(
        code="TB308",
        says="which is no Middleware",
        source=_returning("[Middleware]", "middleware"),
    ),
    "what-cannot-be-printed": Mistake(
        code="TB308",
        says=_RETURNED("provide_routes") + "<Odd>, which is no Route",
        source=_returning("[Odd()]", before="class Odd:\n    def __repr__(self):\n        raise OSError\n\n\n"),
    ),
    "path-is-no-text": Mistake(
        code="TB308",
        says="a wrong Route: its path is b'/x', which is no text",
        source=_returning("[Route(path=b'/x', handler=answer)]"),
    ),
    "name-of-a-route-is-none": Mistake(
        code="TB308",
        says="a wrong Route: its name is None, which is no text",
        source=_returning("[Route(path='/x', handler=answer, name=None)]"),
    ),
    "handler-was-called": Mistake(
        code="TB308",
        says="a wrong Route: its handler was called instead of passed: write it without parentheses",
        source=_returning("[Route(path='/x', handler=answer(None))]"),
    ),
    "method-is-no-text": Mistake(
        code="TB308",
        says="a wrong Route: its methods name 5, which is no text",
        source=_returning("[Route(path='/x', handler=answer, methods=[5])]"),
    ),
    "host-with-a-scheme": Mistake(
        code="TB405",
        says="host pattern 'http://x'",
        source=_returning("[Route(path='/x', handler=answer, host='http://x')]"),
    ),
    "middleware-without-a-name": Mistake(
        code="TB308",
        says="a wrong Middleware: its name is empty",
        source=_returning("[Middleware('', around)]", "middleware"),
    ),
    "middleware-before-an-object": Mistake(
        code="TB308",
        says="a wrong Middleware: its before name <function around",
        source=_returning("[Middleware('m', around, before=[around])]", "middleware"),
    ),
    "middleware-needs-a-class": Mistake(
        code="TB308",
        says="which is neither a text nor a ResourceKey",
        source=_returning("[Middleware('m', around, needs=[dict])]", "middleware"),
    ),
    "middleware-needs-a-resource-that-is-not-provided": Mistake(
        code="TB412",
        says="middleware 'm' needs resource 'db', which no lifespan provides",
        source=_returning("[Middleware('m', around, needs=ResourceKey('db', dict))]", "middleware"),
    ),
    "middleware-lambda": Mistake(
        code="TB501",
        says="takes (request, call_next), but a factory takes (next_handler, setup)",
        source=_returning("[Middleware('m', lambda request, call_next: call_next(request))]", "middleware"),
    ),
    "error-handler-of-one-argument": Mistake(
        code="TB504",
        says="cannot be used: its handler must take the request and the exception",
        source=_returning("[ErrorHandler(KeyError, answer)]", "error_handlers"),
    ),
    "error-handler-for-a-status": Mistake(
        code="TB504",
        says="error handler for 404 cannot be used",
        source=_returning("[ErrorHandler(404, passing)]", "error_handlers"),
    ),
    "async-render": Mistake(
        code="TB504",
        says="cannot be used: its render is async, so it must take exactly the value and the request",
        source=_returning("[ResponseType(set, answer)]", "response_types"),
    ),
    "render-takes-the-request": Mistake(
        code="TB504",
        says="cannot be used: its render must take exactly the value",
        source=_returning("[ResponseType(set, lambda request, value: Text(''))]", "response_types"),
    ),
    "upgrade-with-a-space": Mistake(
        code="TB308",
        says="a wrong ProtocolProvider: its upgrade is 'web socket', which is no token",
        source=_returning("[ProtocolProvider(name='p', factory=around, upgrade='web socket')]", "protocols"),
    ),
    "protocol-that-no-client-can-ask-for": Mistake(
        code="TB308",
        says="it has neither alpn nor upgrade nor preface, so no client could ever use it",
        source=_returning("[ProtocolProvider(name='p', factory=around)]", "protocols"),
    ),
    "preface-of-text": Mistake(
        code="TB308",
        says="a wrong ProtocolProvider: its preface is 'LINES', which is not bytes",
        source=_returning("[ProtocolProvider(name='p', factory=around, preface='LINES')]", "protocols"),
    ),
    "preface-that-begins-a-request": Mistake(
        code="TB308",
        says="its preface b'GET /lines ' may begin a request of HTTP/1.1, which the server itself speaks",
        source=_returning("[ProtocolProvider(name='p', factory=around, preface=b'GET /lines ')]", "protocols"),
    ),
    "alpn-of-the-server": Mistake(
        code="TB308",
        says="its alpn is 'http/1.1', which the server itself speaks",
        source=_returning("[ProtocolProvider(name='p', factory=around, alpn='http/1.1')]", "protocols"),
    ),
    "upgrade-and-preface": Mistake(
        code="TB308",
        says="it has both preface and upgrade, which need different factories: write two providers",
        source=_returning("[ProtocolProvider(name='p', factory=around, upgrade='a', preface=b'A/1\\n')]", "protocols"),
    ),
    "kind-of-a-component-is-a-class": Mistake(
        code="TB308",
        says="a wrong Component: its kind is <class 'dict'>, which is no text",
        source=_returning("[Component(dict, 'd', around)]", "components"),
    ),
    "command-of-the-core": Mistake(
        code="TB417",
        says="command 'serve' has the name of a built-in command",
        source=_returning("[serve]", "commands", "import click\n\n\n@click.command()\ndef serve():\n    pass\n\n\n"),
    ),
    "router-fails-to-freeze": Mistake(
        code="TB502",
        says="router 'tried' cannot be used: freeze() failed: ZeroDivisionError: division by zero",
        source=_returning("[RouterProvider('tried', Tried)]", "routers", _ROUTER.format(freeze="1 / 0", found="()")),
    ),
    "router-has-no-list-of-what-is-out-of-reach": Mistake(
        code="TB502",
        says="router 'tried' cannot be used: unreachable_routes() failed: TypeError",
        source=_returning("[RouterProvider('tried', Tried)]", "routers", _ROUTER.format(freeze="pass", found="pass")),
    ),
    "level-of-a-finding": Mistake(
        code="TB308",
        says="a wrong Diagnostic: its level is 'fatal', not one of error, warning, hint, info",
        source=plugin(
            "def review_plan(self, plan):  # here\n    return [Diagnostic(level='fatal', code='X1', text='x')]"
        ),
    ),
    "plan-is-changed": Mistake(
        code="TB306",
        says="hook 'review_plan' of plugin 'it' raised FrozenInstanceError",
        source=plugin("def review_plan(self, plan):\n    plan.app_name = 'mine'  # here\n    return []"),
    ),
    "hook-leaves-the-program": Mistake(
        code="TB306",
        says="hook 'provide_routes' of plugin 'it' raised SystemExit: 3",
        source=plugin("def provide_routes(self, setup):\n    raise SystemExit(3)  # here"),
    ),
    "hook-looks-for-the-app": Mistake(
        code="TB306",
        says="raised AttributeError: 'Setup' object has no attribute 'app'",
        source=plugin("def provide_routes(self, setup):\n    setup.app.get('/')  # here\n    return []"),
    ),
    "hook-is-a-property": Mistake(
        code="TB309",
        says="hook 'provide_routes' of plugin 'it' is <property object",
        source=plugin("@property  # here\ndef provide_routes(self):\n    return []"),
    ),
    "hook-is-a-static-method-with-self": Mistake(
        code="TB302",
        says="hook 'provide_routes' of plugin 'it' takes 'self', which does not exist",
        source=plugin("@staticmethod  # here\ndef provide_routes(self, setup):\n    return []"),
    ),
    "hooks-are-defined-in-a-list": Mistake(
        code="TB305",
        says="plugin 'it' defines hooks that cannot be used: ['menu_items'] has no function marked with @hookspec",
        source="class It(Plugin):  # here\n    info = PluginInfo(name='it')\n    hookspecs = ['menu_items']\n",
    ),
    "info-is-the-class": Mistake(
        code="TB111",
        says="plugin It has <class 'turnbuckle.plugin.PluginInfo'> as its info",
        source=_with_info("PluginInfo"),
        plugin="It",
    ),
    "info-without-keywords": Mistake(
        code="TB103",
        says="plugin 'it' cannot be imported: TypeError: PluginInfo.__init__() takes 1 positional argument",
        source="class It(Plugin):\n    info = PluginInfo('it')  # here\n",
    ),
    "requires-none": Mistake(
        code="TB103",
        says="plugin 'it' cannot be imported: TypeError: plugins are named by texts, not None",
        source="class It(Plugin):\n    info = PluginInfo(name='it', requires=None)  # here\n",
    ),
    "requires-a-class": Mistake(
        code="TB111",
        says="plugin It names <class 'dict'> in 'requires' of its info, which is no text",
        source=_with_info("PluginInfo(name='it', requires=[dict])"),
    ),
    "default-that-all-share": Mistake(
        code="TB210",
        says="TypeError: the default of 'names' is one object for all apps: write factory=...",
        source=_with_info(
            "PluginInfo(name='it', config=Config)", "@attrs.define\nclass Config:  # here\n    names: list = []\n\n\n"
        ).replace("class It(Plugin):  # here", "class It(Plugin):"),
    ),
    "none-for-a-plugin": Mistake(
        code="TB104",
        says="None is not a plugin",
        app="app = App(plugins=[None])  # here\n",
        plugin="app",
    ),
    "app-for-a-plugin": Mistake(
        code="TB104",
        says="<turnbuckle.app.App object",
        app="app = App(plugins=[App()])  # here\n",
        plugin="app",
    ),
    "name-of-a-part-of-the-core": Mistake(
        code="TB105",
        says="plugin 'tree' is enabled twice",
        app="class Tree(Plugin):  # here\n    info = PluginInfo(name='tree')\n\n\napp = App(plugins=[Tree])\n",
        plugin="tree",
    ),
    "converter-is-a-text": Mistake(
        code="TB427",
        says="converter 'hex' of the app cannot be used: it is '[0-9a-f]+'",
        app="app = App(converters={'hex': '[0-9a-f]+'})  # here\n",
        plugin="app",
    ),
    "two-scopes-with-routers-at-one-place": Mistake(
        code="TB421",
        says="two scopes at /a have their own routers",
        app="app = App()\napp.scope('/a', router=TreeRouter)\napp.scope('/a', router=TreeRouter)  # here\n",
        plugin="app",
    ),
    "lifespan-is-a-plain-def": Mistake(
        code="TB701",
        says="a lifespan is an 'async def' that yields once",
        app="app = App()\n\n\n@app.lifespan  # here\ndef life(setup):\n    yield\n",
        plugin="app",
    ),
    "lifespan-does-not-yield": Mistake(
        code="TB701",
        says="a lifespan is an 'async def' that yields once",
        app="app = App()\n\n\n@app.lifespan  # here\nasync def life(setup):\n    pass\n",
        plugin="app",
    ),
    "lifespan-takes-more": Mistake(
        code="TB701",
        says="lifespan 'life' requires (app, state), but receives only the setup",
        app="app = App()\n\n\n@app.lifespan  # here\nasync def life(app, state):\n    yield\n",
        plugin="app",
    ),
    "name-of-another-framework": Mistake(
        code="TB701",
        says="import JSON",
        app="from turnbuckle import JSONResponse  # here\n\napp = App()\n",
        plugin="app",
    ),
    "middleware-is-no-list": Mistake(
        code="TB701",
        says="write middleware=[mine]",
        app="mine = Middleware('mine', around)\napp = App(middleware=mine)  # here\n",
        plugin="app",
    ),
    "middleware-with-dispatch": Mistake(
        code="TB701",
        says="write 'async def __call__' instead of 'dispatch' in M",
        app="class M:\n    async def dispatch(self, request, go): ...\n\n\napp = App(middleware=[M()])  # here\n",
        plugin="app",
    ),
    "limits-are-a-number": Mistake(
        code="TB428",
        says="limits of route /x is 3, which is no mapping",
        app="app = App()\n\n\n@app.post('/x', limits=3)  # here\nasync def x(request):\n    return 'x'\n",
        plugin="app",
    ),
    "error-handler-returns-nothing": Mistake(
        code="TB504",
        says="its handler never returns a response",
        app="app = App()\n\n\n@app.error_handler(ValueError)  # here\nasync def x(request, error):\n    print(error)\n",
        plugin="app",
    ),
    "handler-without-self": Mistake(
        code="TB415",
        says="It.show is a method whose first parameter is 'request'",
        source=plugin(
            "def provide_routes(self, setup):  # here\n    return [Route(path='/x', handler=self.show)]\n\n"
            "async def show(request):\n    return 'x'"
        ),
    ),
    "middleware-without-self": Mistake(
        code="TB306",
        says="write 'self' as the first parameter of the method",
        source=plugin(
            "def provide_middleware(self, setup):\n    return [middleware(self.mine)]  # here\n\n"
            "async def mine(request, call_next):\n    return await call_next(request)"
        ),
    ),
    "task-in-a-hook": Mistake(
        code="TB306",
        says="fix: call setup.background() in a lifespan",
        source=plugin("def provide_routes(self, setup):\n    setup.background(answer)  # here\n    return []"),
    ),
    "resource-in-a-hook": Mistake(
        code="TB306",
        says="fix: call setup.resource() in a lifespan, or request.resource()",
        source=plugin(
            "def provide_routes(self, setup):\n    setup.resource(ResourceKey('db', dict))  # here\n    return []"
        ),
    ),
    "command-is-a-function": Mistake(
        code="TB308",
        says="answer",
        source=_returning("[answer]", "commands"),
    ),
}
