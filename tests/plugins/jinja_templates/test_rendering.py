"""Templates as return values: variables, blocks, URLs, additions, errors, and the three ways to get at them."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from tests.plugins.jinja_templates.making import SITE, make_app, rendered, write
from turnbuckle import App, Handler, NotFound, Plugin, PluginInfo, Request, Response, ResponseType, Setup, StartupError
from turnbuckle.testing import Client
from turnbuckle.testing.conformance import ResponseTypeConformance
from turnbuckle_plugins.jinja_templates import TEMPLATES, JinjaTemplatesPlugin, Template, TemplateParts, Templates


class TestTemplateResponseType(ResponseTypeConformance):
    @pytest.fixture(autouse=True)
    def site(self, tmp_path: Path) -> None:
        self.folder = write(tmp_path, {"a.html": "{{ n }}"})

    def response_type(self) -> ResponseType:
        app = App(plugins=[JinjaTemplatesPlugin(self.folder)])
        found = [entry.record for entry in app.plan.root.response_types if entry.record.type is Template]
        return found[0]

    def make_values(self) -> Sequence[object]:
        return [Template("a.html", n=1), Template("a.html", {"n": 2}, status=201, headers={"X-A": "b"})]


async def test_page_is_rendered_with_its_parents_and_imports(tmp_path: Path) -> None:
    async with Client(make_app(write(tmp_path, SITE))) as client:
        response = await client.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Notes!</title>" in response.text
    assert '<li id="/notes/1">*a</li><li id="/notes/1">*b</li>' in response.text


@pytest.mark.parametrize("asynchronous", [True, False], ids=["async", "plain"])
@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param("list", '<li id="/notes/1">*a</li>', id="of-the-page"),
        pytest.param("title", "Notes!", id="with-super"),
        pytest.param("foot", "Notes!, *", id="of-the-parent"),
    ],
)
async def test_block_is_rendered_without_the_rest(
    tmp_path: Path, block: str, expected: str, asynchronous: bool
) -> None:
    base = SITE["base.html"] + "{% set mark = '*' %}{% block foot %}{{ self.title() }}, {{ mark }}{% endblock %}"
    folder = write(tmp_path, {**SITE, "base.html": base})
    # The heading of the page is not needed, and does not exist.
    template = Template("page.html", block=block, notes=["a"])
    assert await rendered(folder, template, asynchronous=asynchronous) == expected


async def test_status_fields_and_type_are_sent(tmp_path: Path) -> None:
    folder = write(tmp_path, {"feed.xml": "<a>{{ status }}</a>"})
    template = Template("feed.xml", {"status": "<ok>"}, status=404, headers={"X-A": "b"}, content_type="text/x-feed")
    async with Client(make_app(folder, template)) as client:
        response = await client.get("/")
    assert (response.status, response.text) == (404, "<a>&lt;ok&gt;</a>")
    assert (response.headers["x-a"], response.headers["content-type"]) == ("b", "text/x-feed")


async def test_templates_await_and_iterate(tmp_path: Path) -> None:
    async def count() -> AsyncIterator[int]:
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    async def name() -> str:
        await asyncio.sleep(0)
        return "Ada"

    folder = write(tmp_path, {"a.html": "{{ name() }}: {% for n in count() %}{{ n }}{% endfor %}"})
    assert await rendered(folder, Template("a.html", name=name, count=count)) == "Ada: 012"


class _Shop(Plugin):
    """Adds to the templates of the app."""

    info = PluginInfo(name="shop")

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def provide_templates(self, setup: Setup) -> list[TemplateParts]:
        async def basket(request: Request) -> dict[str, object]:
            return {"basket": request.path, "owner": "shop"}

        return [
            TemplateParts(
                folders=self._folder,
                globals={"currency": "EUR", "shop": "Shop"},
                filters={"money": lambda value: f"{value:.2f}"},
                tests={"cheap": lambda value: value < 10},
                context_processors=[basket],
            )
        ]


async def test_plugins_add_parts_and_the_app_takes_precedence(tmp_path: Path) -> None:
    shop = write(tmp_path / "shop", {"shop/a.html": "not used", "shop/b.html": "{% include 'shop/a.html' %} of shop"})
    own = write(
        tmp_path / "own",
        {"shop/a.html": "{{ 9|money }} {{ currency }} {{ 9 is cheap }} {{ basket }} {{ owner }} {{ shop }}"},
    )
    plugin = JinjaTemplatesPlugin(
        own, globals={"currency": "CHF"}, context_processors=[lambda request: {"owner": "app"}]
    )
    app = App(plugins=[plugin, _Shop(shop)])

    @app.get("/")
    async def home(request: Request) -> Template:
        return Template("shop/b.html", shop="mine")

    async with Client(app) as client:
        assert (await client.get("/")).text == "9.00 CHF True / app mine of shop"
    assert not app.plan.diagnostics


def test_two_plugins_with_one_filter_are_refused(tmp_path: Path) -> None:
    class Other(Plugin):
        info = PluginInfo(name="other")

        def provide_templates(self, setup: Setup) -> list[TemplateParts]:
            return [TemplateParts(filters={"money": str})]

    with pytest.raises(StartupError) as caught:
        App(plugins=[JinjaTemplatesPlugin(tmp_path), _Shop(tmp_path), Other]).resolve()
    assert "two plugins add filter 'money'" in str(caught.value.problems[0])


async def test_prefix_of_a_proxy_is_in_urls(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.html": "{{ url_for('note', id=7) }}"})
    plugins: list[object] = [JinjaTemplatesPlugin(folder), ("proxy_headers", {"trusted": ["127.0.0.1"]})]
    app = App(plugins=plugins)
    app.get("/")(lambda request: Template("a.html"))
    app.get("/notes/{id:int}", name="note")(lambda request: "")
    async with Client(app) as client:
        response = await client.get("/", headers={"X-Forwarded-Prefix": "/shop"})
    assert response.text == "/shop/notes/7"


async def test_templates_belong_to_the_app_and_to_a_scope(tmp_path: Path) -> None:
    app = make_app(write(tmp_path / "app", {"page.html": "app"}))
    plugin = JinjaTemplatesPlugin(write(tmp_path / "admin", {"page.html": "admin"}))
    admin = app.scope("/admin", plugins=[plugin])

    @admin.get("/page")
    async def page(request: Request) -> Template:
        return Template("page.html")

    @admin.get("/resource")
    async def resource(request: Request) -> str:
        return await request.resource(TEMPLATES).render_text("page.html")

    async with Client(app) as client:
        texts = [(await client.get(path)).text for path in ("/", "/admin/page", "/admin/resource")]
    assert texts == ["app", "admin", "admin"]


async def test_error_handlers_and_middleware_answer_with_templates(tmp_path: Path) -> None:
    folder = write(tmp_path, {"page.html": "{{ heading }}"})
    app = make_app(folder)

    @app.error_handler(NotFound)
    async def missing(request: Request, error: NotFound) -> Template:
        return Template("page.html", heading="nothing here", status=404)

    @app.middleware
    async def closed(request: Request, call_next: Handler) -> Response:
        if request.path != "/closed":
            return await call_next(request)
        response = await request.resource(TEMPLATES).respond(Template("page.html", heading="closed"), request)
        response.set_cookie("seen", "1")
        return response

    async with Client(app) as client:
        missing_page, closed_page = await client.get("/x"), await client.get("/closed")
    assert (missing_page.status, missing_page.text) == (404, "nothing here")
    assert (closed_page.text, "seen=1" in closed_page.headers["set-cookie"]) == ("closed", True)


# -- without a request


async def test_component_renders_mails(tmp_path: Path) -> None:
    folder = write(tmp_path, {"mail.txt": "Dear {{ name }}, {{ status }}", "link.txt": "{{ url_for('note', id=1) }}"})
    app = make_app(folder, Template("mail.txt", {"status": "x"}, name="x"))
    texts: list[str] = []

    @app.lifespan
    @asynccontextmanager
    async def mail(setup: Setup) -> AsyncIterator[None]:
        templates = cast("Templates", setup.component("templates"))
        texts.append(await templates.render_text("mail.txt", {"status": "&"}, name="<Ada>"))
        texts.append(templates.render_text_sync("mail.txt", {"status": "&"}, name="<Ada>"))
        with pytest.raises(LookupError, match="needs a request"):
            await templates.render_text("link.txt")
        yield

    async with Client(app) as client:
        answer = await client.get("/")
    assert texts == ["Dear <Ada>, &"] * 2
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_plain_functions_cannot_wait(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.txt": "{{ wait() }}"})
    component = make_app(folder).compile().lifespans[0].context(lambda *args, **kwargs: None)
    async with component as templates:
        with pytest.raises(RuntimeError, match="the template waits"):
            cast("Templates", templates).render_text_sync("a.txt", wait=lambda: asyncio.sleep(0))


# -- the nonce


async def test_nonce_is_the_one_of_the_policy(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "macros.html": "{% macro script() %}<script nonce='{{ csp_nonce }}'></script>{% endmacro %}",
            "a.html": "{% from 'macros.html' import script %}{{ script() }}"
            "{% if csp_nonce %}{{ csp_nonce() }}{% endif %}",
        },
    )
    policy = {"content_security_policy": "script-src 'nonce-{nonce}'"}
    app = App(plugins=[JinjaTemplatesPlugin(folder), ("security_headers", policy)])
    app.get("/")(lambda request: Template("a.html"))
    async with Client(app) as client:
        response = await client.get("/")
    nonce = response.headers["content-security-policy"].removeprefix("script-src 'nonce-").removesuffix("'")
    assert response.text == f"<script nonce='{nonce}'></script>{nonce}"


# -- errors


async def _fail(app: App, caplog: pytest.LogCaptureFixture, fields: dict[str, str] | None = None) -> tuple[str, str]:
    with caplog.at_level(logging.ERROR):
        async with Client(app, raise_exceptions=False) as client:
            response = await client.get("/", headers=fields or {})
    assert response.status == 500
    return response.text, caplog.text


@pytest.mark.parametrize("block", ["", "list"], ids=["page", "block"])
async def test_error_has_the_line_of_the_template_in_the_log_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, block: str
) -> None:
    folder = write(tmp_path, SITE)
    template = Template("page.html", heading="x", note="secret value", block=block)
    sent, logged = await _fail(make_app(folder, template), caplog)
    assert sent == "Internal Server Error"
    assert "'notes' is undefined" in logged
    assert f"in template 'page.html' ({folder}/page.html:6)" in logged
    assert "did you mean 'note'?" in logged
    assert "secret value" not in logged


async def test_error_has_the_line_of_the_template_on_the_debug_page(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(tmp_path, {"a.html": "one\n<b>{{ 1 / zero }}</b>\n"})
    app = App(plugins=[JinjaTemplatesPlugin(folder)], debug=True)
    app.get("/")(lambda request: Template("a.html", zero=0))
    sent, _ = await _fail(app, caplog, {"Accept": "text/html"})
    assert f"{folder}/a.html:2" in sent
    assert "<mark>    2 &lt;b&gt;{{ 1 / zero }}&lt;/b&gt;</mark>" in sent


async def test_computed_name_of_a_missing_template_is_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, logged = await _fail(make_app(write(tmp_path, {"page.html": ""}), Template("pge.html")), caplog)
    assert f"search path: '{tmp_path}'\ndid you mean 'page.html'?" in logged


async def test_unknown_block_is_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, logged = await _fail(make_app(write(tmp_path, SITE), Template("page.html", block="lst")), caplog)
    assert "template 'page.html' has no block 'lst'; its blocks: body, list, title" in logged


async def test_undefined_variables_may_be_empty(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.html": "[{{ missing }}]"})
    assert await rendered(folder, Template("a.html"), undefined="lenient") == "[]"


def test_template_is_not_named_by_a_request() -> None:
    with pytest.raises(TypeError, match=r"without the request"):
        Template(object())  # type: ignore[arg-type]


def test_values_are_not_in_the_text_of_a_template() -> None:
    assert repr(Template("a.html", password="hunter2", block="b")) == "Template('a.html', block='b', password=...)"


async def test_context_processor_returns_a_mapping(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plugin = JinjaTemplatesPlugin(write(tmp_path, {"a.html": ""}), context_processors=[lambda request: None])
    _, logged = await _fail(make_app(tmp_path, Template("a.html"), plugin=plugin), caplog)
    assert "returned None, which is no mapping" in logged


# -- files


@pytest.mark.parametrize(
    ("debug", "expected"), [pytest.param(True, "new", id="debug"), pytest.param(False, "old", id="production")]
)
async def test_changed_template_is_read_again_in_debug_mode(tmp_path: Path, debug: bool, expected: str) -> None:
    folder = write(tmp_path, {"a.html": "{% block b %}old{% endblock %}"})
    app = App(plugins=[JinjaTemplatesPlugin(folder)], debug=debug)
    app.get("/")(lambda request: Template("a.html"))
    app.get("/block")(lambda request: Template("a.html", block="b"))
    async with Client(app) as client:
        assert (await client.get("/block")).text == "old"
        write(folder, {"a.html": "{% block b %}new{% endblock %}"})
        assert [(await client.get(path)).text for path in ("/", "/block")] == [expected] * 2


def test_plans_of_two_runs_are_equal_and_can_be_pickled(tmp_path: Path) -> None:
    folder = write(tmp_path, {"page.html": ""})
    records = [
        [entry.record for entry in App(plugins=[JinjaTemplatesPlugin(folder)]).plan.root.response_types][-1]
        for _ in range(2)
    ]
    assert records[0] == records[1] == pickle.loads(pickle.dumps(records[0]))


def _package_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(tmp_path, {"shop_of_a_test/__init__.py": "", "shop_of_a_test/pages/a.html": "from the package"})
    monkeypatch.syspath_prepend(tmp_path)


async def test_folder_may_be_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package_folder(monkeypatch, tmp_path)
    app = App(plugins=[("jinja_templates", {"folders": ["shop_of_a_test:pages"]})])
    app.get("/")(lambda request: Template("a.html"))
    async with Client(app) as client:
        assert (await client.get("/")).text == "from the package"
    with pytest.raises(StartupError) as caught:
        App(plugins=[("jinja_templates", {"folders": ["shop_of_no_test:pages"]})]).resolve()
    assert "there is no package 'shop_of_no_test'" in str(caught.value.problems[0])


@pytest.mark.parametrize("wrong", [{"unescaped": [".html"]}, {"suffixes": ["html"]}, {"undefined": "loud"}])
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(StartupError) as caught:
        App(plugins=[("jinja_templates", wrong)]).resolve()
    assert [problem.diagnostic.code for problem in caught.value.problems] == ["TB202"]
