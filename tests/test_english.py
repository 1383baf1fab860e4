"""Phrases that plain technical English does without may only become fewer.

``PHRASES`` has a regular expression for each, and the usual words. ``ALLOWED`` has the number of places that are left
in the docstrings, comments and messages of ``core``, ``plugins`` and ``contrib``, in the docstrings and comments of
``tests``, and in the documentation.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import attrs
import pytest

_ROOT: Final = Path(__file__).parents[1]
_VERBS: Final = "is|are|was|were|came|comes|has|have|had|asks?|they|it|holds?|stands?|goes|does|brings?"


@attrs.frozen
class Phrase:
    """A phrase to avoid.

    Attributes:
        pattern: a regular expression, without regard to case.
        instead: what to write.
        only_first_lines: whether it counts in the first lines of docstrings only.
    """

    pattern: str
    instead: str
    only_first_lines: bool = False


PHRASES: Final = {
    "free relative": Phrase(rf"\b(?:what|whoever|whatever) (?:{_VERBS})\b", "the noun: the input, the caller"),
    "told": Phrase(r"\b(?:told|tells? of)\b", "report, log, notify, include"),
    "those of": Phrase(r"\b(?:those|that) (?:of|who)\b", "the noun again, or a possessive"),
    "nobody": Phrase(r"\b(?:nobody|somebody|anybody)\b", "the actor, or the passive"),
    "but for": Phrase(r"\b(?:but for|anew|mends?)\b", "except, again, fix"),
    "alone": Phrase(r"\balone\b", "only"),
    "as long as": Phrase(r"(?<!twice )\bas long as\b", "while"),
    "of its own": Phrase(r"\bof (?:its|their|one's) own\b", "its own, separate"),
    "too": Phrase(r", too(?=[.;,:)]|$)", "nothing: drop it"),
    "held to": Phrase(r"\b(?:held|holds?) to\b", "check against"),
    "brings": Phrase(r"\b(?:brings?|brought)\b", "provide, add"),
    "octets": Phrase(r"(?<!-)\boctets?\b(?!-)", "bytes, except in quoted grammar"),
    "first line": Phrase(r"\A(?:say|hold|let|keep|tell)s?\b", "return, format, validate", only_first_lines=True),
}

ALLOWED: Final[Mapping[str, Mapping[str, int]]] = {
    "code": {},
    "tests": {},
    "docs": {},
}


@attrs.frozen
class Text:
    """A piece of prose, and where it is."""

    file: str
    line: int
    text: str
    is_docstring: bool = False
    is_comment: bool = False


def texts_of_module(path: Path) -> Iterator[Text]:
    """Yield the docstrings, the comments, and the strings with several words of a module."""
    name, source = path.relative_to(_ROOT).as_posix(), path.read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node) for node in map(docstring_of, nodes) if node is not None}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Text(name, node.lineno, node.value, is_docstring=id(node) in docstrings)
    for number, comment in comments(source, nodes):
        yield Text(name, number, comment, is_comment=True)


def comments(source: str, nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield the number of the line and the text of each comment; the tokenizer, which is slow, reads few modules."""
    lines = source.encode().split(b"\n")
    marked = {number for number, line in enumerate(lines, 1) if b"#" in line}
    strings: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
            last = node.end_lineno or node.lineno
            if node.lineno < last and any(number in marked for number in range(node.lineno, last + 1)):
                yield from comments_of_tokens(source)  # between the lines of a string there may be comments
                return
            strings[node.lineno].append((node.col_offset, node.end_col_offset or 0))
    for number in sorted(marked):
        line = lines[number - 1]
        for match in re.finditer(b"#", line):
            if not any(start <= match.start() < end for start, end in strings[number]):
                yield number, line[match.start() :].decode()
                break


def comments_of_tokens(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def docstring_of(node: ast.AST) -> ast.Constant | None:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
        return None
    first = node.body[0]
    is_string = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return first.value if is_string and isinstance(first.value.value, str) else None


def texts_of_page(path: Path) -> Iterator[Text]:
    """Yield the lines of a page outside of blocks of code, without code in backticks."""
    name, is_code = path.relative_to(_ROOT).as_posix(), False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield Text(name, number, re.sub(r"`[^`]*`", "``", line))


@cache
def texts(area: str) -> tuple[Text, ...]:
    if area == "code":
        modules = [path for folder in ("core", "plugins", "contrib") for path in sorted((_ROOT / folder).rglob("*.py"))]
        return tuple(text for path in modules for text in texts_of_module(path))
    if area == "tests":
        modules = sorted((_ROOT / "tests").rglob("*.py"))
        found = (text for path in modules for text in texts_of_module(path))
        return tuple(text for text in found if text.is_docstring or text.is_comment)
    pages = [*sorted(_ROOT.glob("*.md")), *sorted((_ROOT / "docs").rglob("*.md"))]
    return tuple(text for path in pages for text in texts_of_page(path))


def places(area: str, phrase: Phrase) -> list[str]:
    """Return ``file:line: line`` of each place with a phrase."""
    found = []
    for text in texts(area):
        if phrase.only_first_lines and not text.is_docstring:
            continue
        for match in re.finditer(phrase.pattern, text.text, re.IGNORECASE):
            line = text.text.count("\n", 0, match.start())
            found.append(f"{text.file}:{text.line + line}: {text.text.splitlines()[line].strip()}")
    return found


@pytest.mark.parametrize("name", PHRASES)
@pytest.mark.parametrize("area", ALLOWED)
def test_phrase_becomes_no_more_frequent(area: str, name: str) -> None:
    found, allowed = places(area, PHRASES[name]), ALLOWED[area].get(name, 0)
    shown = "\n".join(found)
    assert len(found) <= allowed, f"write {PHRASES[name].instead} in at least {len(found) - allowed} of:\n{shown}"
    assert len(found) == allowed, f'the line of ALLOWED["{area}"] is now: "{name}": {len(found)},'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("free relative", "Return what is left", id="what-is"),
        pytest.param("told", "the client is told", id="told"),
        pytest.param("those of", "like those of plugins", id="those-of"),
        pytest.param("but for", "all but for one", id="but-for"),
        pytest.param("octets", "of 3 octets", id="octets"),
        pytest.param("first line", "Say what happens.", id="say"),
    ],
)
def test_phrase_is_found(name: str, text: str) -> None:
    assert re.search(PHRASES[name].pattern, text, re.IGNORECASE)
