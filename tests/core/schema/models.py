"""Classes of every kind for the tests of ``turnbuckle.schema``, with annotations that are strings."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, Required, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
from annotated_types import Ge, Len, MinLen, MultipleOf, Predicate

T = TypeVar("T")
UserId = NewType("UserId", int)


class Color(enum.Enum):
    """A color."""

    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Odd(enum.Enum):
    HALF = 0.5
    YES = True


@attrs.frozen
class Note:
    """A note.

    The rest of its documentation.
    """

    id: int
    title: str
    tags: list[str] = attrs.field(factory=list)
    color: Color | None = None


@attrs.define
class Checked:
    name: str = attrs.field(validator=[attrs.validators.min_len(2), attrs.validators.max_len(5)])
    age: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    code: str = attrs.field(default="ab", validator=attrs.validators.matches_re("[a-z]+"))
    kind: str | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.in_(["x", "y"])))

    @age.validator
    def _not_seven(self, _attribute: object, value: int) -> None:
        if value == 7:
            raise ValueError("seven is not allowed")

    def __attrs_post_init__(self) -> None:
        if self.name == "adm" and self.age < 18:
            raise ValueError("too young for that")


@attrs.define
class Converted:
    name: str = attrs.field(converter=str.strip)
    size: int = attrs.field(init=False, default=3)
    _hidden: int = 4


@dataclasses.dataclass
class Tree:
    name: str
    children: list[Tree] = dataclasses.field(default_factory=list)
    when: datetime | None = None

    def __post_init__(self) -> None:
        if self.name == "x":
            raise ValueError("not this one")


@dataclasses.dataclass
class Base:
    name: str


@dataclasses.dataclass
class Derived(Base):
    secret: str = "s"


@dataclasses.dataclass
class Page(Generic[T]):
    items: list[T]
    total: Annotated[int, Ge(0)] = 0


class NotePage(Page[Note]):
    pass


@dataclasses.dataclass
class OwnInit:
    name: str

    def __init__(self, name: str) -> None:
        self.name = name + "!"


class Point(NamedTuple):
    x: int
    y: float = 0.0


class Options(TypedDict, total=False):
    name: Required[str]
    size: int


class Partial(TypedDict):
    name: str
    size: NotRequired[int]


class Circle(msgspec.Struct, tag="circle", rename="camel", forbid_unknown_fields=True):
    the_radius: float


class Square(msgspec.Struct, tag="square", rename="camel"):
    side_length: int
    label: str | msgspec.UnsetType = msgspec.UNSET


class Sparse(msgspec.Struct, omit_defaults=True):
    name: str
    size: int = 1
    tags: list[str] = msgspec.field(default_factory=list)


@attrs.define
class Cat:
    kind: Literal["cat"]
    lives: int


@attrs.define
class Dog:
    kind: Literal["dog"]
    name: str


@attrs.define
class Car:
    wheels: int


@attrs.define
class Boat:
    sails: int


@attrs.define
class Strict:
    __forbid_unknown_fields__ = True
    name: str


@attrs.define
class Bounded:
    size: Annotated[int, Ge(1)]
    names: Annotated[list[Annotated[str, MinLen(2)]], Len(0, 2)] = attrs.field(factory=list)
    step: Annotated[float, MultipleOf(0.1)] = 0.3
    word: Annotated[str, Predicate(str.islower)] = "a"


@attrs.define
class Everything:
    text: str
    number: int
    ratio: float
    flag: bool
    nothing: None
    data: bytes
    day: date
    moment: datetime
    clock: time
    length: timedelta
    id: UUID
    price: Decimal
    path: Path
    color: Color
    level: Level
    word: Literal["a", 1, None]
    numbers: list[int]
    unique: set[int]
    frozen: frozenset[str]
    pair: tuple[int, str]
    many: tuple[float, ...]
    sequence: Sequence[bool]
    by_name: dict[str, int]
    by_number: Mapping[int, Point]
    maybe: int | str | None
    point: Point
    user: UserId
    anything: Any
