"""Tests of ``turnbuckle.schema.schema``: both engines give the same answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import pytest
from annotated_types import Ge, Interval, MaxLen, MultipleOf, Timezone
from msgspec import Meta

from tests.core.schema.models import (
    Base,
    Boat,
    Bounded,
    Car,
    Cat,
    Checked,
    Circle,
    Color,
    Converted,
    Derived,
    Dog,
    Level,
    Note,
    NotePage,
    Odd,
    Options,
    OwnInit,
    Page,
    Partial,
    Point,
    Sparse,
    Square,
    Strict,
    Tree,
    UserId,
)
from turnbuckle.schema.faults import MAX_FAULTS, NotJSON, SchemaError, UnsupportedType
from turnbuckle.schema.schema import Schema, compile_schema

ENGINES: Final = ("msgspec", "cattrs")
NOTE: Final = Note(1, "a", ["b"], Color.RED)
NOTE_JSON: Final = b'{"id":1,"title":"a","tags":[],"color":null}'
HOUR: Final = timedelta(hours=1)


def case(annotation: object, content: str, expected: object) -> object:
    return pytest.param(
        annotation, content.encode(), expected, id=f"{getattr(annotation, '__name__', annotation)}-{content[:40]}"
    )


def faults(*lines: str) -> list[str]:
    return list(lines)


def outcome(function: Callable[[Any], object], argument: object) -> object:
    try:
        return function(argument)
    except SchemaError as error:
        return [str(fault) for fault in error.faults]
    except NotJSON as error:
        return str(error)


VALUES: Final = (
    case(int, "1", 1),
    case(int, "-0", 0),
    case(int, "1.0", faults("expected int, got float")),
    case(int, "true", faults("expected int, got bool")),
    case(int, '"1"', faults("expected int, got str")),
    case(int, "9" * 400, int("9" * 400)),
    case(float, "1", 1.0),
    case(float, "9" * 400, faults("out of range")),
    case(float, "true", faults("expected float, got bool")),
    case(float, "1e400", "the content is not JSON"),
    case(float, "NaN", "the content is not JSON"),
    case(str, '"é"', "é"),
    case(str, '"\\ud83d\\ude00"', "😀"),
    case(str, '"\\ud800"', "the content is not JSON"),
    case(str, "\ufeff" + '"a"', "a"),
    case(str, "null", faults("expected str, got null")),
    case(str, "", "the content is not JSON"),
    case(str, '"a" b', "the content is not JSON"),
    case(bool, "true", True),
    case(bool, "1", faults("expected bool, got int")),
    case(None, "null", None),
    case(None, "0", faults("expected null, got int")),
    case(bytes, '"aGk="', b"hi"),
    case(bytes, '"aGk"', faults("expected Base64")),
    case(date, '"2024-02-29"', date(2024, 2, 29)),
    case(date, '"2023-02-29"', faults("expected a date, such as 2024-01-31")),
    case(date, "1", faults("expected date, got int")),
    case(datetime, '"2024-01-01T10:00:00Z"', datetime(2024, 1, 1, 10, tzinfo=UTC)),
    case(datetime, '"2024-01-01 10:00:00.1234567+01:00"', datetime(2024, 1, 1, 10, 0, 0, 123457, timezone(HOUR))),
    case(datetime, '"2024-01-01T10:00:00"', datetime(2024, 1, 1, 10)),
    case(datetime, '"2024-01-01"', faults("expected a date with a time, such as 2024-01-31T12:00:00Z")),
    case(
        datetime, '"9999-12-31T23:59:59.9999999"', faults("expected a date with a time, such as 2024-01-31T12:00:00Z")
    ),
    case(time, '"23:59:59.9999999"', time(0, 0)),
    case(time, '"10:00"', faults("expected a time, such as 12:00:00")),
    case(timedelta, '"P1DT2H0.5S"', timedelta(days=1, hours=2, seconds=0.5)),
    case(timedelta, '"P1Y"', faults("expected a duration, such as P1DT2H30M")),
    case(UUID, '"12345678123456781234567812345678"', UUID("12345678123456781234567812345678")),
    case(UUID, '"x"', faults("expected a UUID")),
    case(Decimal, '"1.50"', Decimal("1.50")),
    case(Decimal, "1.50000000000000000000001", Decimal("1.50000000000000000000001")),
    case(Decimal, "3", Decimal(3)),
    case(Decimal, '"NaN"', faults("expected a decimal number")),
    case(list[Decimal | float], "[1.5]", [Decimal("1.5")]),
    case(Path, '"a/b"', Path("a/b")),
    case(Color, '"red"', Color.RED),
    case(Color, '"green"', faults('must be one of "red", "blue"')),
    case(Level, "2", Level.HIGH),
    case(Level, "true", faults("must be one of 1, 2")),
    case(Odd, "0.5", Odd.HALF),
    case(Odd, "1", faults("must be one of 0.5, true")),
    case(Literal["a", 1, None], "1", 1),
    case(Literal["a", 1, None], "true", faults('must be one of "a", 1, null')),
    case(Literal[True], "1", faults("must be true")),
    case(UserId, "3", 3),
    case(Any, '{"a":[1,null]}', {"a": [1, None]}),
    case(object, "1.5", 1.5),
    case(list, "[1]", [1]),
    case(list[int], '[1,"a",2.5]', faults("/1: expected int, got str", "/2: expected int, got float")),
    case(list[int], "{}", faults("expected array, got object")),
    case(set[int], "[1,1]", {1}),
    case(set[Any], "[[1]]", faults("has items that cannot be in a set")),
    case(frozenset[str], '["a"]', frozenset("a")),
    case(tuple[int, str], '[1,"a"]', (1, "a")),
    case(tuple[int, str], "[1]", faults("expected 2 items, got 1")),
    case(tuple[int, ...], "[1,2]", (1, 2)),
    case(tuple[()], "[]", ()),
    case(Point, "[1]", Point(1)),
    case(Point, '["a",1,2]', faults("expected 1 to 2 items, got 3")),
    case(Point, '["a",true]', faults("/0: expected int, got str", "/1: expected float, got bool")),
    case(dict, '{"a":1}', {"a": 1}),
    case(dict[str, int], '{"a":1,"a":2}', {"a": 2}),
    case(
        dict[str, int],
        '{"a/b":"x","c~d":null}',
        faults("/a~1b: expected int, got str", "/c~0d: expected int, got null"),
    ),
    case(dict[int, str], '{"1":"a"}', {1: "a"}),
    case(dict[int, str], '{"x":"a"}', faults("/x: the name is not valid: expected int")),
    case(dict[Color, int], '{"red":1}', {Color.RED: 1}),
    case(dict[date, int], '{"2024-01-01":1}', {date(2024, 1, 1): 1}),
    case(int | None, "null", None),
    case(int | None, '"a"', faults("expected int | null, got str")),
    case(int | str, '"a"', "a"),
    case(float | int, "1", 1),
    case(date | str, '"2024-01-01"', date(2024, 1, 1)),
    case(date | str, '"x"', "x"),
    case(date | UUID, '"x"', faults("expected date | UUID")),
    case(list[int] | None, "[1]", [1]),
    case(Note, '{"id":1,"title":"a","tags":["b"],"color":"red","more":1}', NOTE),
    case(
        Note,
        '{"title":1,"tags":["b",2]}',
        faults("/id: missing", "/title: expected str, got int", "/tags/1: expected str, got int"),
    ),
    case(Note, "[]", faults("expected object, got array")),
    case(Note, '{"id":1,"title":"a","x":"\xff"}', Note(1, "a")),
    case(list[Note], '[{"id":1,"title":"a"},{}]', faults("/1/id: missing", "/1/title: missing")),
    case(Tree, '{"name":"a","children":[{"name":"b"}],"when":null}', Tree("a", [Tree("b")])),
    case(
        Tree,
        '{"name":"a","children":[{"name":"x"},{}]}',
        faults("/children/0: not this one", "/children/1/name: missing"),
    ),
    case(Base, '{"name":"a","secret":1}', Base("a")),
    case(OwnInit, '{"name":"a"}', "a!"),
    case(Converted, '{"name":" a ","_hidden":5,"size":9}', ("a", 3, 5)),
    case(Page[Note], '{"items":[{"id":1,"title":"a"}],"total":1}', Page([Note(1, "a")], 1)),
    case(
        Page[int], '{"items":["a"],"total":-1}', faults("/items/0: expected int, got str", "/total: must be at least 0")
    ),
    case(NotePage, '{"items":[{}]}', faults("/items/0/id: missing", "/items/0/title: missing")),
    case(Options, '{"name":"a","other":1}', {"name": "a"}),
    case(Options, '{"size":"a"}', faults("/name: missing", "/size: expected int, got str")),
    case(Partial, "{}", faults("/name: missing")),
    case(Circle, '{"theRadius":1}', Circle(1.0)),
    case(
        Circle,
        '{"type":"square","theRadius":"a","x":1}',
        faults("/theRadius: expected float, got str", "/type: must be 'circle'", "/x: unknown field"),
    ),
    case(Circle | Square, '{"type":"square","sideLength":1}', Square(1)),
    case(Circle | Square, '{"type":"x"}', faults("/type: must be one of 'circle', 'square'")),
    case(Circle | Square | None, "{}", faults("/type: missing")),
    case(Square, '{"sideLength":1,"label":null}', faults("/label: expected str, got null")),
    case(Cat | Dog, '{"kind":"dog","name":"a"}', Dog("dog", "a")),
    case(list[Cat | Dog], '[{"kind":"dog"}]', faults("/0/name: missing")),
    case(Car | Boat, '{"sails":1}', Boat(1)),
    case(Car | Boat, "{}", faults("needs exactly one of the fields wheels, sails")),
    case(Car | Any, '{"wheels":1}', Car(1)),
    case(Car | int, '{"wheels":1}', Car(1)),
    case(Strict, '{"name":"a","b":1}', faults("/b: unknown field")),
    case(Checked, '{"name":"abc","age":3}', Checked("abc", 3)),
    case(
        Checked,
        '{"name":"a","age":-1,"code":"A1","kind":"z"}',
        faults(
            "/name: must have at least 2 characters",
            "/age: must be at least 0",
            "/code: must match the pattern ^(?:[a-z]+)$",
            "/kind: must be one of 'x', 'y'",
        ),
    ),
    case(Checked, '{"age":7}', faults("/name: missing", "/age: seven is not allowed")),
    case(Checked, '{"name":"adm"}', faults("too young for that")),
    case(
        Bounded,
        '{"size":0,"names":["a","bc","de"],"step":0.25,"word":"A"}',
        faults(
            "/size: must be at least 1",
            "/names/0: must have at least 2 characters",
            "/step: must be a multiple of 0.1",
            "/word: does not satisfy islower",
        ),
    ),
    case(Bounded, '{"size":1,"names":["aa","bc","de"]}', faults("/names: must have at most 2 items")),
    case(Annotated[int, Ge(0)] | None, "null", None),
    case(Annotated[int | None, Ge(0)], "-1", faults("must be at least 0")),
    case(Annotated[int | None, Ge(0)], "null", None),
    case(Annotated[int, Interval(gt=0, lt=3)], "3", faults("must be less than 3")),
    case(Annotated[str, Meta(pattern="^a")], '"b"', faults("must match the pattern ^a")),
    case(Annotated[date, Ge(date(2024, 1, 1))], '"2023-01-01"', faults("must be at least 2024-01-01")),
    case(Annotated[datetime, Timezone(None)], '"2024-01-01T00:00:00Z"', faults("must have no offset from UTC")),
    case(Annotated[Decimal, MultipleOf(1)], '"1e999999"', faults("must be a multiple of 1")),
    case(Annotated[dict[str, int], MaxLen(1)], '{"a":1,"b":2}', faults("must have at most 1 field")),
    case(Any, "[" * 100_000, "the content is nested too deeply"),
    case(Any, '{"a":' * 100_000, "the content is nested too deeply"),
    case(Tree, '{"name":"a","children":[' * 20_000, "the content is nested too deeply"),
)


def comparable(value: object) -> object:
    if isinstance(value, OwnInit):
        return value.name
    return (value.name, value.size, value._hidden) if isinstance(value, Converted) else value


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("annotation", "content", "expected"), VALUES)
def test_decode_json_gives_the_value_or_all_faults(
    engine: Any, annotation: object, content: bytes, expected: object
) -> None:
    schema = compile_schema(annotation, engine=engine)
    found = comparable(outcome(schema.decode_json, content))
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("annotation", "content", "expected"), VALUES)
def test_value_is_the_same_after_encode_json(engine: Any, annotation: object, content: bytes, expected: object) -> None:
    schema = compile_schema(annotation, engine=engine)
    value = outcome(schema.decode_json, content)
    if not isinstance(expected, list | str) or value == expected == "a":
        encoded = schema.encode_json(value)
        json.loads(encoded)
        assert encoded == compile_schema(annotation, engine="cattrs").encode_json(value)
        if annotation is not OwnInit:
            assert schema.decode_json(encoded) == value


ENCODED: Final = (
    pytest.param(float, 1e16, "1e+16", id="large-float"),
    pytest.param(float, 0.00001, "1e-05", id="small-float"),
    pytest.param(float, 1, "1.0", id="int-for-float"),
    pytest.param(float, float("nan"), faults("expected a finite number"), id="nan"),
    pytest.param(int, True, faults("expected int, got bool"), id="bool-for-int"),
    pytest.param(int, Level.LOW, "1", id="int-enum-for-int"),
    pytest.param(str, "\ud800", '"\\ud800"', id="lone-surrogate"),
    pytest.param(datetime, datetime(2024, 1, 1, tzinfo=UTC), '"2024-01-01T00:00:00+00:00"', id="utc"),
    pytest.param(datetime, datetime(2024, 1, 1), '"2024-01-01T00:00:00"', id="naive"),
    pytest.param(date, datetime(2024, 1, 1), faults("expected date, got datetime"), id="datetime-for-date"),
    pytest.param(timedelta, -timedelta(hours=30), '"-P1DT21600S"', id="negative-duration"),
    pytest.param(Decimal, Decimal("1E+2"), '"1E+2"', id="decimal"),
    pytest.param(Decimal, Decimal("NaN"), faults("expected a finite number"), id="decimal-nan"),
    pytest.param(bytes, b"hi", '"aGk="', id="bytes"),
    pytest.param(Any, {"a": UUID(int=1), "b": {1}}, '{"a":"00000000-0000-0000-0000-000000000001","b":[1]}', id="any"),
    pytest.param(Any, object(), faults("has a part without a form in JSON"), id="any-object"),
    pytest.param(dict[str, Any], {"a": float("inf")}, faults("has a part without a form in JSON"), id="any-infinity"),
    pytest.param(list[int], (1, 2), "[1,2]", id="tuple-for-list"),
    pytest.param(list[int], "ab", faults("expected array, got str"), id="str-for-list"),
    pytest.param(list[int], [1, "a"], faults("/1: expected int, got str"), id="wrong-item"),
    pytest.param(dict[int, str], {1: "a"}, '{"1":"a"}', id="int-keys"),
    pytest.param(dict[str, int], {1: 1}, faults("expected str, got int"), id="wrong-key"),
    pytest.param(Base, Derived("a"), '{"name":"a"}', id="subclass"),
    pytest.param(list[Base], [Derived("a"), Base("b")], '[{"name":"a"},{"name":"b"}]', id="subclass-in-list"),
    pytest.param(Base | None, Derived("a"), '{"name":"a"}', id="subclass-in-union"),
    pytest.param(Note, {"id": 1}, faults("expected Note, got object"), id="dict-for-class"),
    pytest.param(
        Note,
        Note("1", "a", [2]),
        faults("/id: expected int, got str", "/tags/0: expected str, got int"),
        id="wrong-fields",
    ),  # type: ignore[arg-type,list-item]
    pytest.param(Note, NOTE, '{"id":1,"title":"a","tags":["b"],"color":"red"}', id="note"),
    pytest.param(Note | int, Note("1", "a"), faults("/id: expected int, got str"), id="wrong-field-in-union"),  # type: ignore[arg-type]
    pytest.param(Note | None, 1, faults("expected Note | null, got int"), id="no-member"),
    pytest.param(Options, {"name": "a", "secret": 1}, '{"name":"a"}', id="typed-dict"),
    pytest.param(Options, {"size": 1}, faults("/name: missing"), id="typed-dict-missing"),
    pytest.param(Circle | Square, Square(1), '{"type":"square","sideLength":1}', id="tagged"),
    pytest.param(Square, Square(1, "a"), '{"type":"square","sideLength":1,"label":"a"}', id="renamed"),
    pytest.param(Sparse, Sparse("a"), '{"name":"a"}', id="omitted"),
    pytest.param(Sparse, Sparse("a", 2, ["b"]), '{"name":"a","size":2,"tags":["b"]}', id="not-omitted"),
    pytest.param(Point, Point(1, 2.5), "[1,2.5]", id="named-tuple"),
    pytest.param(Checked, Checked("abc"), '{"name":"abc","age":0,"code":"ab","kind":null}', id="checked"),
    pytest.param(Annotated[int, Ge(0)], -1, faults("must be at least 0"), id="constraint"),
    pytest.param(Annotated[int, Ge(0)], Decimal("NaN"), faults("expected int, got Decimal"), id="not-comparable"),
    pytest.param(Converted, Converted(" a "), '{"name":"a","size":3,"_hidden":4}', id="not-an-argument"),
    pytest.param(None, None, "null", id="none"),
    pytest.param(Color, Color.RED, '"red"', id="enum"),
    pytest.param(Color, "red", faults('must be one of "red", "blue"'), id="value-for-member"),
    pytest.param(int | date, date(2024, 1, 1), '"2024-01-01"', id="union"),
    pytest.param(Path, Path("a"), '"a"', id="path"),
)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("annotation", "value", "expected"), ENCODED)
def test_encode_json_writes_by_the_declared_type(
    engine: Any, annotation: object, value: object, expected: object
) -> None:
    found = outcome(compile_schema(annotation, engine=engine).encode_json, value)
    assert (found.decode() if isinstance(found, bytes) else found) == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_recursion_is_a_fault(engine: Any) -> None:
    schema = compile_schema(Tree, engine=engine)
    tree = Tree("a")
    tree.children.append(tree)
    assert outcome(schema.encode_json, tree) == ["nested too deeply"]
    value: dict[str, object] = {"name": "a"}
    for _ in range(100_000):
        value = {"name": "a", "children": [value]}
    assert outcome(schema.from_builtins, value) == ["nested too deeply"]


@pytest.mark.parametrize("engine", ENGINES)
def test_number_of_faults_is_limited(engine: Any) -> None:
    found = outcome(compile_schema(list[int], engine=engine).from_builtins, ["x"] * 1000)
    assert isinstance(found, list)
    assert len(found) == MAX_FAULTS


@pytest.mark.parametrize("engine", ENGINES)
def test_reasons_do_not_repeat_values(engine: Any) -> None:
    def check(value: str) -> None:
        raise ValueError(f"{value} is bad")

    for annotation, value in ((Tree, {"name": "x"}), (Note, {"id": "hunter2"}), (Color, "hunter2"), (date, "hunter2")):
        assert "hunter2" not in str(outcome(compile_schema(annotation, engine=engine).from_builtins, value))


class _Local:
    def __init__(self) -> None:
        self.value = 1


UNSUPPORTED: Final = (
    pytest.param(_Local, "_Local has no schema; use attrs, a dataclass, a TypedDict or a NamedTuple", id="class"),
    pytest.param(complex, "complex has no schema: JSON has no complex numbers", id="complex"),
    pytest.param(list[_Local], "_Local has no schema", id="item"),
    pytest.param(dict[bool, int], "keys of type bool have no form in JSON, where keys are strings", id="keys"),
    pytest.param(list[int] | list[str], "nothing distinguishes array of int from array of str", id="arrays"),
    pytest.param(
        Note | Tree | dict[str, int], "nothing distinguishes object of int from the other objects", id="mapping"
    ),
    pytest.param(
        Base | Derived,
        "nothing distinguishes Base and Derived: give each a field such as kind: Literal['base']",
        id="classes",
    ),
    pytest.param("Missing", "the name 'Missing' is not resolved", id="forward-reference"),
    pytest.param(Annotated[int, MaxLen(1)], "does not apply to int", id="constraint"),
    pytest.param(
        Annotated[str, SimpleNamespace(pattern="(")], "the pattern '(' is no regular expression", id="pattern"
    ),
    pytest.param(Annotated[int, MultipleOf(0)], "multiple_of=0 is not greater than 0", id="multiple-of"),
    pytest.param(Callable[[], int], "a function has no form in JSON", id="callable"),
    pytest.param(3, "3 is no type", id="value"),
    pytest.param([int], "is no type", id="list-of-types"),
)


@pytest.mark.parametrize(("annotation", "message"), UNSUPPORTED)
def test_unsupported_type_names_part_and_reason(annotation: object, message: str) -> None:
    with pytest.raises(UnsupportedType) as caught:
        compile_schema(annotation)
    assert message in str(caught.value)


def test_unresolved_name_in_a_class_is_unsupported() -> None:
    import attrs

    @attrs.define
    class Lost:
        part: Elsewhere  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(UnsupportedType, match="names 'Elsewhere', which is not a global name"):
        compile_schema(Lost)


def test_field_of_unsupported_type_is_named() -> None:
    import attrs

    @attrs.define
    class Holder:
        part: complex

    with pytest.raises(UnsupportedType, match="the field 'part' of Holder: complex has no schema"):
        compile_schema(Holder)


class _Unhashable:
    __hash__ = None  # type: ignore[assignment]
    ge = 1
    title = ""


@pytest.mark.parametrize("engine", ENGINES)
def test_objects_in_annotated_need_no_hash(engine: Any) -> None:
    number = Annotated[int, _Unhashable()]
    schema = compile_schema(list[Page[number]], engine=engine)  # type: ignore[valid-type]
    assert outcome(schema.decode_json, b'[{"items":[0]}]') == ["/0/items/0: must be at least 1"]
    assert "title" not in compile_schema(number).json_schema({}, mode="in")
    assert schema.json_schema({}, mode="in")


_ALIASES: Final = """
import dataclasses

type Names[T] = list[T] | None
type Nested = dict[str, Names[int]]

@dataclasses.dataclass
class Box[T]:
    item: T
    more: Names[T] = None

@dataclasses.dataclass
class Pair[T = int]:
    first: T
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is new in 3.12")
@pytest.mark.parametrize("engine", ENGINES)
def test_type_statements_and_parameters(engine: Any) -> None:
    source = _ALIASES if sys.version_info >= (3, 13) else _ALIASES.partition("@dataclasses.dataclass\nclass Pair")[0]
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(source, "aliases", "exec", dont_inherit=True), names)
    assert outcome(compile_schema(names["Nested"], engine=engine).decode_json, b'{"a":[1,"x"],"b":null}') == [
        "/a/1: expected int, got str"
    ]
    box = compile_schema(names["Box"][int], engine=engine)
    assert box.decode_json(b'{"item":1,"more":[2]}') == names["Box"](1, [2])
    assert outcome(box.decode_json, b'{"item":"a","more":["b"]}') == [
        "/item: expected int, got str",
        "/more/0: expected int, got str",
    ]
    if "Pair" in names:
        assert outcome(compile_schema(names["Pair"], engine=engine).decode_json, b'{"first":"a"}') == [
            "/first: expected int, got str"
        ]


def test_cattrs_does_the_work_where_msgspec_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compile_schema(Note).engine == "msgspec"
    monkeypatch.setitem(sys.modules, "msgspec", None)
    schema = compile_schema(Note)
    assert schema.engine == "cattrs"
    assert schema.encode_json(schema.decode_json(b'{"id":1,"title":"a"}')) == NOTE_JSON
    with pytest.raises(ImportError):
        compile_schema(Note, engine="msgspec")


@pytest.mark.parametrize("engine", ENGINES)
def test_decoded_dataclasses_have_their_defaults(engine: Any) -> None:
    derived = compile_schema(list[Derived], engine=engine)
    (value,) = derived.decode_json(b'[{"name":"a"}]')
    assert vars(value) == {"name": "a", "secret": "s"}
    assert derived.encode_json([value]) == b'[{"name":"a","secret":"s"}]'
    tree = compile_schema(Tree, engine=engine).decode_json(b'{"name":"a","children":[{"name":"b"}]}')
    assert vars(tree.children[0]) == {"name": "b", "children": [], "when": None}


def test_constraints_of_markers_are_read() -> None:
    class Marker:
        ge = 1
        pattern = None
        description = "a page"

    schema: Schema = compile_schema(int, constraints=[Marker()])
    assert outcome(schema.decode_json, b"0") == ["must be at least 1"]
    assert outcome(schema.from_text, "0") == ["must be at least 1"]
    assert schema.json_schema({}, mode="in") == {"type": "integer", "minimum": 1, "description": "a page"}
