"""Response types that are wrong, each in another way, must fail the suite, and fail it for that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import pytest

from tests.core.testing.conformance.running import failures
from turnbuckle import Response, ResponseType
from turnbuckle.startup.collect.builtin import ResponsesPlugin
from turnbuckle.testing.conformance import ResponseTypeConformance


class Note:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Note({self.text!r})"


def sound(note: Note) -> Response:
    return Response(note.text, content_type="text/x-note")


def returns_text(note: Note) -> str:
    return note.text


async def waits(note: Note) -> Response:
    return sound(note)


def is_of_another_type(note: Note) -> Response:
    return Response(note.text, content_type="text/html")


KEPT: dict[str, Response] = {}


def keeps_responses(note: Note) -> Response:
    return KEPT.setdefault(note.text, sound(note))


def changes_the_value(note: Note) -> Response:
    note.text = note.text.upper()
    return sound(note)


def ignores_the_value(note: Note) -> Response:
    return Response("a note", content_type="text/x-note")


COUNT: list[int] = []


def counts(note: Note) -> Response:
    COUNT.append(1)
    return Response(f"{note.text} {len(COUNT)}", content_type="text/x-note")


def minds_subclasses(note: Note) -> object:
    return sound(note) if type(note) is Note else None


def raises(note: Note) -> Response:
    raise ValueError("on purpose")


def suite_of(render: Callable[..., object], kind: type = Note) -> type[ResponseTypeConformance]:
    class Suite(ResponseTypeConformance):
        def response_type(self) -> ResponseType:
            return ResponseType(kind, render, "text/x-note")

        def make_values(self) -> Sequence[object]:
            return [Note("one"), Note("two")]

    return Suite


def test_sound_type_passes() -> None:
    assert failures(suite_of(sound)) == {}


@pytest.mark.parametrize(
    ("render", "test", "message"),
    [
        pytest.param(returns_text, "test_renders_a_response", "must return a Response, not 'one'", id="text"),
        pytest.param(waits, "test_takes_the_value", "must take exactly the value and the request", id="async"),
        pytest.param(is_of_another_type, "test_renders_a_response", "gives 'text/html'", id="media-type"),
        pytest.param(keeps_responses, "test_makes_a_response_each_time", "the same response twice", id="keeps"),
        pytest.param(changes_the_value, "test_leaves_the_value_alone", "changes the value", id="changes"),
        pytest.param(ignores_the_value, "test_tells_values_apart", "give the same content", id="ignores"),
        pytest.param(counts, "test_serves_an_app", "is not always rendered alike", id="counts"),
        pytest.param(minds_subclasses, "test_covers_subclasses", "of a subclass of Note: None", id="subclasses"),
        pytest.param(raises, "test_serves_an_app", "is answered with 500", id="raises"),
    ],
)
def test_broken_type_fails(render: Callable[..., object], test: str, message: str) -> None:
    failed = failures(suite_of(render), test)
    assert message in "".join(failed.get(test, [])), failed


def test_values_of_another_type_are_reported() -> None:
    test = "test_has_values_of_its_type"
    assert "is not of type int, and is never rendered" in failures(suite_of(sound, int), test)[test][0]


@attrs.frozen
class Point:
    x: int


BUILTIN = {record.type: record for record in ResponsesPlugin().provide_response_types(None)}


class OfTheCore(ResponseTypeConformance):
    def response_type(self) -> ResponseType:
        return next(record for kind, record in BUILTIN.items() if isinstance(self.make_values()[0], kind))


class TestText(OfTheCore):
    def make_values(self) -> Sequence[object]:
        return ["a", "b", ""]


class TestBytes(OfTheCore):
    def make_values(self) -> Sequence[object]:
        return [b"a", b"b"]


class TestDict(OfTheCore):
    def make_values(self) -> Sequence[object]:
        return [{"a": 1}, {"b": [Point(1)]}]


class TestList(OfTheCore):
    def make_values(self) -> Sequence[object]:
        return [[1], [2, {"a": None}]]


class TestAttrs(OfTheCore):
    def make_values(self) -> Sequence[object]:
        return [Point(1), Point(2)]
