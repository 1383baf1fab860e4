"""The values of a session: types, classes, messages, and errors that name the value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import attrs
import pytest

from tests.contrib.sessions.conftest import MakeApp
from turnbuckle import App, Session
from turnbuckle.testing import Client
from turnbuckle_contrib.sessions import SessionTooLarge
from turnbuckle_contrib.sessions.session import Record, StoredSession


def _session(text: str | None = None) -> StoredSession:
    return StoredSession(lambda loaded: loaded, None if text is None else Record("id", 0, 0, text))


@attrs.define
class Cart:
    items: dict[str, int] = attrs.field(factory=dict)
    note: str = ""


@attrs.frozen
class Theme:
    name: str = "light"


@dataclass
class Steps:
    done: list[str] = field(default_factory=list)


def test_session_is_a_mapping_without_visible_values() -> None:
    session = _session('{"a":1,"secret":"x"}')
    assert not session.is_used
    assert dict(session) == {"a": 1, "secret": "x"}
    assert (len(session), "a" in session, "b" in session, session.get("b", 2)) == (2, True, False, 2)
    assert repr(session) == "<StoredSession>"
    assert session.pop("a") == 1
    with pytest.raises(KeyError):
        session["a"]
    assert session.finish() == '{"secret":"x"}'


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param({1, 2}, r"session\['v'\] cannot be stored as JSON: .*set", id="set"),
        pytest.param(b"x", r"session\['v'\] cannot be stored as JSON: .*bytes", id="bytes"),
        pytest.param(float("nan"), r"session\['v'\] cannot be stored as JSON", id="nan"),
        pytest.param({1: "x"}, r"session\['v'\] has the name 1, which is no text", id="number-as-name"),
        pytest.param([{"a": {None: 1}}], r"session\['v'\]\[0\]\['a'\] has the name None", id="nested-name"),
    ],
)
def test_value_without_a_form_in_json_is_named(value: object, says: str) -> None:
    session = _session()
    session["ok"] = 1
    session["v"] = value
    with pytest.raises(TypeError, match=says):
        session.finish()


def test_value_that_contains_itself_is_named() -> None:
    session = _session()
    value: list[object] = []
    value.append(value)
    session["v"] = value
    with pytest.raises(TypeError, match=r"session\['v'\] cannot be stored as JSON"):
        session.finish()


def test_name_must_be_a_text() -> None:
    names: Any = _session()
    with pytest.raises(TypeError, match="is a text, not 1"):
        names[1] = 2


@pytest.mark.parametrize("value", ["\ud800", "\x00\x1f", "é", "😀", 10**30, -0.5, True, None, [], {}, [[{"a": [1]}]]])
def test_value_is_the_same_after_it_was_stored(value: object) -> None:
    session = _session()
    session["v"] = value
    again = _session(session.finish())
    assert again["v"] == value
    assert again.finish() == session.finish()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda session: session.update(a=2), id="update"),
        pytest.param(lambda session: session["list"].append(3), id="append"),
        pytest.param(lambda session: session["dict"].update(b=1), id="nested"),
        pytest.param(lambda session: session.flash("hello"), id="flash"),
        pytest.param(lambda session: session.load(Cart).items.update(tea=1), id="class"),
        pytest.param(lambda session: session.store(Theme("dark")), id="store"),
    ],
)
def test_every_change_is_noticed(change: Callable[[Session], object]) -> None:
    text = '{"a":1,"list":[1],"dict":{}}'
    session = _session(text)
    change(session)
    assert session.finish() != text


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda session: session["list"][0], id="item"),
        pytest.param(dict, id="all"),
        pytest.param(lambda session: session.load(Cart), id="class"),
        pytest.param(lambda session: session.flashes(), id="flashes"),
        pytest.param(lambda session: session.is_new, id="is-new"),
    ],
)
def test_reading_changes_nothing(read: Callable[[Session], object]) -> None:
    text = '{"a":1,"list":[1],"dict":{}}'
    session = _session(text)
    read(session)
    assert session.finish() == text


def test_changes_after_the_response_are_refused() -> None:
    changes: list[Callable[[Session], object]] = [
        lambda session: session.update(a=2),
        lambda session: session.pop("a"),
        lambda session: session.clear(),
        lambda session: session.rotate(),
        lambda session: session.end(),
        lambda session: session.flash("x"),
        lambda session: session.flashes(),
        lambda session: session.store(Theme()),
    ]
    for change in changes:
        session = _session('{"a":1,"_flashes":[["info","x"]]}')
        session.finish()
        with pytest.raises(RuntimeError, match="cannot be changed any more, because the head of the response is made"):
            change(session)
        assert session["a"] == 1


def test_classes_are_loaded_and_changes_are_saved() -> None:
    session = _session()
    cart = session.load(Cart)
    assert cart == Cart()
    assert session.load(Cart) is cart
    cart.items["tea"] = 2
    session.load(Steps).done.append("address")
    session.store(Theme("dark"))
    again = _session(session.finish())
    assert again.load(Cart) == Cart({"tea": 2})
    assert again.load(Steps) == Steps(["address"])
    assert again.load(Theme) == Theme("dark")
    assert again["Cart"] == {"items": {"tea": 2}, "note": ""}


def test_class_that_was_only_read_is_not_stored() -> None:
    session = _session()
    session.load(Cart)
    assert session.finish() == "{}"


def test_several_values_of_a_class_have_names() -> None:
    session = _session()
    session.load(Cart, "wishes").items["car"] = 1
    session.store(Cart(note="mine"), "notes")
    again = _session(session.finish())
    assert (again.load(Cart, "wishes").items, again.load(Cart, "notes").note) == ({"car": 1}, "mine")
    assert again.load(Cart) == Cart()


@pytest.mark.parametrize("stored", ['{"Cart":{"items":[1]}}', '{"Cart":null}', '{"Cart":{"other":1,"note":5}}'])
def test_value_that_the_class_no_longer_accepts_is_new(stored: str) -> None:
    assert _session(stored).load(Cart) == Cart()


def test_value_that_does_not_fit_its_class_is_an_error_of_the_app() -> None:
    session = _session()
    cart: Any = session.load(Cart)
    cart.note = 5
    with pytest.raises(TypeError, match="a Cart cannot be stored in the session: "):
        session.finish()


def test_end_forgets_loaded_values_and_messages() -> None:
    session = _session('{"_flashes":[["info","x"]]}')
    session.load(Cart).items["tea"] = 1
    session.end()
    assert session.flashes() == ()
    assert session.load(Cart) == Cart()
    assert session.finish() == "{}"


def test_messages_are_shown_once_and_several_times_in_a_request() -> None:
    session = _session()
    session.flash("saved", "success")
    session.flash("<b>")
    again = _session(session.finish())
    for _ in range(2):
        assert [(flash.text, flash.category) for flash in again.flashes()] == [("saved", "success"), ("<b>", "info")]
    again.flash("later")
    assert [flash.text for flash in again.flashes()] == ["saved", "<b>", "later"]
    assert again.finish() == "{}"


async def test_too_large_session_names_its_largest_value(make_app: MakeApp) -> None:
    async with Client(make_app(), raise_exceptions=True) as client:
        with pytest.raises(SessionTooLarge) as caught:
            await client.post("/set?small=1&large=" + "".join(f"{number:x}" for number in range(2500)))
    assert "the session needs a cookie of " in str(caught.value)
    assert "exceeds 4096; its largest value is 'large' with 7230 bytes" in str(caught.value)
    assert "plugin.sessions.store" in "".join(caught.value.__notes__)


async def test_session_that_compresses_well_fits_into_a_cookie(make_app: MakeApp) -> None:
    async with Client(make_app()) as client:
        await client.post("/set?large=" + "a" * 7000)
        assert len((await client.get("/show")).json()["values"]["large"]) == 7000


async def test_cookie_is_bounded_before_compression_as_well(make_app: MakeApp) -> None:
    async with Client(make_app(max_size=6000)) as client:
        with pytest.raises(SessionTooLarge, match="exceeds 6000"):
            await client.post("/set?large=" + "a" * 7000)


async def test_store_takes_larger_sessions_up_to_its_limit(make_app: MakeApp) -> None:
    async with Client(make_app(store="memory", max_size=5000)) as client:
        await client.post("/set?large=" + "a" * 4900)
        assert len((await client.get("/show")).json()["values"]["large"]) == 4900
        with pytest.raises(SessionTooLarge, match=r"exceeds 5000 \(plugin.sessions.max_size\); its largest value is"):
            await client.post("/set?large=" + "a" * 5000)


async def test_templates_show_messages(make_app: MakeApp, tmp_path: Any) -> None:
    from turnbuckle_plugins.jinja_templates import JinjaTemplatesPlugin, Template

    template = (
        "{% if flashes() %}{% for flash in flashes() %}{{ flash.category }}: {{ flash.text }}\n{% endfor %}{% endif %}"
    )
    (tmp_path / "page.html").write_text(template)
    app = App(plugins=["sessions", JinjaTemplatesPlugin(tmp_path)])

    @app.get("/")
    async def page() -> Template:
        return Template("page.html")

    @app.post("/")
    async def save(session: Session) -> str:
        session.flash("saved <b>", "success")
        return "saved"

    async with Client(app) as client:
        before = await client.get("/")
        assert before.text == ""
        await client.post("/")
        assert (await client.get("/")).text == "success: saved &lt;b&gt;\n"
        assert (await client.get("/")).text == ""
